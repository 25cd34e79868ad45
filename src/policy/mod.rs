//! Making it true: what a policy holds, how it differs from what is wanted, and the calls that settle the difference.

pub mod document;
pub mod failure;
pub mod journal;
pub mod lambda;
pub mod plan;
pub mod reconcile;
