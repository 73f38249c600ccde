"""What `include` adds to a transaction."""

from typing import Any

from service.sandbox.paddle.render import plain
from service.sandbox.paddle.world import World

Json = dict[str, Any]


def included(world: World, transaction: Json, params: Json) -> Json:
    """The transaction with the objects that were asked for."""
    asked = params.get("include", frozenset())
    more: Json = {}
    for name in ("customer", "address"):
        if name in asked:
            found = world.tables[name].get(transaction[f"{name}_id"] or "")
            more[name] = None if found is None else plain(found)
    more |= dict.fromkeys(asked & {"business", "discount"})
    if "available_payment_methods" in asked:
        more["available_payment_methods"] = ["card", "paypal"]
    if asked & {"adjustment", "adjustments_totals"}:
        more |= _adjustments(world, transaction, asked)
    return transaction | more


def _adjustments(world: World, transaction: Json, asked: frozenset[str]) -> Json:
    rows = world.tables["adjustment"].upwards()
    found = [plain(row) for _, row in rows if row["transaction_id"] == transaction["id"]]
    more: Json = {"adjustments": found} if "adjustment" in asked else {}
    if "adjustments_totals" in asked:
        more["adjustments_totals"] = _totals(transaction, [each for each in found if each["status"] == "approved"])
    return more


def _totals(transaction: Json, approved: list[Json]) -> Json:
    names = ("subtotal", "tax", "total", "fee", "earnings")
    sums = {name: str(sum(int(each["totals"][name]) for each in approved)) for name in names}
    actions = ("credit", "refund", "chargeback")
    breakdown = {
        action: str(sum(int(each["totals"]["total"]) for each in approved if each["action"] == action))
        for action in actions
    }
    return sums | {"breakdown": breakdown, "currency_code": transaction["currency_code"]}
