"""The signature: PROVIDERS.md 1.1."""

import hashlib
import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stripe import WebhookSignature

from service.errors import Rejected
from service.providers.stripe import provider

SECRET = "whsec_test_0123456789abcdef"
OLD_SECRET = "whsec_test_old_fedcba9876543210"
NOW = 1_790_000_000
BODY = (
    b'{"id":"evt_test_1","object":"event","api_version":"2026-10-28.endive","created":1790000000,"livemode":false,'
    b'"type":"invoice.paid","data":{"object":{"id":"in_1","object":"invoice","currency":"twd","amount_paid":29900}}}'
)
V1 = b"v1=eb3700f865fe058b2312985f5eaebc80c14d63d37ac5c1c9b167ac247df54815"
V1_OLD = b"v1=2ee377662a589fadc829161de8a9280911f52b0575c91506900e2a61678d7741"
TIME = b"t=1790000000"


def verify(
    header: bytes | None,
    body: bytes = BODY,
    secrets: tuple[str, ...] = (SECRET,),
    now: float = NOW,
    tolerance: int = 300,
) -> str:
    """`accepted`, or the cause of the rejection."""
    headers = {} if header is None else {b"stripe-signature": header}
    try:
        provider.verify(headers=headers, body=body, secrets=secrets, now=now, tolerance=tolerance)
    except Rejected as rejection:
        return rejection.cause
    return "accepted"


@pytest.mark.parametrize("secrets", [(SECRET,), (OLD_SECRET,), (OLD_SECRET, SECRET), ("whsec_other", SECRET)])
def test_any_configured_secret_and_any_v1_make_a_delivery_genuine(secrets: tuple[str, ...]) -> None:
    assert verify(b",".join((TIME, V1, V1_OLD)), secrets=secrets) == "accepted"


@pytest.mark.parametrize(
    "header",
    [
        TIME + b"," + V1,
        b"t=1790000000, " + V1,
        b" t = 1790000000 ,\tv1 = " + V1[3:] + b" ",
        V1 + b"," + TIME,
        b"v0=00," + TIME + b",v2=11,novalue,=,," + V1,
        TIME + b",v1=00,v1=," + V1,
    ],
)
def test_order_spaces_other_schemes_and_wrong_companions_do_not_matter(header: bytes) -> None:
    assert verify(header) == "accepted"


@pytest.mark.parametrize("header", [None, b"", b"   "])
def test_a_delivery_without_signature_is_named_so(header: bytes | None) -> None:
    assert verify(header) == "missing_signature"


@pytest.mark.parametrize(
    "header",
    [
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
    ],
)
def test_a_header_without_exactly_one_time_and_a_v1_is_malformed(header: bytes) -> None:
    assert verify(header) == "malformed_signature"


@pytest.mark.parametrize(
    ("header", "body", "secrets"),
    [
        (TIME + b"," + V1, BODY + b" ", (SECRET,)),
        (b"t=1790000001," + V1, BODY, (SECRET,)),
        (b"t=01790000000," + V1, BODY, (SECRET,)),
        (TIME + b"," + V1, BODY, (OLD_SECRET,)),
        (TIME + b"," + V1, BODY, ()),
        (TIME + b"," + V1.upper().replace(b"V1", b"v1"), BODY, (SECRET,)),
        (TIME + b"," + V1[:-1], BODY, (SECRET,)),
        ("t=1790000000,v1=é".encode(), BODY, (SECRET,)),
    ],
)
def test_anything_that_no_secret_signed_is_a_bad_signature(
    header: bytes, body: bytes, secrets: tuple[str, ...]
) -> None:
    assert verify(header, body, secrets) == "bad_signature"


def test_an_empty_secret_accepts_nothing() -> None:
    forged = hmac.new(b"", TIME[2:] + b"." + BODY, hashlib.sha256).hexdigest().encode()
    assert verify(TIME + b",v1=" + forged, secrets=("",)) == "bad_signature"


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (NOW + 300, "accepted"),
        (NOW + 300.5, "stale_timestamp"),
        (NOW - 300, "accepted"),
        (NOW - 301, "future_timestamp"),
    ],
)
def test_the_tolerance_holds_in_both_directions(now: float, verdict: str) -> None:
    assert verify(TIME + b"," + V1, now=now) == verdict


@pytest.mark.parametrize("now", [NOW + 10_000, NOW - 10_000])
def test_a_forged_delivery_is_a_bad_signature_however_old_it_claims_to_be(now: float) -> None:
    assert verify(TIME + b"," + V1_OLD, now=now) == "bad_signature"


@given(st.text(), st.text(min_size=1), st.integers(min_value=0, max_value=10**12))
def test_what_the_sdk_signs_is_accepted(body: str, secret: str, time: int) -> None:
    header = WebhookSignature.generate_signature_header(body, secret, time).encode()
    assert verify(header, body.encode(), (secret,), now=time) == "accepted"


@given(st.binary(), st.binary(), st.lists(st.text()))
@example(b"t=1,v1=\xff", b"\xff", ["\udcff"])
def test_any_bytes_are_accepted_or_rejected_by_name(header: bytes, body: bytes, secrets: list[str]) -> None:
    assert verify(header, body, tuple(secrets)) in {"missing_signature", "malformed_signature", "bad_signature"}


def test_a_rejection_quotes_neither_header_nor_body() -> None:
    with pytest.raises(Rejected) as caught:
        provider.verify(
            headers={b"stripe-signature": b"t=1,v1=beef"}, body=b"cafe", secrets=[SECRET], now=1, tolerance=1
        )
    assert "beef" not in str(caught.value)
    assert "cafe" not in str(caught.value)
