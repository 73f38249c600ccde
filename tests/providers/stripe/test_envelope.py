"""The envelope: what ingest reads of a delivery."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Rejected
from service.provider import Envelope
from service.providers.stripe import provider
from tests.providers.stripe.given import T, at, event, fixture

HEAD = b'{"id":"evt_1","object":"event","type":"invoice.paid","created":1790000000,"data":{"object":%s}}'


def rejected(body: bytes) -> bool:
    """True if the body has no envelope, and for the right cause."""
    with pytest.raises(Rejected) as caught:
        provider.envelope(body)
    return caught.value.cause == "bad_payload"


def test_a_snapshot_event_names_its_object_and_customer() -> None:
    assert provider.envelope(fixture("charge.succeeded__of_payment_intent")) == Envelope(
        event_id=json.loads(fixture("charge.succeeded__of_payment_intent"))["id"],
        type="charge.succeeded",
        occurred_at=at(T),
        kind="charge",
        object_id="ch_1",
        customer_id="cus_1",
        livemode=False,
    )


@pytest.mark.parametrize(
    ("name", "kind", "object_id", "customer_id"),
    [
        ("customer.created__with_user_id", "customer", "cus_1", "cus_1"),
        ("payment_intent.succeeded__everything_expanded", "payment_intent", "pi_1", "cus_1"),
        ("invoice_payment.paid__payment_intent", "invoice_payment", "inpay_1", None),
        ("charge.refunded__partly", "charge", "ch_1", "cus_1"),
        ("charge.refund.updated__object_is_refund", "refund", "re_1", "cus_1"),
    ],
)
def test_kind_is_the_name_of_the_object_whatever_the_type_is_called(
    name: str, kind: str, object_id: str, customer_id: str | None
) -> None:
    envelope = provider.envelope(fixture(name))
    assert (envelope.kind, envelope.object_id, envelope.customer_id) == (kind, object_id, customer_id)
    assert envelope.ignored is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("checkout.session.completed__not_mirrored", "unhandled_type"),
        ("entitlements.active_entitlement_summary.updated__object_without_id", "unhandled_type"),
        ("invoice.paid__connected_account", "connected_account"),
        ("invoice.upcoming__preview_without_id", "preview"),
        ("v1.billing.meter.no_meter_found__thin_without_object", "unhandled_type"),
    ],
)
def test_what_is_not_applied_says_why_here_and_in_the_mapping(name: str, reason: str) -> None:
    assert provider.envelope(fixture(name)).ignored == reason
    assert provider.map(fixture(name)).ignored == reason


def test_a_thin_notification_names_its_related_object_and_is_not_ignored() -> None:
    assert provider.envelope(fixture("v1.invoice.paid__thin")) == Envelope(
        event_id="evt_test_0001",
        type="v1.invoice.paid",
        occurred_at=at(1_789_995_200),
        kind="invoice",
        object_id="in_1",
        livemode=False,
    )


def test_a_thin_notification_of_another_context_belongs_to_a_connected_account() -> None:
    body = json.dumps(json.loads(fixture("v1.invoice.paid__thin")) | {"context": "acct_2"}).encode()
    assert provider.envelope(body).ignored == "connected_account"
    assert provider.map(body).ignored == "connected_account"


def test_an_object_without_id_leaves_the_id_open() -> None:
    envelope = provider.envelope(fixture("entitlements.active_entitlement_summary.updated__object_without_id"))
    assert (envelope.kind, envelope.object_id) == ("entitlements.active_entitlement_summary", None)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": 5},
        {"id": ""},
        {"id": "e" * 256},
        {"id": "evt\0"},
        {"type": None},
        {"type": ""},
        {"type": "t" * 256},
        {"created": "1790000000"},
        {"created": 946_684_799},
        {"created": 4_102_444_800},
        {"created": -1},
        {"created": True},
        {"created": 1790000000.5},
        {"created": 10**400},
        {"object": "invoice"},
        {"object": None},
        {"data": None},
        {"data": {}},
        {"data": {"object": []}},
        {"data": {"object": {"id": "i" * 256}}},
        {"data": {"object": {"object": "o\0"}}},
        {"data": {"object": {"customer": "c" * 256}}},
    ],
)
def test_an_event_without_usable_id_type_time_or_object_is_rejected(change: dict[str, Any]) -> None:
    assert rejected(json.dumps(json.loads(event("invoice.paid", {"id": "in_1"})) | change).encode())


@pytest.mark.parametrize("created", ["2026-09-21T12:53:20", "1999-12-31T23:59:59Z", "yesterday", 1_790_000_000])
def test_a_thin_notification_without_a_sane_time_is_rejected(created: object) -> None:
    thin = json.loads(fixture("v1.invoice.paid__thin"))
    assert rejected(json.dumps(thin | {"created": created}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xef\xbb\xbf{}",
        HEAD % b'{"id":NaN}',
        HEAD % b'{"x":Infinity}',
        HEAD % b'{"x":"\xff"}',
        HEAD % b'{"x":"\x00"}',
        HEAD % b'{"id":"\\ud800"}',
        HEAD % (b'{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        HEAD % (b'{"customer":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        (HEAD % b"{}") + b"{}",
    ],
)
def test_bytes_that_are_not_one_json_document_are_rejected(body: bytes) -> None:
    assert rejected(body)


def test_of_duplicate_keys_the_last_counts_in_envelope_and_mapping_alike() -> None:
    body = HEAD % b'{"id":"in_1","object":"invoice","id":"in_2"}'
    assert provider.envelope(body).object_id == "in_2"
    assert provider.map(body).snapshots[0].id == "in_2"


_json = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.dictionaries(st.text(), s))
_places = st.sampled_from(
    ["id", "object", "type", "created", "livemode", "account", "data", "data.object", "data.object.id"]
)


@given(_places, _json)
def test_any_json_in_any_place_is_an_envelope_or_a_named_rejection(place: str, value: Any) -> None:
    for name in reversed(place.split(".")):
        value = {name: value}
    whole = json.loads(event("invoice.paid", {"id": "in_1"}))
    assert outcome(json.dumps(whole | value).encode()) in {"accepted", "bad_payload"}
    assert outcome(json.dumps(value).encode()) == "bad_payload"


def outcome(body: bytes) -> str:
    """`accepted`, or the cause of the rejection."""
    try:
        provider.envelope(body)
    except Rejected as rejection:
        return rejection.cause
    return "accepted"


@given(st.binary())
def test_arbitrary_bytes_are_rejected_by_name(body: bytes) -> None:
    assert rejected(body)
