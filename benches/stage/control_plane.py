"""Lambda's API for the policies of layer versions, as far as the events of the benchmarks need it. It keeps the policies and
counts the calls of each access key; it does not throttle, and refuses only what Lambda always refuses.

<https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html>
"""

import collections
import dataclasses
import json
import re
import urllib.parse

from .server import Asked, Reply

PAGE = 50
MOST_BYTES = 20_480  # of a policy
PATH = re.compile(r"/2018-10-31/layers/(?P<layer>[^/]+)/versions(?:/(?P<version>\d+)/policy(?:/(?P<sid>[^/]+))?)?")
ACCESS_KEY = re.compile(r"Credential=(\w+)/")


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str):
        self.reply = Reply.json(status, {"Type": "User", "Message": message}, x_amzn_ErrorType=code)


@dataclasses.dataclass
class Policy:
    statements: dict[str, dict] = dataclasses.field(default_factory=dict)
    revision: str = ""

    def document(self) -> str:
        document = {"Version": "2012-10-17", "Id": "default", "Statement": list(self.statements.values())}
        return json.dumps(document, separators=(",", ":"))


class ControlPlane:
    def __init__(self):
        self.calls = collections.Counter()
        self._layers: dict[str, dict[int, Policy]] = {}
        self._revisions = 0

    def publish(self, layer: str, versions: int, shared: bool):
        """A layer with so many versions, each shared with some account already or with nobody."""
        self._layers[layer] = {number: Policy() for number in range(1, versions + 1)}
        for number, policy in self._layers[layer].items():
            if shared:
                asked = {"StatementId": "another", "Action": "lambda:GetLayerVersion", "Principal": "999988887777"}
                self._store(policy, _statement(_arn(layer, number), asked))

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "HEAD":
            # A connection that is made ahead of the first call, which asks for nothing.
            return Reply(403)
        key = ACCESS_KEY.search(asked.headers.get("authorization", ""))
        self.calls[key[1] if key else "unsigned"] += 1
        target = urllib.parse.urlsplit(asked.target)
        query = dict(urllib.parse.parse_qsl(target.query))
        path = PATH.fullmatch(target.path)
        if path is None:
            return Reply.json(404, {"Message": "no such path"}, x_amzn_ErrorType="UnknownOperationException")
        layer = urllib.parse.unquote(path["layer"]).rpartition(":")[2]
        try:
            if path["version"] is None:
                return self._list(layer, query)
            return self._of_policy(asked, layer, int(path["version"]), path["sid"], query)
        except Refused as refused:
            return refused.reply

    def _of_policy(self, asked: Asked, layer: str, number: int, sid: str | None, query: dict) -> Reply:
        arn = _arn(layer, number)
        policy = self._layers.get(layer, {}).get(number)
        if policy is None:
            raise Refused(404, "ResourceNotFoundException", f"Layer version {arn} does not exist.")
        if asked.method == "GET":
            _has_policy(policy)
            return Reply.json(200, {"Policy": policy.document(), "RevisionId": policy.revision})
        if query.get("RevisionId", policy.revision) != policy.revision:
            raise Refused(412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.")
        if asked.method == "POST":
            return self._add(policy, _statement(arn, json.loads(asked.body)))
        _has_policy(policy)
        if policy.statements.pop(sid, None) is None:
            raise Refused(404, "ResourceNotFoundException", f"Statement {sid} is not found in resource policy.")
        self._revise(policy)
        return Reply(204)

    def _add(self, policy: Policy, statement: dict) -> Reply:
        sid = statement["Sid"]
        if sid in policy.statements:
            raise Refused(409, "ResourceConflictException", f"The statement id ({sid}) provided already exists.")
        size = len(policy.document()) + len(json.dumps(statement, separators=(",", ":"))) + 1
        if size > MOST_BYTES:
            message = f"The final policy size ({size}) is bigger than the limit ({MOST_BYTES})."
            raise Refused(400, "PolicyLengthExceededException", message)
        self._store(policy, statement)
        return Reply.json(201, {"Statement": json.dumps(statement), "RevisionId": policy.revision})

    def _list(self, layer: str, query: dict) -> Reply:
        below = int(query["Marker"]) if "Marker" in query else len(self._layers.get(layer, {})) + 1
        page = list(range(below - 1, 0, -1))[: int(query.get("MaxItems", PAGE))]
        versions = [{"LayerVersionArn": _arn(layer, number), "Version": number} for number in page]
        more = str(page[-1]) if page and page[-1] > 1 else None
        return Reply.json(200, {"LayerVersions": versions, "NextMarker": more})

    def _store(self, policy: Policy, statement: dict):
        policy.statements[statement["Sid"]] = statement
        self._revise(policy)

    def _revise(self, policy: Policy):
        self._revisions += 1
        policy.revision = f"00000000-0000-4000-8000-{self._revisions:012}" if policy.statements else ""


def _has_policy(policy: Policy):
    if not policy.statements:
        raise Refused(404, "ResourceNotFoundException", "No policy is associated with the given resource.")


def _arn(layer: str, number: int) -> str:
    return f"arn:aws:lambda:us-west-2:123456789012:layer:{layer}:{number}"


def _statement(arn: str, asked: dict) -> dict:
    return {
        "Sid": asked["StatementId"],
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{asked['Principal']}:root"},
        "Action": asked["Action"],
        "Resource": arn,
    }
