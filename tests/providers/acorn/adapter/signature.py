"""`Acorn-Signature: <Unix milliseconds>.<Base64 of HMAC-SHA512 over the milliseconds, a line feed, and the body>`."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence

from service.errors import Rejected
from service.provider import Headers
from service.signatures import require_time

HEADER = b"acorn-signature"
_VALUE = re.compile(rb"([0-9]{1,16})\.([A-Za-z0-9+/]{86}==)")


def verify(*, headers: Headers, body: bytes, secrets: Sequence[str], now: float, tolerance: int) -> None:
    """Return if one of `secrets` signed exactly these bytes in time; else raise `Rejected`."""
    header = headers.get(HEADER, b"").strip()
    if not header:
        raise Rejected("missing_signature", "the header Acorn-Signature is missing or empty")
    value = _VALUE.fullmatch(header)
    if value is None:
        raise Rejected("malformed_signature", "Acorn-Signature needs milliseconds and one MAC")
    if not any(hmac.compare_digest(mac(value[1], body, secret), value[2]) for secret in secrets if secret):
        raise Rejected("bad_signature", "no configured secret signed this body")
    require_time(int(value[1]) // 1000, now, tolerance)


def mac(milliseconds: bytes, body: bytes, secret: str) -> bytes:
    """What the provider writes after the time."""
    key = secret.encode("utf-8", "surrogateescape")
    return base64.b64encode(hmac.digest(key, milliseconds + b"\n" + body, "sha512"))
