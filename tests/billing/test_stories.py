"""What applications do, through one interface at all providers: the same stories, with the differences said where they are."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.errors import BadRequest, NotFound, NotSupported
from service.model import Subscription
from service.store.tables import CHANGES
from tests.billing.shop import ADA, bought, payments, signed_up, subscription
from tests.billing.world import World

DAY = 86_400


def test_sign_up(world: World) -> None:
    """The customer pays once, and the row carries the application's own user id, whoever the provider is."""
    customer_id, subscription_id = signed_up(world)
    held = subscription(world, subscription_id)
    assert (held.status, held.customer_id, held.user_id) == ("active", customer_id, "42")
    assert len(payments(world, customer_id)) == 1
    assert world.case.subscriptions(customer_id) == [subscription_id]


def test_upgrade(world: World) -> None:
    """The subscription moves to the other plan's price, the answer says so, and so does the copy."""
    customer_id, subscription_id = signed_up(world)
    world.later(3 * DAY)
    changed = world.billing.change_plan(subscription_id, "team")
    assert isinstance(changed.value, Subscription)
    world.deliver()
    assert bought(subscription(world, subscription_id)) == [world.prices["team"]]
    assert world.case.subscriptions(customer_id) == [subscription_id]


def test_cancel_at_period_end_and_resume(world: World) -> None:
    """Scheduled, still alive, taken back; then scheduled again, and over when the period is."""
    _, subscription_id = signed_up(world)
    cancelled = world.billing.cancel_subscription(subscription_id, at_period_end=True)
    assert isinstance(cancelled.value, Subscription)
    assert (cancelled.value.status, cancelled.value.cancels_at is not None) == ("active", True)
    resumed = world.billing.resume_subscription(subscription_id)
    assert isinstance(resumed.value, Subscription)
    assert (resumed.value.status, resumed.value.cancels_at) == ("active", None)
    with pytest.raises(BadRequest):
        world.billing.resume_subscription(subscription_id)
    world.billing.cancel_subscription(subscription_id, at_period_end=True)
    world.later(40 * DAY)
    world.deliver()
    assert subscription(world, subscription_id).status == "ended"


def test_cancel_now(world: World) -> None:
    """At once where the provider can; where it can't, it says so and nothing is sent."""
    _, subscription_id = signed_up(world)
    if world.case.name == "lemonsqueezy":
        with pytest.raises(NotSupported, match="period's end"):
            world.billing.cancel_subscription(subscription_id, at_period_end=False, idempotency_key="now")
        assert world.call_of("now") is None
        return
    ended = world.billing.cancel_subscription(subscription_id, at_period_end=False, idempotency_key="now")
    assert isinstance(ended.value, Subscription)
    assert ended.value.status == "ended"


def test_a_renewal_fails_and_recovers(world: World) -> None:
    """Past due while the provider tries again, active once it was paid; the money is counted twice, once a period."""
    customer_id, subscription_id = signed_up(world)
    world.case.fail_next(customer_id)
    for days in (32, 14):
        world.later(days * DAY)
        world.deliver()
    wanted = (CHANGES.c.object_id == subscription_id, CHANGES.c.field == "status")
    with world.system.database.read() as connection:
        history = list(connection.execute(select(CHANGES.c.new).where(*wanted).order_by(CHANGES.c.id)).scalars())
    assert "past_due" in history
    assert history[-1] == subscription(world, subscription_id).status == "active"
    assert len(payments(world, customer_id)) == 2


def test_refund(world: World) -> None:
    """A part, asked twice under one key, goes back once, and each answer explains; more than is left is refused."""
    customer_id, _ = signed_up(world)
    payment = payments(world, customer_id)[0]
    part = world.billing.refund(payment, amount=500, idempotency_key="part")
    assert part.explanation
    again = world.billing.refund(payment, amount=500, idempotency_key="part")
    assert (again.call_id, again.object_id, again.explanation) == (part.call_id, part.object_id, part.explanation)
    assert sum(world.case.refunds(payment)) == 500
    world.deliver()
    with pytest.raises(BadRequest):
        world.billing.refund(payment, amount=10_000_000)
    assert sum(world.case.refunds(payment)) == 500


def test_invoices_and_their_documents(world: World) -> None:
    """Every invoice, read to the end of the list, with a document for the newest."""
    customer_id, _ = signed_up(world)
    for _ in range(2):
        world.later(31 * DAY)
    found = world.billing.get_invoices(customer_id)
    assert len(found) >= 3
    assert all(each.invoice.currency == "USD" for each in found)
    paid = next(each for each in found if each.invoice.status == "paid")
    assert world.billing.invoice_pdf_url(paid.id).startswith("https://")


def test_portal(world: World) -> None:
    """Where a customer manages what they pay with."""
    customer_id, _ = signed_up(world)
    assert world.billing.customer_portal_url(customer_id, return_url="https://app.example.com").startswith("https://")


def test_manual_invoice_with_a_purchase_order(world: World) -> None:
    """An enterprise contract, where the provider has it; Paddle bills to an address and asks for one."""
    customer = world.billing.create_customer(ADA).object_id
    assert customer is not None
    wanted = {"collection": "invoice", "purchase_order": "PO-7", "net_days": 30, "idempotency_key": "m"}
    if world.case.name == "lemonsqueezy":
        with pytest.raises(NotSupported, match="use a checkout"):
            world.billing.create_subscription(customer, "team", **wanted)  # type: ignore[arg-type]
        assert world.call_of("m") is None
        return
    if world.case.name == "paddle":
        with pytest.raises(BadRequest, match="0 addresses"):
            world.billing.create_subscription(customer, "team", **wanted)  # type: ignore[arg-type]
        assert world.call_of("m") is None
        world.case.sandbox.call("POST", f"/customers/{customer}/addresses", {"country_code": "DE"})
    begun = world.billing.create_subscription(customer, "team", **wanted)  # type: ignore[arg-type]
    assert (begun.state, begun.url) == ("done", None)
    world.deliver()
    found = world.billing.get_invoices(customer)
    # Paddle adds the buyer's tax.
    assert [each.invoice.subtotal for each in found] == [9_900]
    assert found[0].invoice.status in ("open", "draft")
    assert world.case.charges(customer) == []


def test_what_is_not_there(world: World) -> None:
    """Unknown plans and payments are named; nothing is recorded as sent."""
    customer = world.billing.create_customer(ADA).object_id
    assert customer is not None
    with pytest.raises(BadRequest, match="gold"):
        world.billing.create_subscription(customer, "gold", idempotency_key="g")
    assert world.call_of("g") is None
    unknown = {"stripe": "pi_none", "lemonsqueezy": "orders:999", "paddle": "txn_01h8bz0000000000000000000a"}
    with pytest.raises((NotFound, BadRequest)):
        world.billing.refund(unknown[world.case.name], idempotency_key="r")
    assert world.call_of("r") is None
