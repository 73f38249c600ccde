"""The signature: PROVIDERS.md 2.1."""

import hashlib
import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import Rejected
from service.providers.paddle import provider
from tests.providers.paddle.official import verified

SECRET = "pdl_ntfset_01h8bz0000000000000000000_testsecretABC123"
OLD_SECRET = "pdl_ntfset_01h8bz0000000000000000000_oldsecretXYZ789"
NOW = 1_790_000_000
BODY = (
    b'{"event_id":"evt_01h8bzakzx3hm2fmen703n5q45","event_type":"transaction.completed",'
    b'"occurred_at":"2026-09-21T12:53:20.123456Z","notification_id":"ntf_01h8bzam7dqq5r4a83sxtv5j0z",'
    b'"data":{"id":"txn_01h8bzakzx3hm2fmen703n5q46","status":"completed","currency_code":"TWD"}}'
)
H1 = b"h1=443815b266e91cfa9d141eca60c45934560f8d59d7c4457a88b3136845e52aab"
H1_OLD = b"h1=1203b48a664d97eacbe0e808bad18a384447f88de760f0aa564b2889f4e755fa"
TIME = b"ts=1790000000"


def verify(
    header: bytes | None,
    body: bytes = BODY,
    secrets: tuple[str, ...] = (SECRET,),
    now: float = NOW,
    tolerance: int = 300,
) -> str:
    """`accepted`, or the cause of the rejection."""
    headers = {} if header is None else {b"paddle-signature": header}
    try:
        provider.verify(headers=headers, body=body, secrets=secrets, now=now, tolerance=tolerance)
    except Rejected as rejection:
        return rejection.cause
    return "accepted"


def sign(body: bytes, secret: str, time: int) -> bytes:
    """The header as Paddle makes it."""
    digest = hmac.new(secret.encode(), b"%d:%b" % (time, body), hashlib.sha256).hexdigest()
    return f"ts={time};h1={digest}".encode()


@pytest.mark.parametrize("secrets", [(SECRET,), (OLD_SECRET,), (OLD_SECRET, SECRET), ("pdl_other", SECRET)])
def test_any_configured_secret_and_any_h1_make_a_delivery_genuine(secrets: tuple[str, ...]) -> None:
    assert verify(b";".join((TIME, H1, H1_OLD)), secrets=secrets) == "accepted"


@pytest.mark.parametrize(
    "header",
    [
        TIME + b";" + H1,
        b"ts=1790000000; " + H1,
        b" ts = 1790000000 ;\th1 = " + H1[3:] + b" ",
        H1 + b";" + TIME,
        b"h2=00;" + TIME + b";h0=11;novalue;=;;" + H1,
        TIME + b";h1=00;h1=;" + H1 + b";h2=a=b",
    ],
)
def test_order_spaces_unknown_schemes_and_wrong_companions_do_not_matter(header: bytes) -> None:
    assert verify(header) == "accepted"


@pytest.mark.parametrize("header", [None, b"", b"   "])
def test_a_delivery_without_signature_is_named_so(header: bytes | None) -> None:
    assert verify(header) == "missing_signature"


@pytest.mark.parametrize(
    "header",
    [
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
    ],
)
def test_a_header_without_exactly_one_time_and_an_h1_is_malformed(header: bytes) -> None:
    assert verify(header) == "malformed_signature"


@pytest.mark.parametrize(
    ("header", "body", "secrets"),
    [
        (TIME + b";" + H1, BODY + b" ", (SECRET,)),
        (b"ts=1790000001;" + H1, BODY, (SECRET,)),
        (b"ts=01790000000;" + H1, BODY, (SECRET,)),
        (TIME + b";" + H1, BODY, (OLD_SECRET,)),
        (TIME + b";" + H1, BODY, ()),
        (TIME + b";h1=" + H1[3:].upper(), BODY, (SECRET,)),
        (TIME + b";" + H1[:-1], BODY, (SECRET,)),
        ("ts=1790000000;h1=é".encode(), BODY, (SECRET,)),
    ],
)
def test_anything_that_no_secret_signed_is_a_bad_signature(
    header: bytes, body: bytes, secrets: tuple[str, ...]
) -> None:
    assert verify(header, body, secrets) == "bad_signature"


def test_an_empty_secret_accepts_nothing() -> None:
    assert verify(sign(BODY, "", NOW), secrets=("",)) == "bad_signature"


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
    assert verify(TIME + b";" + H1, now=now) == verdict


def test_no_environment_switches_the_time_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_MODE", "1")
    assert verify(TIME + b";" + H1, now=NOW + 10_000) == "stale_timestamp"


@pytest.mark.parametrize("now", [NOW + 10_000, NOW - 10_000])
def test_a_forged_delivery_is_a_bad_signature_however_old_it_claims_to_be(now: float) -> None:
    assert verify(TIME + b";" + H1_OLD, now=now) == "bad_signature"


@given(st.text(), st.text(min_size=1), st.integers(min_value=1, max_value=10**12))
def test_what_we_accept_the_official_verifier_accepts_too(body: str, secret: str, time: int) -> None:
    header = sign(body.encode(), secret, time)
    assert verify(header, body.encode(), (secret,), now=time) == "accepted"
    assert verified(header, body.encode(), secret)
    assert not verified(header, body.encode(), f"{secret}x")
    assert verify(header, body.encode(), (f"{secret}x",), now=time) == "bad_signature"


@given(st.binary(), st.binary(), st.lists(st.text()))
@example(b"ts=1;h1=\xff", b"\xff", ["\udcff"])
def test_any_bytes_are_accepted_or_rejected_by_name(header: bytes, body: bytes, secrets: list[str]) -> None:
    assert verify(header, body, tuple(secrets)) in {"missing_signature", "malformed_signature", "bad_signature"}


def test_a_rejection_quotes_neither_header_nor_body() -> None:
    with pytest.raises(Rejected) as caught:
        provider.verify(
            headers={b"paddle-signature": b"ts=1;h1=beef"}, body=b"cafe", secrets=[SECRET], now=1, tolerance=1
        )
    assert "beef" not in str(caught.value)
    assert "cafe" not in str(caught.value)
