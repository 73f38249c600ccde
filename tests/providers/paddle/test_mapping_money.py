"""Paddle's transactions in neutral fields: PROVIDERS.md 4.1."""

from typing import Any

import pytest

from service.errors import MappingError
from tests.providers.paddle.given import AT, Json, both, content, data, mapped, only, rows, told

START, END = "2026-09-21T14:13:10.500000Z", "2026-10-21T14:13:10.500000Z"
BILLED, CREATED = "2026-09-21T14:13:10.100000Z", "2026-09-21T14:12:50.300000Z"
CAPTURED = "2026-09-21T14:13:09.700000Z"


def test_payment_succeeded_is_transaction_completed() -> None:
    invoice, payment = both("transaction.completed__first_payment")
    assert invoice == {
        "customer_id": "ctm_1",
        "subscription_id": "sub_1",
        "number": "325-10001",
        "status": "paid",
        "provider_status": "completed",
        "currency": "USD",
        "amount": 3990,
        "subtotal": 3800,
        "tax": 190,
        "amount_due": 3990,
        "amount_paid": 3990,
        "amount_remaining": 0,
        "billing_reason": "web",
        "collection_method": "charge_automatically",
        "user_id": "user-7",
        "created_at": CREATED,
        "issued_at": BILLED,
        "paid_at": CAPTURED,
        "lines": [
            {
                "id": "txnitm_1",
                "amount": 3800,
                "currency": "USD",
                "description": None,
                "quantity": 2,
                "price_id": "pri_1",
                "subscription_item_id": None,
                "proration": False,
                "period_start": START,
                "period_end": END,
            }
        ],
    }
    assert payment == {
        "customer_id": "ctm_1",
        "invoice_id": "txn_1",
        "status": "succeeded",
        "provider_status": "completed",
        "currency": "USD",
        "amount": 3990,
        "amount_paid": 3990,
        "user_id": "user-7",
        "created_at": CREATED,
        "paid_at": CAPTURED,
    }


def test_invoice_and_payment_share_the_id_and_version_of_their_transaction() -> None:
    snapshots = mapped("transaction.completed__first_payment").snapshots
    assert [(each.key, each.kind, each.id) for each in snapshots] == [
        ("transaction:txn_1", "invoice", "txn_1"),
        ("transaction:txn_1", "payment", "txn_1"),
    ]
    assert snapshots[0].as_of == snapshots[1].as_of is not None


def test_payment_succeeded_begins_with_its_precursor_transaction_paid() -> None:
    invoice, payment = both("transaction.paid__before_number")
    assert (invoice["status"], payment["status"], payment["amount_paid"]) == ("paid", "succeeded", 3990)
    assert "number" not in invoice
    assert "subscription_id" not in invoice


def test_payment_succeeded_is_not_a_changed_card() -> None:
    assert mapped("transaction.completed__card_change").snapshots == ()
    assert mapped("transaction.completed__card_change").ignored == "not_issued"


def test_payment_succeeded_is_not_a_grand_total_of_zero() -> None:
    snapshot = only("transaction.completed__zero_amount")
    found = told(snapshot)
    assert snapshot.kind == "invoice"
    assert (found["status"], found["amount"], found["amount_due"], found["amount_paid"]) == ("paid", 3990, 0, 0)
    assert found["paid_at"] == BILLED


def test_invoice_issued_is_transaction_billed() -> None:
    found = content(only("transaction.billed__manual_invoice"))
    assert (found["status"], found["amount_due"], found["amount_paid"], found["amount_remaining"]) == (
        "open",
        3990,
        0,
        3990,
    )
    assert (found["issued_at"], found["due_at"]) == (BILLED, "2026-10-05T14:13:10.100000Z")
    assert (found["collection_method"], "number" in found, "paid_at" in found) == ("send_invoice", False, False)


def test_the_number_of_an_issued_invoice_may_follow() -> None:
    found = told(only("transaction.updated__number_followed"))
    assert (found["number"], found["subscription_id"], found["status"]) == ("325-10001", "sub_1", "open")


def test_subscription_cancelled_scheduled_is_an_updated_one() -> None:
    snapshot = only("subscription.updated__cancel_scheduled")
    assert (told(snapshot)["status"], told(snapshot)["cancels_at"]) == ("active", END)


def test_subscription_cancelled_over_is_subscription_canceled() -> None:
    assert told(only("subscription.canceled__over"))["status"] == "ended"


@pytest.mark.parametrize(
    "name",
    [
        "transaction.created__checkout_opened",
        "transaction.ready__checkout",
        "transaction.payment_failed__checkout_declined",
        "transaction.canceled__abandoned_checkout",
        "transaction.created__manual_draft",
        "transaction.completed__card_change",
    ],
)
def test_what_was_never_issued_makes_no_row(name: str) -> None:
    assert mapped(name).snapshots == ()
    assert mapped(name).ignored == "not_issued"


@pytest.mark.parametrize(
    "mark",
    [
        {"status": "billed"},
        {"status": "past_due"},
        {"status": "paid"},
        {"status": "completed"},
        {"billed_at": AT},
        {"invoice_id": "inv_1"},
        {"invoice_number": "325-1"},
        {"origin": "subscription_recurring"},
        {"origin": "subscription_charge"},
        {"origin": "subscription_of_tomorrow"},
    ],
)
def test_one_mark_of_an_issued_invoice_is_enough(mark: Json) -> None:
    assert "invoice" in rows("transaction.created__checkout_opened", **mark)
    changed_card = {**mark, "origin": "subscription_payment_method_change"}
    assert rows("transaction.created__checkout_opened", **changed_card) == {}


