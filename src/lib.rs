//! A CloudFormation custom resource that shares Lambda layers with accounts, organizations or everybody.
//!
//! One event goes through these rooms, in this order:
//!
//! 1. [`handler`] tells the whole story, and [`guard`] and [`deadline`] see to it that it ends with an answer;
//! 2. [`cloudformation`] reads the request;
//! 3. [`permission`] decides, without any I/O, which statements are to be there and which are not;
//! 4. [`settings`] hold what the operator does not allow;
//! 5. [`policy`] reads the policy, plans the difference and applies it where [`aws`] says, and takes back what failed: `pursuit` says when;
//! 6. [`cloudformation`] again writes the answer and delivers it, through [`http`] to whom [`trust`] lets it. Both wait by [`backoff`] before they try again.
//!
//! What is wanted and what is there meet in a plan:
//!
//! ```
//! use lambda_permission_provider::permission::goal::Goal;
//! use lambda_permission_provider::permission::statement::Statement;
//! use lambda_permission_provider::policy::document::Policy;
//! use lambda_permission_provider::policy::plan::plan;
//!
//! let layer_version = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1".parse()?;
//! let statement = Statement {
//!     sid: "engineering-org".parse()?,
//!     principal: lambda_permission_provider::permission::principal::Principal::Organization(
//!         "o-abc1234567".parse()?,
//!     ),
//! };
//! let goal = Goal { wanted: vec![statement], ..Goal::default() };
//! let plan = plan(&goal, &Policy::none(layer_version))?;
//! assert_eq!(plan.to_string(), "add `engineering-org` for `o-abc1234567`");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod aws;
pub mod backoff;
pub mod cloudformation;
mod cut;
pub mod deadline;
pub mod guard;
pub mod handler;
pub mod http;
mod metrics;
pub mod partition;
pub mod permission;
pub mod policy;
mod pursuit;
pub mod settings;
pub mod telemetry;
mod text;
pub mod trust;
