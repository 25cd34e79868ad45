//! The custom resource protocol of CloudFormation: requests are parsed, responses are built within its limits and sent.
//! Knows no service of AWS.

pub mod event;
mod lenient_json;
pub mod request;
pub mod response;
pub mod response_hosts;
pub mod response_url;
pub mod send;
