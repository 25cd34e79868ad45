//! The story: the real executable, from the event it receives to its calls to Lambda and its answer to CloudFormation.
//! Knows nothing of the code inside: everything is said and heard over HTTP, its environment and its log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as expected; the fakes are part of the tests"
)]

// The provider among the fakes of AWS.
mod cloudformation;
mod stage;

// The tests, by theme.
mod addresses;
mod answer;
mod broken_answers;
mod concurrency;
mod connections;
mod create;
mod credentials;
mod crowds;
mod delete;
mod faults;
mod foreign_ids;
mod guardrails;
mod late;
mod lifecycle;
mod lists;
mod log;
mod overtaken;
mod partitions;
mod raw_events;
mod reasons;
mod response_hosts;
mod roles;
mod roles_refused;
mod start;
mod statement_ids;
mod trust;
mod unreadable_responses;
mod update;
mod versions;
mod versions_in_time;
mod versions_refused;
