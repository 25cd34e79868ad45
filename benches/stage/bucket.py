"""The bucket behind the ResponseURLs: hands them out and takes the answers. Knows nothing of events; takes one answer a URL."""

import datetime
import json
import secrets
import urllib.parse

from .server import Asked, Reply

HOST = "cloudformation-custom-resource-response-uswest2.s3.us-west-2.amazonaws.com"


class Bucket:
    def __init__(self, origin: str = f"https://{HOST}"):
        self.origin = origin
        self._answers: dict[str, dict | None] = {}

    def url(self, name: str) -> str:
        signed = datetime.datetime.now(datetime.UTC)
        target = (
            f"/{urllib.parse.quote(name, safe='')}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={signed:%Y%m%dT%H%M%SZ}"
            f"&X-Amz-SignedHeaders=host&X-Amz-Expires=7199&X-Amz-Credential=AKIA{secrets.token_hex(8).upper()}"
            f"%2F{signed:%Y%m%d}%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Signature={secrets.token_hex(32)}"
        )
        self._answers[target] = None
        return self.origin + target

    def answer(self, asked: Asked) -> Reply:
        if asked.method != "PUT" or self._answers.get(asked.target, "") is not None:
            return Reply(403)
        self._answers[asked.target] = json.loads(asked.body)
        return Reply(200)

    def take(self, url: str) -> dict:
        """What was answered there. It is forgotten then, since there are many."""
        answer = self._answers.pop(url.removeprefix(self.origin))
        if answer is None:
            raise RuntimeError("the event was not answered")
        return answer
