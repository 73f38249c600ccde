"""Histories at Lemon Squeezy that break simpler rules, written out. Each fails without the rule that its name tells."""

from __future__ import annotations

from itertools import permutations
from typing import Any, TypeAlias

import msgspec
import pytest

from tests.convergence.business import DAY
from tests.convergence.copy import Copy
from tests.convergence.lemonsqueezy import LemonSqueezyBusiness

Shop: TypeAlias = Copy[LemonSqueezyBusiness]


@pytest.fixture
def kind() -> type[LemonSqueezyBusiness]:
    """Whose histories these are."""
    return LemonSqueezyBusiness


def name(body: bytes) -> str:
    """The event's name."""
    return str(msgspec.json.decode(body)["meta"]["event_name"])


def attribute(body: bytes, field: str) -> Any:
    """What the event says of its object."""
    return msgspec.json.decode(body)["data"]["attributes"][field]


def begun(copy: Shop, variant: int = 0) -> tuple[LemonSqueezyBusiness, str, list[bytes]]:
    """A bought subscription, and what was sent about the purchase."""
    business = copy.begin()
    made = business.sandbox.buy(business.variants[variant], custom={"user_id": "42"})
    return business, str(made["subscription"]), business.sent()


def status(copy: Shop, subscription: str) -> tuple[Any, Any]:
    """The subscription's status in the copy, and whether it is going to end."""
    row = copy.rows()["subscription", subscription]
    return row["provider_status"], row["cancels_at"] is not None


@pytest.mark.parametrize("at_once", [1, 9])
def test_two_updates_with_one_stamp_and_different_content_end_as_the_provider_stands(
    on_either: Shop, at_once: int
) -> None:
    business, subscription, first = begun(on_either)
    business.sandbox.advance(DAY)
    for cancelled in (True, False):
        business.change("subscriptions", subscription, cancelled=cancelled)
    updates = [body for body in business.sent() if name(body) == "subscription_updated"]
    assert len({attribute(body, "updated_at") for body in updates}) == 1
    assert [attribute(body, "status") for body in updates] == ["cancelled", "active"]
    for order in permutations(updates):
        on_either.clear()
        on_either.deliver([*first, *order], at_once=at_once)
        assert status(on_either, subscription) == ("active", False)


def test_what_a_subscription_began_as_is_believed_when_it_is_seen_again_within_the_second(on_either: Shop) -> None:
    """The provider could not be asked before: cancelled and resumed in the second of the purchase, event by event."""
    business, subscription, first = begun(on_either)
    business.change("subscriptions", subscription, cancelled=True)
    on_either.deliver(first + business.sent(), at_once=1)
    business.change("subscriptions", subscription, cancelled=False)
    (resumed,) = [body for body in business.sent() if name(body) == "subscription_resumed"]
    on_either.deliver([resumed])
    assert status(on_either, subscription) == ("active", False)


def test_a_refund_that_arrives_before_its_payment_stands(on_either: Shop) -> None:
    business, _, first = begun(on_either)
    business.sandbox.advance(3)
    business.sandbox.refund("subscription-invoices", 1, 300)
    bodies = [body for body in first + business.sent() if name(body).startswith("subscription_payment_")]
    assert sorted(map(name, bodies)) == ["subscription_payment_refunded", "subscription_payment_success"]
    for order in permutations(bodies):
        on_either.clear()
        on_either.deliver(order, at_once=1)
        assert on_either.rows()["refund", "subscription-invoices:1"]["amount"] == 300
        assert on_either.rows()["invoice", "subscription-invoices:1"]["provider_status"] == "partial_refunded"
        assert on_either.money() == {"USD": (1_900, 300)}


def test_an_order_and_the_first_invoice_of_its_subscription_are_one_payment_in_any_order(on_either: Shop) -> None:
    _, subscription, first = begun(on_either)
    wanted = ("order_created", "subscription_created", "subscription_payment_success")
    bodies = [body for body in first if name(body) in wanted]
    for order in permutations(bodies):
        on_either.clear()
        on_either.deliver(order, at_once=1)
        assert on_either.money() == {"USD": (1_900, 0)}
        assert on_either.rows()["subscription", subscription]["begun_by"] == "orders:1"
        assert on_either.underived() == []


def test_a_resend_under_another_id_after_a_newer_update_changes_nothing(on_either: Shop) -> None:
    """A new id and new links make another body; what it says is old."""
    business, subscription, first = begun(on_either)
    business.sandbox.advance(DAY)
    business.change("subscriptions", subscription, cancelled=True)
    on_either.deliver(first + business.sent())
    for event in list(business.sandbox.events):
        business.sandbox.resend(event["meta"]["webhook_id"], keep_id=False)
    before = on_either.written()[2]
    on_either.deliver(business.sent(), at_once=1)
    assert status(on_either, subscription) == ("cancelled", True)
    assert on_either.written()[2] == before


