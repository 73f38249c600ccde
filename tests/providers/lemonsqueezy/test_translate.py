"""One event to snapshots, and what can't be translated."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MappingError
from service.providers.lemonsqueezy import provider
from service.providers.lemonsqueezy.events import EVENTS
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.resources import RESOURCES
from tests.providers.lemonsqueezy.given import LATER, Json, at, fixture, mapped, names, replaced, rows, told, whole

HANDLED = [name for name in names() if provider.map(fixture(name)).snapshots]


def with_custom(name: str, custom: Any) -> bytes:
    """A fixture with other custom data."""
    event = whole(name)
    event["meta"]["custom_data"] = custom
    return json.dumps(event).encode()


@pytest.mark.parametrize("name", names())
def test_a_fixture_is_of_the_type_that_its_name_says(name: str) -> None:
    assert provider.envelope(fixture(name)).type == name.partition("__")[0]


def test_every_event_that_we_handle_has_fixtures() -> None:
    assert {provider.envelope(fixture(name)).type for name in HANDLED} == set(EVENTS)


@pytest.mark.parametrize("name", HANDLED)
def test_the_first_snapshot_is_the_events_object_with_its_exact_text(name: str) -> None:
    first, envelope = mapped(name).snapshots[0], provider.envelope(fixture(name))
    assert (first.source, first.source_id) == (envelope.kind, envelope.object_id)
    assert first.raw is not None
    assert first.raw.encode() in fixture(name)
    assert json.loads(first.raw) == whole(name)["data"]


@pytest.mark.parametrize("name", HANDLED)
def test_every_snapshot_is_as_old_as_the_objects_update(name: str) -> None:
    moment = at(whole(name)["data"]["attributes"]["updated_at"])
    assert {each.as_of for each in mapped(name).snapshots} == {moment}
    assert provider.envelope(fixture(name)).occurred_at == moment


def test_an_object_begins_with_its_created_event_only() -> None:
    assert {name.partition("__")[0] for name in HANDLED if mapped(name).begins} == {
        "order_created",
        "subscription_created",
    }


@pytest.mark.parametrize("name", HANDLED)
def test_no_event_tells_a_state_before_or_needs_a_read(name: str) -> None:
    assert (mapped(name).before, mapped(name).read, mapped(name).reason) == ((), None, None)


@pytest.mark.parametrize("name", HANDLED)
def test_no_link_or_formatted_amount_enters_the_content(name: str) -> None:
    stored = msgspec.json.encode([each.content() for each in mapped(name).snapshots])
    assert b"http" not in stored
    assert b"$" not in stored


@pytest.mark.parametrize("name", HANDLED)
def test_an_event_and_a_read_of_one_version_say_the_same_but_for_the_user(name: str) -> None:
    """The API shows other links, relationships and included objects, and no custom data."""
    data = whole(name)["data"]
    attributes = {each: value for each, value in data["attributes"].items() if not each.endswith("_usd")}
    shown = {**data, "attributes": {**attributes, "urls": {"receipt": None}, "status_formatted": "x"}, "links": {}}
    shown.pop("relationships")
    read = RESOURCES[data["type"]].snapshots(Thing(shown, "{}"))
    told_by_event = [each for each in mapped(name).snapshots if each.source != "payment-failures"]
    assert [(each.key, each.kind, each.id, each.as_of) for each in read] == [
        (each.key, each.kind, each.id, each.as_of) for each in told_by_event
    ]
    for one, other in zip(read, told_by_event, strict=True):
        assert told(one).get("user_id") is None
        assert {**told(one), "user_id": None} == {**told(other), "user_id": None}


def test_the_user_stands_on_all_that_has_one() -> None:
    for name in HANDLED:
        expected = None if name.endswith("old_payload") else "42"
        users = {told(each)["user_id"] for each in mapped(name).snapshots if "user_id" in told(each)}
        assert users == {expected}


@pytest.mark.parametrize(
    ("custom", "user"),
    [
        ({"user_id": "u-1"}, "u-1"),
        ({"user_id": 42}, "42"),
        ({"user_id": ""}, None),
        ({"user_id": True}, None),
        ({"user_id": {"id": 1}}, None),
        ({"user_id": None}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("42", None),
    ],
)
def test_custom_data_is_the_applications_own_affair(custom: Any, user: str | None) -> None:
    (snapshot,) = provider.map(with_custom("subscription_created__active", custom)).snapshots
    assert told(snapshot)["user_id"] == user


@pytest.mark.parametrize("name", HANDLED)
def test_unknown_attributes_change_nothing(name: str) -> None:
    event = whole(name)
    event["data"]["attributes"]["invented_tomorrow"] = {"deeply": [{"nested": 1}]}
    event["data"]["invented_tomorrow"] = event["invented_tomorrow"] = event["meta"]["invented_tomorrow"] = True
    later = provider.map(json.dumps(event).encode())
    assert [each.fields for each in later.snapshots] == [each.fields for each in mapped(name).snapshots]


@pytest.mark.parametrize("name", HANDLED)
@pytest.mark.parametrize("as_null", [True, False])
def test_any_attribute_but_currency_and_version_may_be_missing_or_null(name: str, as_null: bool) -> None:
    event = whole(name)
    attributes: Json = event["data"]["attributes"]
    for field in sorted(attributes.keys() - {"currency", "updated_at"}):
        less = {other: value for other, value in attributes.items() if other != field}
        event["data"]["attributes"] = less | ({field: None} if as_null else {})
        assert provider.map(json.dumps(event).encode()).snapshots


def places(value: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Every place of a document but its event name."""
    if path and path[-1] != "event_name":
        yield path
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, *path, name)


