"""A small HTTP/1.1 server that costs its clients little waiting. Knows nothing of what is asked; keeps connections open."""

import asyncio
import dataclasses
import json
from collections.abc import Callable


@dataclasses.dataclass
class Asked:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclasses.dataclass
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def json(cls, status: int, value: dict, **headers: str) -> "Reply":
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **named})

    def bytes(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} -", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


# None: there is no answer, now or ever, as the Runtime API has none when there are no more events.
Answer = Callable[[Asked], Reply | None]


class _Connection(asyncio.Protocol):
    def __init__(self, answer: Answer):
        self._answer = answer
        self._unread = b""

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data: bytes):
        self._unread += data
        while (asked := self._next()) is not None:
            if reply := self._answer(asked):
                self._transport.write(reply.bytes())

    def _next(self) -> Asked | None:
        head, blank, rest = self._unread.partition(b"\r\n\r\n")
        if not blank:
            return None
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "transfer-encoding" in headers:
            raise ValueError(f"a body without a length: {first}")
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._unread = rest[length:]
        method, target, _ = first.split(" ")
        return Asked(method, target, headers, rest[:length])


async def serve(answer: Answer, host: str, port: int = 0, tls=None) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(lambda: _Connection(answer), host, port, ssl=tls)


def port_of(server: asyncio.Server) -> int:
    return server.sockets[0].getsockname()[1]
