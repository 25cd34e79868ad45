//! Resource types: a request of CloudFormation becomes an operation, without any I/O.
//! Only the folder of a resource type knows its properties.

mod account;
pub mod derived_id;
pub mod function_permission;
pub mod layer_version_permission;
pub mod lifecycle;
pub mod location;
pub mod operation;
pub mod physical_id;
pub mod principals;
pub mod property_reader;
pub mod resource;
mod role;
pub mod statement_id;
