"""The function's log, as an operator reads it."""

import json

from templates import PARTNER, sharing


def test_log_lines_are_json_and_match_the_requests(engine, provider, stack, layer):
    stack.create(sharing(LayerVersionArn=layer.publish(), Principal=PARTNER))
    platform = ("START ", "END ", "REPORT ")
    lines = [json.loads(line) for line in provider.log() if not line.startswith(platform)]
    own = [line for line in lines if line.get("stack_id") == stack.id]
    metrics = [line for line in lines if "_aws" in line]
    told = [line["message"] for line in lines if "_aws" not in line]

    assert own[0]["request_type"] == "Create"
    assert told.count("received") == told.count("answered") == len(metrics)
    # That no line holds a query or a credential is checked after every test; here, that there was one to look for.
    assert all(exchange.query for exchange in engine.gate.exchanges.values())
