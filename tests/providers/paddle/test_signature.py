"""What is peculiar to Paddle's signature: PROVIDERS.md 2.1. What holds for all is in `tests/contract`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.providers.paddle import provider
from tests.contract.specimen import verdict
from tests.providers.paddle.official import verified
from tests.providers.paddle.specimen import BODY, H1, NOW, SECRET, TIME, sign


def verify(header: bytes, body: bytes = BODY, secret: str = SECRET, now: float = NOW) -> str:
    """`accepted`, or the cause of the rejection."""
    return verdict(provider, {b"paddle-signature": header}, body, (secret,), now=now)


@pytest.mark.parametrize(
    "header",
    [
        b"ts=1790000000; " + H1,
        b" ts = 1790000000 ;\th1 = " + H1[3:] + b" ",
        H1 + b";" + TIME,
        b"h2=00;" + TIME + b";h0=11;novalue;=;;" + H1,
        TIME + b";h1=00;h1=;" + H1 + b";h2=a=b",
    ],
)
def test_order_spaces_unknown_schemes_and_wrong_companions_do_not_matter(header: bytes) -> None:
    assert verify(header) == "accepted"


@pytest.mark.parametrize(
    "header",
    [
        b"ts=1790000001;" + H1,
        b"ts=01790000000;" + H1,
        TIME + b";h1=" + H1[3:].upper(),
        TIME + b";" + H1[:-1],
        "ts=1790000000;h1=é".encode(),
    ],
)
def test_a_signature_of_something_else_is_bad(header: bytes) -> None:
    assert verify(header) == "bad_signature"


def test_no_environment_switches_the_time_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_MODE", "1")
    assert verify(TIME + b";" + H1, now=NOW + 10_000) == "stale_timestamp"


@given(st.text(), st.text(min_size=1), st.integers(min_value=1, max_value=10**12))
def test_what_we_accept_the_official_verifier_accepts_too(body: str, secret: str, time: int) -> None:
    header = sign(body.encode(), (secret,), time)
    assert verify(header, body.encode(), secret, now=time) == "accepted"
    assert verified(header, body.encode(), secret)
    assert not verified(header, body.encode(), f"{secret}x")
    assert verify(header, body.encode(), f"{secret}x", now=time) == "bad_signature"
