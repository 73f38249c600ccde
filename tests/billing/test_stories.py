"""What applications do, through one interface at all providers: the same stories, with the differences said where they are."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.billing_provider import User
from service.calls import held
from service.errors import BadRequest, NotFound, NotSupported
from service.model import Subscription
from service.store.tables import CHANGES, STATE
from tests.billing.world import World

ADA = User(id="42", email="ada@example.com", name="Ada")
DAY = 86_400


def _signed_up(world: World, plan: str = "pro") -> tuple[str, str]:
    """A paying customer; ids of the customer and of the subscription."""
    customer = world.billing.create_customer(ADA)
    assert customer.object_id is not None
    world.case.can_pay(customer.object_id)
    begun = world.billing.create_subscription(customer.object_id, plan)
    if begun.state == "pending_checkout":
        assert begun.url is not None
        world.case.check_out(begun.url, begun.object_id)
    world.deliver()
    return customer.object_id, world.case.subscriptions(customer.object_id)[0]


def _subscription(world: World, subscription_id: str) -> Subscription:
    found = held(world.system.database, world.case.name, "subscription", subscription_id)
    assert isinstance(found, Subscription)
    return found


def _payments(world: World, customer_id: str) -> list[str]:
    """Succeeded payments that count (receipts aside), the newest first."""
    table = STATE["payment"]
    wanted = (table.c.customer_id == customer_id, table.c.status == "succeeded", table.c.receipt_of.is_(None))
    with world.system.database.read() as connection:
        return list(connection.execute(select(table.c.id).where(*wanted).order_by(table.c.created_at.desc())).scalars())


def test_sign_up(world: World) -> None:
    """The customer pays once, and the row carries the application's own user id, whoever the provider is."""
    customer_id, subscription_id = _signed_up(world)
    held = _subscription(world, subscription_id)
    assert (held.status, held.customer_id, held.user_id) == ("active", customer_id, "42")
    assert len(_payments(world, customer_id)) == 1
    assert world.case.subscriptions(customer_id) == [subscription_id]


def test_upgrade(world: World) -> None:
    """The subscription moves to the other plan's price, the answer says so, and so does the copy."""
    customer_id, subscription_id = _signed_up(world)
    world.later(3 * DAY)
    changed = world.billing.change_plan(subscription_id, "team")
    assert isinstance(changed.value, Subscription)
    world.deliver()
    held_now = _subscription(world, subscription_id)
    bought = [held_now.offer_id] if held_now.offer_id is not None else [item.price_id for item in held_now.items]
    assert bought == [world.prices["team"]]
    assert world.case.subscriptions(customer_id) == [subscription_id]


def test_cancel_at_period_end_and_resume(world: World) -> None:
    """Scheduled, still alive, taken back; then scheduled again, and over when the period is."""
    _, subscription_id = _signed_up(world)
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
    assert _subscription(world, subscription_id).status == "ended"


def test_cancel_now(world: World) -> None:
    """At once where the provider can; where it can't, it says so and nothing is sent."""
    _, subscription_id = _signed_up(world)
    if world.case.name == "lemonsqueezy":
        with pytest.raises(NotSupported, match="period's end"):
            world.billing.cancel_subscription(subscription_id, at_period_end=False, idempotency_key="now")
        assert world.call_of("now") is None
        return
    ended = world.billing.cancel_subscription(subscription_id, at_period_end=False, idempotency_key="now")
    assert isinstance(ended.value, Subscription)
    assert ended.value.status == "ended"


def test_a_renewal_fails_and_recovers(world: World) -> None:
    """Past due while the provider tries again, active once it was paid."""
    customer_id, subscription_id = _signed_up(world)
    world.case.fail_next(customer_id)
    world.later(32 * DAY)
    world.deliver()
    states = {_subscription(world, subscription_id).status}
    world.later(14 * DAY)
    world.deliver()
    table = STATE["subscription"]
    with world.system.database.read() as connection:
        states |= set(
            connection.execute(
                select(CHANGES.c.new).where(CHANGES.c.object_id == subscription_id, CHANGES.c.field == "status")
            ).scalars()
        )
        now = connection.execute(select(table.c.status).where(table.c.id == subscription_id)).scalar_one()
    assert "past_due" in states
    assert now == "active"
    assert len(_payments(world, customer_id)) >= 2


def test_refund(world: World) -> None:
    """A part first, then the rest and no more; asked twice under one key it happens once, and the answer explains."""
    customer_id, _ = _signed_up(world)
    payment = _payments(world, customer_id)[0]
    part = world.billing.refund(payment, amount=500, idempotency_key="part")
    assert part.explanation
    again = world.billing.refund(payment, amount=500, idempotency_key="part")
    assert (again.call_id, again.object_id) == (part.call_id, part.object_id)
    assert sum(world.case.refunds(payment)) == 500
    world.deliver()
    with pytest.raises(BadRequest):
        world.billing.refund(payment, amount=10_000_000)
    assert sum(world.case.refunds(payment)) == 500


def test_invoices_and_their_documents(world: World) -> None:
    """Every invoice, read to the end of the list, with a document for the newest."""
    customer_id, _ = _signed_up(world)
    for _ in range(2):
        world.later(31 * DAY)
    found = world.billing.get_invoices(customer_id)
    assert len(found) >= 3
    assert all(each.invoice.currency == "USD" for each in found)
    paid = next(each for each in found if each.invoice.status == "paid")
    assert world.billing.invoice_pdf_url(paid.id).startswith("https://")


def test_portal(world: World) -> None:
    """Where a customer manages what they pay with."""
    customer_id, _ = _signed_up(world)
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
