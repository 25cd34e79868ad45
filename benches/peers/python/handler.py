"""A peer: the grant as people write it in Python, with crhelper and boto3. Reads no policy before it writes."""

import logging

import boto3
from crhelper import CfnResource

logger = logging.getLogger(__name__)
helper = CfnResource(json_logging=False, log_level="INFO", boto_level="CRITICAL")

try:
    client = boto3.client("lambda")
except Exception as failure:
    helper.init_failure(failure)


def layer_version(arn):
    layer, _, version = arn.rpartition(":")
    return {"LayerName": layer, "VersionNumber": int(version)}


@helper.create
@helper.update
def grant(event, context):
    properties = event["ResourceProperties"]
    options = {name: properties[name] for name in ("OrganizationId",) if name in properties}
    added = client.add_layer_version_permission(
        **layer_version(properties["LayerVersionArn"]),
        StatementId=properties["StatementId"],
        Action=properties.get("Action", "lambda:GetLayerVersion"),
        Principal=properties["Principal"],
        **options,
    )
    helper.Data["RevisionId"] = added["RevisionId"]
    return f"{properties['LayerVersionArn']}#{properties['StatementId']}"


@helper.delete
def revoke(event, context):
    arn, _, statement_id = event["PhysicalResourceId"].partition("#")
    try:
        client.remove_layer_version_permission(**layer_version(arn), StatementId=statement_id)
    except client.exceptions.ResourceNotFoundException:
        logger.info("%s is gone already", event["PhysicalResourceId"])


def handler(event, context):
    helper(event, context)
