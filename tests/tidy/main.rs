//! The documents say what the code does, and the sources keep the rules of the project: README, guide, template, examples and Makefile are
//! compared with what the code exports. Runs nothing of what they describe.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

mod document;
mod sources;

// The tests, by subject.
mod architecture;
mod audit;
mod contributing;
mod examples;
mod lint;
mod make_targets;
mod pages;
mod supply_chain;
mod template;
mod vocabulary;
