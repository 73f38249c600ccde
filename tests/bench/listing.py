"""A list API for the reconcile benchmark: `python -m tests.bench.listing PORT OBJECTS KIND`. Pages of 100 objects of 4 KB."""

from __future__ import annotations

import asyncio
import json
import sys
from email.utils import formatdate
from typing import cast

import uvloop

from tests.bench.events import MODELS, sized

_PAGE = 100
_EMPTY = b'{"object": "list", "data": [], "has_more": false, "url": "/"}'
_ACCOUNT = b'{"object": "account", "id": "acct_bench"}'


class Listing(asyncio.Protocol):
    """Answers one request after the other."""

    objects = 0
    kind = b""
    model = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not derived from it
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """A GET has no body: its blank line ends it."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            content = self._content(head.split(b" ", 2)[1])
            start = (
                f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: {formatdate(usegmt=True)}\r\n"
                f"content-length: {len(content)}\r\n\r\n"
            )
            self._transport.write(start.encode() + content)

    def _content(self, path: bytes) -> bytes:
        if path.startswith(b"/v1/account"):
            return _ACCOUNT
        listed, _, query = path.partition(b"?")
        if listed.startswith(b"/v1/%ss/" % self.kind):
            return self._object(int(listed.rpartition(b"_")[2]))
        if listed != b"/v1/%ss" % self.kind:
            return _EMPTY
        cursor = query.partition(b"starting_after=")[2].partition(b"&")[0]
        first = int(cursor.rpartition(b"_")[2]) + 1 if cursor else 0
        last = min(first + _PAGE, self.objects)
        data = b",".join(map(self._object, range(first, last)))
        more = b"true" if last < self.objects else b"false"
        return b'{"object": "list", "url": "/", "has_more": %s, "data": [%s]}' % (more, data)

    def _object(self, number: int) -> bytes:
        return self.model.replace(b"0000000000", b"%010d" % number)


async def serve(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Listing, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Render the model object, serve."""
    kind = sys.argv[3]
    Listing.kind, Listing.model = kind.encode(), json.dumps(sized(MODELS[kind])).encode()
    Listing.objects = int(sys.argv[2])
    uvloop.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
