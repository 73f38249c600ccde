"""Lemon Squeezy's webhook signature: the hex of an HMAC-SHA256 over the raw body, and nothing else.

No time is signed, so nothing tells a fresh delivery from one that was recorded and sent again: only the event's keys do
(docs.lemonsqueezy.com/help/webhooks/signing-requests).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from service.errors import Rejected
from service.provider import Headers
from service.signatures import require_match

HEADER: Final = b"x-signature"
_HEX: Final = re.compile(rb"[0-9a-f]{64}")


def verify(*, headers: Headers, body: bytes, secrets: Sequence[str]) -> None:
    """Return if one of `secrets` signed exactly these bytes. Pure.

    Changing a webhook's secret takes effect at once at Lemon Squeezy, so old and new are both accepted for as long as
    both are configured.

    Raises:
        Rejected: `missing_signature`, `malformed_signature` (not 64 digits of lower-case hex) or `bad_signature`.
    """
    signature = headers.get(HEADER, b"").strip()
    if not signature:
        raise Rejected("missing_signature", "the header X-Signature is missing or empty")
    if not _HEX.fullmatch(signature):
        raise Rejected("malformed_signature", "X-Signature is not 64 digits of lower-case hex")
    require_match(body, (signature,), secrets)
