"""Charges beside a subscription's cycle, and the change of its payment method."""

from typing import Any

from service.sandbox.paddle.billing import changes, collection, cycle
from service.sandbox.paddle.billing import transactions as billing
from service.sandbox.paddle.billing.lines import Line
from service.sandbox.paddle.errors import error, refused
from service.sandbox.paddle.objects.transactions import lines_of
from service.sandbox.paddle.settings import DAY
from service.sandbox.paddle.world import World

Json = dict[str, Any]

_HOUR = 3_600
_MOST_IN = ((_HOUR, 20, "hour"), (DAY, 100, "day"))
"""Immediate charges of one subscription within an hour and within a day."""


def charge(world: World, fields: Json, subscription_id: str) -> Json:
    """Bill one-time prices, at once or with the next period."""
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] not in ("active", "trialing", "past_due"):
        raise refused("bad_request", f"a subscription with status {subscription['status']} can't be charged")
    country, currency = cycle.country_of(world, subscription), subscription["currency_code"]
    charged, _ = lines_of(world, fields["items"], country, currency)
    if any(line.price["billing_cycle"] for line in charged):
        raise refused("bad_request", "a one-time charge needs prices that don't recur")
    if fields["effective_from"] == "immediately":
        _count(world, subscription)
    on_failure = fields.get("on_payment_failure", "prevent_change")
    changes.charge(world, subscription, charged, fields["effective_from"], on_failure)
    return subscription


def _count(world: World, subscription: Json) -> None:
    made = subscription.setdefault("_charged_at", [])
    for span, most, word in _MOST_IN:
        if sum(1 for at in made if at > world.now - span) >= most:
            detail = f"a subscription can be charged immediately {most} times within one {word}"
            raise error(429, f"subscription_immediate_charge_{word}_limit_exceeded", detail, retry_after=span)
    made.append(world.now)


def payment_method_change(world: World, _params: Json, subscription_id: str) -> Json:
    """The transaction whose checkout takes another payment method: the one past due, else a new one of zero value."""
    subscription = world.get("subscription", subscription_id)
    if subscription["collection_mode"] == "manual" or subscription["status"] in ("canceled", "paused"):
        raise refused("bad_request", "the subscription has no payment method to change")
    for transaction_id in reversed(subscription["_transactions"]):
        transaction = world.get("transaction", transaction_id)
        if transaction["status"] == "past_due":
            return transaction
    free = [Line(line.price, line.quantity, 0) for line in cycle.recurring(world, subscription)]
    names = ("customer_id", "address_id", "currency_code", "custom_data")
    values = {name: subscription[name] for name in names} | {"subscription_id": subscription_id, "status": "ready"}
    return billing.made(world, free, "transaction.ready", origin="subscription_payment_method_change", **values)


def changed(world: World, subscription_id: str) -> Json:
    """The buyer enters another payment method, with which what is past due is paid as well."""
    transaction = payment_method_change(world, {}, subscription_id)
    world.payments.succeed(transaction["customer_id"])
    billing.attempted(world, transaction)
    collection.settled(world, transaction)
    return transaction
