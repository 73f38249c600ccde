"""Acorn as the contract suite needs to know it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.contract.specimen import Shape, Specimen, Vector
from tests.providers.acorn.adapter.signature import mac

SECRET = "acorn-hook-secret-1"
NOW = 1_790_000_000
BODY = b'{"uid":"ev-0","what":"patron.joined","when":1790000000123,"subject":{"ref":"p1"}}'
MAC = b"HM/T0c5nzPImRepegW+gweHIhKQzcp6REY3HRCMBQBYihtv82Vc7ZYT7haVXdOMt4sjCOUvYROVkXE7zrCbEeQ=="
HEADER = b"1790000000000." + MAC


def sign(body: bytes, secrets: Sequence[str], at: int) -> bytes:
    """The value of `Acorn-Signature`: there is one only, by the first secret."""
    moment = b"%d" % (at * 1000)
    return moment + b"." + mac(moment, body, secrets[0])


specimen = Specimen(
    header="acorn-signature",
    sign=sign,
    signs_time=True,
    several=False,
    malformed=(
        MAC,
        b"1790000000000",
        b"." + MAC,
        b"soon." + MAC,
        HEADER + b"=",
        HEADER[:-1],
        b"-1." + MAC,
        b"\xff\x00",
    ),
    vectors=(Vector(body=BODY, secret=SECRET, header=HEADER),),
    signed_at=NOW,
    shape=Shape(
        event_id=("uid",),
        type=("what",),
        time=("when",),
        object=("subject",),
        attributes=("subject",),
        object_id=("subject", "ref"),
        customer=("subject", "patron"),
        updated=("subject", "changed"),
        named=(("uid",), ("what",)),
        optional=(("subject", "ref"), ("subject", "patron")),
        status="state",
    ),
    folder=Path(__file__).parent / "fixtures",
    usual="membership.begun__two_seats",
    later="membership.changed",
    moment=lambda second: second * 1000,
    times=(None, "1790000000123", NOW, 946_684_799_999, 4_102_444_800_000, -1, 1.5, 10**400),
    indispensable=frozenset({"ref"}),
    enums=frozenset({"state"}),
)
