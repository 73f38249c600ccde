"""`expand[]`: ids in an answer replaced by the objects they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from service.sandbox.stripe.errors import refused
from service.sandbox.stripe.render import cut, view
from service.sandbox.stripe.shapes import nested_list

if TYPE_CHECKING:
    from service.sandbox.stripe.world import World

Json = dict[str, Any]

DEPTH = 4
NAMES = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "credit_note": "credit_note",
    "customer": "customer",
    "default_price": "price",
    "dispute": "dispute",
    "failure_balance_transaction": "balance_transaction",
    "invoice": "invoice",
    "latest_charge": "charge",
    "latest_invoice": "invoice",
    "payment_intent": "payment_intent",
    "product": "product",
    "refund": "refund",
    "subscription": "subscription",
}
"""Fields that hold an id, and the resource that the id belongs to."""


def expanded(world: World, shown: Json, paths: list[str], version: str) -> Json:
    """A copy of a rendered object with each path expanded.

    Raises:
        SandboxError: a path of more than four levels, or one that can't be expanded.
    """
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEPTH:
            raise refused(f"You cannot expand more than {DEPTH} levels of a property. Property: {path}", param="expand")
        shown = _walk(world, shown, steps, path, version)
    return shown


def _walk(world: World, shown: Json, steps: list[str], path: str, version: str) -> Json:
    name, rest = steps[0], steps[1:]
    value = _one(world, shown, name, path, version)
    if rest and isinstance(value, dict):
        value = _walk(world, value, rest, path, version)
    elif rest and isinstance(value, list):
        value = [_walk(world, each, rest, path, version) for each in value]
    return shown | {name: value}


def _one(world: World, shown: Json, name: str, path: str, version: str) -> Any:
    included = INCLUDED.get((shown.get("object", ""), name))
    if included is not None and not isinstance(shown.get(name), dict):
        return included(world, shown["id"], version)
    value = shown.get(name)
    if name in NAMES and isinstance(value, str):
        return _named(world, NAMES[name], value, version)
    if name in shown and (isinstance(value, dict | list) or name in NAMES):
        return value
    raise refused(f"This property cannot be expanded ({path}).", param="expand")


def _named(world: World, resource: str, object_id: str, version: str) -> Any:
    table = world.tables[resource]
    found = table.get(object_id)
    return table.tombstones.get(object_id, object_id) if found is None else view(world, found, version)


def _payments(world: World, invoice_id: str, version: str) -> Json:
    ids = world.get("invoice", invoice_id).get("_payments", [])
    rows = [world.get("invoice_payment", payment_id) for payment_id in ids]
    shown = [view(world, row, version) for row in reversed(rows)]
    return cut(nested_list(f"/v1/invoice_payments?invoice={invoice_id}", shown), world.settings.nested_cap)


def _refunds(world: World, charge_id: str, version: str) -> Json:
    rows = [world.get("refund", refund_id) for refund_id in world.get("charge", charge_id).get("_refunds", [])]
    shown = [view(world, row, version) for row in reversed(rows)]
    return cut(nested_list(f"/v1/charges/{charge_id}/refunds", shown), world.settings.nested_cap)


def _confirmation_secret(world: World, invoice_id: str, _version: str) -> Json | None:
    invoice = world.tables["invoice"].get(invoice_id) or {}
    intent = world.tables["payment_intent"].get(invoice.get("_payment_intent") or "")
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def _source(world: World, booked_id: str, version: str) -> Json | None:
    source = world.get("balance_transaction", booked_id)["source"]
    found = (world.tables[resource].get(source) for resource in ("charge", "refund", "dispute"))
    return next((view(world, each, version) for each in found if each is not None), None)


INCLUDED: dict[tuple[str, str], Callable[[World, str, str], Any]] = {
    ("invoice", "payments"): _payments,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("charge", "refunds"): _refunds,
    ("balance_transaction", "source"): _source,
}
"""Fields that an object has only when they are asked for, or shows whole only then."""
