"""Replaces the presigned ResponseURL of each request, and rejects responses that CloudFormation would reject.

Each request gets a URL of its own at this endpoint, which forwards the one valid response. Knows nothing of Lambda or of stacks.
"""

import dataclasses
import datetime
import json
import secrets
import sys
import threading
import traceback
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# An address of its own, so that ResponseHosts allows only this endpoint and no other server on this machine.
HOST = "127.0.0.2"
MAX_BODY = 4096  # bytes
MAX_ID = 1024  # bytes
FIELDS = {"Status", "Reason", "PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId", "NoEcho", "Data"}


@dataclasses.dataclass
class Request:
    """A request of CloudFormation and the responses to it."""

    event: dict
    forward_to: str | None
    query: str
    responses: list[dict] = dataclasses.field(default_factory=list)


class ResponseEndpoint:
    def __init__(self):
        self.requests: dict[str, Request] = {}
        self.violations: list[str] = []
        # How many seconds ago the URLs of MiniStack's requests were signed.
        self.age = 0
        self._response_received = threading.Condition()
        self._server = ThreadingHTTPServer((HOST, 0), _handler_class(self))
        self._server.handle_error = _print_error_unless_disconnected
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def register(self, event: dict, forward_to: str | None = None, age: int = 0) -> str:
        """Returns a ResponseURL for this event, in the form of CloudFormation's: with escapes in the path and a signature in the query that
        was made `age` seconds ago and is valid for two hours."""
        name = "|".join(str(event.get(key)) for key in ("StackId", "LogicalResourceId", "RequestId"))
        nonce = secrets.token_hex(8)
        path = f"/cloudformation-custom-resource-response-useast1/{nonce}/{urllib.parse.quote(name)}"
        signed = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)
        query = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={signed:%Y%m%dT%H%M%SZ}&X-Amz-SignedHeaders=host&X-Amz-Expires=7200"
            f"&X-Amz-Credential=AKIA{nonce.upper()}%2F{signed:%Y%m%d}%2Fus-east-1%2Fs3%2Faws4_request"
            f"&X-Amz-Signature={secrets.token_hex(32)}"
        )
        self.requests[f"{path}?{query}"] = Request(event, forward_to, query)
        return f"{self.url}{path}?{query}"

    def wait_for_response(self, url: str, seconds: float) -> dict:
        """The response to this ResponseURL, after at most `seconds`."""
        request = self.requests[url.removeprefix(self.url)]
        with self._response_received:
            assert self._response_received.wait_for(lambda: request.responses, seconds), f"no response within {seconds} s"
        return request.responses[0]

    def receive(self, target: str, headers, body: bytes) -> tuple[int, str]:
        request = self.requests.get(target)
        if request is None:
            violations = ["the ResponseURL is not byte for byte the one of a request"]
        else:
            violations = list(_violations(request, headers, body))
        if violations:
            self.violations += [f"{violation}: PUT {target} {body[:MAX_BODY]!r}" for violation in violations]
            return 403, "; ".join(violations)
        if request.forward_to:
            put = urllib.request.Request(request.forward_to, data=body, method="PUT")
            urllib.request.urlopen(put, timeout=10).close()
        with self._response_received:
            request.responses.append(json.loads(body))
            self._response_received.notify_all()
        return 200, ""

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def _print_error_unless_disconnected(*_):
    if not isinstance(sys.exception(), ConnectionError):
        traceback.print_exc()


def _violations(request: Request, headers, body: bytes):
    event = request.event
    if request.responses:
        yield "a second response to one request"
    # CloudFormation signs the URL without a Content-Type, and S3 rejects a request that has one; urllib and most clients add it.
    if "Content-Type" in headers:
        yield f"Content-Type is set: {headers['Content-Type']}"
    if "Content-Length" not in headers:
        yield "no Content-Length"
    if len(body) > MAX_BODY:
        yield f"{len(body)} bytes, more than {MAX_BODY}"
    try:
        response = json.loads(body)
    except ValueError:
        response = None
    if not isinstance(response, dict):
        yield "not a JSON object"
        return
    if unknown := response.keys() - FIELDS:
        yield f"unknown fields: {sorted(unknown)}"
    for field in ("StackId", "RequestId", "LogicalResourceId"):
        if response.get(field) != event.get(field) and field in event:
            yield f"{field} differs from the request's"
    status, id, current_id = response.get("Status"), response.get("PhysicalResourceId"), event.get("PhysicalResourceId")
    if status not in ("SUCCESS", "FAILED"):
        yield f"Status is {status!r}"
    if status == "FAILED" and not response.get("Reason"):
        yield "FAILED without a Reason"
    if not isinstance(id, str) or not id:
        yield f"PhysicalResourceId is {id!r}"
    elif len(id.encode()) > MAX_ID:
        yield f"PhysicalResourceId is longer than {MAX_ID} bytes"
    request_type = event.get("RequestType")
    if current_id and id != current_id and (request_type == "Delete" or (request_type == "Update" and status == "FAILED")):
        yield f"a {status} {request_type} changes the PhysicalResourceId from {current_id!r} to {id!r}"


def _handler_class(endpoint: ResponseEndpoint):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):  # from MiniStack, before it sends a request to the function
            event = json.loads(self._body())
            self._respond(200, endpoint.register(event, forward_to=event["ResponseURL"], age=endpoint.age))

        def do_PUT(self):  # from the function: its response
            self._respond(*endpoint.receive(self.path, self.headers, self._body()))

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _respond(self, status: int, text: str):
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Handler
