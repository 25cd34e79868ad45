//! The calls for the policies of functions.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::add_permission::AddPermissionError;
use aws_sdk_lambda::operation::get_policy::GetPolicyError;
use aws_sdk_lambda::operation::remove_permission::RemovePermissionError;
use aws_sdk_lambda::types::FunctionUrlAuthType as ApiAuthType;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::policy_call::{OnlyNoContent, in_region_of};
use crate::policy::conditions::FunctionUrlAuthType;
use crate::policy::function_arn::FunctionArn;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;

pub(super) const ADD: &str = "lambda:AddPermission";
pub(super) const GET: &str = "lambda:GetPolicy";
pub(super) const REMOVE: &str = "lambda:RemovePermission";

/// The IAM actions that the calls need.
pub const ACTIONS: [&str; 3] = [GET, ADD, REMOVE];

/// The document and the revision of the policy of `function`, which the call names `name`.
pub(super) async fn get(
    client: &Client,
    function: &FunctionArn,
    name: String,
) -> Result<(Option<String>, Option<String>), SdkError<GetPolicyError, HttpResponse>> {
    let call = client.get_policy();
    let call = call.function_name(name).set_qualifier(qualifier(function));
    let call = in_region_of(call.customize(), client, function.location());
    let policy = call.send().await?;
    Ok((policy.policy, policy.revision_id))
}

/// Adds `statement` if the policy has `revision`; the statement as JSON. Lambda does not return the revision of the policy then.
pub(super) async fn add(
    client: &Client,
    function: &FunctionArn,
    name: String,
    statement: &Statement,
    revision: Option<String>,
) -> Result<(Option<String>, Option<String>), SdkError<AddPermissionError, HttpResponse>> {
    let conditions = &statement.conditions;
    let (principal, organization) = statement.principal.parameters();
    let organization = organization.or(conditions.organization.as_ref());
    let auth_type = conditions.function_url_auth_type.map(|kind| match kind {
        FunctionUrlAuthType::AwsIam => ApiAuthType::AwsIam,
        FunctionUrlAuthType::None => ApiAuthType::None,
    });
    let source_account = conditions.source_account.as_ref();
    let call = client.add_permission();
    let call = call
        .function_name(name)
        .set_qualifier(qualifier(function))
        .statement_id(statement.sid.to_string())
        .action(statement.action.as_ref())
        .principal(principal)
        .set_principal_org_id(organization.map(ToString::to_string))
        .set_source_arn(conditions.source_arn.clone())
        .set_source_account(source_account.map(ToString::to_string))
        .set_event_source_token(conditions.event_source_token.clone())
        .set_function_url_auth_type(auth_type)
        .set_invoked_via_function_url(conditions.invoked_via_function_url.then_some(true))
        .set_revision_id(revision);
    let call = in_region_of(call.customize(), client, function.location());
    let added = call.send().await?;
    Ok((added.statement, None))
}

/// Removes the statement `sid` if the policy has `revision`.
pub(super) async fn remove(
    client: &Client,
    function: &FunctionArn,
    name: String,
    sid: &StatementId,
    revision: Option<String>,
) -> Result<(), SdkError<RemovePermissionError, HttpResponse>> {
    let call = client.remove_permission();
    let call = call
        .function_name(name)
        .set_qualifier(qualifier(function))
        .statement_id(sid.to_string())
        .set_revision_id(revision);
    let call = in_region_of(call.customize(), client, function.location());
    call.interceptor(OnlyNoContent).send().await.map(drop)
}

fn qualifier(function: &FunctionArn) -> Option<String> {
    function.qualifier().map(ToString::to_string)
}
