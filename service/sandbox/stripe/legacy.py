"""Renderings of versions before 2025-03-31.basil, from stripe-python's changelog of 12.0.0."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.sandbox.stripe.world import World

Json = dict[str, Any]


def is_legacy(version: str) -> bool:
    """True for a version from before basil; versions begin with their date, so text order is time order."""
    return version < "2025-03-31"


def downgraded(world: World, thing: Json, shown: Json) -> Json:
    """The rendering `shown` of `thing` as an old version has it."""
    change = _CHANGES.get(thing["object"])
    return change(world, thing, shown) if change else shown


def _without(shown: Json, *names: str) -> Json:
    return {name: value for name, value in shown.items() if name not in names}


def _subscription(_world: World, thing: Json, shown: Json) -> Json:
    items = thing["items"]["data"]
    inner = shown["items"]
    periods = ("current_period_start", "current_period_end", "billed_until", "current_trial")
    shown = _without(shown, "billing_mode", "billing_schedules", "managed_payments", "status_details")
    return shown | {
        "items": inner | {"data": [_without(item, *periods) for item in inner["data"]]},
        "current_period_start": max((item["current_period_start"] for item in items), default=None),
        "current_period_end": min((item["current_period_end"] for item in items), default=None),
    }


def _invoice(world: World, thing: Json, shown: Json) -> Json:
    details = (thing["parent"] or {}).get("subscription_details") or {}
    intent = world.tables["payment_intent"].get(thing.get("_payment_intent") or "")
    gone = ("parent", "confirmation_secret", "amount_overpaid", "amount_paid_off_stripe", "total_taxes")
    return _without(shown, *gone, "status_details") | {
        "subscription": details.get("subscription"),
        "subscription_details": {"metadata": details.get("metadata")},
        "payment_intent": intent["id"] if intent else None,
        "charge": intent["latest_charge"] if intent else None,
        "paid": thing["status"] == "paid",
        "paid_out_of_band": thing.get("_paid_out_of_band", False),
        "tax": None,
        "total_tax_amounts": [],
        "quote": None,
        "discount": None,
        "application_fee_amount": None,
        "transfer_data": None,
        "lines": shown["lines"] | {"data": [_line(world, line) for line in shown["lines"]["data"]]},
    }


def _line(world: World, line: Json) -> Json:
    parent = line["parent"] or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    of_item = parent.get("type") == "subscription_item_details"
    return _without(line, "pricing", "parent", "taxes", "quantity_decimal") | {
        "price": world.tables["price"].get(_price_id(line) or ""),
        "proration": details.get("proration", False),
        "type": "subscription" if of_item else "invoiceitem",
        "subscription": details.get("subscription"),
        "subscription_item": details.get("subscription_item"),
        "tax_amounts": [],
    }


def _price_id(thing: Json) -> str | None:
    found: str | None = ((thing["pricing"] or {}).get("price_details") or {}).get("price")
    return found


def _invoiceitem(world: World, thing: Json, shown: Json) -> Json:
    details = (thing["parent"] or {}).get("subscription_details") or {}
    quantity = thing["quantity"] or 1
    return _without(shown, "parent", "pricing", "net_amount", "quantity_decimal") | {
        "subscription": details.get("subscription"),
        "price": world.tables["price"].get(_price_id(thing) or ""),
        "unit_amount": thing["amount"] // quantity,
    }


def _with_invoice(_world: World, thing: Json, shown: Json) -> Json:
    return shown | {"invoice": thing.get("_invoice")}


def _credit_note(_world: World, thing: Json, shown: Json) -> Json:
    refunds = thing["refunds"]
    return _without(shown, "refunds", "total_taxes") | {"refund": refunds[0]["refund"] if refunds else None}


def _refund(_world: World, _thing: Json, shown: Json) -> Json:
    return _without(shown, "customer", "customer_account", "payment_method")


_CHANGES: dict[str, Callable[[World, Json, Json], Json]] = {
    "subscription": _subscription,
    "invoice": _invoice,
    "invoiceitem": _invoiceitem,
    "charge": _with_invoice,
    "payment_intent": _with_invoice,
    "credit_note": _credit_note,
    "refund": _refund,
}
