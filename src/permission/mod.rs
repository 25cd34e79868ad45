//! What is to be true: from the properties of a resource to the statements that are wanted, without any I/O.

pub mod arn;
pub mod grant;
pub mod intent;
pub mod principal;
pub mod properties;
pub mod statement;
