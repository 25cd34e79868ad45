//! CloudFormation's `DescribeStackResource`: the resources of stacks, and the state of each.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html>

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::api_call::ApiCall;
use crate::lambda_responses::ApiResponse;
use crate::policies::ApiError;
use crate::query_response;

/// The namespace of the responses.
const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// The most resources that `DescribeStackResources` returns.
const DESCRIBED: usize = 100;

/// The status of a resource whose stack does not exist.
pub const MISSING: &str = "";

/// A resource of a stack.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its status.
    pub status: String,
    /// Its physical id, where one is known.
    pub physical_id: Option<String>,
    /// Since when it has the status.
    pub since: SystemTime,
}

#[derive(Debug)]
struct Known {
    resource: Resource,
    is_pinned: bool,
}

impl Resource {
    /// A resource that has this status from now on.
    #[must_use]
    pub fn new(status: &str, physical_id: Option<&str>) -> Self {
        Self {
            status: status.to_owned(),
            physical_id: physical_id.map(str::to_owned),
            since: SystemTime::now(),
        }
    }
}

/// The stacks, each with its resources by logical id. A stack that was deleted has them still.
#[derive(Debug, Default)]
pub struct Stacks(BTreeMap<String, BTreeMap<String, Known>>);

impl Stacks {
    /// The stack with this ARN has the resource `logical_id`, unless it was pinned in another state.
    pub fn set(&mut self, stack: &str, logical_id: &str, resource: Resource) {
        let resources = self.0.entry(stack.to_owned()).or_default();
        let is_pinned = resources.get(logical_id).is_some_and(|of| of.is_pinned);
        if !is_pinned {
            let known = Known {
                resource,
                is_pinned,
            };
            resources.insert(logical_id.to_owned(), known);
        }
    }

    /// The same, whatever requests follow.
    pub fn pin(&mut self, stack: &str, logical_id: &str, resource: Resource) {
        let resources = self.0.entry(stack.to_owned()).or_default();
        let known = Known {
            resource,
            is_pinned: true,
        };
        resources.insert(logical_id.to_owned(), known);
    }

    /// Responds to a call.
    ///
    /// # Panics
    /// The call names no resource.
    #[must_use]
    pub fn describe(&self, call: &ApiCall) -> ApiResponse {
        let (stack, logical_id) = (&call.arn, call.sid.as_deref().expect("a logical id"));
        let Some(resources) = self.0.get(stack) else {
            return missing(&format!("Stack '{stack}' does not exist"));
        };
        match resources.get(logical_id).map(|known| &known.resource) {
            Some(resource) if resource.status == MISSING => {
                missing(&format!("Stack '{stack}' does not exist"))
            }
            Some(resource) => query_response::new(200, &success(stack, logical_id, resource)),
            None => missing(&format!(
                "Resource {logical_id} does not exist for stack {stack}"
            )),
        }
    }
}

impl Stacks {
    /// The stack of this ARN or, if it is not deleted, of this name.
    fn stack(&self, id: &str) -> Option<(&String, &BTreeMap<String, Known>)> {
        let mut stacks = self.0.iter();
        stacks
            .find(|(stack, resources)| *stack == id || name_of(stack) == id && is_living(resources))
    }

