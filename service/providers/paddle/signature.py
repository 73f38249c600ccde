"""Paddle's webhook signature: HMAC-SHA256 over `<ts>:<body>` under the whole secret, `pdl_ntfset_` included.

Written by hand because the SDK's verifier (paddle-python-sdk 1.16.1) stops checking the time where the environment says
`TEST_MODE=1`, and fails with `ValueError` or `TypeError` on a header that has an unknown scheme (`h2=`), a second `=`
or a letter that is not ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from service.errors import Rejected
from service.provider import Headers
from service.signatures import require_match, require_time

HEADER: Final = b"paddle-signature"
_TIME: Final = re.compile(rb"[0-9]{1,15}")


def verify(*, headers: Headers, body: bytes, secrets: Sequence[str], now: float, tolerance: int) -> None:
    """Return if one of `secrets` signed exactly these bytes within `tolerance` seconds of `now` (Unix time). Pure.

    While a secret is being replaced Paddle signs with both and sends several `h1`; schemes that we don't know are passed
    over. The signature is judged before the time, so that a forged delivery is always `bad_signature` and only the holder
    of a secret can learn that its clock is wrong.

    Raises:
        Rejected: `missing_signature`, `malformed_signature` (not one time and at least one `h1`), `bad_signature`,
            `stale_timestamp` or `future_timestamp`.
    """
    signed_at, signatures = _parse(headers.get(HEADER, b""))
    require_match(signed_at + b":" + body, signatures, secrets)
    require_time(int(signed_at), now, tolerance)


def _parse(header: bytes) -> tuple[bytes, list[bytes]]:
    if not header.strip():
        raise Rejected("missing_signature", "the header Paddle-Signature is missing or empty")
    times: list[bytes] = []
    signatures: list[bytes] = []
    for element in header.split(b";"):
        name, _, value = element.partition(b"=")
        if (name := name.strip()) == b"ts":
            times.append(value.strip())
        elif name == b"h1":
            signatures.append(value.strip())
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not signatures:
        raise Rejected("malformed_signature", "Paddle-Signature needs one ts=<Unix seconds> and at least one h1=")
    return times[0], signatures
