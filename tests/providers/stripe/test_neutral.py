"""The rows of PROVIDERS.md 4.1 and 4.2 as Stripe tells them, each by its name."""

import json

import pytest

from service.providers.stripe import provider
from tests.providers.stripe.given import Json, event, fixture, mapped, only, told

SUBSCRIPTION, INVOICE = "customer.subscription.created__two_seats", "invoice.paid__subscription"
INTENT, CHARGE = "payment_intent.succeeded__subscription", "charge.succeeded__of_payment_intent"
REFUND, DISPUTE = "refund.created__succeeded", "charge.dispute.created__needs_response"


def with_status(name: str, status: str, **changes: object) -> Json:
    """What the first row of a fixture tells whose object has this status."""
    whole = json.loads(fixture(name))
    obj = whole["data"]["object"] | {"status": status} | changes
    return told(provider.map(event(whole["type"], obj)).snapshots[0])


def neutral(name: str, *statuses: str) -> set[str]:
    """The neutral words for these statuses of a fixture's object."""
    return {with_status(name, status)["status"] for status in statuses}


# 4.1, the three names


def test_payment_succeeded_is_the_payment_intent_that_each_of_its_events_names() -> None:
    """One renewal emits all of them: they feed one row, of the payment intent's id."""
    intent, charge, link = only(INTENT), only(CHARGE), only("invoice_payment.paid__payment_intent")
    assert {(each.kind, each.id) for each in (intent, charge, link)} == {("payment", "pi_1")}
    assert {told(each)["status"] for each in (intent, charge, link)} == {"succeeded"}
    assert told(link)["invoice_id"] == "in_1"


def test_payment_succeeded_is_not_a_paid_invoice_of_zero() -> None:
    """`invoice.paid` also fires for what nobody had to pay."""
    assert {each.kind for each in mapped("invoice.paid__zero_amount").snapshots} == {"invoice"}


@pytest.mark.parametrize("when", [{"cancel_at": 1_800_000_000}, {"cancel_at_period_end": True}])
def test_subscription_cancelled_scheduled(when: Json) -> None:
    found = with_status(SUBSCRIPTION, "active", **when)
    assert (found["status"], found["cancels_at"] is not None, found["ended_at"]) == ("active", True, None)
    scheduled = told(only("customer.subscription.updated__cancel_scheduled"))
    assert (scheduled["status"], scheduled["cancels_at"] is not None) == ("active", True)


def test_subscription_cancelled_over() -> None:
    found = told(only("customer.subscription.deleted__canceled_now"))
    assert (found["status"], found["cancels_at"], found["ended_at"] is not None) == ("ended", None, True)


def test_invoice_issued_is_invoice_finalized_with_its_number() -> None:
    found = told(only("invoice.finalized__numbered"))
    assert (found["status"], bool(found["number"]), found["issued_at"] is not None) == ("open", True, True)
    assert told(only("invoice.created__draft"))["issued_at"] is None


# 4.2, subscription


def test_subscription_incomplete() -> None:
    assert neutral(SUBSCRIPTION, "incomplete") == {"incomplete"}


def test_subscription_trialing() -> None:
    assert neutral(SUBSCRIPTION, "trialing") == {"trialing"}


def test_subscription_active() -> None:
    found = with_status(SUBSCRIPTION, "active")
    assert (found["status"], found["cancels_at"]) == ("active", None)


@pytest.mark.parametrize("status", ["active", "trialing", "past_due"])
def test_subscription_active_with_cancels_at_is_any_live_status_with_an_end(status: str) -> None:
    found = with_status(SUBSCRIPTION, status, cancel_at=1_800_000_000)
    assert (found["status"], found["cancels_at"]) == (status, "2027-01-15T08:00:00Z")


def test_subscription_past_due() -> None:
    assert neutral(SUBSCRIPTION, "past_due") == {"past_due"}


def test_subscription_unpaid() -> None:
    assert neutral(SUBSCRIPTION, "unpaid") == {"unpaid"}


def test_subscription_paused() -> None:
    assert neutral(SUBSCRIPTION, "paused") == {"paused"}
    assert told(only("customer.subscription.paused__on_request"))["status"] == "paused"


