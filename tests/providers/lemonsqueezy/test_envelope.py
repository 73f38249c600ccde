"""The envelope: what ingest reads of a delivery."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    replaced,
    whole,
    with_data,
    with_meta,
)

HEAD = (
    b'{"meta":{"event_name":"subscription_updated"},"data":{"type":"subscriptions","id":"7","attributes":'
    b'{"updated_at":"2026-09-21T14:13:20.000000Z","x":%s}}}'
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
        with_meta(event_name=None),
        with_meta(event_name=""),
        with_meta(event_name="e" * 256),
        with_meta(event_name="e\0"),
        with_meta(event_name=5),
        with_data(type=None),
        with_data(type=""),
        with_data(type="t" * 256),
        with_data(id=None),
        with_data(id=""),
        with_data(id="i" * 256),
        with_data(id=True),
        with_data(id=1.5),
        with_data(attributes=None),
        with_data(attributes=[]),
        with_data(attributes={}),
        changed(USUAL, updated_at=None),
        changed(USUAL, updated_at="yesterday"),
        changed(USUAL, updated_at="2026-09-21T12:53:20"),
        changed(USUAL, updated_at="1999-12-31T23:59:59Z"),
        changed(USUAL, updated_at="2100-01-01T00:00:00Z"),
        changed(USUAL, updated_at="0001-01-01T00:00:00+14:00"),
        changed(USUAL, updated_at=1_790_000_000),
        changed(USUAL, customer_id="c" * 256),
        changed(USUAL, store_id=10**300),
    ],
)
def test_an_event_without_usable_name_object_or_time_is_rejected(body: bytes) -> None:
    assert outcome(body) == "bad_payload"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{}",
        b'{"meta":{},"data":{}}',
        b"\xef\xbb\xbf{}",
        HEAD % b"NaN",
        HEAD % b"Infinity",
        HEAD % b"1e999",
        HEAD % (b"9" * 5000),
        HEAD % b'"\xff"',
        HEAD % b'"\x00"',
        HEAD % b'"\\ud800"',
        HEAD % (b"[" * 200_000 + b"]" * 200_000),
        HEAD % (b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
        (HEAD % b"1") + b"{}",
    ],
)
def test_bytes_that_are_not_one_json_document_are_rejected(body: bytes) -> None:
    assert outcome(body) == "bad_payload"


@pytest.mark.parametrize("depth", [1, 100, 500, 900, 1000, 2000, 5000, 20_000])
def test_nesting_of_any_depth_is_an_envelope_or_a_named_rejection(depth: int) -> None:
    assert outcome(HEAD % (b"[" * depth + b"]" * depth)) in {"accepted", "bad_payload"}
    assert outcome(HEAD % (b'{"a":' * depth + b"1" + b"}" * depth)) in {"accepted", "bad_payload"}


@pytest.mark.parametrize("value", [b"9" * 40, b'"\\u0000"', b"0.1", b"-0"])
def test_huge_numbers_and_escaped_nuls_in_other_attributes_are_stored(value: bytes) -> None:
    assert outcome(HEAD % value) == "accepted"


def test_of_duplicate_keys_the_last_counts_in_envelope_and_mapping_alike() -> None:
    body = fixture(USUAL).replace(b'"id": "7",', b'"id": "7", "id": "8",', 1)
    assert provider.envelope(body).object_id == "8"
    assert provider.map(body).snapshots[0].id == "8"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda s: st.dictionaries(st.text(), s, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(
        [
            "meta",
            "meta.event_name",
            "meta.webhook_id",
            "meta.test_mode",
            "data",
            "data.id",
            "data.type",
            "data.attributes",
        ]
    ),
    _json,
)
def test_any_json_in_any_place_is_an_envelope_or_a_named_rejection(place: str, value: Any) -> None:
    event = whole(USUAL)
    assert outcome(json.dumps(replaced(event, tuple(place.split(".")), value)).encode()) in {"accepted", "bad_payload"}


@given(st.binary())
def test_arbitrary_bytes_are_rejected_by_name(body: bytes) -> None:
    assert outcome(body) == "bad_payload"
