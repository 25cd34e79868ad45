//! The papers say what the code does: README, template and Makefile are compared with it, word by word.
//! Runs nothing of what they describe.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

mod reading;

// The tests, by paper.
mod readme;
mod repository;
mod supply;
mod template;
