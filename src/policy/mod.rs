//! Resource-based policies: the statements that a resource of a stack desires, those that a policy contains, and the difference.
//! Pure: no I/O, and nothing of CloudFormation.

pub mod arn;
pub mod conditions;
pub mod denied;
pub mod desired;
pub mod document;
pub mod function_arn;
pub mod organization;
pub mod plan;
pub mod principal;
pub mod role;
pub mod size;
pub mod statement;
pub mod statement_id;
pub mod statement_list;
pub mod target;
pub mod unit_grant;
pub mod url_statement;
pub mod version_range;
