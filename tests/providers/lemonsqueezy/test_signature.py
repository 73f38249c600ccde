"""The signature: PROVIDERS.md 3.1."""

import hashlib
import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import Rejected
from service.providers.lemonsqueezy import provider
from tests.providers.lemonsqueezy.given import SECRET

BODY = (
    b'{"meta":{"event_name":"subscription_payment_success","test_mode":true,'
    b'"webhook_id":"11111111-2222-3333-4444-555555555555","custom_data":{"user_id":"42"}},'
    b'"data":{"type":"subscription-invoices","id":"1","attributes":{"store_id":1,"subscription_id":7,"status":"paid",'
    b'"total":999,"currency":"USD","updated_at":"2026-09-21T12:53:20.000000Z","test_mode":true}}}'
)
SIGNATURE = b"8815dd8f6cde8b49e535c9ff95ce74b7b2bad753a698be0d73b0e743c3ec5a3f"


def verify(header: bytes | None, body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,), now: float = 0) -> str:
    """`accepted`, or the cause of the rejection."""
    headers = {} if header is None else {b"x-signature": header}
    try:
        provider.verify(headers=headers, body=body, secrets=secrets, now=now, tolerance=300)
    except Rejected as rejection:
        return rejection.cause
    return "accepted"


def signature(body: bytes, secret: str) -> bytes:
    """What Lemon Squeezy would send."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()


@pytest.mark.parametrize("secrets", [(SECRET,), ("old-secret", SECRET), (SECRET, "new-secret"), ("", SECRET)])
def test_any_configured_secret_makes_a_delivery_genuine(secrets: tuple[str, ...]) -> None:
    assert verify(SIGNATURE, secrets=secrets) == "accepted"


@pytest.mark.parametrize("now", [0, 1_790_000_000, 4e9])
def test_no_time_is_signed_so_none_is_judged(now: float) -> None:
    assert verify(SIGNATURE, now=now) == "accepted"


def test_spaces_around_the_signature_do_not_matter() -> None:
    assert verify(b" " + SIGNATURE + b"\t") == "accepted"


@pytest.mark.parametrize("header", [None, b"", b"   "])
def test_a_delivery_without_signature_is_named_so(header: bytes | None) -> None:
    assert verify(header) == "missing_signature"


@pytest.mark.parametrize(
    "header",
    [
        SIGNATURE[:-1],
        SIGNATURE + b"0",
        SIGNATURE.upper(),
        b"sha256=" + SIGNATURE,
        SIGNATURE[:-1] + b"g",
        SIGNATURE + b"," + SIGNATURE,
        b"\xff\x00",
        SIGNATURE[:-2] + "²".encode(),
    ],
)
def test_anything_but_64_digits_of_hex_is_malformed(header: bytes) -> None:
    assert verify(header) == "malformed_signature"


@pytest.mark.parametrize(
    ("body", "secrets"),
    [
        (BODY + b" ", (SECRET,)),
        (BODY.replace(b"999", b"998"), (SECRET,)),
        (BODY, ("another-secret",)),
        (BODY, (SECRET + " ",)),
        (BODY, ()),
    ],
)
def test_anything_that_no_secret_signed_is_a_bad_signature(body: bytes, secrets: tuple[str, ...]) -> None:
    assert verify(SIGNATURE, body, secrets) == "bad_signature"


def test_an_empty_secret_accepts_nothing() -> None:
    assert verify(signature(BODY, ""), secrets=("",)) == "bad_signature"


@given(st.binary(), st.text(min_size=1), st.lists(st.text()))
def test_whatever_a_secret_signed_is_accepted(body: bytes, secret: str, others: list[str]) -> None:
    assert verify(signature(body, secret), body, (*others, secret)) == "accepted"


@given(st.binary(), st.binary(), st.lists(st.text()))
@example(SIGNATURE, b"\xff", ["\udcff"])
def test_any_bytes_are_accepted_or_rejected_by_name(header: bytes, body: bytes, secrets: list[str]) -> None:
    assert verify(header, body, tuple(secrets)) in {"missing_signature", "malformed_signature", "bad_signature"}


def test_a_rejection_quotes_neither_header_nor_body() -> None:
    for header in (b"beef", b"beef" * 16):
        with pytest.raises(Rejected) as caught:
            provider.verify(headers={b"x-signature": header}, body=b"cafe", secrets=[SECRET], now=1, tolerance=1)
        assert "beef" not in str(caught.value)
        assert "cafe" not in str(caught.value)
