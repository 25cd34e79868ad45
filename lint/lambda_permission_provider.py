"""Rules of cfn-lint for the resource types of lambda-permission-provider: `cfn-lint -a lint template.yaml`.

cfn-lint itself checks nothing in a `Custom::` type. The schemas beside this file are generated from the provider's code; what needs two
values to be compared is checked here.
"""

import difflib
import json
import pathlib
import re

from cfnlint.helpers import FUNCTIONS
from cfnlint.jsonschema import ValidationError
from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.rules.jsonschema.CfnLintJsonSchema import CfnLintJsonSchema

SCHEMAS = {f"Custom::{path.stem}": json.loads(path.read_text()) for path in pathlib.Path(__file__).parent.glob("*.json")}
TARGET_PROPERTIES = ["LayerVersionArn", "LayerName", "FunctionName"]
ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):(lambda:[^:]*|iam:|sts:):(?P<account>\d{12}):")


def text(properties: dict, name: str) -> str:
    """The property, if it is text and not a function of CloudFormation."""
    value = properties.get(name)
    return value if isinstance(value, str) else ""


def comparisons(properties: dict):
    """What two properties have to do with each other: the name of one that is wrong, and why."""
    target = next(filter(None, (ARN.match(text(properties, name)) for name in TARGET_PROPERTIES)), None)
    role = ARN.match(text(properties, "RoleArn"))
    if target and role and target.groupdict() != role.groupdict():
        expected = "arn:{partition}:iam::{account}:role/<name>".format(**target.groupdict())
        yield "RoleArn", f"a role as in {expected}, of the account that owns the layer or function"
    principal = ARN.match(text(properties, "Principal"))
    if target and principal and target["partition"] != principal["partition"]:
        yield "Principal", f"one of the same partition, which is {target['partition']}"
    _, colon, qualifier = re.sub("^(arn:.*|[0-9]{12}):function:", "", text(properties, "FunctionName")).partition(":")
    given = text(properties, "Qualifier")
    if colon and given and given != qualifier:
        yield "Qualifier", f"one qualifier only, FunctionName has {qualifier}"


class InvalidProperties(CfnLintJsonSchema):
    id = "E9600"
    shortdesc = "Properties of a permission that the provider would reject"
    description = "Checks the properties of Custom::LayerVersionPermission and Custom::FunctionPermission"
    tags = ["resources", "lambda"]

    def __init__(self):
        super().__init__(keywords=["Resources/*"], all_matches=True)

    def validate(self, validator, _, instance, schema):
        schema = SCHEMAS.get(instance.get("Type")) if isinstance(instance, dict) else None
        properties = instance.get("Properties", {}) if schema else None
        if not isinstance(properties, dict):
            return
        # Values of parameters and of conditions are looked at, as far as the template says what they are.
        context = validator.context.evolve(functions=list(FUNCTIONS), strict_types=False)
        function_filter = validator.function_filter.evolve(add_cfn_lint_keyword=False)
        validator = self.extend_validator(validator.evolve(function_filter=function_filter), schema, context)
        messages = set()
        for error in validator.iter_errors(properties):
            # Of the errors that belong to rules of cfn-lint, those in values of functions (W1030, ...): it finds the others itself.
            if error.rule and not error.rule.id.startswith("W103"):
                continue
            # Names that begin so are CloudFormation's own.
            if error.validator == "additionalProperties" and error.path[-1].startswith("Service"):
                continue
            error.rule = self
            error.message = message(error, schema)
            error.path.appendleft("Properties")
            # cfn-lint finds one property too many once for each of both.
            if error.message not in messages:
                yield error
            messages.add(error.message)
        for name, expected in comparisons(properties):
            yield ValidationError(advice(name, properties[name], expected), path=["Properties", name], rule=self)


def message(error: ValidationError, schema: dict) -> str:
    """What is wrong, what was got and what to do. cfn-lint itself says which pattern a value does not match, and no more."""
    if error.validator == "additionalProperties":
        name = error.path[-1]
        [nearest] = difflib.get_close_matches(name, schema["properties"], n=1, cutoff=0)
        return f"unknown property: got `{name}`, the nearest known one is `{nearest}`, use that or remove it"
    # A path may also name a function, such as `Fn::If`.
    name = next((name for name in error.path if name in schema["properties"]), None)
    expected = error.schema.get("description") if isinstance(error.schema, dict) else None
    return advice(name, error.instance, expected) if name and expected else error.message


def advice(name: str, got: object, expected: str) -> str:
    shown = f"a text of {len(str(got))} characters" if name == "ExternalId" else f"`{got}`"
    return f"invalid `{name}`: got {shown}, give {expected}"


class NoServiceTimeout(CloudFormationLintRule):
    id = "W9600"
    shortdesc = "ServiceTimeout is not set"
    description = "Without a response, a stack waits for an hour, unless ServiceTimeout says otherwise"
    tags = ["resources", "lambda"]

    def match(self, cfn):
        return [
            RuleMatch(["Resources", name, "Properties"], "no `ServiceTimeout`: without a response, the stack waits for an hour, set it to 120")
            for name, resource in cfn.get_resources(list(SCHEMAS)).items()
            if not {"ServiceTimeout", "Fn::If"} & set(resource.get("Properties", {}))
        ]
