"""Mapping: pure, tolerant of what a provider adds, and any JSON is translated or a `MappingError`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MappingError
from service.model import FIELDS, UNKNOWN, Snapshot
from service.provider import Provider
from tests.contract.specimen import Specimen, at, mapping, places, replaced

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
TOMORROW = "of_tomorrow!"
LEFT_OUT = object()
_OTHER_TYPES: tuple[Any, ...] = (1.5, True, [], "x")


def handled(provider: Provider, specimen: Specimen) -> list[str]:
    """The fixtures that make rows."""
    return [name for name in specimen.names() if provider.map(specimen.fixture(name)).snapshots]


def with_object(specimen: Specimen, fixture: str, attribute: str, value: Any) -> bytes:
    """A fixture whose object has another attribute, or lacks it."""
    whole, path = specimen.whole(fixture), specimen.shape.attributes
    new = at(whole, path) | {attribute: value}
    kept = {name: each for name, each in new.items() if each is not LEFT_OUT}
    return json.dumps(replaced(whole, path, kept)).encode()


def assert_sane(snapshot: Snapshot) -> None:
    """It can be stored in either database."""
    assert type(snapshot.fields) is FIELDS[snapshot.kind]
    # No value is of another type than its column.
    assert msgspec.convert(snapshot.content(), FIELDS[snapshot.kind]) is not None
    # Its id may have its source before it.
    assert 0 < len(snapshot.id) <= 300
    assert 0 < len(snapshot.source_id) <= 255
    text = msgspec.json.encode(snapshot.content()).decode()
    assert "\\u0000" not in text + snapshot.id + snapshot.source_id


def test_a_fixture_is_of_the_type_that_its_name_says(provider: Provider, specimen: Specimen) -> None:
    for name in specimen.names():
        assert provider.envelope(specimen.fixture(name)).type == name.partition("__")[0]


def test_every_source_that_is_listed_has_fixtures(provider: Provider, specimen: Specimen) -> None:
    found = {
        each.source for name in handled(provider, specimen) for each in provider.map(specimen.fixture(name)).snapshots
    }
    listed = {each.source for each in provider.listings}
    evented = {name.partition("__")[0] for name in specimen.names()} & set(provider.types)
    assert found - set(provider.ordering.attempts) <= listed
    assert evented, "no fixture is of a type that we handle"


def test_the_first_snapshot_is_the_events_object_with_its_exact_text(provider: Provider, specimen: Specimen) -> None:
    for name in handled(provider, specimen):
        first, envelope = provider.map(specimen.fixture(name)).snapshots[0], provider.envelope(specimen.fixture(name))
        assert (first.source, first.source_id) == (envelope.kind, envelope.object_id), name
        assert first.raw is not None
        assert first.raw.encode() in specimen.fixture(name)
        assert json.loads(first.raw) == at(specimen.whole(name), specimen.shape.object)


def test_every_snapshot_can_be_stored(provider: Provider, specimen: Specimen) -> None:
    for name in handled(provider, specimen):
        for each in provider.map(specimen.fixture(name)).snapshots:
            assert_sane(each)


def test_with_an_object_clock_every_snapshot_has_its_time(provider: Provider, specimen: Specimen) -> None:
    for name in handled(provider, specimen):
        for each in provider.map(specimen.fixture(name)).snapshots:
            assert (each.as_of is not None) == provider.ordering.object_clock, name


def test_the_same_bytes_always_say_the_same(provider: Provider, specimen: Specimen) -> None:
    """Nothing is remembered between calls, whatever came between them."""
    first = {name: provider.map(specimen.fixture(name)) for name in specimen.names()}
    for name in reversed(specimen.names()):
        assert provider.map(specimen.fixture(name)) == first[name]


def test_no_link_secret_or_formatted_amount_enters_the_content(provider: Provider, specimen: Specimen) -> None:
    """A link expires: two copies of one version would seem to differ."""
    for name in handled(provider, specimen):
        stored = msgspec.json.encode([each.content() for each in provider.map(specimen.fixture(name)).snapshots])
        assert b"http" not in stored, name
        assert b"secret" not in stored, name
        assert b"token" not in stored, name
        assert b"$" not in stored, name


def test_unknown_attributes_change_nothing(provider: Provider, specimen: Specimen) -> None:
    later: Any = {"deeply": [{"nested": 1}], "invented_tomorrow": None}
    for name in handled(provider, specimen):
        whole = specimen.whole(name)
        for path in {(), specimen.shape.object, specimen.shape.attributes, specimen.shape.type[:-1]}:
            whole = replaced(whole, (*path, "invented_tomorrow"), later)
        told = [each.fields for each in provider.map(json.dumps(whole).encode()).snapshots]
        assert told == [each.fields for each in provider.map(specimen.fixture(name)).snapshots], name


def test_any_attribute_that_is_not_indispensable_may_be_missing_or_null(provider: Provider, specimen: Specimen) -> None:
    for name in handled(provider, specimen):
        for attribute in at(specimen.whole(name), specimen.shape.attributes).keys() - specimen.indispensable:
            for gone in (None, LEFT_OUT):
                body = with_object(specimen, name, attribute, gone)
                assert mapping(provider, body) is not None, (name, attribute, gone)


def test_a_value_that_a_provider_adds_to_an_enumeration_is_no_error(provider: Provider, specimen: Specimen) -> None:
    for name, attribute in _enums(provider, specimen):
        body = with_object(specimen, name, attribute, TOMORROW)
        assert mapping(provider, body) is not None, (name, attribute)


def _enums(provider: Provider, specimen: Specimen) -> Iterator[tuple[str, str]]:
    for name in handled(provider, specimen):
        held = at(specimen.whole(name), specimen.shape.attributes)
        yield from ((name, each) for each in specimen.enums if type(held.get(each)) is str)


def test_a_status_of_tomorrow_is_unknown_and_the_providers_word_is_kept(provider: Provider, specimen: Specimen) -> None:
    """Of every kind that has statuses; what follows from something else (an attempt, a refunded amount) stays."""
    unknown: set[str] = set()
    for name in handled(provider, specimen):
        if at(specimen.whole(name), specimen.shape.attributes).get(specimen.shape.status) is None:
            continue
        before = provider.map(specimen.fixture(name)).snapshots
        after = provider.map(with_object(specimen, name, specimen.shape.status, TOMORROW)).snapshots
        for each, old in zip(after, before, strict=False):
            told = each.content()
            assert told["status"] in {UNKNOWN, old.content()["status"]}, name
            if told["status"] == UNKNOWN:
                assert told["provider_status"] == TOMORROW
                unknown.add(each.kind)
    assert {"subscription", "invoice", "payment"} <= unknown


def test_a_value_of_another_type_never_reaches_a_column(provider: Provider, specimen: Specimen) -> None:
    for name in handled(provider, specimen):
        for attribute in at(specimen.whole(name), specimen.shape.attributes):
            for value in _OTHER_TYPES:
                result = mapping(provider, with_object(specimen, name, attribute, value))
                for each in result.snapshots if result else ():
                    assert_sane(each)


@given(st.data())
def test_any_json_in_any_place_is_translated_or_a_mapping_error(
    provider: Provider, specimen: Specimen, data: st.DataObject
) -> None:
    whole = specimen.whole(data.draw(st.sampled_from(specimen.names())))
    path = data.draw(st.sampled_from([place for place in places(whole) if place != specimen.shape.type]))
    result = mapping(provider, json.dumps(replaced(whole, path, data.draw(_json))).encode())
    for each in result.snapshots + result.before if result else ():
        assert_sane(each)


@given(st.binary())
def test_arbitrary_bytes_are_a_mapping_error(provider: Provider, body: bytes) -> None:
    with pytest.raises(MappingError):
        provider.map(body)


def test_bytes_that_are_no_event_about_an_object_are_a_mapping_error(provider: Provider, specimen: Specimen) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    broken = [b"", b"null", b"[]", b"{}", b"\xff", specimen.event("evt_1")[:-1]]
    broken += [specimen.raw(specimen.shape.object, value) for value in (b"null", b"[]", b"5", deep)]
    broken += [
        specimen.raw(specimen.shape.object_id, value) for value in (b'"\\ud800"', b'"\\u0000"', b'""', b"null", b"[]")
    ]
    for payload in broken:
        assert mapping(provider, payload) is None, payload[:80]


def test_an_error_names_the_object_and_never_quotes_a_value(provider: Provider, specimen: Specimen) -> None:
    """The message goes to logs and to the inbox."""
    named = provider.envelope(specimen.fixture(specimen.usual)).object_id
    messages = [
        message
        for attribute in at(specimen.whole(), specimen.shape.attributes).keys() - {specimen.shape.object_id[-1]}
        if (message := _refusal(provider, with_object(specimen, specimen.usual, attribute, ["marked-value"])))
    ]
    assert messages
    for message in messages:
        assert "marked-value" not in message
        assert repr(named) in message


def _refusal(provider: Provider, payload: bytes) -> str | None:
    try:
        provider.map(payload)
    except MappingError as error:
        return str(error)
    return None
