//! A CloudFormation custom resource that shares Lambda layers.
//!
//! The modules, in the order of the story of one event:
pub mod cloudformation;
pub mod deadline;
pub mod handler;
pub mod http;
pub mod permission;
pub mod policy;
