"""The envelope: what ingest reads of a delivery."""

import json

import pytest

from service.errors import Rejected
from service.provider import Envelope
from service.providers.lemonsqueezy import provider
from tests.providers.lemonsqueezy.given import (
    CREATED,
    USUAL,
    at,
    changed,
    fixture,
    names,
    whole,
    with_data,
    with_meta,
)


def outcome(body: bytes) -> str:
    """`accepted`, or the cause of the rejection."""
    try:
        provider.envelope(body)
    except Rejected as rejection:
        return rejection.cause
    return "accepted"


def test_an_event_names_its_object_customer_and_store() -> None:
    event = whole("order_created__paid")
    envelope = provider.envelope(fixture("order_created__paid"))
    assert envelope == Envelope(
        event_id=event["meta"]["webhook_id"],
        type="order_created",
        occurred_at=at(CREATED),
        kind="orders",
        object_id="9",
        customer_id="3",
        livemode=False,
        content_key=envelope.content_key,
        scope="1",
    )


@pytest.mark.parametrize(
    ("name", "kind", "object_id"),
    [
        ("subscription_created__active", "subscriptions", "7"),
        ("subscription_payment_success__renewal", "subscription-invoices", "5"),
        ("order_refunded__partly", "orders", "9"),
        ("license_key_created__not_mirrored", "license-keys", "1"),
    ],
)
def test_kind_is_the_type_of_the_object(name: str, kind: str, object_id: str) -> None:
    envelope = provider.envelope(fixture(name))
    assert (envelope.kind, envelope.object_id) == (kind, object_id)


@pytest.mark.parametrize(
    "name",
    [
        "license_key_created__not_mirrored",
        "affiliate_activated__not_mirrored",
        "subscription_hibernated__event_of_tomorrow",
    ],
)
def test_a_type_that_we_do_not_handle_is_ignored_here_and_in_the_mapping(name: str) -> None:
    assert provider.envelope(fixture(name)).ignored == "unhandled_type"
    assert provider.map(fixture(name)).ignored == "unhandled_type"


@pytest.mark.parametrize("name", [name for name in names() if "not_mirrored" not in name and "tomorrow" not in name])
def test_everything_else_is_applied(name: str) -> None:
    assert provider.envelope(fixture(name)).ignored is None


@pytest.mark.parametrize("webhook_id", [None, "", 5, [], "w" * 256, "w\0"])
def test_without_a_usable_webhook_id_the_content_key_is_the_event_key(webhook_id: object) -> None:
    envelope = provider.envelope(with_meta(webhook_id=webhook_id))
    assert envelope.event_id == envelope.content_key
    assert len(envelope.event_id) == len("ls:") + 64


def test_an_old_payload_has_no_webhook_id() -> None:
    envelope = provider.envelope(fixture("subscription_payment_success__old_payload"))
    assert envelope.event_id == envelope.content_key
    assert envelope.customer_id is None


@pytest.mark.parametrize(
    ("meta", "attribute", "livemode"),
    [(True, False, False), (False, True, True), (None, True, False), (None, False, True), (None, None, None)],
)
def test_the_mode_is_what_meta_says_or_else_the_object(meta: object, attribute: object, livemode: bool | None) -> None:
    event = whole(USUAL)
    event["meta"]["test_mode"], event["data"]["attributes"]["test_mode"] = meta, attribute
    assert provider.envelope(json.dumps(event).encode()).livemode is livemode


def test_a_customer_is_its_own_customer() -> None:
    assert provider.envelope(with_data(type="customers", id="12")).customer_id == "12"


@pytest.mark.parametrize(
    "body",
    [
        with_data(attributes={}),
        changed(USUAL, store_id=10**300),
    ],
)
def test_an_event_whose_attributes_cannot_name_its_store_or_time_is_rejected(body: bytes) -> None:
    assert outcome(body) == "bad_payload"