_PLACES = [(name, path) for name in HANDLED for path in places(whole(name)) if path != ("meta",)]
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from(_PLACES), _json)
def test_a_mutated_fixture_is_translated_or_raises_only_a_mapping_error(
    place: tuple[str, tuple[str, ...]], value: Any
) -> None:
    name, path = place
    try:
        found = provider.map(json.dumps(replaced(whole(name), path, value)).encode()).snapshots
    except MappingError:
        return
    for each in found:
        assert 0 < len(each.id) <= 300
        assert each.as_of is not None
        msgspec.json.encode(each.content())


@given(
    st.sampled_from([name for name in HANDLED if name.partition("__")[0] != "subscription_payment_failed"]), st.text()
)
def test_any_unlisted_status_is_unknown(name: str, status: str) -> None:
    event = replaced(whole(name), ("data", "attributes", "status"), f"x{status}")
    for each in provider.map(json.dumps(event).encode()).snapshots:
        assert told(each)["status"] == ("succeeded" if each.kind == "refund" else "unknown")


@given(st.binary())
def test_arbitrary_bytes_raise_only_a_mapping_error(body: bytes) -> None:
    with pytest.raises(MappingError):
        provider.map(body)


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"meta":{"event_name":"order_created"}}',
        b'{"meta":{"event_name":"order_created"},"data":[]}',
        b'{"meta":{"event_name":"order_created"},"data":{"type":"orders"}}',
        b'{"meta":{"event_name":"order_created"},"data":{"type":"orders","id":"","attributes":{}}}',
        b'{"meta":{"event_name":"order_created"},"data":{"type":"subscriptions","id":"1","attributes":{"a":1}}}',
        b'{"meta":{"event_name":"order_created"},"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_no_event_about_its_object_raises_a_mapping_error(payload: bytes) -> None:
    with pytest.raises(MappingError):
        provider.map(payload)


def test_an_error_names_the_object_and_never_quotes_a_value() -> None:
    event = replaced(whole("order_created__paid"), ("data", "attributes", "total"), "secret-value")
    with pytest.raises(MappingError, match="orders '9': total should be") as caught:
        provider.map(json.dumps(event).encode())
    assert "secret-value" not in str(caught.value)


def test_a_later_failure_of_the_same_invoice_says_the_same() -> None:
    """Up to four attempts fail; the row says once that it failed."""
    first = rows("subscription_payment_failed__stays_pending")["attempt"]
    event = replaced(whole("subscription_payment_failed__stays_pending"), ("data", "attributes", "updated_at"), LATER)
    second = rows(json.dumps(event).encode())["attempt"]
    assert (first.key, first.fields) == (second.key, second.fields)
    assert second.as_of == at(LATER)
