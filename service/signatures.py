"""What every provider's signature has in common: an HMAC-SHA256, several secrets, and a time where one is signed. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from service.errors import Rejected


def require_match(signed: bytes, signatures: Sequence[bytes], secrets: Sequence[str]) -> None:
    """Return if one of `secrets` made one of `signatures` (lower-case hex) over `signed`; else raise `Rejected`.

    Each secret is compared with each signature, in constant time and without stopping at a match. An empty secret signs
    nothing.
    """
    matched = False
    for secret in filter(None, secrets):
        # Secrets come from the environment, which may hold bytes that are not UTF-8.
        expected = hmac.digest(secret.encode("utf-8", "surrogateescape"), signed, "sha256").hex().encode()
        for signature in signatures:
            matched |= hmac.compare_digest(expected, signature)
    if not matched:
        raise Rejected("bad_signature", "no configured secret signed this body")


def require_time(signed_at: int, now: float, tolerance: int) -> None:
    """Return if `signed_at` (Unix time) lies within `tolerance` seconds of `now`, on either side; else raise `Rejected`."""
    age = now - signed_at
    if age > tolerance:
        raise Rejected("stale_timestamp", f"signed more than {tolerance} s ago")
    if age < -tolerance:
        raise Rejected("future_timestamp", f"signed more than {tolerance} s ahead of our clock")
