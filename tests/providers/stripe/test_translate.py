"""One event to snapshots: edges, beginnings, deletions, and what can't be translated."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MappingError
from service.provider import Mapped
from service.providers.stripe import provider
from service.providers.stripe.events import EVENTS
from service.providers.stripe.translate import undone
from tests.providers.stripe.given import Json, event, fixture, mapped, names, only, told

HANDLED = [name for name in names() if provider.map(fixture(name)).snapshots]


def changed(name: str) -> dict[str, tuple[Any, Any]]:
    """What differs between the states before and after a fixture's event."""
    edge = mapped(name)
    (before,), after = edge.before, edge.snapshots[0]
    assert before.key == after.key
    old, new = told(before), told(after)
    return {field: (old[field], new[field]) for field in new if old[field] != new[field]}


def test_every_resource_has_fixtures() -> None:
    assert {mapped(name).snapshots[0].source for name in HANDLED} == {each.source for each in provider.listings}


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        ("customer.updated__new_email", {"email": ("ann@example.com", "new@example.com")}),
        ("customer.updated__user_id_added", {"user_id": (None, "user-7")}),
        ("price.updated__switched_off", {"status": ("active", "archived"), "provider_status": ("active", "inactive")}),
        (
            "customer.subscription.updated__incomplete_to_active",
            {"status": ("incomplete", "active"), "provider_status": ("incomplete", "active")},
        ),
        ("customer.subscription.updated__collection_paused", {"collection_paused": (False, True)}),
        (
            "invoice.updated__draft_to_open",
            {
                "number": (None, "ABC-0001"),
                "status": ("draft", "open"),
                "provider_status": ("draft", "open"),
                "issued_at": (None, "2026-09-21T14:13:20Z"),
            },
        ),
        (
            "refund.updated__pending_to_succeeded",
            {"status": ("pending", "succeeded"), "provider_status": ("pending", "succeeded")},
        ),
        ("charge.refunded__partly", {}),
        ("charge.updated__late_details", {}),
    ],
)
def test_an_event_with_previous_attributes_is_an_edge(name: str, difference: dict[str, tuple[Any, Any]]) -> None:
    assert changed(name) == difference


def test_a_changed_array_comes_whole_in_the_state_before() -> None:
    difference = changed("customer.subscription.updated__quantity_changed")
    assert difference["amount"] == (3800, 9500)
    assert [item["quantity"] for item in difference["items"][0]] == [2]
    assert [item["quantity"] for item in difference["items"][1]] == [5]


@pytest.mark.parametrize("name", ["invoice.paid__subscription", "customer.created__with_user_id"])
def test_an_event_without_previous_attributes_tells_no_state_before(name: str) -> None:
    assert mapped(name).before == ()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda s: st.lists(s, max_size=2) | st.dictionaries(st.sampled_from("abc"), s, max_size=3),
    max_leaves=8,
)
_hashes = st.dictionaries(st.sampled_from("abc"), _json, max_size=3)


def previous(before: Json, now: Json) -> Json:
    """What Stripe reports of a change: old values, hashes in part, arrays whole, null for what was not there."""
    return {
        name: previous(before[name], now[name])
        if isinstance(before.get(name), dict) and isinstance(now.get(name), dict)
        else before.get(name)
        for name in {**now, **before}
        if before.get(name) != now.get(name) or type(before.get(name)) is not type(now.get(name))
    }


