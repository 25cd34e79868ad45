"""The function's log, as an operator reads it."""

import json

from templates import PARTNER, sharing


def every_line_is_json_and_tells_a_step_without_the_url(engine, provider, stack, layer):
    stack.create(sharing(LayerVersionArn=layer.publish(), Principal=PARTNER))
    platform = ("START ", "END ", "REPORT ")
    lines = [json.loads(line) for line in provider.log() if not line.startswith(platform)]
    own = [line for line in lines if line.get("stack_id") == stack.id]

    assert own[0]["request_type"] == "Create"
    assert [line["message"] for line in lines].count("received") == [line["message"] for line in lines].count("answered")
    # That no line holds a query or a credential is checked after every test; here, that there was one to look for.
    assert all(exchange.query for exchange in engine.gate.exchanges.values())
