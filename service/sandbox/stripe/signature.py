"""Stripe's webhook signature scheme, from the sending side."""

import hashlib
import hmac
import time
from collections.abc import Sequence


def sign(body: bytes, secret: str, timestamp: int, *, extra_secrets: Sequence[str] = ()) -> str:
    """The value of a `Stripe-Signature` header: one `v1` for each secret, as during a rotation.

    `timestamp` is unix seconds; the key is the whole secret, its `whsec_` included, as stripe-python's
    `_webhook.py` reads it.
    """
    signed = f"{timestamp}.".encode() + body
    digests = [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in (secret, *extra_secrets)]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])


def headers(body: bytes, secret: str, age: int) -> dict[str, str]:
    """The headers of a delivery sent now; `age` is how many real seconds old its signature claims to be.

    The time is the real one, since a receiver compares it with its own clock.
    """
    return {"Stripe-Signature": sign(body, secret, int(time.time()) - age), "User-Agent": "Stripe/1.0"}