def test_subscription_paused_collection_is_a_flag_and_no_status() -> None:
    found = with_status(SUBSCRIPTION, "active", pause_collection={"behavior": "void", "resumes_at": None})
    assert (found["status"], found["collection_paused"]) == ("active", True)


def test_subscription_ended() -> None:
    assert neutral(SUBSCRIPTION, "canceled") == {"ended"}


def test_subscription_expired_incomplete() -> None:
    assert neutral(SUBSCRIPTION, "incomplete_expired") == {"expired_incomplete"}


# 4.2, invoice


def test_invoice_draft() -> None:
    assert neutral(INVOICE, "draft") == {"draft"}


def test_invoice_open() -> None:
    assert neutral(INVOICE, "open") == {"open"}


def test_invoice_paid_whatever_was_refunded() -> None:
    assert neutral(INVOICE, "paid") == {"paid"}
    assert {each.kind for each in mapped("charge.refunded__partly").snapshots} == {"payment"}


def test_invoice_void() -> None:
    assert neutral(INVOICE, "void") == {"void"}


def test_invoice_uncollectible() -> None:
    assert neutral(INVOICE, "uncollectible") == {"uncollectible"}


# 4.2, payment


def test_payment_pending() -> None:
    assert neutral(INTENT, "requires_payment_method", "requires_confirmation", "processing") == {"pending"}
    assert neutral(CHARGE, "pending") == {"pending"}


def test_payment_requires_action() -> None:
    assert neutral(INTENT, "requires_action") == {"requires_action"}


def test_payment_authorized() -> None:
    assert neutral(INTENT, "requires_capture") == {"authorized"}
    assert told(only("charge.succeeded__authorized_only"))["amount_paid"] == 0


def test_payment_of_status_succeeded() -> None:
    assert neutral(INTENT, "succeeded") == neutral(CHARGE, "succeeded") == {"succeeded"}


def test_payment_failed() -> None:
    """A payment intent goes back to waiting for a method; that it failed is what its last error says."""
    assert neutral(CHARGE, "failed") == {"failed"}
    assert told(only("payment_intent.payment_failed__card_declined"))["failure_code"] == "card_declined"


def test_payment_canceled() -> None:
    assert neutral(INTENT, "canceled") == {"canceled"}


# 4.2, refund


def test_refund_pending() -> None:
    assert neutral(REFUND, "pending", "requires_action") == {"pending"}


def test_refund_succeeded() -> None:
    assert neutral(REFUND, "succeeded") == {"succeeded"}


def test_refund_failed_even_after_it_succeeded() -> None:
    assert neutral(REFUND, "failed") == {"failed"}
    assert told(only("refund.failed__after_success"))["status"] == "failed"


def test_refund_canceled() -> None:
    assert neutral(REFUND, "canceled") == {"canceled"}


def test_refund_reversed_does_not_exist_here() -> None:
    assert neutral(REFUND, "reversed") == {"unknown"}


# 4.2, dispute


def test_dispute_warning() -> None:
    assert neutral(DISPUTE, "warning_needs_response", "warning_under_review") == {"warning"}


def test_dispute_needs_response() -> None:
    assert neutral(DISPUTE, "needs_response") == {"needs_response"}


def test_dispute_under_review_and_an_appeal_too() -> None:
    assert neutral(DISPUTE, "under_review", "appeal_needs_response", "appeal_under_review") == {"under_review"}


def test_dispute_won() -> None:
    assert neutral(DISPUTE, "won") == {"won"}


def test_dispute_lost() -> None:
    assert neutral(DISPUTE, "lost") == {"lost"}


def test_dispute_closed() -> None:
    assert neutral(DISPUTE, "warning_closed", "prevented") == {"closed"}


# 4.2, whatever it is


@pytest.mark.parametrize("name", [SUBSCRIPTION, INVOICE, INTENT, CHARGE, REFUND, DISPUTE])
def test_unknown_value_is_unknown_with_the_providers_word_kept(name: str) -> None:
    found = with_status(name, "invented")
    assert (found["status"], found["provider_status"]) == ("unknown", "invented")
