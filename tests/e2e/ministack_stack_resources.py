"""Patches what MiniStack's CloudFormation says of the resources of a stack where it differs from AWS.

- While a request to a custom resource is pending, the resource is in progress. MiniStack knows a resource only once it was created, and
  does not know that it is updated or deleted.
- IAM authorizes DescribeStackResource for the stack that the request names. MiniStack finds it in a query only, and the SDKs send it in
  a form.
- DescribeStackResources takes a physical id instead of a stack's name, and returns all resources of the stack that has or had it, the
  first hundred of them. MiniStack requires a name.
- The resources of a deleted stack are listed as deleted, with their physical ids.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
"""

import datetime
import urllib.parse

from ministack.services import cloudformation
from ministack.services.cloudformation import custom_resource, handlers

invoke_custom_resource = custom_resource.invoke_custom_resource
describe_stack_resource = handlers._describe_stack_resource
describe_stack_resources = handlers._describe_stack_resources

# By stack id and logical id, the status and the physical id of a resource whose request is pending.
_pending: dict[tuple[str, str], tuple[str, str | None]] = {}


def invoke_as_pending(request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id=None, old_props=None):
    key = (stack_id, logical_id)
    _pending[key] = (f"{request_type.upper()}_IN_PROGRESS", physical_id)
    try:
        return invoke_custom_resource(request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id, old_props)
    finally:
        del _pending[key]


def describe_as_pending(parameters):
    stack = handlers._resolve_stack(handlers._p(parameters, "StackName"))
    logical_id = handlers._p(parameters, "LogicalResourceId")
    pending = _pending.get((stack["StackId"], logical_id)) if stack else None
    if pending is None:
        return describe_stack_resource(parameters)
    status, physical_id = pending
    known = stack.get("_resources", {}).get(logical_id)
    now = datetime.datetime.now(datetime.UTC).isoformat()
    shown = {"Timestamp": now, **(known or {}), "ResourceStatus": status, "PhysicalResourceId": physical_id or ""}
    resources = {**stack.get("_resources", {}), logical_id: shown}
    stacks = handlers._resolve_stack
    handlers._resolve_stack = lambda _name: {**stack, "_resources": resources}
    try:
        return describe_stack_resource(parameters)
    finally:
        handlers._resolve_stack = stacks


def resources_of(stack: dict) -> dict[str, dict]:
    """The resources of a stack; of a deleted one, as its events have them last."""
    if stack["StackStatus"] != "DELETE_COMPLETE":
        return stack.get("_resources", {})
    events = cloudformation._stack_events.get(stack["StackId"], [])
    return {event["LogicalResourceId"]: event for event in events if event["LogicalResourceId"] != stack["StackName"]}


def describe_by_physical_id(parameters):
    physical_id = handlers._p(parameters, "PhysicalResourceId")
    if not physical_id:
        return describe_stack_resources(parameters)
    stacks = [(stack, resources_of(stack)) for stack in cloudformation._stacks.values()]
    having = [(stack, of) for stack, of in stacks if any(resource["PhysicalResourceId"] == physical_id for resource in of.values())]
    if not having:
        return handlers._error("ValidationError", f"Stack for {physical_id} does not exist")
    # The newest one.
    stack, resources = having[-1]
    first = dict(list(resources.items())[:100])
    resolve = handlers._resolve_stack
    handlers._resolve_stack = lambda _name: {**stack, "_resources": first}
    try:
        return describe_stack_resources({"StackName": [stack["StackId"]]})
    finally:
        handlers._resolve_stack = resolve


def stack_arn(body: bytes | str, region: str, account: str) -> str | None:
    """The ARN of the stack that a form names."""
    text = body.decode() if isinstance(body, bytes) else body
    name = urllib.parse.parse_qs(text or "").get("StackName", [None])[0]
    if name is None or name.startswith("arn:"):
        return name
    return f"arn:aws:cloudformation:{region}:{account}:stack/{name}/*"


def apply():
    custom_resource.invoke_custom_resource = invoke_as_pending
    handlers._ACTION_HANDLERS["DescribeStackResource"] = describe_as_pending
    handlers._ACTION_HANDLERS["DescribeStackResources"] = describe_by_physical_id
