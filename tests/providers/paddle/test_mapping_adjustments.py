"""Paddle's adjustments in neutral fields: PROVIDERS.md 4.2."""

import pytest

from service.providers.paddle import provider
from tests.providers.paddle.given import content, data, event, mapped, only, told


def test_a_refund_names_the_payment_that_it_gives_back() -> None:
    snapshot = only("adjustment.created__refund_waiting")
    assert (snapshot.key, snapshot.kind, snapshot.id) == ("adjustment:adj_1", "refund", "adj_1")
    assert content(snapshot) == {
        "payment_id": "txn_1",
        "customer_id": "ctm_1",
        "status": "pending",
        "provider_status": "pending_approval",
        "currency": "USD",
        "amount": 1000,
        "reason": "asked for it",
        "created_at": "2026-09-21T14:13:12Z",
    }


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("adjustment.created__refund_waiting", "pending"),
        ("adjustment.updated__refund_approved", "succeeded"),
        ("adjustment.updated__refund_rejected", "failed"),
        ("adjustment.updated__refund_reversed", "reversed"),
        ("adjustment.updated__refund_status_of_tomorrow", "unknown"),
        ("adjustment.created__credit", "issued"),
        ("adjustment.updated__credit_reversed", "void"),
        ("adjustment.created__chargeback", "lost"),
        ("adjustment.updated__chargeback_won", "won"),
        ("adjustment.created__chargeback_reverse", "won"),
        ("adjustment.created__chargeback_warning", "warning"),
        ("adjustment.created__chargeback_warning_reverse", "closed"),
    ],
)
def test_an_adjustment_has_a_neutral_status_by_its_action(name: str, status: str) -> None:
    assert told(only(name))["status"] == status


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("adjustment.created__refund_waiting", "refund", "payment_id"),
        ("adjustment.created__credit", "credit_note", "invoice_id"),
        ("adjustment.created__chargeback", "dispute", "payment_id"),
        ("adjustment.created__chargeback_reverse", "dispute", "payment_id"),
        ("adjustment.created__chargeback_warning", "dispute", "payment_id"),
        ("adjustment.created__chargeback_warning_reverse", "dispute", "payment_id"),
    ],
)
def test_the_action_of_an_adjustment_says_what_row_it_is(name: str, kind: str, link: str) -> None:
    snapshot = only(name)
    assert (snapshot.kind, told(snapshot)[link], told(snapshot)["amount"]) == (kind, "txn_1", 1000)


@pytest.mark.parametrize("name", ["adjustment.created__credit_reverse", "adjustment.created__action_of_tomorrow"])
def test_an_action_that_no_row_could_stand_for_makes_none(name: str) -> None:
    assert mapped(name).snapshots == ()
    assert mapped(name).ignored == "unknown_action"


@pytest.mark.parametrize("action", ["chargeback", "chargeback_reverse", "chargeback_warning"])
def test_a_disputes_status_of_tomorrow_is_unknown(action: str) -> None:
    obj = data("adjustment.created__chargeback") | {"action": action, "status": "pondered"}
    (snapshot,) = provider.map(event("adjustment.updated", obj)).snapshots
    assert (told(snapshot)["status"], told(snapshot)["provider_status"]) == ("unknown", "pondered")
