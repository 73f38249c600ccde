"""A shop's charges, what its provider has booked of them, and what a run says of that."""

from __future__ import annotations

import io
import json
from typing import Any

from rich.console import Console

from reconcile.report import AccountReport, KindReport, Report, print_summary
from service.sandbox.stripe.billing import booking
from tests.reconcile.world import DAY, HOUR, Json, World

FIRST, SECOND = "2026-09-22", "2026-09-23"
NIGHT = DAY + 2 * HOUR
"""Until the day is over, all of it is booked, and the provider's lists have caught up with it."""


def charge(world: World, amount: int, currency: str = "usd", **params: Any) -> str:
    """The id of a charge, paid or held at once."""
    paid = {"amount": amount, "currency": currency, "payment_method": "pm_card_visa", "confirm": True} | params
    return str(world.sandbox.call("POST", "/v1/payment_intents", paid)["latest_charge"])


def refund(world: World, of: str, amount: int) -> str:
    """The id of a refund of a part of a charge."""
    return str(world.sandbox.call("POST", "/v1/refunds", {"charge": of, "amount": amount})["id"])


def unbooked(world: World, source: str) -> None:
    """The provider's books lose what they had of an object."""
    entries = world.sandbox.objects("balance_transaction").items()
    for id_ in [id_ for id_, each in entries if each["source"] == source]:
        world.sandbox._world.tables["balance_transaction"].remove(id_)


def dead(world: World, heard: int, kind: str) -> None:
    """Events about a kind of object since `heard` are here, and can't be processed: no run touches their objects."""
    envelope = world.system.account("stripe").provider.envelope
    for event in world.sandbox.events[heard:]:
        told = envelope(json.dumps(event).encode())
        if told.kind == kind:
            world.sql(
                "INSERT INTO webhook_event (account, event_id, type, status, kind, object_id, occurred_at, received_at, payload,"
                " source, attempts, deliveries) VALUES ('stripe', :id, :type, 'dead', :kind, :object, :at, :at, :payload,"
                " 'webhook', 9, 1)",
                id=told.event_id, type=told.type, kind=kind, object=told.object_id, at=str(told.occurred_at), payload=b"{}",
            )  # fmt: skip


def found(report: AccountReport) -> list[tuple[str, str, str, int, int]]:
    """(day, currency, part, booked, here) of each difference."""
    assert report.books is not None, report.kinds
    for each in report.books.differences:
        assert each.difference == each.booked - each.here
    return [(each.day, each.currency, each.part, each.booked, each.here) for each in report.books.differences]


def books_of(report: AccountReport) -> KindReport:
    """The pass over the books."""
    (each,) = [each for each in report.kinds if each.source == "books"]
    return each


def asked(world: World) -> int:
    """How often the books were asked for."""
    return sum(path == "/v1/balance_transactions" for _, path in world.sandbox.requests)


def debited(world: World, amount: int) -> Json:
    """A payment intent whose bank debit is booked and may still fail."""
    shop = world.sandbox._world
    intent = shop.add(
        "payment_intent", "pi", ["payment_intent.created"], amount=amount, currency="usd", status="processing"
    )
    made = shop.add(
        "charge", "py", ["charge.pending"], amount=amount, amount_captured=amount, balance_transaction=shop.ids.new("txn"),
        captured=True, currency="usd", payment_intent=intent["id"], status="pending", _refunds=[],
    )  # fmt: skip
    booking.charged(shop, made)
    return shop.change(intent, "payment_intent.processing", latest_charge=made["id"])


def bounced(world: World, intent: Json, *, by_refund: bool) -> None:
    """The debit fails, and is booked back: under its charge, or under a refund that was made for it."""
    shop = world.sandbox._world
    made = shop.change(shop.get("charge", intent["latest_charge"]), "charge.failed", status="failed")
    source = gone_back(world, made, made["amount"]) if by_refund else made
    booking._book(shop, source, -made["amount"], "payment_failure_refund", "charge_failure")
    error = {"code": "insufficient_funds", "type": "card_error"}
    shop.change(intent, "payment_intent.payment_failed", status="requires_payment_method", last_payment_error=error)


def gone_back(world: World, made: Json, amount: int) -> Json:
    """The refund that the provider itself makes of what a charge did not keep."""
    return world.sandbox._world.add(
        "refund", "re", ["refund.created"], amount=amount, charge=made["id"], currency=made["currency"],
        payment_intent=made["payment_intent"], status="succeeded",
    )  # fmt: skip


def printed(report: AccountReport) -> str:
    """What a terminal shows of a run."""
    out = io.StringIO()
    print_summary(Report(accounts=[report]), Console(file=out, width=200))
    return "\n".join(" ".join(line.split()) for line in out.getvalue().splitlines())
