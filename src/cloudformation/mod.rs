//! What CloudFormation says and hears: a request that comes in, an answer that goes out.

pub mod event;
pub mod physical_id;
pub mod reply;
pub mod request;
pub mod response;
pub mod response_host;
pub mod response_url;
