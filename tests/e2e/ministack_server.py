"""The process of the engine: MiniStack, made to treat custom resources more as AWS does.

- Every request to a custom resource is shown to the gate first, which gives it a ResponseURL of its own, unless it has one already.
- The function's own AWS_ENDPOINT_URL wins over the engine's, so that a test can send a function's calls elsewhere.
- The request carries the ServiceToken, and the function's environment the name of its log group.
- The credentials of roles have the secrets that the log is searched for.
"""

import json
import os
import urllib.request

import ministack_patches
from ministack.app import main
from ministack.services import lambda_svc, sts

GATE = os.environ["GATE"]
OWN_URL = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
SECRET_KEY, SESSION_TOKEN = os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"]

execute = lambda_svc._execute_function_with_config_scope
worker_env = lambda_svc._provided_worker_env


def execute_through_the_gate(record, event, *args, **named):
    if isinstance(event, dict) and not event.get("ResponseURL", GATE).startswith(GATE):
        event = {**event, "ServiceToken": event["ResourceProperties"]["ServiceToken"]}
        with urllib.request.urlopen(GATE, data=json.dumps(event).encode(), timeout=10) as reply:
            event["ResponseURL"] = reply.read().decode()
    return execute(record, event, *args, **named)


def worker_env_as_in_lambda(config, code_dir, port):
    env = worker_env(config, code_dir, port)
    env.setdefault("AWS_ENDPOINT_URL", OWN_URL)
    env["AWS_LAMBDA_LOG_GROUP_NAME"] = config["LoggingConfig"]["LogGroup"]
    env |= {"AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": SESSION_TOKEN}
    sts._sessions[env["AWS_ACCESS_KEY_ID"]] |= {"SecretAccessKey": SECRET_KEY, "SessionToken": SESSION_TOKEN}
    return env


lambda_svc._execute_function_with_config_scope = execute_through_the_gate
lambda_svc._provided_worker_env = worker_env_as_in_lambda
sts._gen_secret = lambda: os.environ["ROLES_SECRET_KEY"]
sts._gen_session_token = lambda: os.environ["ROLES_SESSION_TOKEN"]
ministack_patches.bring()
main()
