"""The envelope: what ingest reads of a delivery."""

import json
from typing import Any

import pytest

from service.errors import Rejected
from service.provider import Envelope, Mapped
from service.providers.stripe import provider
from tests.providers.stripe.given import T, at, event, fixture


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
    ],
)
def test_what_is_not_applied_says_why_here_and_in_the_mapping(name: str, reason: str) -> None:
    assert provider.envelope(fixture(name)).ignored == reason
    assert provider.map(fixture(name)).ignored == reason


def test_a_thin_notification_of_refused_usage_may_name_no_object() -> None:
    name = "v1.billing.meter.no_meter_found__thin_without_object"
    found = provider.envelope(fixture(name))
    assert (found.ignored, found.kind, found.object_id) == (None, None, None)
    assert provider.map(fixture(name)) == Mapped(reason="thin", rejects_usage=True)


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


@pytest.mark.parametrize("change", [{"object": "invoice"}, {"object": None}, {"data": {}}])
def test_what_is_neither_a_snapshot_nor_a_thin_event_is_rejected(change: dict[str, Any]) -> None:
    assert rejected(json.dumps(json.loads(event("invoice.paid", {"id": "in_1"})) | change).encode())


@pytest.mark.parametrize("created", ["2026-09-21T12:53:20", "1999-12-31T23:59:59Z", "yesterday", 1_790_000_000])
def test_a_thin_notification_without_a_sane_time_is_rejected(created: object) -> None:
    thin = json.loads(fixture("v1.invoice.paid__thin"))
    assert rejected(json.dumps(thin | {"created": created}).encode())
