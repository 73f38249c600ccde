"""Bodies of requests, as bytes."""

from __future__ import annotations

from starlette.types import Receive

from service.errors import Rejected


async def read(receive: Receive, limit: int) -> bytes:
    """The whole body, counted while it streams: what a header claims about its length is not believed.

    Raises:
        Rejected: `too_large`; `bad_payload` where the sender hung up.
    """
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected("bad_payload", "the sender hung up")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise Rejected("too_large", f"the body is larger than {limit} bytes")
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)