    /// Responds to a list of stacks or of the resources of one. A stack is deleted if all its resources are.
    ///
    /// # Panics
    /// CloudFormation has no such list.
    #[must_use]
    pub fn list(&self, call: &ApiCall) -> ApiResponse {
        let action = call.sid.as_deref().expect("an action");
        match action {
            "ListStacks" => {
                let living = self.0.iter().filter(|(_, resources)| is_living(resources));
                let summary = |stack: &String| {
                    let name = name_of(stack);
                    format!(
                        "<member><StackId>{stack}</StackId><StackName>{name}</StackName></member>"
                    )
                };
                let members = living.map(|(stack, _)| summary(stack)).collect::<String>();
                list_response(action, "StackSummaries", &members)
            }
            "ListImports" => {
                let living = self.0.iter().filter(|(_, resources)| is_living(resources));
                let import =
                    |(stack, _): (&String, _)| format!("<member>{}</member>", name_of(stack));
                let members = living.map(import).collect::<String>();
                if members.is_empty() {
                    let export = &call.arn;
                    return missing(&format!("Export '{export}' is not imported by any stack."));
                }
                list_response(action, "Imports", &members)
            }
            "ListStackResources" => match self.stack(&call.arn) {
                Some((stack, resources)) => {
                    let members = members(stack, resources, usize::MAX);
                    list_response(action, "StackResourceSummaries", &members)
                }
                None => missing(&format!("Stack '{}' does not exist", call.arn)),
            },
            "DescribeStackResources" => {
                let has_it = |known: &Known| known.resource.physical_id.as_ref() == Some(&call.arn);
                let mut stacks = self.0.iter();
                match stacks.find(|(_, resources)| resources.values().any(has_it)) {
                    Some((stack, resources)) => list_response(
                        action,
                        "StackResources",
                        &members(stack, resources, DESCRIBED),
                    ),
                    None => missing(&format!("Stack for {} does not exist", call.arn)),
                }
            }
            _ => panic!("CloudFormation has no such list: {action}"),
        }
    }
}

fn is_living(resources: &BTreeMap<String, Known>) -> bool {
    let mut resources = resources.values();
    resources.any(|known| known.resource.status != "DELETE_COMPLETE")
}

fn name_of(stack: &str) -> &str {
    stack.split('/').nth(1).unwrap_or_default()
}

fn members(stack: &str, resources: &BTreeMap<String, Known>, most: usize) -> String {
    let member = |(logical_id, known): (&String, &Known)| {
        let Resource {
            status,
            physical_id,
            ..
        } = &known.resource;
        let physical_id = physical_id.as_deref().unwrap_or_default();
        format!(
            "<member><StackId>{stack}</StackId><StackName>{}</StackName><LogicalResourceId>{logical_id}</LogicalResourceId>
<PhysicalResourceId>{physical_id}</PhysicalResourceId><ResourceType>Custom::LayerVersionPermission</ResourceType>
<ResourceStatus>{status}</ResourceStatus></member>",
            name_of(stack)
        )
    };
    resources.iter().take(most).map(member).collect()
}

fn list_response(action: &str, list: &str, members: &str) -> ApiResponse {
    let body = format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result><{list}>{members}</{list}></{action}Result></{action}Response>"
    );
    query_response::new(200, &body)
}

fn missing(message: &str) -> ApiResponse {
    error_response(&ApiError::new(400, "ValidationError", message))
}

fn success(stack: &str, logical_id: &str, resource: &Resource) -> String {
    let physical_id = resource
        .physical_id
        .as_ref()
        .map_or_else(String::new, |id| {
            format!("\n      <PhysicalResourceId>{id}</PhysicalResourceId>")
        });
    let name = name_of(stack);
    let status = &resource.status;
    let since = DateTime::from(resource.since).fmt(Format::DateTime);
    let since = since.expect("a time of our days");
    format!(
        "<DescribeStackResourceResponse xmlns=\"{NAMESPACE}\">
  <DescribeStackResourceResult>
    <StackResourceDetail>
      <StackId>{stack}</StackId>
      <StackName>{name}</StackName>
      <LogicalResourceId>{logical_id}</LogicalResourceId>{physical_id}
      <ResourceType>Custom::LayerVersionPermission</ResourceType>
      <LastUpdatedTimestamp>{since}</LastUpdatedTimestamp>
      <ResourceStatus>{status}</ResourceStatus>
      <Metadata>{{}}</Metadata>
      <DriftInformation><StackResourceDriftStatus>NOT_CHECKED</StackResourceDriftStatus></DriftInformation>
    </StackResourceDetail>
  </DescribeStackResourceResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</DescribeStackResourceResponse>
"
    )
}

/// A failed call.
#[must_use]
pub fn error_response(error: &ApiError) -> ApiResponse {
    query_response::error(NAMESPACE, error)
}
