"""Paddle's webhook signature scheme, from the sending side."""

import hashlib
import hmac
import time
from collections.abc import Sequence


def sign(body: bytes, secret: str, timestamp: int, *, extra_secrets: Sequence[str] = ()) -> str:
    """The value of a `Paddle-Signature` header: one `h1` for each secret, as during a rotation.

    `timestamp` is unix seconds; the key is the whole secret, its `pdl_ntfset_` included, as paddle-python-sdk's
    `Notifications/PaddleSignature.py` reads it.
    """
    signed = f"{timestamp}:".encode() + body
    digests = [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in (secret, *extra_secrets)]
    return ";".join([f"ts={timestamp}", *(f"h1={digest}" for digest in digests)])


def headers(body: bytes, secret: str, age: int) -> dict[str, str]:
    """The headers of a delivery sent now; several secrets are separated by commas, the newest first.

    `age` is how many real seconds old the signature claims to be. The time is the real one, since a receiver compares
    it with its own clock, and new for each attempt.
    """
    newest, *older = secret.split(",")
    signature = sign(body, newest, int(time.time()) - age, extra_secrets=older)
    return {"Paddle-Signature": signature, "Paddle-Version": "1", "User-Agent": "Paddle"}
