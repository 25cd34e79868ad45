"""A small HTTP/1.1 server for the Runtime API, with little latency. Keeps connections open."""

import asyncio
import dataclasses
from collections.abc import Callable


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclasses.dataclass
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    def bytes(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} -", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


# None: there is never a response, as the Runtime API has none when there are no more events.
Handler = Callable[[Request], Response | None]


class _Connection(asyncio.Protocol):
    def __init__(self, handler: Handler):
        self._handler = handler
        self._unread = b""

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data: bytes):
        self._unread += data
        while (request := self._next()) is not None:
            if response := self._handler(request):
                self._transport.write(response.bytes())

    def _next(self) -> Request | None:
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
        return Request(method, target, headers, rest[:length])


async def serve(handler: Handler, host: str) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(lambda: _Connection(handler), host, 0)


def port_of(server: asyncio.Server) -> int:
    return server.sockets[0].getsockname()[1]
