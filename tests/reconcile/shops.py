"""A random business at each provider's stand-in, and its books as the stand-in itself keeps them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.paddle import PaddleSandbox
from service.sandbox.stripe import StripeSandbox
from tests.sandbox.lemonsqueezy.test_histories import Walk as LemonSqueezyWalk
from tests.sandbox.paddle.shop import Shop as PaddleShop
from tests.sandbox.paddle.test_histories import Walk as PaddleWalk
from tests.sandbox.shop import Shop as StripeShop
from tests.sandbox.test_histories import Walk as StripeWalk

Json = dict[str, Any]
Sandbox = StripeSandbox | PaddleSandbox | LemonSqueezySandbox
Books = dict[tuple[str, str], dict[str, int]]
"""(UTC day, currency) -> part -> minor units; parts without money are left out."""
Entry = tuple[str, str, str, int]

WALKS: Final[dict[str, Callable[[int, random.Random], StripeWalk | PaddleWalk | LemonSqueezyWalk]]] = {
    "stripe": StripeWalk,
    "paddle": PaddleWalk,
    "lemonsqueezy": LemonSqueezyWalk,
}


def played(provider: str, seed: int, steps: int) -> Sandbox:
    """A history of so many steps; every delivery waits."""
    walk = WALKS[provider](seed, random.Random(seed))
    walk.sandbox.register_endpoint("http://127.0.0.1:9/webhooks", "secret_of_ours")
    for _ in range(steps):
        walk.step()
    return walk.sandbox


def books(sandbox: Sandbox) -> Books:
    """What the provider's objects say has moved, without any mapping of ours between."""
    if isinstance(sandbox, StripeSandbox):
        return _sum(_stripe(sandbox))
    return _sum(_paddle(sandbox) if isinstance(sandbox, PaddleSandbox) else _lemonsqueezy(sandbox))


def receipts(sandbox: Sandbox) -> set[str]:
    """Our ids of the payments that a subscription's first invoice counts again."""
    if not isinstance(sandbox, LemonSqueezySandbox):
        return set()
    return {f"orders:{each['attributes']['order_id']}" for each in sandbox.objects("subscriptions").values()}


def _sum(entries: Iterator[Entry]) -> Books:
    found: Books = {}
    for part, day, currency, amount in entries:
        parts = found.setdefault((day, currency), {})
        parts[part] = parts.get(part, 0) + amount
    kept = {key: {part: amount for part, amount in parts.items() if amount} for key, parts in found.items()}
    return {key: parts for key, parts in kept.items() if parts}


def _stripe(sandbox: StripeSandbox) -> Iterator[Entry]:
    for each in sandbox.objects("charge").values():
        yield "charged", _day(each["created"]), each["currency"].upper(), each["amount_captured"]
    for each in sandbox.objects("refund").values():
        if each["status"] == "succeeded":
            yield "refunded", _day(each["created"]), each["currency"].upper(), each["amount"]
    for each in sandbox.objects("dispute").values():
        away = -sum(moved["net"] for moved in each["balance_transactions"])
        yield "disputed", _day(each["created"]), each["currency"].upper(), away
    for each in sandbox.objects("credit_note").values():
        if each["status"] == "issued":
            yield "credited", _day(each["created"]), each["currency"].upper(), each["amount"]


def _paddle(sandbox: PaddleSandbox) -> Iterator[Entry]:
    for each in sandbox.objects("transaction").values():
        captured = [tried["captured_at"] for tried in each["payments"] if tried["status"] == "captured"]
        if each["status"] in ("paid", "completed") and captured:
            yield "charged", captured[0][:10], each["currency_code"], int(each["details"]["totals"]["grand_total"])
    parts = {"refund": "refunded", "credit": "credited", "chargeback": "disputed"}
    for each in sandbox.objects("adjustment").values():
        stands = each["status"] == ("reversed" if each["action"] == "chargeback_reverse" else "approved")
        part = "disputed" if each["action"] == "chargeback_reverse" else parts.get(each["action"])
        if stands and part is not None:
            yield part, each["created_at"][:10], each["currency_code"], int(each["totals"]["total"])


def _lemonsqueezy(sandbox: LemonSqueezySandbox) -> Iterator[Entry]:
    subscribed = {str(each["attributes"]["order_id"]) for each in sandbox.objects("subscriptions").values()}
    orders = {id_: each for id_, each in sandbox.objects("orders").items() if id_ not in subscribed}
    for each in [*orders.values(), *sandbox.objects("subscription-invoices").values()]:
        bill = each["attributes"]
        if bill["status"] in ("pending", "failed", "void"):
            continue
        yield "charged", bill["created_at"][:10], bill["currency"], bill["total"]
        yield "refunded", (bill["refunded_at"] or bill["created_at"])[:10], bill["currency"], bill["refunded_amount"]


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def sold(provider: str) -> Sandbox:
    """A small business with something in it that can still go back."""
    if provider == "stripe":
        stripe = StripeSandbox(seed=3)
        StripeShop(stripe).subscription()
        StripeShop(stripe).charge(5_000)
        return stripe
    if provider == "paddle":
        paddle = PaddleSandbox(seed=3)
        shop = PaddleShop(paddle)
        shop.purchase()
        shop.purchase()
        return paddle
    lemonsqueezy = LemonSqueezySandbox(seed=3)
    variant = lemonsqueezy.add_variant(lemonsqueezy.add_product(), unit_price=1_900)
    lemonsqueezy.buy(variant)
    lemonsqueezy.buy(lemonsqueezy.add_variant(lemonsqueezy.add_product(), unit_price=700, interval=None))
    return lemonsqueezy


def taken_back(sandbox: Sandbox, what: str) -> None:
    """A day later something goes back: `refund`, `part` of one, `dispute`."""
    sandbox.advance(86_400)
    if isinstance(sandbox, StripeSandbox):
        charge = next(id_ for id_, each in sandbox.objects("charge").items() if each["amount"] == 5_000)
        if what == "dispute":
            sandbox.open_dispute(charge)
        else:
            sandbox.call("POST", "/v1/refunds", {"charge": charge, **({"amount": 300} if what == "part" else {})})
    elif isinstance(sandbox, PaddleSandbox):
        bought = list(sandbox.objects("transaction").values())[-1]
        if what == "dispute":
            sandbox.chargeback(bought["id"])
        else:
            sandbox.settle_adjustment(PaddleShop(sandbox).refund(bought)["id"])
    else:
        kind = "subscription-invoices" if what == "part" else "orders"
        sandbox.refund(kind, list(sandbox.objects(kind))[-1], 300 if what == "part" else None)


def given_back(sandbox: Sandbox) -> None:
    """The bank returns what it took."""
    sandbox.advance(86_400)
    if isinstance(sandbox, StripeSandbox):
        sandbox.close_dispute(next(iter(sandbox.objects("dispute"))), status="won")
    elif isinstance(sandbox, PaddleSandbox):
        sandbox.reverse_chargeback(next(iter(sandbox.objects("adjustment"))))
