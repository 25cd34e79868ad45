"""Starts MiniStack with patches for custom resources.

- Every request to a custom resource is registered with the response endpoint first, which gives it a ResponseURL, unless it has one of that
  endpoint already.
- The function's own AWS_ENDPOINT_URL takes precedence over MiniStack's, so that a test can redirect the function's calls.
- The request includes the ServiceToken, and the function's environment the name of its log group.
- Credentials of roles have known secrets, for which the tests search the log.
"""

import json
import os
import urllib.request

from ministack.app import main
from ministack.services import lambda_svc, sts

import ministack_function_policies
import ministack_organizations
import ministack_patches
import ministack_stack_resources

RESPONSE_ENDPOINT = os.environ["RESPONSE_ENDPOINT"]
OWN_URL = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
SECRET_KEY, SESSION_TOKEN = os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"]

execute = lambda_svc._execute_function_with_config_scope
worker_env = lambda_svc._provided_worker_env


def execute_with_response_endpoint(record, event, *args, **named):
    if isinstance(event, dict) and not event.get("ResponseURL", RESPONSE_ENDPOINT).startswith(RESPONSE_ENDPOINT):
        event = {**event, "ServiceToken": event["ResourceProperties"]["ServiceToken"]}
        with urllib.request.urlopen(RESPONSE_ENDPOINT, data=json.dumps(event).encode(), timeout=10) as response:
            event["ResponseURL"] = response.read().decode()
    return execute(record, event, *args, **named)


def worker_env_as_in_lambda(config, code_dir, port):
    env = worker_env(config, code_dir, port)
    env.setdefault("AWS_ENDPOINT_URL", OWN_URL)
    env["AWS_LAMBDA_LOG_GROUP_NAME"] = config["LoggingConfig"]["LogGroup"]
    env |= {"AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": SESSION_TOKEN}
    sts._sessions[env["AWS_ACCESS_KEY_ID"]] |= {"SecretAccessKey": SECRET_KEY, "SessionToken": SESSION_TOKEN}
    return env


lambda_svc._execute_function_with_config_scope = execute_with_response_endpoint
lambda_svc._provided_worker_env = worker_env_as_in_lambda
sts._gen_secret = lambda: os.environ["ASSUMED_SECRET_KEY"]
sts._gen_session_token = lambda: os.environ["ASSUMED_SESSION_TOKEN"]
ministack_function_policies.apply()
ministack_patches.apply()
ministack_organizations.apply()
ministack_stack_resources.apply()
main()
