"""One event to snapshots, and what can't be translated."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MappingError
from service.providers.lemonsqueezy import provider
from service.providers.lemonsqueezy.events import EVENTS
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.resources import RESOURCES
from tests.providers.lemonsqueezy.given import LATER, at, fixture, mapped, names, replaced, rows, told, whole

HANDLED = [name for name in names() if provider.map(fixture(name)).snapshots]


def with_custom(name: str, custom: Any) -> bytes:
    """A fixture with other custom data."""
    event = whole(name)
    event["meta"]["custom_data"] = custom
    return json.dumps(event).encode()


def test_every_event_that_we_handle_has_fixtures() -> None:
    assert {provider.envelope(fixture(name)).type for name in HANDLED} == set(EVENTS)


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


@given(
    st.sampled_from([name for name in HANDLED if name.partition("__")[0] != "subscription_payment_failed"]), st.text()
)
def test_any_unlisted_status_is_unknown(name: str, status: str) -> None:
    event = replaced(whole(name), ("data", "attributes", "status"), f"x{status}")
    for each in provider.map(json.dumps(event).encode()).snapshots:
        assert told(each)["status"] == ("succeeded" if each.kind == "refund" else "unknown")


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
