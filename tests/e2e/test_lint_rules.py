"""The rules for cfn-lint in `lint/` find what the provider would reject, and nothing else."""

import json
import subprocess

import pytest

from provider import ROOT

EVENTS = sorted((ROOT / "tests/events").glob("*.json"))
# What is wrong with these events is not in the properties of the resource: the request type, or what an Update changes.
NOT_IN_PROPERTIES = {"missing-request-type", "unknown-request-type", "update-from-all-versions", "update-to-all-versions"}


def lint(*templates) -> dict[str, list[str]]:
    """The errors, and the warnings of the rules, by file."""
    command = [ROOT / ".tools/lint/bin/cfn-lint", "--append-rules", ROOT / "lint", "--format", "json", "--template", *templates]
    completed = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300)
    findings: dict[str, list[str]] = {}
    for finding in json.loads(completed.stdout):
        if not finding["Rule"]["Id"].startswith(("E", "W9600")):
            continue
        findings.setdefault(finding["Filename"], []).append(finding["Message"])
    return findings


def rejected(event) -> bool:
    completed = subprocess.run([ROOT / "target/debug/examples/plan", event], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return "\nFAILED " in completed.stdout


def test_every_event_that_the_provider_rejects_is_found_as_a_template(tmp_path):
    expected, templates = set(), {}
    for path in EVENTS:
        event = json.loads(path.read_text())
        if event.get("RequestType") == "Delete" or path.stem in NOT_IN_PROPERTIES or "ResponseURL" not in event:
            continue
        template = tmp_path / path.name
        resource = {"Type": event["ResourceType"], "Properties": event["ResourceProperties"]}
        template.write_text(json.dumps({"Resources": {"Sharing": resource}}))
        templates[str(template)] = path.stem
        expected |= {path.stem} if rejected(path) else set()
    assert len(expected) > 20 and len(templates) - len(expected) > 20
    assert {templates[name] for name in lint(*templates)} == expected


HEAD = """
Parameters:
  Any: {Type: String}
  Accounts: {Type: CommaDelimitedList}
  Nobody: {Type: String, Default: nobody}
Conditions:
  IsPublic: !Equals [!Ref Any, 'true']
Resources:
  Sharing:
    Type: Custom::LayerVersionPermission
    Properties:
      ServiceToken: !ImportValue lambda-permission-provider-ServiceToken
"""
LAYER = "LayerVersionArn: !Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:layer:tools:1'"
PRINCIPAL = "give an account id of 12 digits in quotes, arn:<partition>:iam::<account>:root or *"
PRINCIPALS = "give account ids of 12 digits in quotes, organization ids, ids of organizational units, arn:<partition>:iam::<account>:root or *"


@pytest.mark.parametrize(
    ("properties", "findings"),
    [
        (["ServiceTimeout: 120", LAYER, "Principals: !Ref Accounts"], []),
        (["ServiceTimeout: 120", LAYER, "Principals: [!Ref AWS::AccountId, o-abcdefghij, 111122223333]"], []),
        (["ServiceTimeout: 120", LAYER, "Principals: '111122223333, o-abcdefghij'", "Nonce: {a: [1]}", "ServiceOfTomorrow: x"], []),
        (["ServiceTimeout: 120", LAYER, "Principal: '{{resolve:ssm:/partner}}'", "ExternalId: '{{resolve:secretsmanager:/x}}'", "RoleArn: !Ref Any"], []),
        (
            [
                "ServiceTimeout: 120",
                LAYER,
                "Principal: !If [IsPublic, '*', !Ref AWS::NoValue]",
                "Principals: !If [IsPublic, !Ref AWS::NoValue, !Ref Accounts]",
                "Versions: !If [IsPublic, All, !Ref AWS::NoValue]",
            ],
            [],
        ),
        (
            [LAYER, "Principal: '*'"],
            ["no `ServiceTimeout`: without a response, the stack waits for an hour, set it to 120"],
        ),
        (
            ["ServiceTimeout: 120", LAYER, "Principal: '*'", "OrganisationId: o-abcdefghij"],
            ["unknown property: got `OrganisationId`, the nearest known one is `OrganizationId`, use that or remove it"],
        ),
        # YAML reads an unquoted account id with a leading zero as an octal number.
        (["ServiceTimeout: 120", LAYER, "Principal: 012345670123"], [f"invalid `Principal`: got `1402433619`, {PRINCIPAL}"]),
        (["ServiceTimeout: 120", LAYER, "Principal: !Ref Nobody"], [f"invalid `Principal`: got `nobody`, {PRINCIPAL}"]),
        (["ServiceTimeout: 120", LAYER, "Principals: [!If [IsPublic, '*', no]]"], [f"invalid `Principals`: got `False`, {PRINCIPALS}"]),
        (["ServiceTimeout: 120", LAYER], ["Only one of ['Principal', 'Principals'] is a required property"]),
        (
            ["ServiceTimeout: 120", "LayerName: tools", "VersionNumber: 1", "LayerVersionArn: !Ref Any", "Principal: '*'"],
            [
                "'LayerName' should not be included with 'LayerVersionArn'",
                "'VersionNumber' should not be included with 'LayerVersionArn'",
                "Only one of ['LayerVersionArn', 'LayerName'] is a required property",
            ],
        ),
        (
            ["ServiceTimeout: 120", LAYER, "Principal: '*'", "RoleArn: arn:aws:iam::999988887777:role/share", "ExternalId: s"],
            ["invalid `ExternalId`: got a text of 1 characters, give 2 to 1224 letters, digits or _+=,.@:/-"],
        ),
        (
            ["ServiceTimeout: 120", "LayerVersionArn: arn:aws-cn:lambda:cn-north-1:123456789012:layer:tools:1", "Principal: arn:aws:iam::111122223333:root"],
            ["invalid `Principal`: got `arn:aws:iam::111122223333:root`, give one of the same partition, which is aws-cn"],
        ),
    ],
)
def test_findings_say_what_is_wrong_what_was_got_and_what_to_do(tmp_path, properties, findings):
    template = tmp_path / "template.yaml"
    template.write_text(HEAD + "".join(f"      {line}\n" for line in properties))
    assert sorted(lint(template).get(str(template), [])) == sorted(findings)
