//! CloudFormation's API, as far as it says which resources stacks have. Reads only, and neither retries nor follows pages.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::Builder;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::{StackResource, StackResourceSummary, StackStatus};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::time::Instant;

use super::call::{attempt_timeout, classify, log_call, no_retries};
use super::error::{ApiCall, ApiError, ErrorKind};
use super::stacks::kind_of;

/// The IAM action that lists the stacks which import an export.
pub const LIST_IMPORTS: &str = "cloudformation:ListImports";
const LIST_STACKS: &str = "cloudformation:ListStacks";
/// The IAM action that lists the resources of a stack.
pub const LIST_RESOURCES: &str = "cloudformation:ListStackResources";
const DESCRIBE_RESOURCES: &str = "cloudformation:DescribeStackResources";

/// The IAM actions that the calls need.
pub const ACTIONS: [&str; 3] = [LIST_STACKS, LIST_RESOURCES, DESCRIBE_RESOURCES];

/// A resource as the list of its stack contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedResource {
    /// The ARN of the stack.
    pub stack_id: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Such as `Custom::LayerVersionPermission`.
    pub resource_type: String,
    /// What `Ref` returns.
    pub physical_id: String,
    /// CloudFormation's `ResourceStatus`, such as `CREATE_COMPLETE`.
    pub status: String,
}

/// Some of a list, and where the next ones begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage<T> {
    /// Some of the list.
    pub items: Vec<T>,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

/// CloudFormation's API in one region.
#[derive(Clone, Debug)]
pub struct StackApi {
    client: Client,
}

impl StackApi {
    /// The API in the region and with the credentials of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let config = Builder::from(config)
            .retry_config(no_retries())
            .timeout_config(attempt_timeout());
        Self {
            client: Client::from_conf(config.build()),
        }
    }

    /// The ARNs of the stacks that are not deleted, from `token` on.
    ///
    /// # Errors
    /// If CloudFormation did not list them.
    pub async fn stacks(&self, token: Option<String>) -> Result<ListPage<String>, ApiError> {
        let call = self.client.list_stacks();
        let living = StackStatus::values()
            .iter()
            .map(|name| StackStatus::from(*name));
        let living = living.filter(|status| *status != StackStatus::DeleteComplete);
        let call = call
            .set_stack_status_filter(Some(living.collect()))
            .set_next_token(token);
        let page = self.call(LIST_STACKS, &"all stacks", call.send()).await?;
        let stacks = page.stack_summaries.unwrap_or_default().into_iter();
        Ok(ListPage {
            items: stacks.filter_map(|stack| stack.stack_id).collect(),
            next: page.next_token.filter(|token| !token.is_empty()),
        })
    }

    /// The names of the stacks that import `export`, from `token` on. Where none does, there need not even be such an export.
    ///
    /// # Errors
    /// If CloudFormation did not list them.
    pub(crate) async fn importing(
        &self,
        export: &str,
        token: Option<String>,
    ) -> Result<ListPage<String>, ApiError> {
        let call = self.client.list_imports();
        let call = call.export_name(export).set_next_token(token);
        match self.call(LIST_IMPORTS, &export, call.send()).await {
            Ok(page) => Ok(ListPage {
                items: page.imports.unwrap_or_default(),
                next: page.next_token.filter(|token| !token.is_empty()),
            }),
            Err(error) if is_not_imported(&error) => Ok(ListPage {
                items: Vec::new(),
                next: None,
            }),
            Err(error) => Err(error),
        }
    }

    /// The resources of a stack, from `token` on. A stack that does not exist has none; one that was deleted has them for 90 days.
    ///
    /// # Errors
    /// If CloudFormation did not list them.
    pub async fn resources(
        &self,
        stack_id: &str,
        token: Option<String>,
    ) -> Result<ListPage<ListedResource>, ApiError> {
        let call = self.client.list_stack_resources();
        let call = call.stack_name(stack_id).set_next_token(token);
        match self.call(LIST_RESOURCES, &stack_id, call.send()).await {
            Ok(page) => {
                let resources = page.stack_resource_summaries.unwrap_or_default();
                let listed = |summary| of_summary(stack_id, summary);
                Ok(ListPage {
                    items: resources.into_iter().map(listed).collect(),
                    next: page.next_token.filter(|token| !token.is_empty()),
                })
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(ListPage {
                items: Vec::new(),
                next: None,
            }),
            Err(error) => Err(error),
        }
    }

    /// The resources of the stack that has, or had, a resource of this physical id: the first hundred of them, and none if there is
    /// no such stack.
    ///
    /// # Errors
    /// If CloudFormation did not say.
    pub async fn resources_beside(
        &self,
        physical_id: &str,
    ) -> Result<Vec<ListedResource>, ApiError> {
        let call = self.client.describe_stack_resources();
        let call = call.physical_resource_id(physical_id);
        match self
            .call(DESCRIBE_RESOURCES, &physical_id, call.send())
            .await
        {
            Ok(described) => {
                let resources = described.stack_resources.unwrap_or_default();
                Ok(resources.into_iter().map(of_resource).collect())
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn call<T, E>(
        &self,
        action: &'static str,
        resource: &dyn fmt::Display,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, ApiError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let described = ApiCall {
            action,
            resource,
            resource_type: "stack",
            role: None,
        };
        let started = Instant::now();
        let outcome = call.await.map_err(|error| {
            let (kind, code, message) = classify(&error);
            ApiError::new(kind_of(kind, &code, &message), &described, &code, &message)
        });
        log_call(action, resource, outcome.as_ref().err(), started);
        outcome
    }
}

/// There is no code of its own for an export that no stack imports.
fn is_not_imported(error: &ApiError) -> bool {
    error.code() == "ValidationError" && error.message().contains("is not imported")
}

fn of_summary(stack_id: &str, summary: StackResourceSummary) -> ListedResource {
    let status = summary.resource_status.as_ref();
    ListedResource {
        stack_id: stack_id.to_owned(),
        status: status.map_or_else(String::new, |status| status.as_str().to_owned()),
        logical_id: summary.logical_resource_id.unwrap_or_default(),
        resource_type: summary.resource_type.unwrap_or_default(),
        physical_id: summary.physical_resource_id.unwrap_or_default(),
    }
}

fn of_resource(resource: StackResource) -> ListedResource {
    let status = resource.resource_status.as_ref();
    ListedResource {
        status: status.map_or_else(String::new, |status| status.as_str().to_owned()),
        stack_id: resource.stack_id.unwrap_or_default(),
        logical_id: resource.logical_resource_id.unwrap_or_default(),
        resource_type: resource.resource_type.unwrap_or_default(),
        physical_id: resource.physical_resource_id.unwrap_or_default(),
    }
}
