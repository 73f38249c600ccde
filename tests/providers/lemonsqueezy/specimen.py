"""Lemon Squeezy as the contract suite needs to know it: PROVIDERS.md 3.1 and 3.2."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.contract.specimen import Shape, Specimen, Vector
from tests.providers.lemonsqueezy.given import FIXTURES, SECRET, USUAL

BODY = (
    b'{"meta":{"event_name":"subscription_payment_success","test_mode":true,'
    b'"webhook_id":"11111111-2222-3333-4444-555555555555","custom_data":{"user_id":"42"}},'
    b'"data":{"type":"subscription-invoices","id":"1","attributes":{"store_id":1,"subscription_id":7,"status":"paid",'
    b'"total":999,"currency":"USD","updated_at":"2026-09-21T12:53:20.000000Z","test_mode":true}}}'
)
SIGNATURE = b"8815dd8f6cde8b49e535c9ff95ce74b7b2bad753a698be0d73b0e743c3ec5a3f"


def sign(body: bytes, secrets: Sequence[str], _at: int) -> bytes:
    """The value of `X-Signature`: there is one only, by the first secret, and no time is signed."""
    return hmac.digest(secrets[0].encode("utf-8", "surrogateescape"), body, hashlib.sha256).hex().encode()


specimen = Specimen(
    header="x-signature",
    sign=sign,
    signs_time=False,
    several=False,
    malformed=(
        SIGNATURE[:-1],
        SIGNATURE + b"0",
        SIGNATURE.upper(),
        b"sha256=" + SIGNATURE,
        SIGNATURE[:-1] + b"g",
        SIGNATURE + b"," + SIGNATURE,
        b"\xff\x00",
        SIGNATURE[:-2] + "²".encode(),
    ),
    vectors=(Vector(body=BODY, secret=SECRET, header=SIGNATURE),),
    signed_at=0,
    shape=Shape(
        event_id=("meta", "webhook_id"),
        type=("meta", "event_name"),
        time=("data", "attributes", "updated_at"),
        object=("data",),
        attributes=("data", "attributes"),
        object_id=("data", "id"),
        customer=("data", "attributes", "customer_id"),
        item_id=("data", "attributes", "first_subscription_item", "id"),
        # Without a usable `webhook_id` the content is the key: see test_content_key.py.
        named=(("meta", "event_name"), ("data", "type"), ("data", "id")),
        optional=(("data", "attributes", "customer_id"),),
    ),
    folder=FIXTURES,
    usual=USUAL,
    later="subscription_updated",
    moment=lambda second: datetime.fromtimestamp(second, UTC).isoformat(),
    times=(
        None, 1_790_000_000, "yesterday", "2026-09-21T12:53:20", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ),
    indispensable=frozenset({"currency", "updated_at"}),
    enums=frozenset({"status", "billing_reason", "mode"}),
)  # fmt: skip
