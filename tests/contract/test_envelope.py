"""The envelope: any bytes have one or are refused by name, and what it holds can name a row."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.provider import Envelope, Provider
from tests.contract.specimen import Specimen, mapping, places, reading, replaced

ACCEPTED, REFUSED = "accepted", "bad_payload"
_DEEP = 200_000
# The object is not decoded for the envelope, so what is wrong in it may be found by the mapping instead.
_VALUES = (
    b"9" * 40,
    b"9" * 400,
    b"-0",
    b"0.1",
    b"1e400",
    b'"\\u0000"',
    b'"\\ud83d\\ude00"',
    b'"\\ud800"',
    b'{"":[{}]}',
)
_NO_JSON = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"nan",
    b'"\xff"',
    b'"\x00"',
    b"'x'",
    b"[1,]",
    b"[" * _DEEP + b"]" * _DEEP,
    b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
)
_NO_NAMES: tuple[Any, ...] = (None, "", True, 1.5, [], {})
_NO_OBJECTS: tuple[Any, ...] = (None, [], "x", 5)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


def assert_sane(envelope: Envelope) -> None:
    """Every text of it can stand in any column of either database, and its time is an aware one."""
    for name in ("event_id", "type", "kind", "object_id", "customer_id", "ignored", "content_key", "scope"):
        value = getattr(envelope, name)
        assert value is None or (type(value) is str and 0 < len(value) <= 255 and "\0" not in value), name
        assert value is None or value.encode()
    assert envelope.occurred_at.utcoffset() == timedelta(0)


def changed(specimen: Specimen, path: tuple[str, ...], value: Any) -> bytes:
    """The usual event with another value in one place."""
    return json.dumps(replaced(specimen.whole(), path, value)).encode()


def test_every_fixture_has_an_envelope_that_can_name_a_row(provider: Provider, specimen: Specimen) -> None:
    for name in specimen.names():
        assert_sane(provider.envelope(specimen.fixture(name)))


def test_envelope_and_mapping_agree_on_what_is_ignored(provider: Provider, specimen: Specimen) -> None:
    """What the envelope lets through may still turn out to make no row; never the other way round."""
    for name in specimen.names():
        reason = provider.envelope(specimen.fixture(name)).ignored
        assert reason is None or provider.map(specimen.fixture(name)).ignored == reason, name


def test_a_type_that_we_do_not_handle_is_stored_and_ignored(provider: Provider, specimen: Specimen) -> None:
    body = changed(specimen, specimen.shape.type, "something.of_tomorrow")
    assert provider.envelope(body).ignored == provider.map(body).ignored == "unhandled_type"


def test_a_name_of_255_characters_is_accepted_and_a_longer_one_is_not(provider: Provider, specimen: Specimen) -> None:
    for path in specimen.shape.named + specimen.shape.optional:
        assert reading(provider, changed(specimen, path, "n" * 255)) == ACCEPTED, path
        assert reading(provider, changed(specimen, path, "n" * 256)) == REFUSED, path


def test_a_name_with_a_nul_or_a_lone_surrogate_is_rejected(provider: Provider, specimen: Specimen) -> None:
    for path in specimen.shape.named + specimen.shape.optional:
        for value in (b'"a\\u0000b"', b'"\\ud800"', b'"\xed\xa0\x80"', b'"\xc0\x80"'):
            assert reading(provider, specimen.raw(path, value)) == REFUSED, (path, value)


def test_an_event_without_usable_names_is_rejected(provider: Provider, specimen: Specimen) -> None:
    for path in specimen.shape.named:
        for value in _NO_NAMES:
            assert reading(provider, changed(specimen, path, value)) == REFUSED, (path, value)


def test_an_event_without_a_sane_time_is_rejected(provider: Provider, specimen: Specimen) -> None:
    """It lies in the years 2000 to 2099 and says its zone."""
    found = {repr(value): reading(provider, changed(specimen, specimen.shape.time, value)) for value in specimen.times}
    assert found == dict.fromkeys(found, REFUSED)


def test_an_event_without_an_object_is_rejected(provider: Provider, specimen: Specimen) -> None:
    for value in _NO_OBJECTS:
        assert reading(provider, changed(specimen, specimen.shape.object, value)) == REFUSED, value


def test_bytes_that_are_not_one_json_document_are_rejected(provider: Provider, specimen: Specimen) -> None:
    whole = specimen.event("evt_1")
    for body in (
        b"",
        b"null",
        b"[]",
        b"{",
        b"{}",
        b"\xef\xbb\xbf" + whole,
        whole + b"{}",
        whole[:-1],
        whole.decode().encode("utf-16"),
    ):
        assert reading(provider, body) == REFUSED
    for value in _NO_JSON:
        assert reading(provider, specimen.inside(value)) == REFUSED, value[:20]


def test_odd_but_correct_json_in_the_object_is_stored_or_rejected_by_name(
    provider: Provider, specimen: Specimen
) -> None:
    for value in _VALUES:
        body = specimen.inside(value)
        assert reading(provider, body) in {ACCEPTED, REFUSED}, value
        mapping(provider, body)
    for value in (b"9" * 40, b'"\\u0000"', b'"\\ud83d\\ude00"', b"0.1", b"-0"):
        assert reading(provider, specimen.inside(value)) == ACCEPTED, value


def test_nesting_of_any_depth_is_an_envelope_or_a_named_rejection(provider: Provider, specimen: Specimen) -> None:
    for depth in (1, 100, 500, 900, 1000, 2000, 5000, 20_000):
        for body in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
            assert reading(provider, specimen.inside(body)) in {ACCEPTED, REFUSED}
            mapping(provider, specimen.inside(body))


def test_of_duplicate_keys_the_last_counts_in_envelope_and_mapping_alike(
    provider: Provider, specimen: Specimen
) -> None:
    """Two readers of one body that saw different objects would let one be smuggled past the other."""
    path = specimen.shape.object_id
    body = specimen.raw(path, b'"first", "%s": "second"' % path[-1].encode())
    assert provider.envelope(body).object_id == "second"
    assert provider.map(body).snapshots[0].source_id == "second"


@given(st.data())
def test_any_json_in_any_place_is_a_sane_envelope_or_a_named_rejection(
    provider: Provider, specimen: Specimen, data: st.DataObject
) -> None:
    whole = specimen.whole()
    path = data.draw(st.sampled_from([place for place in places(whole) if len(place) <= 3]))
    body = json.dumps(replaced(whole, path, data.draw(_json))).encode()
    if reading(provider, body) == ACCEPTED:
        assert_sane(provider.envelope(body))
    else:
        assert reading(provider, body) == REFUSED


@given(st.binary())
def test_arbitrary_bytes_are_rejected_by_name(provider: Provider, specimen: Specimen, body: bytes) -> None:
    assert reading(provider, body) == REFUSED
    assert reading(provider, specimen.event("evt_1") + b"," + body) == REFUSED
