//! Making it true: what a policy holds, how it differs from what is wanted, and the calls that settle the difference.

mod call;
pub mod course;
pub mod document;
pub mod doors;
pub mod failure;
mod interference;
mod lambda;
pub mod look;
mod pace;
pub mod plan;
pub mod reconcile;
mod retry;
pub mod settle;
pub mod undo_log;
mod versions;
