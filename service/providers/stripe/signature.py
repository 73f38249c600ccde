"""Stripe's webhook signature: HMAC-SHA256 over `<t>.<body>` under the whole secret, `whsec_` included.

Written by hand because the SDK's verifier (stripe-python 16.1.0) accepts any time in the future, fails with `TypeError`
or `UnicodeDecodeError` on some input, and stumbles over a space after a comma.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import Final

from service.errors import Rejected
from service.provider import Headers

HEADER: Final = b"stripe-signature"
_TIME: Final = re.compile(rb"[0-9]{1,15}")


def verify(*, headers: Headers, body: bytes, secrets: Sequence[str], now: float, tolerance: int) -> None:
    """Return if one of `secrets` signed exactly these bytes within `tolerance` seconds of `now` (Unix time). Pure.

    The signature is judged before the time, so that a forged delivery is always `bad_signature` and only the holder of
    a secret can learn that its clock is wrong. Each secret is compared with each signature, in constant time and
    without stopping at a match. An empty secret signs nothing.

    Raises:
        Rejected: `missing_signature`, `malformed_signature` (not one time and at least one `v1`), `bad_signature`,
            `stale_timestamp` or `future_timestamp`.
    """
    signed_at, signatures = _parse(headers.get(HEADER, b""))
    if not _matches(signed_at + b"." + body, signatures, secrets):
        raise Rejected("bad_signature", "no configured secret signed this body")
    age = now - int(signed_at)
    if age > tolerance:
        raise Rejected("stale_timestamp", f"signed more than {tolerance} s ago")
    if age < -tolerance:
        raise Rejected("future_timestamp", f"signed more than {tolerance} s ahead of our clock")


def _parse(header: bytes) -> tuple[bytes, list[bytes]]:
    if not header.strip():
        raise Rejected("missing_signature", "the header Stripe-Signature is missing or empty")
    times: list[bytes] = []
    signatures: list[bytes] = []
    for element in header.split(b","):
        name, _, value = element.partition(b"=")
        if (name := name.strip()) == b"t":
            times.append(value.strip())
        elif name == b"v1":
            signatures.append(value.strip())
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not signatures:
        raise Rejected("malformed_signature", "Stripe-Signature needs one t=<Unix seconds> and at least one v1=")
    return times[0], signatures


def _matches(signed: bytes, signatures: Sequence[bytes], secrets: Sequence[str]) -> bool:
    matched = False
    for secret in filter(None, secrets):
        # Secrets come from the environment, which may hold bytes that are not UTF-8.
        expected = hmac.digest(secret.encode("utf-8", "surrogateescape"), signed, "sha256").hex().encode()
        for signature in signatures:
            matched |= hmac.compare_digest(expected, signature)
    return matched
