//! The calls for the policies of layer versions.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::add_layer_version_permission::AddLayerVersionPermissionError;
use aws_sdk_lambda::operation::get_layer_version_policy::GetLayerVersionPolicyError;
use aws_sdk_lambda::operation::list_layer_versions::{
    ListLayerVersionsError, ListLayerVersionsOutput,
};
use aws_sdk_lambda::operation::remove_layer_version_permission::RemoveLayerVersionPermissionError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::policy_call::{OnlyNoContent, in_region_of};
use crate::policy::arn::{LayerArn, LayerVersionArn};
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;

pub(super) const ADD: &str = "lambda:AddLayerVersionPermission";
pub(super) const GET: &str = "lambda:GetLayerVersionPolicy";
pub(super) const LIST: &str = "lambda:ListLayerVersions";
pub(super) const REMOVE: &str = "lambda:RemoveLayerVersionPermission";

/// The IAM actions that the calls need.
pub const ACTIONS: [&str; 4] = [GET, ADD, REMOVE, LIST];

/// The most layer versions that Lambda lists at once.
const PAGE_SIZE: i32 = 50;

/// Some versions of `layer`, which the call names `name`, from `marker` on.
pub(super) async fn list(
    client: &Client,
    layer: &LayerArn,
    name: String,
    marker: Option<String>,
) -> Result<ListLayerVersionsOutput, SdkError<ListLayerVersionsError, HttpResponse>> {
    let call = client.list_layer_versions();
    let call = call
        .layer_name(name)
        .set_marker(marker)
        .max_items(PAGE_SIZE);
    let call = in_region_of(call.customize(), client, layer.location());
    call.send().await
}

/// The document and the revision of the policy of `version`, whose layer the call names `name`.
pub(super) async fn get(
    client: &Client,
    version: &LayerVersionArn,
    name: String,
) -> Result<(Option<String>, Option<String>), SdkError<GetLayerVersionPolicyError, HttpResponse>> {
    let call = client.get_layer_version_policy();
    let call = call.layer_name(name).version_number(number(version));
    let call = in_region_of(call.customize(), client, version.layer().location());
    let policy = call.send().await?;
    Ok((policy.policy, policy.revision_id))
}

/// Adds `statement` if the policy has `revision`; the statement as JSON, and the revision of the policy then.
pub(super) async fn add(
    client: &Client,
    version: &LayerVersionArn,
    name: String,
    statement: &Statement,
    revision: Option<String>,
) -> Result<(Option<String>, Option<String>), SdkError<AddLayerVersionPermissionError, HttpResponse>>
{
    let (principal, organization) = statement.principal.parameters();
    let call = client.add_layer_version_permission();
    let call = call
        .layer_name(name)
        .version_number(number(version))
        .statement_id(statement.sid.to_string())
        .action(statement.action.as_ref())
        .principal(principal)
        .set_organization_id(organization.map(ToString::to_string))
        .set_revision_id(revision);
    let call = in_region_of(call.customize(), client, version.layer().location());
    let added = call.send().await?;
    Ok((added.statement, added.revision_id))
}

/// Removes the statement `sid` if the policy has `revision`.
pub(super) async fn remove(
    client: &Client,
    version: &LayerVersionArn,
    name: String,
    sid: &StatementId,
    revision: Option<String>,
) -> Result<(), SdkError<RemoveLayerVersionPermissionError, HttpResponse>> {
    let call = client.remove_layer_version_permission();
    let call = call
        .layer_name(name)
        .version_number(number(version))
        .statement_id(sid.to_string())
        .set_revision_id(revision);
    let call = in_region_of(call.customize(), client, version.layer().location());
    call.interceptor(OnlyNoContent).send().await.map(drop)
}

/// Lambda's type for a version is signed; the ARN's parser has made sure that it fits.
fn number(version: &LayerVersionArn) -> i64 {
    i64::try_from(version.version()).unwrap_or(i64::MAX)
}
