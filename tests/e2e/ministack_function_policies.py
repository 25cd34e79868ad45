"""Patches MiniStack where it differs from AWS in the policies of functions.

- A function, each of its versions and each alias has a policy of its own: a statement id is unique within it, and GetPolicy returns no other's.
- A policy has a revision of its own, on which writes can be conditional. AddPermission does not return it.
- Where there is no statement there is no policy.
- An account is written as its root ARN. `InvokedViaFunctionUrl: false` writes no condition.
- A statement id, a principal, a qualifier and a policy's size have limits, and a function URL's authorization type fits one action only.
- IAM authorizes the calls on the ARN with the qualifier, by the patch of ministack_patches.py.
"""

import json
import re

from ministack.core import iam_actions
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import lambda_svc

POLICY_LIMIT = 20_480  # bytes
SERVICES = (".amazonaws.com", ".amazonaws.com.cn", ".amazon.com")
CONDITIONS = {  # in the order in which Lambda writes them
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
}

resource_arn = iam_actions.extract_resource_arn


def not_found(message: str):
    return error_response_json("ResourceNotFoundException", message, 404)


def invalid(message: str):
    return error_response_json("InvalidParameterValueException", message, 400)


class Policy:
    """The policy of a function, or of one of its qualifiers, in the state of MiniStack: IAM evaluates all statements of a function together."""

    def __init__(self, name: str, qualifier: str | None):
        self.arn = lambda_svc._policy_resource_arn(name, qualifier)
        self.qualifier = qualifier
        self.function = lambda_svc._functions.get(name)

    @property
    def exists(self) -> bool:
        return self.function is not None and lambda_svc._function_qualifier_exists(self.function, self.qualifier)

    @property
    def statements(self) -> list[dict]:
        return [statement for statement in self._all if statement["Resource"] == self.arn]

    @property
    def document(self) -> str:
        return json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": self.statements}, separators=(",", ":"))

    @property
    def revision(self) -> str | None:
        return self.function.setdefault("_policy_revisions", {}).get(self.arn) if self.statements else None

    def is_stale(self, revision: str | None) -> bool:
        return bool(revision) and revision != self.revision

    def add(self, statement: dict):
        self._all.append(statement)
        self._change()

    def remove(self, statement: dict):
        self._all.remove(statement)
        self._change()

    @property
    def _all(self) -> list[dict]:
        return self.function["policy"]["Statement"]

    def _change(self):
        self.function.setdefault("_policy_revisions", {})[self.arn] = new_uuid()

    def missing(self, of_function: str):
        if self.qualifier and not self.qualifier.isdigit():
            return not_found(f"Cannot find alias arn: {self.arn}")
        return not_found(f"{of_function}: {self.arn}")


def stale():
    message = "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
    return error_response_json("PreconditionFailedException", message, 412)


def policy_of(name: str, query: dict | None, path_qualifier: str | None) -> Policy:
    return Policy(name, lambda_svc._qualifier_from_path_or_query(path_qualifier, query))


def get_policy(name: str, query: dict | None = None, path_qualifier: str | None = None):
    policy = policy_of(name, query, path_qualifier)
    if not policy.exists or not policy.statements:
        return not_found("The resource you requested does not exist.")
    return json_response({"Policy": policy.document, "RevisionId": policy.revision})


def add_permission(name: str, request: dict, query: dict | None = None, path_qualifier: str | None = None):
    policy, sid = policy_of(name, query, path_qualifier), request["StatementId"]
    if not re.fullmatch(r"[a-zA-Z0-9-_]{1,100}", sid):
        pattern = "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
        message = f"1 validation error detected: Value '{sid}' at 'statementId' failed to satisfy constraint: {pattern}"
        return error_response_json("ValidationException", message, 400)
    if policy.qualifier and policy.qualifier.startswith("$LATEST"):
        return invalid("We currently do not support adding policies for $LATEST.")
    if "FunctionUrlAuthType" in request and request["Action"] != "lambda:InvokeFunctionUrl":
        return invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    if not policy.exists:
        return policy.missing("Function not found")
    if not is_principal(request["Principal"]):
        return invalid("The provided principal was invalid. Please check the principal and try again.")
    if policy.is_stale(request.get("RevisionId")):
        return stale()
    if any(statement["Sid"] == sid for statement in policy.statements):
        advice = "Please provide a new statement id, or remove the existing statement."
        return error_response_json("ResourceConflictException", f"The statement id ({sid}) provided already exists. {advice}", 409)
    statement = statement_of(policy.arn, request)
    policy.add(statement)
    if (size := len(policy.document)) > POLICY_LIMIT:
        policy.remove(statement)
        message = f"The final policy size ({size}) is bigger than the limit ({POLICY_LIMIT})."
        return error_response_json("PolicyLengthExceededException", message, 400)
    return json_response({"Statement": json.dumps(statement, separators=(",", ":"))}, 201)


def is_principal(principal: str) -> bool:
    known = re.fullmatch(r"\*|\d{12}|arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(role|user|assumed-role|federated-user)/.+)", principal)
    return bool(known) or principal.endswith(SERVICES)


def statement_of(arn: str, request: dict) -> dict:
    principal = request["Principal"]
    if principal.isdigit():
        principal = f"arn:aws:iam::{principal}:root"
    kind = "Service" if principal.endswith(SERVICES) else "AWS"
    statement = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal if principal == "*" else {kind: principal},
        "Action": request["Action"],
        "Resource": arn,
    }
    condition = {}
    for parameter, (operator, key) in CONDITIONS.items():
        if parameter in request:
            condition.setdefault(operator, {})[key] = request[parameter]
    # CloudFormation's own resource type gives texts.
    if str(request.get("InvokedViaFunctionUrl")).lower() == "true":
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": "true"}
    return statement | ({"Condition": condition} if condition else {})


def remove_permission(name: str, sid: str, query: dict, path_qualifier: str | None = None):
    policy = policy_of(name, query, path_qualifier)
    if not policy.exists:
        return policy.missing("No policy found for")
    if policy.is_stale(lambda_svc._qp_first(query or {}, "RevisionId")):
        return stale()
    if not policy.statements:
        return not_found("No policy is associated with the given resource.")
    for statement in policy.statements:
        if statement["Sid"] == sid:
            policy.remove(statement)
            return 204, {}, b""
    return not_found(f"Statement {sid} is not found in resource policy.")


def arn_with_qualifier(service, method, path, headers, body, query, region, account):
    arn = resource_arn(service, method, path, headers, body, query, region, account)
    is_policy = service == "lambda" and re.search(r"/functions/[^/]+/policy", path)
    qualifier = lambda_svc._qp_first(query, "Qualifier") if is_policy else ""
    return f"{arn}:{qualifier}" if qualifier else arn


def apply():
    lambda_svc._get_policy = get_policy
    lambda_svc._add_permission = add_permission
    lambda_svc._remove_permission = remove_permission
