"""The envelope: what ingest reads of a delivery."""

import json

import pytest

from service.provider import Envelope
from service.providers.paddle import provider
from tests.providers.paddle.given import AT, event, fixture, moment

HEAD = (
    b'{"event_id":"evt_1","event_type":"transaction.paid","occurred_at":"2026-09-21T14:13:20.123456Z",'
    b'"notification_id":"ntf_1","data":%s}'
)


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


@pytest.mark.parametrize("value", [b"9" * 400, b'"\\u0000"', b'"\\ud83d\\ude00"', b"1e400"])
def test_what_only_the_object_holds_is_accepted_as_it_is(value: bytes) -> None:
    assert provider.envelope(HEAD % (b'{"id":"txn_1","x":' + value + b"}")).object_id == "txn_1"
