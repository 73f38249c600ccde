"""The envelope: what ingest reads of a delivery."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Rejected
from service.provider import Envelope
from service.providers.paddle import provider
from tests.providers.paddle.given import AT, event, fixture, moment

HEAD = (
    b'{"event_id":"evt_1","event_type":"transaction.paid","occurred_at":"2026-09-21T14:13:20.123456Z",'
    b'"notification_id":"ntf_1","data":%s}'
)


def rejected(body: bytes) -> bool:
    """True if the body has no envelope, and for the right cause."""
    with pytest.raises(Rejected) as caught:
        provider.envelope(body)
    return caught.value.cause == "bad_payload"


def test_an_event_names_its_object_and_customer_to_the_microsecond() -> None:
    assert provider.envelope(fixture("transaction.completed__first_payment")) == Envelope(
        event_id=json.loads(fixture("transaction.completed__first_payment"))["event_id"],
        type="transaction.completed",
        occurred_at=moment(AT),
        kind="transaction",
        object_id="txn_1",
        customer_id="ctm_1",
        livemode=None,
    )


@pytest.mark.parametrize(
    ("name", "kind", "object_id", "customer_id"),
    [
        ("customer.created__with_user_id", "customer", "ctm_1", "ctm_1"),
        ("product.created__active", "product", "pro_1", None),
        ("price.created__monthly", "price", "pri_1", None),
        ("subscription.created__two_seats", "subscription", "sub_1", "ctm_1"),
        ("transaction.created__checkout_opened", "transaction", "txn_1", None),
        ("adjustment.created__chargeback", "adjustment", "adj_4", "ctm_1"),
    ],
)
def test_the_kind_is_what_stands_before_the_dot_of_the_type(
    name: str, kind: str, object_id: str, customer_id: str | None
) -> None:
    envelope = provider.envelope(fixture(name))
    assert (envelope.kind, envelope.object_id, envelope.customer_id) == (kind, object_id, customer_id)
    assert envelope.ignored is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("address.created__not_mirrored", "unhandled_type"),
        ("invoice.paid__leftover_of_the_sdk", "unhandled_type"),
        ("transaction.completed__simulated", "simulation"),
    ],
)
def test_what_is_not_applied_says_why_here_and_in_the_mapping(name: str, reason: str) -> None:
    assert provider.envelope(fixture(name)).ignored == reason
    assert provider.map(fixture(name)).ignored == reason


def test_a_resend_is_the_same_event_under_another_notification_id() -> None:
    first = json.loads(fixture("transaction.completed__first_payment"))
    again = json.dumps(first | {"notification_id": "ntf_2"}).encode()
    assert provider.envelope(again) == provider.envelope(fixture("transaction.completed__first_payment"))


def test_an_entry_of_the_event_log_without_notification_id_has_the_same_envelope() -> None:
    entry = json.loads(fixture("transaction.completed__first_payment"))
    del entry["notification_id"]
    found = provider.envelope(json.dumps(entry).encode())
    assert found == provider.envelope(fixture("transaction.completed__first_payment"))


def test_an_object_without_id_leaves_the_id_open() -> None:
    envelope = provider.envelope(event("payment_method.deleted", {}))
    assert (envelope.kind, envelope.object_id, envelope.customer_id) == ("payment_method", None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": None},
        {"event_id": 5},
        {"event_id": ""},
        {"event_id": "e" * 256},
        {"event_id": "evt\0"},
        {"event_type": None},
        {"event_type": ""},
        {"event_type": "t" * 256},
        {"event_type": "t\0.x"},
        {"occurred_at": None},
        {"occurred_at": 1_790_000_000},
        {"occurred_at": "yesterday"},
        {"occurred_at": "2026-09-21T12:53:20"},
        {"occurred_at": "1999-12-31T23:59:59Z"},
        {"occurred_at": "2100-01-01T00:00:00Z"},
        {"data": None},
        {"data": []},
        {"data": {"id": "i" * 256}},
        {"data": {"customer_id": "c\0"}},
    ],
)
def test_an_event_without_usable_id_type_time_or_object_is_rejected(change: dict[str, Any]) -> None:
    assert rejected(json.dumps(json.loads(event("transaction.paid", {"id": "txn_1"})) | change).encode())


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
        HEAD % (b'{"id":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        (HEAD % b"{}") + b"{}",
    ],
)
def test_bytes_that_are_not_one_json_document_are_rejected(body: bytes) -> None:
    assert rejected(body)


@pytest.mark.parametrize("value", [b"9" * 400, b'"\\u0000"', b'"\\ud83d\\ude00"', b"1e400"])
def test_what_only_the_object_holds_is_accepted_as_it_is(value: bytes) -> None:
    assert provider.envelope(HEAD % (b'{"id":"txn_1","x":' + value + b"}")).object_id == "txn_1"


def test_of_duplicate_keys_the_last_counts_in_envelope_and_mapping_alike() -> None:
    body = HEAD % b'{"id":"txn_1","status":"paid","id":"txn_2"}'
    assert provider.envelope(body).object_id == "txn_2"
    assert provider.map(body).snapshots[0].id == "txn_2"


_json = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.dictionaries(st.text(), s))
_places = st.sampled_from(["event_id", "event_type", "occurred_at", "notification_id", "data", "data.id", "data.x"])


@given(_places, _json)
def test_any_json_in_any_place_is_an_envelope_or_a_named_rejection(place: str, value: Any) -> None:
    for name in reversed(place.split(".")):
        value = {name: value}
    whole = json.loads(event("transaction.paid", {"id": "txn_1"}))
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
