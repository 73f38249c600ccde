"""Lemon Squeezy's webhook headers, from the sending side."""

import hashlib
import hmac
from typing import Any

import msgspec

Json = dict[str, Any]


def sign(body: bytes, secret: str) -> str:
    """The value of an `X-Signature` header: lower-case hex of the raw body's HMAC-SHA256. No time is signed."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(body: bytes, secret: str, _age: int) -> dict[str, str]:
    """The headers of a delivery; without a signed time there is no stale signature."""
    event: Json = msgspec.json.decode(body)
    return {"X-Signature": sign(body, secret), "X-Event-Name": event["meta"]["event_name"]}
