"""Stripe's payments, refunds, disputes and credit notes in neutral fields."""

import pytest

from service.model import Payment
from service.providers.stripe import provider
from tests.providers.stripe.given import T, at, content, event, only, told

START = "2026-09-21T14:13:20Z"


def test_an_invoice_payment_links_invoice_and_money() -> None:
    snapshot = only("invoice_payment.paid__payment_intent")
    assert (snapshot.key, snapshot.id) == ("invoice_payment:inpay_1", "pi_1")
    assert content(snapshot) == {
        "invoice_id": "in_1",
        "status": "succeeded",
        "provider_status": "paid",
        "currency": "USD",
        "amount": 3990,
        "amount_paid": 3990,
        "created_at": START,
        "paid_at": "2026-09-21T14:13:22Z",
    }
    assert only("invoice_payment.paid__payment_record").id == "pr_1"


def test_an_invoice_payment_that_names_no_payment_feeds_no_row() -> None:
    obj = {"id": "inpay_1", "object": "invoice_payment", "payment": {"type": "payment_intent"}}
    assert provider.map(event("invoice_payment.paid", obj)).snapshots == ()


def test_a_payment_intent_is_a_payment() -> None:
    snapshot = only("payment_intent.succeeded__subscription")
    assert (snapshot.key, snapshot.kind, snapshot.id) == ("payment_intent:pi_1", "payment", "pi_1")
    assert content(snapshot) == {
        "customer_id": "cus_1",
        "charge_id": "ch_1",
        "status": "succeeded",
        "provider_status": "succeeded",
        "currency": "USD",
        "amount": 3990,
        "amount_paid": 3990,
        "user_id": "user-7",
        "created_at": START,
    }
    assert only("payment_intent.succeeded__everything_expanded").fields == snapshot.fields
    assert told(only("payment_intent.succeeded__before_basil")) == told(snapshot) | {"invoice_id": "in_1"}


@pytest.mark.parametrize(
    ("name", "status", "failure"),
    [
        ("payment_intent.created__waiting", "pending", None),
        ("payment_intent.payment_failed__card_declined", "failed", "card_declined"),
        ("payment_intent.amount_capturable_updated__authorized", "authorized", None),
        ("payment_intent.canceled__abandoned", "canceled", None),
        ("charge.succeeded__of_payment_intent", "succeeded", None),
        ("charge.succeeded__authorized_only", "authorized", None),
        ("charge.expired__authorization_lapsed", "canceled", None),
        ("charge.failed__card_declined", "failed", "card_declined"),
    ],
)
def test_a_payment_says_how_far_it_came(name: str, status: str, failure: str | None) -> None:
    found = only(name).content()
    assert (found["status"], found["failure_code"]) == (status, failure)


def test_a_decline_code_stands_in_for_a_missing_error_code() -> None:
    obj = {"id": "pi_1", "object": "payment_intent", "last_payment_error": {"decline_code": "fraudulent"}}
    (snapshot,) = provider.map(event("payment_intent.payment_failed", obj)).snapshots
    assert told(snapshot)["failure_code"] == "fraudulent"


def test_a_charge_feeds_the_row_of_its_payment_intent_or_its_own() -> None:
    intent, alone = only("charge.succeeded__of_payment_intent"), only("charge.succeeded__without_payment_intent")
    assert (intent.key, intent.id, alone.id) == ("charge:ch_1", "pi_1", "ch_1")
    assert told(alone)["invoice_id"] == "in_1"
    assert content(intent) == {
        "customer_id": "cus_1",
        "charge_id": "ch_1",
        "status": "succeeded",
        "provider_status": "succeeded",
        "currency": "USD",
        "amount": 3990,
        "amount_paid": 3990,
        "created_at": "2026-09-21T14:13:21Z",
        "paid_at": "2026-09-21T14:13:21Z",
    }


def test_an_authorization_is_not_yet_paid() -> None:
    found = told(only("charge.succeeded__authorized_only"))
    assert (found["amount_paid"], found["paid_at"]) == (0, None)


def test_a_refunded_charge_is_the_charge_and_says_nothing_of_refunds() -> None:
    assert only("charge.refunded__partly").fields == only("charge.succeeded__of_payment_intent").fields


def test_a_refund_names_its_payment() -> None:
    assert content(only("refund.created__succeeded")) == {
        "payment_id": "pi_1",
        "charge_id": "ch_1",
        "customer_id": "cus_1",
        "status": "succeeded",
        "provider_status": "succeeded",
        "currency": "USD",
        "amount": 1000,
        "reason": "requested_by_customer",
        "created_at": "2026-09-21T14:15:00Z",
    }
    expanded = only("charge.refund.updated__object_is_refund")
    assert (expanded.key, expanded.fields) == ("refund:re_1", only("refund.created__succeeded").fields)


def test_a_refund_that_failed_after_success_says_why() -> None:
    found = told(only("refund.failed__after_success"))
    assert (found["status"], found["failure_reason"]) == ("failed", "lost_or_stolen_card")


def test_a_dispute_names_payment_and_deadline() -> None:
    assert content(only("charge.dispute.created__needs_response")) == {
        "payment_id": "pi_1",
        "charge_id": "ch_1",
        "status": "needs_response",
        "provider_status": "needs_response",
        "currency": "USD",
        "amount": 3990,
        "reason": "fraudulent",
        "created_at": "2026-09-21T14:16:40Z",
        "due_at": "2026-10-01T14:13:20Z",
    }
    inquiry = told(only("charge.dispute.closed__inquiry"))
    assert (inquiry["status"], inquiry["payment_id"]) == ("closed", "ch_1")


def test_a_voided_credit_note_says_when() -> None:
    assert content(only("credit_note.voided__withdrawn")) == {
        "customer_id": "cus_1",
        "invoice_id": "in_1",
        "number": "ABC-0001-CN-01",
        "status": "void",
        "provider_status": "void",
        "currency": "USD",
        "amount": 500,
        "reason": "order_change",
        "created_at": "2026-09-21T14:18:20Z",
        "voided_at": "2026-09-21T14:20:00Z",
    }


def test_amounts_are_in_iso_units_everywhere() -> None:
    obj = {"id": "ch_1", "object": "charge", "currency": "isk", "amount": 12300, "amount_captured": 12300}
    (snapshot,) = provider.map(event("charge.succeeded", obj)).snapshots
    assert (told(snapshot)["currency"], told(snapshot)["amount"]) == ("ISK", 123)


def test_times_are_aware_and_utc() -> None:
    fields = only("payment_intent.succeeded__subscription").fields
    assert isinstance(fields, Payment)
    assert fields.created_at == at(T)
