"""Histories at Paddle that break simpler rules, written out. Each fails without the rule that its name tells."""

from __future__ import annotations

from itertools import permutations
from typing import Any, TypeAlias

import msgspec
import pytest

from tests.convergence.business import DAY, HOUR, Json
from tests.convergence.copy import Copy
from tests.convergence.paddle import PaddleBusiness

Shop: TypeAlias = Copy[PaddleBusiness]


@pytest.fixture
def kind() -> type[PaddleBusiness]:
    """Whose histories these are."""
    return PaddleBusiness


def told(body: bytes) -> str:
    """The event's type."""
    return str(msgspec.json.decode(body)["event_type"])


def paid(copy: Shop, price: int = 0) -> tuple[PaddleBusiness, Json, list[bytes]]:
    """A paid checkout, and what was sent until then."""
    business = copy.begin()
    draft = business.sandbox.open_checkout(business.prices[price])
    return business, business.sandbox.complete_checkout(draft["id"]), business.sent()


def customer(copy: Shop, business: PaddleBusiness) -> Any:
    """The first customer's row."""
    return copy.rows()["customer", business.customers[0]]


@pytest.mark.parametrize("decided", [("approved",), ("rejected",), ("approved", "reversed")])
def test_an_adjustment_that_was_decided_does_not_wait_again(on_either: Shop, decided: tuple[str, ...]) -> None:
    """The decision may arrive before the request does."""
    business, bought, first = paid(on_either)
    adjustment = business.adjust("refund", bought["id"], 500)["id"]
    for each in decided:
        business.sandbox.settle_adjustment(adjustment, status=each)
    bodies = [body for body in business.sent() if told(body).startswith("adjustment.")]
    assert len(bodies) == 1 + len(decided)
    back = 500 if decided == ("approved",) else 0
    for order in permutations(bodies):
        on_either.clear()
        on_either.deliver([*first, *order], at_once=1)
        assert on_either.rows()["refund", adjustment]["provider_status"] == decided[-1]
        assert on_either.money() == {"USD": (2_090, back)}


def test_a_chargeback_and_its_reverse_end_as_won_in_any_order(on_either: Shop) -> None:
    business, bought, first = paid(on_either)
    chargeback = business.sandbox.chargeback(bought["id"])["id"]
    reverse = business.sandbox.reverse_chargeback(chargeback)["id"]
    bodies = [body for body in business.sent() if told(body).startswith("adjustment.")]
    assert [told(body) for body in bodies] == ["adjustment.created", "adjustment.updated", "adjustment.created"]
    for order in permutations(bodies):
        on_either.clear()
        on_either.deliver([*first, *order], at_once=1)
        assert {on_either.rows()["dispute", each]["status"] for each in (chargeback, reverse)} == {"won"}
        assert on_either.money() == {"USD": (2_090, 0)}


def test_a_late_archiving_does_not_take_back_what_was_restored(on_either: Shop) -> None:
    """Archived is a status, no deletion."""
    business = on_either.begin()
    path = f"/customers/{business.customers[0]}"
    first = business.sent()
    for each in ("archived", "active"):
        business.patch(path, {"status": each})
    for order in permutations(business.sent()):
        on_either.clear()
        on_either.deliver([*first, *order], at_once=1)
        assert customer(on_either, business)["status"] == "active"


def test_an_event_older_than_a_read_changes_nothing(on_either: Shop) -> None:
    """By the object's own `updated_at`, whenever it arrives; the event of the newer change was lost."""
    business = on_either.begin()
    on_either.deliver(business.sent())
    path = f"/customers/{business.customers[0]}"
    business.sandbox.advance(HOUR)
    business.patch(path, {"name": "B"})
    business.sandbox.advance(1)
    business.patch(path, {"name": "C"})
    late, _lost = business.sent()
    business.sandbox.faults.event_days = 0
    business.sandbox.advance(DAY)
    on_either.reconcile()
    before = on_either.written()[2]
    on_either.deliver([late])
    assert customer(on_either, business)["name"] == "C"
    assert on_either.written()[2] == before


@pytest.mark.parametrize("at_once", [1, 10])
def test_changes_that_share_one_stamp_end_as_the_provider_stands(on_either: Shop, at_once: int) -> None:
    """A to B and back to A, and neither the object nor the event tells which came last."""
    business = on_either.begin()
    business.sandbox.faults.stamp_seconds = 60
    business.sandbox.advance(HOUR)
    first, path = business.sent(), f"/customers/{business.customers[0]}"
    for each in ("A", "B", "A"):
        business.patch(path, {"name": each})
    changes = business.sent()
    assert len({msgspec.json.decode(body)["data"]["updated_at"] for body in changes}) == 1
    for order in permutations(changes):
        on_either.clear()
        on_either.deliver([*first, *order], at_once=at_once)
        assert customer(on_either, business)["name"] == "A"


def test_an_event_that_arrives_while_its_subject_is_being_read_is_not_lost(on_either: Shop) -> None:
    """The answer under way shows what was before it, under the same stamp."""
    business = on_either.begin()
    business.sandbox.faults.stamp_seconds = 60
    business.sandbox.advance(HOUR)
    on_either.deliver(business.sent())
    path = f"/customers/{business.customers[0]}"

    def meanwhile() -> None:
        business.patch(path, {"name": "C"})
        on_either.store(business.sent())

    for each in ("A", "B"):
        business.patch(path, {"name": each})
    on_either.stage.meanwhile = meanwhile
    on_either.deliver(business.sent())
    assert on_either.stage.meanwhile is None
    assert customer(on_either, business)["name"] == "C"


def test_a_transaction_is_one_invoice_and_one_payment_however_its_events_come(on_either: Shop) -> None:
    """Created, ready, paid, completed, and numbered at last: each tells the whole, and the latest counts."""
    _, bought, bodies = paid(on_either)
    own = [body for body in bodies if told(body).startswith("transaction.")]
    assert len(own) > 5
    for turn in range(len(own)):
        for order in (own[turn:] + own[:turn], own[turn::-1] + own[:turn:-1]):
            on_either.clear()
            on_either.deliver(order, at_once=1)
            invoice = on_either.rows()["invoice", bought["id"]]
            assert (invoice["status"], invoice["number"]) == ("paid", bought["invoice_number"])
            assert on_either.money() == {"USD": (2_090, 0)}


def test_a_late_past_due_does_not_undo_the_recovery(on_either: Shop) -> None:
    business, _, first = paid(on_either)
    for each in business.sandbox.objects("customer"):
        business.sandbox.payments.fail_next(each)
    business.sandbox.advance(30 * DAY + HOUR)
    failed = business.sent()
    business.sandbox.advance(10 * DAY)
    recovered = business.sent()
    assert "transaction.past_due" in map(told, failed)
    assert "subscription.past_due" in map(told, failed)
    assert "transaction.completed" in map(told, recovered)
    on_either.deliver(first + recovered + failed, at_once=1)
    assert on_either.rows() == on_either.truth()
    assert on_either.money() == {"USD": (4_180, 0)}


def test_a_replay_under_another_notification_is_the_same_event(on_either: Shop) -> None:
    """Counted where it was stored."""
    business = on_either.begin()
    on_either.deliver(business.sent())
    stored = on_either.written()[0]
    notification = business.some("notification", 0)
    business.post(f"/notifications/{notification}/replay")
    (again,) = business.sent()
    assert msgspec.json.decode(again)["notification_id"] != notification
    on_either.deliver([again])
    assert on_either.written()[0] == stored
    assert max(on_either.deliveries()) == 2
