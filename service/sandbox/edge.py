"""The HTTP edge that every stand-in shares: one synchronous exchange behind an ASGI application."""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the wire carried it. Header names are lower case; `path` has no query."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: `wait` is real seconds before it does, `dropped` closes the connection instead."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    dropped: bool = False


Exchange = Callable[[Call], Answer]


class Edge(Starlette):
    """An ASGI application that answers each request with an exchange, under the control plane's routes."""

    def __init__(self, exchange: Exchange, control: Sequence[BaseRoute] = ()) -> None:
        self._exchange = exchange
        super().__init__(routes=[*control, Route("/{path:path}", self._answer, methods=_METHODS)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, keeping the server's own `send`, which is the way to its socket."""
        if scope["type"] == "http":
            scope["sandbox.send"] = send
        await super().__call__(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, request.url.path, request.url.query, headers, await request.body())
        answer = self._exchange(call)
        if answer.wait:
            await asyncio.sleep(answer.wait)
        if answer.dropped:
            _reset(request.scope["sandbox.send"])
            await _until_gone(request)
        return Response(answer.body, answer.status, dict(answer.headers))


def _reset(send: Send) -> None:
    """Close the socket at once and without a response.

    uvicorn hands the application a bound method of its request cycle, which holds the transport; a linger of zero
    makes the kernel send RST rather than FIN. ASGI itself has no word for this. Any other server, and an
    in-process transport, gets the exception instead.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the stand-in was told to drop this connection")
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _until_gone(request: Request) -> None:
    # Returning earlier would make uvicorn write its own 500, and log it, for a request without a response.
    while (await request.receive())["type"] != "http.disconnect":
        pass
