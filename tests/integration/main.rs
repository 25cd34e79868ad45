//! Integration tests: the real executable among the fakes of AWS, from the event to its calls and its response. They know nothing of
//! the code inside: they see HTTP, environment variables and the log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as expected"
)]

// The test environment.
mod cloudformation;
mod test_env;

// The tests, by topic.
mod all_versions;
mod all_versions_rollback;
mod all_versions_timeout;
mod assume_role;
mod assume_role_denied;
mod audit;
mod concurrent_writers;
mod connections;
mod create;
mod credentials;
mod delete;
mod expired_requests;
mod foreign_physical_ids;
mod function_failures;
mod function_guardrails;
mod function_permission;
mod guardrails;
mod lambda_failures;
mod late_grants;
mod layer_arns;
mod lifecycle;
mod load;
mod log_lines;
mod malformed_lambda_responses;
mod out_of_order_events;
mod partitions;
mod principal_lists;
mod raw_events;
mod reasons;
mod refresh;
mod response_delivery;
mod response_hosts;
mod response_limits;
mod responses;
mod startup;
mod statement_ids;
mod tls;
mod undelivered_responses;
mod units;
mod update;
mod version_ranges;
