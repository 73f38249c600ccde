"""Paddle as the contract suite needs to know it: PROVIDERS.md 2.1 and 2.2."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.contract.specimen import Shape, Specimen, Vector
from tests.providers.paddle.given import FIXTURES, T

SECRET = "pdl_ntfset_01h8bz0000000000000000000_testsecretABC123"
OLD_SECRET = "pdl_ntfset_01h8bz0000000000000000000_oldsecretXYZ789"
NOW = 1_790_000_000
BODY = (
    b'{"event_id":"evt_01h8bzakzx3hm2fmen703n5q45","event_type":"transaction.completed",'
    b'"occurred_at":"2026-09-21T12:53:20.123456Z","notification_id":"ntf_01h8bzam7dqq5r4a83sxtv5j0z",'
    b'"data":{"id":"txn_01h8bzakzx3hm2fmen703n5q46","status":"completed","currency_code":"TWD"}}'
)
TIME = b"ts=1790000000"
H1 = b"h1=443815b266e91cfa9d141eca60c45934560f8d59d7c4457a88b3136845e52aab"
H1_OLD = b"h1=1203b48a664d97eacbe0e808bad18a384447f88de760f0aa564b2889f4e755fa"


def sign(body: bytes, secrets: Sequence[str], at: int) -> bytes:
    """The value of `Paddle-Signature`: one `h1` for each secret."""
    signed = b"%d:%b" % (at, body)
    keys = [secret.encode("utf-8", "surrogateescape") for secret in secrets]
    return b";".join(
        [b"ts=%d" % at, *(b"h1=" + hmac.digest(key, signed, hashlib.sha256).hex().encode() for key in keys)]
    )


specimen = Specimen(
    header="paddle-signature",
    sign=sign,
    signs_time=True,
    several=True,
    malformed=(
        H1,
        TIME,
        TIME + b";h2=" + H1[3:],
        TIME + b"," + H1,
        b"ts=;" + H1,
        b"ts=soon;" + H1,
        b"ts=-1;" + H1,
        b"ts=1.5;" + H1,
        b"ts=" + b"9" * 5000 + b";" + H1,
        b"ts=\xb2;" + H1,
        TIME + b";" + TIME + b";" + H1,
        b"garbage",
        b"\xff\x00",
    ),
    vectors=(
        Vector(body=BODY, secret=SECRET, header=TIME + b";" + H1, rotated=(OLD_SECRET, b";".join((TIME, H1, H1_OLD)))),
    ),
    signed_at=NOW,
    shape=Shape(
        event_id=("event_id",),
        type=("event_type",),
        time=("occurred_at",),
        object=("data",),
        attributes=("data",),
        object_id=("data", "id"),
        customer=("data", "customer_id"),
        updated=("data", "updated_at"),
        named=(("event_id",), ("event_type",)),
        optional=(("data", "id"), ("data", "customer_id")),
    ),
    folder=FIXTURES,
    usual="subscription.created__two_seats",
    later="subscription.updated",
    moment=lambda second: datetime.fromtimestamp(second, UTC).isoformat(),
    times=(None, T, "yesterday", "2026-09-21T12:53:20", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", []),
    indispensable=frozenset({"id"}),
    enums=frozenset({"status", "origin", "collection_mode", "action", "type"}),
)
