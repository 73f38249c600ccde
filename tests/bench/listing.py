"""A list API for the reconcile benchmark: `python -m tests.bench.listing PORT OBJECTS`. Pages of 100 customers of 4 KB."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from email.utils import formatdate
from typing import cast

import uvloop

from tests.bench.events import SIZE, customer

_PAGE = 100
_CURSOR = re.compile(rb"starting_after=cus_(\d+)")
_EMPTY = b'{"object": "list", "data": [], "has_more": false, "url": "/"}'
_ACCOUNT = b'{"object": "account", "id": "acct_bench"}'


class Listing(asyncio.Protocol):
    """Answers one request after the other."""

    objects = 0
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
        if not path.startswith(b"/v1/customers"):
            return _EMPTY
        if path.startswith(b"/v1/customers/"):
            return self._object(int(path.partition(b"cus_")[2].partition(b"?")[0]))
        found = _CURSOR.search(path)
        first = int(found[1]) + 1 if found is not None else 0
        last = min(first + _PAGE, self.objects)
        data = b",".join(map(self._object, range(first, last)))
        more = b"true" if last < self.objects else b"false"
        return b'{"object": "list", "url": "/v1/customers", "has_more": %s, "data": [%s]}' % (more, data)

    def _object(self, number: int) -> bytes:
        return self.model.replace(b"0000000000", b"%010d" % number)


async def serve(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Listing, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Render the model object, serve."""
    thing = customer("cus_0000000000", 1_780_000_000, "name 0000000000")
    thing["description"] = ""
    thing["description"] = "x" * (SIZE - len(json.dumps(thing)))
    Listing.model = json.dumps(thing).encode()
    Listing.objects = int(sys.argv[2])
    uvloop.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
