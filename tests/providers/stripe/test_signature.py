"""What is peculiar to Stripe's signature: PROVIDERS.md 1.1. What holds for all is in `tests/contract`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import WebhookSignature

from service.providers.stripe import provider
from tests.contract.specimen import verdict
from tests.providers.stripe.specimen import BODY, NOW, SECRET, TIME, V1


def verify(header: bytes, body: bytes = BODY, secret: str = SECRET, now: float = NOW) -> str:
    """`accepted`, or the cause of the rejection."""
    return verdict(provider, {b"stripe-signature": header}, body, (secret,), now=now)


@pytest.mark.parametrize(
    "header",
    [
        b"t=1790000000, " + V1,
        b" t = 1790000000 ,\tv1 = " + V1[3:] + b" ",
        V1 + b"," + TIME,
        b"v0=00," + TIME + b",v2=11,novalue,=,," + V1,
        TIME + b",v1=00,v1=," + V1,
    ],
)
def test_order_spaces_other_schemes_and_wrong_companions_do_not_matter(header: bytes) -> None:
    assert verify(header) == "accepted"


@pytest.mark.parametrize(
    "header",
    [
        b"t=1790000001," + V1,
        b"t=01790000000," + V1,
        TIME + b"," + V1.upper().replace(b"V1", b"v1"),
        TIME + b"," + V1[:-1],
        "t=1790000000,v1=é".encode(),
    ],
)
def test_a_signature_of_something_else_is_bad(header: bytes) -> None:
    assert verify(header) == "bad_signature"


@given(st.text(), st.text(min_size=1), st.integers(min_value=0, max_value=10**12))
def test_what_the_sdk_signs_is_accepted(body: str, secret: str, time: int) -> None:
    header = WebhookSignature.generate_signature_header(body, secret, time).encode()
    assert verify(header, body.encode(), secret, now=time) == "accepted"
