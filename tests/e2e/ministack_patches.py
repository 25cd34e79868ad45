"""Patches MiniStack where it differs from AWS in ways that the provider's template and the examples depend on.

- IAM authorizes layer actions by AWS's action names, ARNs and condition key. MiniStack knows only two of the actions, no versions and no
  condition key.
- A service control policy can be deployed, and applies to users and roles of the account that it is attached to.
- The condition key aws:PrincipalArn has the ARN of a session's role. MiniStack gives it that of the session.
- A stack may use the ServiceToken of another account's function and code in another account's bucket, if their policies allow its account.
- A StackSet can be deployed, without effect.
- Conditions of a template may use Fn::Join on a list parameter.
- Publishing a version of a function fails unless its CodeSha256 matches. MiniStack ignores CodeSha256.
- The list of all functions contains their published versions, if it is asked for them.
- Requests count as sent over TLS, which MiniStack does not use here: policies deny requests without TLS.
"""

import json
import re
import urllib.parse

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses
from ministack.core.responses import get_account_id
from ministack.services import lambda_svc, organizations, s3
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

import ministack_function_policies
import ministack_stack_resources

lambda_action = iam_actions._lambda_action
request_context = iam_actions.request_tag_context
resolve_principal = iam_evaluator.resolve_principal
resolve_condition_key = iam_evaluator._resolve_condition_key
evaluate_conditions = engine._evaluate_conditions
object_data = s3._get_object_data
create_version = provisioners._lambda_version_create
pin_request_origin = iam_evaluator.pin_request_origin
function_by_reference = lambda_svc._get_func_record_for_ref
list_functions = lambda_svc._list_functions

LAYER = re.compile(r"/2018-10-31/layers/(?P<name>[^/]+)/versions(/(?P<version>\d+)(?P<policy>/policy.*)?)?")
SESSION = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+")
LAYER_ACTIONS = {
    ("GET", "versions"): "ListLayerVersions",
    ("POST", "versions"): "PublishLayerVersion",
    ("GET", "version"): "GetLayerVersion",
    ("DELETE", "version"): "DeleteLayerVersion",
    ("GET", "policy"): "GetLayerVersionPolicy",
    ("POST", "policy"): "AddLayerVersionPermission",
    ("DELETE", "policy"): "RemoveLayerVersionPermission",
}
ACTIONS_WITH_LAYERS = {"lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"}


def layer_action(method, path):
    if found := LAYER.fullmatch(urllib.parse.unquote(path)):
        return LAYER_ACTIONS[method, "policy" if found["policy"] else "version" if found["version"] else "versions"]
    return lambda_action(method, path)


def layer_arn(service, method, path, headers, body, query, region, account):
    if service == "cloudformation" and (arn := ministack_stack_resources.stack_arn(body, region, account)):
        return arn
    if service == "lambda" and (found := LAYER.fullmatch(urllib.parse.unquote(path))):
        name = found["name"]
        arn = name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:layer:{name}"
        return f"{arn}:{found['version']}" if found["version"] else arn
    return ministack_function_policies.arn_with_qualifier(service, method, path, headers, body, query, region, account)


def context_with_layers(service, action, body, query):
    layers = json.loads(body).get("Layers") if action in ACTIONS_WITH_LAYERS else None
    return request_context(service, action, body, query) | ({"lambda:Layer": layers} if layers else {})


def principal_with_service_control_policies(access_key, account, *args):
    principal = resolve_principal(access_key, account, *args)
    attached = organizations._attachments.items() if getattr(principal, "policies", None) is not None else []
    documents = [organizations._policies[id]["_Content"] for id, targets in attached if account in targets]
    if documents:
        principal.limits.append([iam_evaluator.parse_policy_document(document) for document in documents])
    return principal


def condition_key_with_role(key, context):
    value = resolve_condition_key(key, context)
    session = SESSION.fullmatch(value or "") if key.lower() == "aws:principalarn" else None
    return "arn:{partition}:iam::{account}:role/{role}".format(**session.groupdict()) if session else value


