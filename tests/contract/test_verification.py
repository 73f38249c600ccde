"""Verification: nothing is accepted but what a configured secret signed in time, and every refusal has a name."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import Rejected
from service.provider import Provider
from tests.contract.specimen import Specimen, Vector, verdict

_CAUSES = {"missing_signature", "malformed_signature", "bad_signature"}
# What configuration can hold: any text, and bytes of the environment that are not UTF-8.
_secrets = st.text(st.characters(codec="utf-8") | st.sampled_from("\udcff\udc80"), max_size=20)
OTHER = "a-secret-of-somebody-else"


def judged(provider: Provider, specimen: Specimen, header: bytes, body: bytes, *secrets: str, now: float = 0) -> str:
    """The verdict on a delivery that came with this signature."""
    return verdict(provider, {specimen.header.encode(): header}, body, secrets, now=now)


def published(specimen: Specimen) -> Vector:
    """The first published vector."""
    return specimen.vectors[0]


def test_every_published_vector_is_accepted(provider: Provider, specimen: Specimen) -> None:
    assert specimen.vectors
    for each in specimen.vectors:
        now = specimen.signed_at
        assert judged(provider, specimen, each.header, each.body, each.secret, now=now) == "accepted"
        assert specimen.sign(each.body, (each.secret,), now) == each.header


def test_any_configured_secret_makes_a_delivery_genuine(provider: Provider, specimen: Specimen) -> None:
    each, now = published(specimen), specimen.signed_at
    for secrets in ((OTHER, each.secret), (each.secret, OTHER), ("", each.secret)):
        assert judged(provider, specimen, each.header, each.body, *secrets, now=now) == "accepted"


def test_any_of_several_signatures_makes_a_delivery_genuine(provider: Provider, specimen: Specimen) -> None:
    """While a secret is replaced the provider may sign with both; whichever we have is enough."""
    each, now = published(specimen), specimen.signed_at
    assert specimen.several == (each.rotated is not None)
    if each.rotated is None:
        return
    old, header = each.rotated
    for secrets in ((old,), (each.secret,), (OTHER, old)):
        assert judged(provider, specimen, header, each.body, *secrets, now=now) == "accepted"
    assert judged(provider, specimen, header, each.body, OTHER, now=now) == "bad_signature"
    assert specimen.sign(each.body, (each.secret, old), now) == header


def test_a_delivery_without_signature_is_named_so(provider: Provider, specimen: Specimen) -> None:
    each = published(specimen)
    for headers in ({}, {specimen.header.encode(): b""}, {specimen.header.encode(): b"   "}):
        assert verdict(provider, headers, each.body, (each.secret,)) == "missing_signature"


def test_a_header_that_cannot_be_read_is_malformed(provider: Provider, specimen: Specimen) -> None:
    each, now = published(specimen), specimen.signed_at
    found = {value: judged(provider, specimen, value, each.body, each.secret, now=now) for value in specimen.malformed}
    assert found == dict.fromkeys(specimen.malformed, "malformed_signature")


def test_anything_that_no_secret_signed_is_a_bad_signature(provider: Provider, specimen: Specimen) -> None:
    each, now = published(specimen), specimen.signed_at
    assert judged(provider, specimen, each.header, each.body + b" ", each.secret, now=now) == "bad_signature"
    assert judged(provider, specimen, each.header, each.body, OTHER, now=now) == "bad_signature"
    assert judged(provider, specimen, each.header, each.body, each.secret + " ", now=now) == "bad_signature"
    assert judged(provider, specimen, each.header, each.body, now=now) == "bad_signature"


def test_an_empty_secret_accepts_nothing(provider: Provider, specimen: Specimen) -> None:
    each, now = published(specimen), specimen.signed_at
    forged = specimen.sign(each.body, ("",), now)
    assert judged(provider, specimen, forged, each.body, "", now=now) == "bad_signature"


def test_the_tolerance_holds_in_both_directions(provider: Provider, specimen: Specimen) -> None:
    """Where no time is signed none is judged: a stored key makes the second delivery a duplicate."""
    each, now = published(specimen), specimen.signed_at
    verdicts = {
        300: "accepted",
        300.5: "stale_timestamp",
        -300: "accepted",
        -301: "future_timestamp",
        1e9: "stale_timestamp",
    }
    for seconds, expected in verdicts.items():
        found = judged(provider, specimen, each.header, each.body, each.secret, now=now + seconds)
        assert found == (expected if specimen.signs_time else "accepted")


def test_a_forged_delivery_is_a_bad_signature_however_old_it_claims_to_be(
    provider: Provider, specimen: Specimen
) -> None:
    """Only the holder of a secret learns that its clock is wrong."""
    each = published(specimen)
    for seconds in (10_000, -10_000):
        now = specimen.signed_at + seconds
        assert judged(provider, specimen, each.header, each.body, OTHER, now=now) == "bad_signature"


@given(st.binary(), _secrets.filter(bool), st.lists(_secrets, max_size=3), st.integers(1, 10**10))
def test_whatever_a_secret_signed_is_accepted(
    provider: Provider, specimen: Specimen, body: bytes, secret: str, others: list[str], time: int
) -> None:
    header = specimen.sign(body, (secret,), time)
    assert judged(provider, specimen, header, body, *others, secret, now=time) == "accepted"


@given(st.binary(), st.binary(), st.lists(_secrets, max_size=3))
@example(b"t=1,v1=\xff;ts=1;h1=\xff", b"\xff", ["\udcff"])
def test_any_bytes_are_accepted_or_rejected_by_name(
    provider: Provider, specimen: Specimen, header: bytes, body: bytes, secrets: list[str]
) -> None:
    assert judged(provider, specimen, header, body, *secrets) in _CAUSES


@given(st.data())
def test_a_delivery_with_one_changed_byte_is_rejected(
    provider: Provider, specimen: Specimen, data: st.DataObject
) -> None:
    """In the body always; in the header unless it reads the same (a space, a companion that is not looked at)."""
    each, now = published(specimen), specimen.signed_at
    place, byte = data.draw(st.integers(0, len(each.body) - 1)), data.draw(st.integers(1, 255))
    body = bytearray(each.body)
    body[place] ^= byte
    assert judged(provider, specimen, each.header, bytes(body), each.secret, now=now) == "bad_signature"
    header = bytearray(each.header)
    header[data.draw(st.integers(0, len(header) - 1))] ^= byte
    assert judged(provider, specimen, bytes(header), each.body, each.secret, now=now) in _CAUSES


def test_a_rejection_quotes_neither_header_nor_body(provider: Provider, specimen: Specimen) -> None:
    values = (b"beef", b"beef" * 16, specimen.sign(b"cafe", (OTHER,), 1).replace(b"a", b"beef"))
    for value in values:
        with pytest.raises(Rejected) as caught:
            provider.verify(
                headers={specimen.header.encode(): value}, body=b"cafe", secrets=["none"], now=1, tolerance=1
            )
        assert "beef" not in str(caught.value)
        assert "cafe" not in str(caught.value)
