//! What is to be true: from the properties of a resource to the statements that are wanted, without any I/O.

pub mod arn;
pub mod goal;
pub mod grant;
pub mod home;
pub mod intent;
pub mod principal;
pub mod principals;
pub mod properties;
pub(crate) mod reading;
pub mod role;
pub mod scope;
pub mod statement;
