"""What an adjustment takes from a transaction, and what becomes of it."""

from __future__ import annotations

from typing import Any

from service.sandbox.paddle import money
from service.sandbox.paddle.errors import invalid, refused
from service.sandbox.paddle.world import World

Json = dict[str, Any]

LOST = ("rejected", "reversed")
TAKING = ("refund", "credit", "chargeback")


def of_transaction(world: World, transaction: Json) -> list[Json]:
    """Its adjustments, oldest first."""
    return [row for _, row in world.tables["adjustment"].upwards() if row["transaction_id"] == transaction["id"]]


def left(world: World, transaction: Json) -> int:
    """What of the transaction no adjustment has taken yet; pending refunds count as taken."""
    taken = [a for a in of_transaction(world, transaction) if a["action"] in TAKING and a["status"] not in LOST]
    return int(transaction["details"]["totals"]["grand_total"]) - sum(int(a["totals"]["total"]) for a in taken)


def whole(world: World, transaction: Json) -> list[Json]:
    """Items that take all that is left, line by line."""
    rest = left(world, transaction)
    items = []
    for line in transaction["details"]["line_items"]:
        amount = min(_left_of(world, transaction, line), rest)
        rest -= amount
        if amount > 0:
            kind = "full" if amount == int(line["totals"]["total"]) else "partial"
            items.append(_item(world, line, kind, amount))
    return items


def asked(world: World, transaction: Json, wanted: list[Json]) -> list[Json]:
    """The items of a partial adjustment as asked for.

    Raises:
        SandboxError: an unknown item, a missing amount, or more than is left.
    """
    lines = {line["id"]: line for line in transaction["details"]["line_items"]}
    items = []
    for place, each in enumerate(wanted):
        line = lines.get(each["item_id"])
        if line is None:
            raise invalid([(f"items.{place}.item_id", "is not an item of the transaction")])
        rest = _left_of(world, transaction, line)
        if each["type"] == "partial" and each.get("amount") is None:
            raise invalid([(f"items.{place}.amount", "must be provided for an item of type partial")])
        amount = int(each["amount"]) if each["type"] == "partial" else rest
        if not 0 < amount <= rest:
            raise refused("adjustment_amount_above_remaining_allowed", f"{amount} is more than the remaining {rest}")
        items.append(_item(world, line, each["type"], amount))
    if sum(int(item["totals"]["total"]) for item in items) > left(world, transaction):
        raise refused("adjustment_total_amount_above_remaining_allowed", "more than remains of the transaction")
    return items


def _left_of(world: World, transaction: Json, line: Json) -> int:
    taken = 0
    for adjustment in of_transaction(world, transaction):
        if adjustment["action"] in TAKING and adjustment["status"] not in LOST:
            taken += sum(int(i["totals"]["total"]) for i in adjustment["items"] if i["item_id"] == line["id"])
    return int(line["totals"]["total"]) - taken


def _item(world: World, line: Json, kind: str, amount: int) -> Json:
    totals = line["totals"]
    tax = int(totals["tax"]) * amount // max(int(totals["total"]), 1)
    return {
        "id": world.ids.new("adjitm", world.moment()),
        "item_id": line["id"],
        "type": kind,
        "amount": str(amount),
        "proration": None,
        "totals": {"subtotal": str(amount - tax), "tax": str(tax), "total": str(amount)},
    }


def made(world: World, transaction: Json, items: list[Json], **values: Any) -> Json:
    """Create an adjustment with these items; `values` are action, reason, status and type."""
    if not items:
        raise refused("adjustment_total_amount_above_remaining_allowed", "nothing remains of the transaction")
    currency = transaction["currency_code"]
    sums = {name: str(amount) for name, amount in money.added([item["totals"] for item in items]).items()}
    totals = sums | {"fee": "0", "earnings": sums["subtotal"], "retained_fee": "0", "currency_code": currency}
    fee = {"amount": "1500", "original": None} if values["action"] == "chargeback" else None
    payout = money.payout(world, totals, "subtotal", "tax", "total", "fee", "earnings", "retained_fee")
    of = {name: transaction[name] for name in ("subscription_id", "customer_id", "currency_code")}
    return world.add(
        "adjustment",
        "adjustment.created",
        transaction_id=transaction["id"],
        **of,
        credit_applied_to_balance=True if values["action"] == "credit" else None,
        items=items,
        totals=totals,
        payout_totals=payout | {"chargeback_fee": fee},
        tax_rates_used=[{"tax_rate": money.rate_of(world), "totals": sums}],
        **values,
    )


def settle(world: World, adjustment: Json, status: str) -> Json:
    """Give an adjustment its next status.

    Raises:
        ValueError: a status that does not follow from the present one.
    """
    follows = {"pending_approval": ("approved", "rejected"), "approved": ("reversed",)}
    if status not in follows.get(adjustment["status"], ()):
        raise ValueError(f"an adjustment can't go from {adjustment['status']} to {status}")
    return world.change(adjustment, "adjustment.updated", status=status)


def approve_later(world: World, adjustment: Json) -> None:
    """Approve a refund with the next round, every ten minutes, as sandbox accounts do."""
    step = world.settings.approve_seconds

    def approve() -> None:
        if adjustment["status"] == "pending_approval":
            settle(world, adjustment, "approved")

    world.schedule.at(world.now - world.now % step + step, approve)


def charged_back(world: World, transaction: Json, action: str, amount: int | None) -> Json:
    """The buyer's bank takes the money back, or warns that it may.

    Raises:
        ValueError: the transaction is not completed, or less than `amount` is left.
    """
    if transaction["status"] != "completed":
        raise ValueError("only a completed transaction can be charged back")
    items = whole(world, transaction)
    if amount is not None and items:
        items = asked(world, transaction, [items[0] | {"type": "partial", "amount": str(amount)}])
    kind = "full" if amount is None else "partial"
    return made(world, transaction, items, action=action, reason="chargeback", status="approved", type=kind)


def charged_forth(world: World, adjustment: Json) -> Json:
    """The bank's decision is reversed: a second adjustment says so, and the first one becomes `reversed`.

    Raises:
        ValueError: no chargeback and no warning, or one that is reversed already.
    """
    if adjustment["action"] not in ("chargeback", "chargeback_warning"):
        raise ValueError(f"a {adjustment['action']} can't be reversed so")
    settle(world, adjustment, "reversed")
    transaction = world.get("transaction", adjustment["transaction_id"])
    values = {"action": f"{adjustment['action']}_reverse", "reason": adjustment["reason"], "type": adjustment["type"]}
    items = [item | {"id": world.ids.new("adjitm", world.moment())} for item in adjustment["items"]]
    return made(world, transaction, items, status="approved", **values)