def test_a_failed_attempt_says_why() -> None:
    invoice, payment = both("transaction.payment_failed__renewal_declined")
    assert (invoice["status"], payment["status"], payment["failure_code"]) == ("open", "failed", "declined")
    invoice, payment = both("transaction.past_due__renewal")
    assert (invoice["status"], payment["status"], payment["failure_code"]) == ("open", "failed", "declined")


def test_a_success_forgets_the_attempt_that_failed_before_it() -> None:
    invoice, payment = both("transaction.completed__declined_then_captured")
    assert (payment["status"], payment["paid_at"], "failure_code" in payment) == ("succeeded", CAPTURED, False)
    assert invoice["paid_at"] == CAPTURED


def test_a_renewal_that_waits_for_the_buyer_is_a_draft_invoice_with_a_payment() -> None:
    invoice, payment = both("transaction.updated__action_required")
    assert (invoice["status"], payment["status"]) == ("draft", "requires_action")


def test_an_invoice_past_its_terms_is_open_and_nobody_failed_to_pay_it() -> None:
    snapshot = only("transaction.past_due__terms_ran_out")
    assert (snapshot.kind, told(snapshot)["status"], told(snapshot)["amount_paid"]) == ("invoice", "open", 0)


def test_an_invoice_that_nobody_tried_to_pay_has_no_payment() -> None:
    assert only("transaction.billed__manual_invoice").kind == "invoice"


def test_a_withdrawn_invoice_is_void() -> None:
    found = told(only("transaction.canceled__withdrawn_invoice"))
    assert (found["status"], found["amount_paid"]) == ("void", 0)


def test_a_bank_transfer_was_paid_when_it_was_billed_since_nothing_tells_more() -> None:
    invoice, payment = both("transaction.completed__bank_transfer")
    assert invoice["paid_at"] == payment["paid_at"] == BILLED
    created = rows("transaction.completed__bank_transfer", billed_at=None)
    assert created["invoice"]["paid_at"] == created["payment"]["paid_at"] == CREATED


def test_what_is_to_be_paid_by_invoice_is_none_before_it_is_billed_since_that_may_change() -> None:
    assert rows("transaction.created__checkout_opened", collection_mode="manual", status="ready") == {}
    assert rows("transaction.created__checkout_opened", collection_mode="manual", status="canceled") == {}


@pytest.mark.parametrize("status", ["draft", "ready", "billed", "past_due", "paid", "completed", "canceled"])
def test_a_payment_once_tried_never_goes_away(status: str) -> None:
    assert "payment" in rows("transaction.past_due__renewal", status=status)
    details = data("transaction.past_due__renewal")["details"]
    details["totals"]["grand_total"] = "0"
    found = rows("transaction.past_due__renewal", status=status, details=details)["payment"]
    assert (found["status"], found["amount"], found["amount_paid"]) == ("failed", 0, 0)


def test_an_attempt_for_nothing_is_no_payment() -> None:
    verified = data("transaction.completed__first_payment")["payments"][0] | {"amount": "0"}
    assert list(rows("transaction.completed__zero_amount", payments=[verified])) == ["invoice"]
    assert list(rows("transaction.billed__manual_invoice", payments=[verified])) == ["invoice"]


def test_the_buyer_pays_the_grand_total_after_credit() -> None:
    invoice, payment = both("transaction.completed__credit_applied")
    assert (invoice["amount"], invoice["amount_due"], invoice["amount_paid"]) == (3990, 3000, 3000)
    assert (payment["amount"], payment["amount_paid"]) == (3000, 3000)


def test_a_transaction_from_before_the_grand_total_is_due_after_its_credit() -> None:
    details = data("transaction.completed__credit_applied")["details"]
    del details["totals"]["grand_total"]
    assert rows("transaction.completed__credit_applied", details=details)["payment"]["amount"] == 3000


def test_yen_have_no_decimals() -> None:
    invoice, payment = both("transaction.completed__yen")
    assert (invoice["currency"], invoice["amount"], payment["amount"]) == ("JPY", 550, 550)


@pytest.mark.parametrize("amount", ["39.90", "39,90", "", " 3990", "3990 USD", "1e3", "٣", 3990, 39.9, True, []])
def test_an_amount_that_is_no_text_of_whole_units_is_never_guessed(amount: Any) -> None:
    details = data("transaction.completed__first_payment")["details"]
    details["totals"]["total"] = amount
    with pytest.raises(MappingError, match="transaction 'txn_1': total"):
        rows("transaction.completed__first_payment", details=details)


def test_a_prorated_line_has_a_period_of_its_own() -> None:
    lines = told(only("transaction.billed__prorated_upgrade"))["lines"]
    assert [(each["id"], each["proration"], each["period_start"]) for each in lines] == [
        ("txnitm_8", False, START),
        ("txnitm_9", True, "2026-10-01T00:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("terms", "due"),
    [
        ({"interval": "day", "frequency": 1}, "2026-09-22T14:13:10.100000Z"),
        ({"interval": "week", "frequency": 2}, "2026-10-05T14:13:10.100000Z"),
        ({"interval": "month", "frequency": 1}, None),
        ({"interval": "day", "frequency": 10**12}, None),
        ({"interval": "day"}, None),
        (None, None),
    ],
)
def test_an_invoice_is_due_when_its_terms_end(terms: Json | None, due: str | None) -> None:
    found = rows("transaction.billed__manual_invoice", billing_details={"payment_terms": terms})["invoice"]
    assert found["due_at"] == due


def test_a_transaction_of_tomorrows_statuses_is_unknown_and_kept() -> None:
    invoice, payment = both("transaction.updated__status_of_tomorrow")
    assert (invoice["status"], payment["status"]) == ("unknown", "unknown")
    assert (invoice["provider_status"], payment["provider_status"]) == ("escrowed", "escrowed")