def create_policy(_logical_id, properties, _stack):
    content = json.dumps(properties["Content"])
    _status, _headers, body = organizations._create_policy({**properties, "Content": content})
    id = json.loads(body)["Policy"]["PolicySummary"]["Id"]
    for target in properties["TargetIds"]:
        organizations._attach_policy({"PolicyId": id, "TargetId": target})
    return id, {}


def delete_policy(id, properties):
    for target in properties["TargetIds"]:
        organizations._detach_policy({"PolicyId": id, "TargetId": target})
    organizations._delete_policy({"PolicyId": id})


def create_stack_set(logical_id, _properties, _stack):
    return logical_id, {}


def delete_stack_set(_id, _properties):
    pass


def conditions_with_joins(template, parameters):
    def joined(node):
        match node:
            case {"Fn::Join": [glue, {"Ref": name}]}:
                return glue.join(part.strip() for part in parameters[name]["Value"].split(","))
            case dict():
                return {key: joined(value) for key, value in node.items()}
            case list():
                return [joined(value) for value in node]
        return node

    return evaluate_conditions({**template, "Conditions": joined(template.get("Conditions", {}))}, parameters)


def create_version_if_code_matches(logical_id, properties, stack):
    function, _name = provisioners._lambda_version_function(properties)
    expected, actual = properties.get("CodeSha256"), function["config"]["CodeSha256"]
    if expected and expected != actual:
        raise ValueError(f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({actual}).")
    return create_version(logical_id, properties, stack)


def pin_request_origin_with_tls(address, _secure):
    pin_request_origin(address, True)


def allows(policy, account, action, arn, region):
    """Whether this resource-based policy allows the account to perform the action."""
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:root",
        principal_type="Root",
        principal_account=account,
        action=action,
        resource_arn=arn,
        region=region,
    )
    return iam_evaluator.evaluate_resource_policy(policy, context).decision == "Allow"


def function_of_any_account(reference):
    found, account, parts = function_by_reference(reference), get_account_id(), reference.split(":")
    if found[0] or len(parts) < 7 or parts[4] == account:
        return found
    function = lambda_svc._functions.get_scoped(parts[4], parts[3], parts[6]) or {}
    if not allows(function.get("policy"), account, "lambda:InvokeFunction", reference, parts[3]):
        return found
    return lambda_svc._get_func_record_for_ref_in_scope(reference, account_id=parts[4], region=parts[3])


def object_of_any_account(bucket, key, version_id=None):
    found, account = object_data(bucket, key, version_id), get_account_id()
    owner = next((owner for owner, name in list(s3._buckets._data) if name == bucket), account)
    if found or owner == account:
        return found
    policy = s3._bucket_policies._data.get((owner, bucket))
    if not allows(policy, account, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", responses.get_region()):
        return found
    token = responses._request_account_id.set(owner)
    try:
        return object_data(bucket, key, version_id)
    finally:
        responses._request_account_id.reset(token)


def functions_with_versions(query):
    if "ALL" not in query.get("FunctionVersion", []):
        return list_functions(query)
    functions = []
    for function in lambda_svc._functions.values():
        functions.append(function["config"] | {"FunctionArn": function["config"]["FunctionArn"] + ":$LATEST"})
        functions += [version["config"] for version in function["versions"].values()]
    return responses.json_response({"Functions": functions})


def apply():
    lambda_svc._list_functions = functions_with_versions
    app.pin_request_origin = pin_request_origin_with_tls
    # The update handler calls it by this name.
    provisioners._lambda_version_create = create_version_if_code_matches
    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]["create"] = create_version_if_code_matches
    lambda_svc._get_func_record_for_ref = function_of_any_account
    s3._get_object_data = object_of_any_account
    iam_actions._lambda_action = layer_action
    iam_actions.extract_resource_arn = layer_arn
    iam_actions.request_tag_context = context_with_layers
    iam_evaluator._resolve_condition_key = condition_key_with_role
    iam_evaluator.resolve_principal = principal_with_service_control_policies
    provisioners._RESOURCE_HANDLERS["AWS::Organizations::Policy"] = {"create": create_policy, "delete": delete_policy}
    provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::StackSet"] = {"create": create_stack_set, "delete": delete_stack_set}
    for module in (changesets, engine, handlers, provisioners, stacks):
        module._evaluate_conditions = conditions_with_joins
