//! The APIs of Lambda, STS, CloudFormation and Organizations: everything that names the SDK. Calls are made once; whether to retry is decided elsewhere.

mod call;
pub mod clients;
pub mod config;
pub mod error;
pub mod function_policy;
pub mod lambda;
pub mod lambda_listing;
pub mod layer_version_policy;
pub(crate) mod organizations;
mod policy_call;
pub(crate) mod rate_limiter;
mod session_policy;
pub mod stack_listing;
pub mod stack_resource;
pub mod stacks;
