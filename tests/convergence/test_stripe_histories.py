"""Histories at Stripe that break simpler rules, written out. Each fails without the rule that its name tells."""

from __future__ import annotations

from itertools import permutations
from typing import TypeAlias

import pytest

from tests.convergence.business import HOUR
from tests.convergence.copy import Copy
from tests.convergence.stripe import StripeBusiness

Shop: TypeAlias = Copy[StripeBusiness]


@pytest.fixture
def kind() -> type[StripeBusiness]:
    """Whose histories these are."""
    return StripeBusiness


def email(copy: Shop, customer: str) -> object:
    """The customer's address in the copy."""
    return copy.rows()["customer", customer]["email"]


def refund_history(copy: Shop) -> tuple[str, list[bytes]]:
    """A refund that is made, succeeds and fails within one second; only the refund's events."""
    business = copy.begin()
    customer = business.customers[0]
    business.call("POST", "/v1/subscriptions", {"customer": customer, "items": [{"price": business.prices[0]}]})
    charge = next(iter(business.sandbox.objects("charge")))
    business.sent()
    business.sandbox.next_refunds("pending")
    refund = business.call("POST", "/v1/refunds", {"charge": charge, "amount": 500})["id"]
    business.sandbox.settle_refund(refund, status="succeeded")
    business.sandbox.settle_refund(refund, status="failed")
    bodies = [body for body in business.sent() if b'"object":"refund"' in body.replace(b'": "', b'":"')]
    assert len(bodies) >= 3
    return refund, bodies


def test_a_refund_that_succeeded_and_failed_within_a_second_has_failed(on_either: Shop) -> None:
    for turn in range(6):
        refund, bodies = refund_history(on_either)
        order = list(permutations(bodies, len(bodies)))
        on_either.deliver(order[turn * len(order) // 6], at_once=1)
        on_either.settle()
        assert on_either.rows()["refund", refund]["status"] == "failed"


@pytest.mark.parametrize("at_once", [1, 10])
def test_a_to_b_and_back_to_a_within_a_second_is_a(on_either: Shop, at_once: int) -> None:
    business = on_either.begin()
    customer = business.customers[0]
    business.sandbox.advance(10)
    for address in ("b@example.com", "ada@example.com"):
        business.call("POST", f"/v1/customers/{customer}", {"email": address})
    bodies = [body for body in business.sent() if b"customer." in body]
    assert len(bodies) == 3
    for order in permutations(bodies):
        on_either.clear()
        on_either.deliver(order, at_once=at_once)
        on_either.settle()
        assert email(on_either, customer) == "ada@example.com"


@pytest.mark.parametrize("imported", [False, True])
def test_an_event_delayed_past_a_complete_run_whose_revert_was_lost_changes_nothing(
    on_either: Shop, imported: bool
) -> None:
    """Whether the row came from an event, or from a first run that read it: its events are older than the log."""
    business = on_either.begin()
    customer = business.customers[0]
    if imported:
        business.sandbox.advance(31 * 24 * HOUR)
        business.sent()
        on_either.reconcile()
    else:
        on_either.deliver(business.sent())
    business.sandbox.advance(HOUR)
    business.call("POST", f"/v1/customers/{customer}", {"email": "b@example.com"})
    business.sandbox.advance(1)
    business.call("POST", f"/v1/customers/{customer}", {"email": "ada@example.com"})
    delayed, _lost = business.sent()
    business.sandbox.advance(60)
    # A dry audit would bring the lost event back; this run confirms the rows and knows nothing of younger events.
    assert on_either.reconcile(full=False).by_class == {}
    on_either.deliver([delayed])
    on_either.settle()
    assert email(on_either, customer) == "ada@example.com"


def test_a_late_update_cannot_resurrect_a_deleted_customer(on_either: Shop) -> None:
    business = on_either.begin()
    customer = business.customers[0]
    business.call("POST", f"/v1/customers/{customer}", {"email": "b@example.com"})
    business.call("DELETE", f"/v1/customers/{customer}")
    bodies = [body for body in business.sent() if b'"customer.' in body]
    for order in permutations(bodies):
        on_either.clear()
        on_either.deliver(order, at_once=1)
        on_either.settle()
        assert ("customer", customer) not in on_either.rows()


def test_a_stale_subscription_leaves_the_items_of_the_newer_one_alone(on_either: Shop) -> None:
    business = on_either.begin()
    params = {"customer": business.customers[0], "items": [{"price": business.prices[0], "quantity": 1}]}
    subscription = business.call("POST", "/v1/subscriptions", params)
    first = business.sent()
    business.sandbox.advance(5)
    item = subscription["items"]["data"][0]["id"]
    business.call("POST", f"/v1/subscriptions/{subscription['id']}", {"items": [{"id": item, "quantity": 7}]})
    on_either.deliver(business.sent() + first, at_once=1)
    on_either.settle()
    assert [each["quantity"] for each in on_either.rows()["subscription", subscription["id"]]["items"]] == [7]
