"""Problem documents (RFC 9457): every refusal has a named cause, for machines and for people at 3 am."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

import msgspec

from service.errors import Cause

Message = MutableMapping[str, Any]

STATUS: Final[dict[Cause, int]] = {
    "missing_signature": 400,
    "malformed_signature": 400,
    "bad_signature": 400,
    "stale_timestamp": 400,
    "future_timestamp": 400,
    "bad_payload": 400,
    "too_large": 413,
    "unknown_account": 404,
    "method_not_allowed": 405,
    "not_durable": 503,
}
TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
MEDIA_TYPE: Final = "application/problem+json"
_RETRY_SECONDS: Final = b"5"


def problem(cause: Cause, detail: str, request_id: str) -> tuple[Message, Message]:
    """The two ASGI messages that answer with this cause. A 503 asks to be tried again after five seconds."""
    status = STATUS[cause]
    body = msgspec.json.encode(
        {
            "type": "about:blank",
            "title": TITLES[status],
            "status": status,
            "cause": cause,
            "detail": detail,
            "request_id": request_id,
        }
    )
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    if status == 503:
        headers.append((b"retry-after", _RETRY_SECONDS))
    if status == 405:
        headers.append((b"allow", b"POST"))
    if status == 413:
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    return answer(status, headers, body)


def answer(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[Message, Message]:
    """The two ASGI messages of a complete answer."""
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
