"""The function's log."""

import json

from templates import PARTNER, sharing_template


def test_log_lines_are_json_and_match_the_requests(aws, provider, stack, layer):
    before = len(provider.log())
    stack.create(sharing_template(LayerVersionArn=layer.publish(), Principal=PARTNER))
    platform = ("START ", "END ", "REPORT ")
    lines = [json.loads(line) for line in provider.log()[before:] if not line.startswith(platform)]
    metrics = [line for line in lines if "_aws" in line]
    own = [line for line in lines if "_aws" not in line]
    messages = [line["message"] for line in own]

    assert own[0]["request_type"] == "Create"
    assert {line["stack_id"] for line in own} == {stack.id}
    assert messages.count("request received") == messages.count("response sent") == len(metrics) == 1
    # Every test checks that the log contains no query or credential; this one checks that there was a query to look for.
    assert all(request.query for request in aws.response_endpoint.requests.values())