def without_nulls(value: Any) -> Any:
    """Stripe does not tell a null from a missing attribute, and neither does the mapping."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return value


@given(_hashes, _hashes)
def test_undoing_what_stripe_reports_gives_back_the_state_before(before: Json, now: Json) -> None:
    assert without_nulls(undone(now, previous(before, now))) == without_nulls(before)


@pytest.mark.parametrize("name", HANDLED)
def test_created_events_begin_their_object_and_others_do_not(name: str) -> None:
    assert mapped(name).begins == name.partition("__")[0].endswith(".created")


@pytest.mark.parametrize("name", HANDLED)
def test_only_the_deletions_of_customer_product_price_and_draft_delete(name: str) -> None:
    gone = name.partition("__")[0] in {"customer.deleted", "product.deleted", "price.deleted", "invoice.deleted"}
    assert mapped(name).snapshots[0].deleted == gone


def test_a_deletion_keeps_what_the_event_still_tells() -> None:
    assert only("customer.deleted__whole_object").content()["email"] == "ann@example.com"


def test_a_thin_notification_must_be_fetched() -> None:
    assert mapped("v1.invoice.paid__thin") == Mapped(reason="thin")


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("customer.subscription.updated__truncated_items", ("subscription", "sub_1")),
        ("invoice.paid__truncated_lines", ("invoice", "in_1")),
    ],
)
def test_an_object_with_a_cut_off_list_is_translated_and_wished_whole(name: str, read: tuple[str, str]) -> None:
    result = mapped(name)
    assert (result.read, result.reason) == (read, "truncated_list")
    assert result.snapshots[0].content()["customer_id"] == "cus_1"


@pytest.mark.parametrize("name", [name for name in HANDLED if "truncated" not in name])
def test_whole_objects_need_no_read(name: str) -> None:
    assert (mapped(name).read, mapped(name).reason) == (None, None)


@pytest.mark.parametrize(
    ("obj", "named"),
    [
        ({"object": "invoice"}, "no usable id"),
        ({"object": "invoice", "id": "i" * 256}, "no usable id"),
        ({"object": "invoice", "id": ""}, "no usable id"),
        ({"object": "invoice", "id": "in\0"}, "no usable id"),
        ({"object": "invoice", "id": "in_1", "payment_intent": "pi\0"}, "payment_intent is no usable id"),
        ({"object": "invoice", "id": "in_1", "charge": {"id": "c" * 256}}, "charge is no usable id"),
        ({"object": "charge", "id": "ch_1"}, "expected the object invoice"),
        ({"id": "in_1"}, "expected the object invoice"),
        ({"object": "invoice", "id": "in_1", "total": 150, "currency": "isk"}, "'in_1'.*150 ISK"),
        ({"object": "invoice", "id": "in_1", "total": 150}, "'in_1'.*total has no currency"),
        ({"object": "invoice", "id": "in_1", "total": "150", "currency": "usd"}, "total should be a whole number"),
        ({"object": "invoice", "id": "in_1", "total": True, "currency": "usd"}, "total should be a whole number"),
        ({"object": "invoice", "id": "in_1", "created": 10**15}, "created should be a Unix time"),
        ({"object": "invoice", "id": "in_1", "created": -1}, "created should be a Unix time"),
        ({"object": "invoice", "id": "in_1", "number": ["x"]}, "number should be text"),
        ({"object": "invoice", "id": "in_1", "lines": {"data": [1]}}, "lines should be a list of objects"),
        ({"object": "invoice", "id": "in_1", "parent": "sub_1"}, "parent should be an object"),
        ({"object": "invoice", "id": "in_1", "customer": 5}, "customer should be text"),
    ],
)
def test_a_shape_that_cannot_be_translated_is_an_error_that_names_it(obj: Json, named: str) -> None:
    with pytest.raises(MappingError, match=named):
        provider.map(event("invoice.paid", obj))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"object":"event","type":"invoice.paid"}',
        b'{"object":"event","type":"invoice.paid","data":{"object":null}}',
        b'{"object":"event","type":"invoice.paid","data":{"object":{"id":"\xff"}}}',
        b'{"object":"event","type":"invoice.paid","data":{"object":{"id":' + b"9" * 5000 + b"}}}",
        b'{"object":"event","type":"invoice.paid","data":{"object":' + b'{"a":' * 90_000 + b"1" + b"}" * 90_000 + b"}}",
        b'{"object":"v2.core.event","type":5}',
    ],
)
def test_bytes_that_are_no_readable_event_are_a_mapping_error(payload: bytes) -> None:
    with pytest.raises(MappingError):
        provider.map(payload)


def test_previous_attributes_nested_deeper_than_python_recurses_are_a_mapping_error() -> None:
    deep = b'{"metadata":' * 990 + b"1" + b"}" * 990
    obj = b'{"object":"customer","id":"cus_1","metadata":' + deep + b"}"
    data = b'{"object":' + obj + b',"previous_attributes":{"metadata":' + deep + b"}}"
    with pytest.raises(MappingError):
        provider.map(b'{"object":"event","type":"customer.updated","data":' + data + b"}")


@given(st.sampled_from(sorted(EVENTS)), st.data())
def test_any_json_in_any_field_is_translated_or_a_mapping_error(event_type: str, data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from([each for each in HANDLED if provider.envelope(fixture(each)).type == event_type] or HANDLED)
    )
    whole = json.loads(fixture(name))
    field = data.draw(st.sampled_from(sorted(whole["data"]["object"])))
    whole["data"]["object"][field] = data.draw(_json)
    whole["data"]["previous_attributes"] = {field: data.draw(_json)}
    assert outcome(json.dumps(whole).encode()) in {"mapped", "refused"}


def outcome(payload: bytes) -> str:
    """How a translation ended."""
    try:
        result = provider.map(payload)
    except MappingError:
        return "refused"
    msgspec.json.encode([each.content() for each in result.snapshots + result.before])
    return "mapped"
