//! The AWS APIs that the provider talks to, on loopback ports, for its tests and benchmarks: Lambda's Runtime API, Lambda's API
//! for the policies of layer versions and functions, STS, CloudFormation's API, Organizations, and the bucket behind CloudFormation's presigned response URLs.
//!
//! Each fake follows the service's documented rules, and where they were recorded from the real service, its very words
//! (`recorded.json`, `recorded_functions.json`). Tests inject faults, count calls and read state; a request that the real service would not understand
//! panics, so that the test fails where it went wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test stops at the first thing that is not as expected; the fakes are part of the tests"
)]

// AWS's APIs.
pub mod cloudformation_api;
pub mod lambda_api;
pub mod organizations_api;
mod query_response;
pub mod response_bucket;
mod response_rules;
pub mod runtime_api;
pub mod sts_api;

// What Lambda's API consists of.
pub mod api_call;
pub mod api_fault;
pub mod function_api;
pub mod function_policies;
mod inventory_api;
pub mod lambda_responses;
pub mod layer_api;
pub mod layer_policies;
pub mod policies;
pub mod policy_api;
pub mod rate_limit;
pub mod recorded_responses;
pub mod statements;
pub mod unconditional_writes;

// The network between the function and the APIs.
pub mod certificates;
pub mod delays;
pub mod http_server;
pub mod https_proxy;
pub mod tls_terminator;

// The function, and what it receives.
pub mod events;
pub mod function_process;