@pytest.mark.parametrize("keep_id", [True, False])
def test_a_resend_is_the_same_event(on_either: Shop, keep_id: bool) -> None:
    """Counted where it was stored."""
    business, _, first = begun(on_either)
    on_either.deliver(first)
    stored = on_either.written()[0]
    business.sandbox.resend(0, keep_id=keep_id)
    on_either.deliver(business.sent())
    assert on_either.written()[0] == stored
    assert max(on_either.deliveries()) == 2


def test_an_event_that_arrives_while_its_subject_is_being_read_is_not_lost(on_either: Shop) -> None:
    """The answer under way shows what was before it, under the same stamp."""
    business, subscription, first = begun(on_either)
    on_either.deliver(first)

    def meanwhile() -> None:
        business.change("subscriptions", subscription, pause={"mode": "void"})
        on_either.store(business.sent())

    business.change("subscriptions", subscription, cancelled=True)
    business.change("subscriptions", subscription, cancelled=False)
    on_either.stage.meanwhile = meanwhile
    on_either.deliver(business.sent())
    assert on_either.stage.meanwhile is None
    assert status(on_either, subscription) == ("paused", False)


def test_the_same_again_while_its_first_event_is_being_processed_is_judged_again(on_either: Shop) -> None:
    """Cancelled, resumed, and cancelled once more within the second: the last says what the first one said."""
    business, subscription, first = begun(on_either)
    business.sandbox.advance(DAY)
    on_either.deliver(first)
    business.change("subscriptions", subscription, cancelled=True)
    (cancelled,) = [body for body in business.sent() if name(body) == "subscription_cancelled"]
    business.change("subscriptions", subscription, cancelled=False)
    (resumed,) = [body for body in business.sent() if name(body) == "subscription_resumed"]
    on_either.deliver([resumed])

    def meanwhile() -> None:
        business.change("subscriptions", subscription, cancelled=True)
        on_either.store([body for body in business.sent() if name(body) == "subscription_cancelled"])

    on_either.stage.meanwhile = meanwhile
    on_either.deliver([cancelled])
    assert on_either.stage.meanwhile is None
    assert status(on_either, subscription) == ("cancelled", True)


def test_what_only_a_late_event_tells_is_kept_although_the_object_is_read_instead(on_either: Shop) -> None:
    """A run confirmed that there was nothing, so the late order is read again; no read knows the application's user."""
    business = on_either.begin()
    on_either.reconcile()
    business.sandbox.buy(business.variants[4], custom={"user_id": "42"})
    late = business.sent()
    business.sandbox.advance(DAY)
    on_either.stage.business = LemonSqueezyBusiness()
    on_either.stage.business.sandbox.advance(DAY)
    on_either.reconcile()
    on_either.stage.business = business
    on_either.deliver(late)
    assert on_either.rows()["invoice", "orders:1"]["user_id"] == "42"


def test_an_expired_subscription_is_not_revived_by_what_came_before(on_either: Shop) -> None:
    """Expired is over (a cancelled one can be resumed, an expired one can't), in whatever order it is told."""
    business, subscription, first = begun(on_either)
    for cancelled in (True, False, True):
        business.change("subscriptions", subscription, cancelled=cancelled)
        business.sandbox.advance(DAY)
    business.sandbox.advance(40 * DAY)
    bodies = [body for body in first + business.sent() if b"subscriptions" in body]
    assert name(bodies[-2]) == "subscription_expired"
    for turn in range(len(bodies)):
        on_either.clear()
        on_either.deliver([*bodies[turn:], *bodies[:turn]], at_once=1)
        assert on_either.rows()["subscription", subscription]["status"] == "ended"


def test_a_late_failure_does_not_undo_the_recovery(on_either: Shop) -> None:
    """A failed attempt replaces `pending` and nothing else."""
    business, _, first = begun(on_either)
    business.sandbox.payments.fail_next(1)
    business.sandbox.advance(32 * DAY)
    failed = [body for body in business.sent() if name(body) == "subscription_payment_failed"]
    on_either.deliver(first + failed)
    assert on_either.rows()["payment", "subscription-invoices:2"]["status"] == "failed"
    business.sandbox.pay_open_invoice(1)
    recovered = business.sent()
    for bodies in (failed + recovered, recovered + failed):
        on_either.clear()
        on_either.deliver(first + bodies, at_once=1)
        assert on_either.rows()["payment", "subscription-invoices:2"]["status"] == "succeeded"
        assert on_either.money() == {"USD": (3_800, 0)}


def test_several_refunds_within_a_second_are_one_running_amount(on_either: Shop) -> None:
    business, _, first = begun(on_either)
    for amount in (100, 200, None):
        business.sandbox.refund("subscription-invoices", 1, amount)
    refunds = [body for body in business.sent() if name(body) == "subscription_payment_refunded"]
    assert [attribute(body, "refunded_amount") for body in refunds] == [100, 300, 1_900]
    for order in permutations(refunds):
        on_either.clear()
        on_either.deliver([*first, *order], at_once=1)
        assert on_either.rows()["refund", "subscription-invoices:1"]["amount"] == 1_900
        assert on_either.money() == {"USD": (1_900, 1_900)}
