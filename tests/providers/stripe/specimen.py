"""Stripe as the contract suite needs to know it: PROVIDERS.md 1.1 and 1.2."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from tests.contract.specimen import Shape, Specimen, Vector
from tests.providers.stripe.given import FIXTURES, T

SECRET, OLD_SECRET = "whsec_test_0123456789abcdef", "whsec_test_old_fedcba9876543210"
NOW = 1_790_000_000
BODY = (
    b'{"id":"evt_test_1","object":"event","api_version":"2026-10-28.endive","created":1790000000,"livemode":false,'
    b'"type":"invoice.paid","data":{"object":{"id":"in_1","object":"invoice","currency":"twd","amount_paid":29900}}}'
)
TIME = b"t=1790000000"
V1 = b"v1=eb3700f865fe058b2312985f5eaebc80c14d63d37ac5c1c9b167ac247df54815"
V1_OLD = b"v1=2ee377662a589fadc829161de8a9280911f52b0575c91506900e2a61678d7741"


def sign(body: bytes, secrets: Sequence[str], at: int) -> bytes:
    """The value of `Stripe-Signature`: one `v1` for each secret."""
    signed = b"%d.%b" % (at, body)
    keys = [secret.encode("utf-8", "surrogateescape") for secret in secrets]
    return b",".join(
        [b"t=%d" % at, *(b"v1=" + hmac.digest(key, signed, hashlib.sha256).hex().encode() for key in keys)]
    )


specimen = Specimen(
    header="stripe-signature",
    sign=sign,
    signs_time=True,
    several=True,
    malformed=(
        V1,
        TIME,
        TIME + b",v0=" + V1[3:],
        b"t=," + V1,
        b"t=soon," + V1,
        b"t=-1," + V1,
        b"t=1.5," + V1,
        b"t=" + b"9" * 5000 + b"," + V1,
        b"t=\xb2," + V1,
        TIME + b"," + TIME + b"," + V1,
        b"garbage",
        b"\xff\x00",
    ),
    vectors=(
        Vector(body=BODY, secret=SECRET, header=TIME + b"," + V1, rotated=(OLD_SECRET, b",".join((TIME, V1, V1_OLD)))),
    ),
    signed_at=NOW,
    shape=Shape(
        event_id=("id",),
        type=("type",),
        time=("created",),
        object=("data", "object"),
        attributes=("data", "object"),
        object_id=("data", "object", "id"),
        customer=("data", "object", "customer"),
        item_id=("data", "object", "items", "data", "0", "id"),
        named=(("id",), ("type",)),
        optional=(("data", "object", "id"), ("data", "object", "object"), ("data", "object", "customer")),
    ),
    folder=FIXTURES,
    usual="customer.subscription.created__two_seats",
    later="customer.subscription.updated",
    moment=int,
    times=(None, str(T), 946_684_799, 4_102_444_800, -1, True, T + 0.5, 10**400),
    indispensable=frozenset({"id", "object", "currency"}),
    enums=frozenset({"status", "billing_reason", "collection_method", "reason", "type", "failure_code"}),
)
