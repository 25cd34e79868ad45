"""What MiniStack lacks of AWS, and the provider's template and the examples need.

- IAM decides on layers by the actions, ARNs and the condition key that AWS has for them: MiniStack knows but two of the actions,
  no versions and no key.
- A service control policy can be deployed, and holds for the users and roles of the account that it is attached to.
- A template's conditions may join a list, to see whether it is empty.
"""

import json
import re
import urllib.parse

from ministack.core import iam_actions, iam_evaluator
from ministack.services import organizations
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

lambda_action = iam_actions._lambda_action
resource_arn = iam_actions.extract_resource_arn
request_context = iam_actions.request_tag_context
resolve_principal = iam_evaluator.resolve_principal
evaluate_conditions = engine._evaluate_conditions

LAYER = re.compile(r"/2018-10-31/layers/(?P<name>[^/]+)/versions(/(?P<version>\d+)(?P<policy>/policy.*)?)?")
LAYER_ACTIONS = {
    ("GET", "versions"): "ListLayerVersions",
    ("POST", "versions"): "PublishLayerVersion",
    ("GET", "version"): "GetLayerVersion",
    ("DELETE", "version"): "DeleteLayerVersion",
    ("GET", "policy"): "GetLayerVersionPolicy",
    ("POST", "policy"): "AddLayerVersionPermission",
    ("DELETE", "policy"): "RemoveLayerVersionPermission",
}
WITH_LAYERS = {"lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"}


def action_on_layer(method, path):
    if found := LAYER.fullmatch(urllib.parse.unquote(path)):
        return LAYER_ACTIONS[method, "policy" if found["policy"] else "version" if found["version"] else "versions"]
    return lambda_action(method, path)


def arn_of_layer(service, method, path, headers, body, query, region, account):
    if service == "lambda" and (found := LAYER.fullmatch(urllib.parse.unquote(path))):
        name = found["name"]
        arn = name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:layer:{name}"
        return f"{arn}:{found['version']}" if found["version"] else arn
    return resource_arn(service, method, path, headers, body, query, region, account)


def context_with_layers(service, action, body, query):
    layers = json.loads(body).get("Layers") if action in WITH_LAYERS else None
    return request_context(service, action, body, query) | ({"lambda:Layer": layers} if layers else {})


def principal_of_organization(access_key, account, *args):
    principal = resolve_principal(access_key, account, *args)
    attached = organizations._attachments.items() if getattr(principal, "policies", None) is not None else []
    documents = [organizations._policies[id]["_Content"] for id, targets in attached if account in targets]
    if documents:
        principal.limits.append([iam_evaluator.parse_policy_document(document) for document in documents])
    return principal


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


def bring():
    iam_actions._lambda_action = action_on_layer
    iam_actions.extract_resource_arn = arn_of_layer
    iam_actions.request_tag_context = context_with_layers
    iam_evaluator.resolve_principal = principal_of_organization
    provisioners._RESOURCE_HANDLERS["AWS::Organizations::Policy"] = {"create": create_policy, "delete": delete_policy}
    for module in (changesets, engine, handlers, provisioners, stacks):
        module._evaluate_conditions = conditions_with_joins
