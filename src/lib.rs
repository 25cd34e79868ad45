//! A CloudFormation custom resource provider that shares Lambda layers and functions with accounts, organizations, services or
//! everybody.
//!
//! [`handler`] handles one request: parse → authorize → reconcile → respond. Pure code decides, async code acts:
//!
//! | module | what it does | I/O |
//! | --- | --- | --- |
//! | [`cloudformation`] | parses requests, builds and sends responses | sends the response |
//! | [`policy`] | statements, policies, and the plan from one to the other | none |
//! | [`resources`] | turns the properties of a resource type into an operation | none |
//! | [`guardrails`] | denies statements that the operator does not allow | none |
//! | [`reconcile`] | reads, plans and writes until the policies are as desired; retries, rolls back | through `aws` |
//! | [`aws`] | the APIs of Lambda, STS, CloudFormation and Organizations | calls them |
//! | [`inventory`] | what an account has, all pages of it | through `aws` |
//! | [`refresh`] | follows the accounts of organizational units | through `aws` |
//! | [`audit`] | says whose each statement of all policies is | through `aws` |
//! | [`config`], [`deadline`], [`telemetry`] | environment variables; time limits; log and metrics | log |
//! | [`reasons`] | what the reasons of failed requests begin with | none |
//! | [`http`], [`tls`], [`backoff`] | the HTTP client | requests |
//!
//! A desired state and a policy make a plan:
//!
//! ```
//! use lambda_permission_provider::policy::desired::DesiredState;
//! use lambda_permission_provider::policy::document::PolicyDocument;
//! use lambda_permission_provider::policy::denied::Denied;
//! use lambda_permission_provider::policy::plan::plan;
//! use lambda_permission_provider::policy::statement::Statement;
//!
//! let target = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1".parse()?;
//! let statement = Statement::layer_version("engineering-org".parse()?, "o-abc1234567".parse()?);
//! let desired = DesiredState { statements: vec![statement], ..DesiredState::default() };
//! let plan = plan(&desired, &PolicyDocument::empty(target), &Denied::new())?;
//! assert_eq!(plan.to_string(), "add `engineering-org` for `o-abc1234567`");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod audit;
pub mod aws;
pub mod backoff;
pub mod cloudformation;
pub mod config;
pub mod deadline;
pub mod guardrails;
pub mod handler;
pub mod http;
pub mod inventory;
pub mod partition;
pub mod policy;
pub mod reasons;
pub mod reconcile;
pub mod refresh;
pub mod resources;
mod respond;
pub mod telemetry;
mod text;
pub mod tls;
