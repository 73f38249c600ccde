"""What a transaction bills: its lines, and the details that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.sandbox.paddle import money
from service.sandbox.paddle.render import plain
from service.sandbox.paddle.world import World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """So many of a price as it was then, and what they cost together before discounts, in the price's tax mode."""

    price: Json
    quantity: int
    amount: int
    proration: Json | None = None

    def item(self) -> Json:
        """The line as an entry of the transaction's `items`."""
        return {"price": self.price, "quantity": self.quantity, "proration": self.proration}


def full(price: Json, quantity: int, country: str | None, *, trial: bool = False) -> Line:
    """A line of a price as it is now; one that begins with its trial costs nothing."""
    unit = int(money.unit_price(price, country)["amount"])
    free = trial and price["trial_period"] is not None
    return Line(plain(price), quantity, 0 if free else unit * quantity)


def details(world: World, lines: list[Line], currency: str, *, credit: int = 0, to_balance: int = 0) -> Json:
    """A transaction's `details` before it is paid; `credit` is what the customer need not pay."""
    parts = [money.part(world, line.price, line.amount) for line in lines]
    total = money.added(parts)
    due = str(total["total"] - credit)
    totals = money.shown(total) | {
        "credit": str(credit),
        "credit_to_balance": str(to_balance),
        "balance": due,
        "grand_total": due,
        "grand_total_tax": str(total["tax"] if not credit else total["tax"] * int(due) // max(total["total"], 1)),
        "fee": None,
        "earnings": None,
        "currency_code": currency,
    }
    adjusted = {name: totals[name] for name in ("subtotal", "tax", "total", "grand_total", "grand_total_tax")}
    return {
        "tax_rates_used": [{"tax_rate": money.rate_of(world), "totals": money.shown(total)}],
        "totals": totals,
        "adjusted_totals": adjusted | {"fee": "0", "retained_fee": "0", "earnings": "0", "currency_code": currency},
        "payout_totals": None,
        "adjusted_payout_totals": None,
        "line_items": [_line_item(world, line, part) for line, part in zip(lines, parts, strict=True)],
    }


def _line_item(world: World, line: Line, part: Json) -> Json:
    product = world.get("product", line.price["product_id"])
    unit = money.part(world, line.price, line.amount // line.quantity)
    return {
        "id": world.ids.new("txnitm", world.moment()),
        "price_id": line.price["id"],
        "quantity": line.quantity,
        "proration": line.proration,
        "tax_rate": money.rate_of(world),
        "unit_totals": money.shown(unit),
        "totals": money.shown(part),
        "product": plain(product),
    }


def finished(world: World, before: Json) -> Json:
    """The details of a transaction that Paddle has fully processed: its fee, and what the seller is paid."""
    totals = dict(before["totals"])
    paid = int(totals["grand_total"])
    fee = money.fee_of(paid)
    earnings = max(paid - int(totals["grand_total_tax"]) - fee, 0)
    totals |= {"balance": "0", "fee": str(fee), "earnings": str(earnings)}
    names = ("subtotal", "discount", "tax", "total", "credit", "credit_to_balance", "balance", "grand_total")
    payout = money.payout(world, totals, *names, "grand_total_tax", "fee", "earnings")
    rates = {"exchange_rate": world.settings.rates.get(totals["currency_code"], "1"), "fee_rate": "0.05"}
    adjusted_names = ("subtotal", "tax", "total", "grand_total", "grand_total_tax", "fee", "earnings")
    adjusted = {name: totals[name] for name in adjusted_names} | {"retained_fee": "0"}
    kept = {"retained_fee": "0", "chargeback_fee": {"amount": "0", "original": None}}
    return before | {
        "totals": totals,
        "adjusted_totals": adjusted | {"currency_code": totals["currency_code"]},
        "payout_totals": payout | rates,
        "adjusted_payout_totals": money.payout(world, totals, *adjusted_names) | rates | kept,
    }
