"""The account's books: one balance transaction for each movement of money, in the currency that the account settles in."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from service.sandbox.stripe.settings import DAY
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_AVAILABLE_AFTER = 2 * DAY


def charged(world: World, charge: Json) -> None:
    """A charge comes in, less Stripe's fee, under the id that it names; what was held and not taken is reversed at once."""
    amount, booked_as = charge["amount"], charge["balance_transaction"]
    fee = amount * 29 // 1_000 + 30
    _book(world, charge, amount, "charge", "charge", id=booked_as, fee=fee)
    released = amount - charge["amount_captured"]
    if released:
        _book(world, charge, -released, "refund", "partial_capture_reversal")


def refunded(world: World, refund: Json) -> None:
    """A refund goes out when it is made, whether it succeeds or not."""
    booked_as = refund["balance_transaction"]
    _book(world, refund, -refund["amount"], "refund", "refund", id=booked_as)


def returned(world: World, refund: Json) -> None:
    """A refund that failed or was canceled comes back."""
    booked_as = refund["failure_balance_transaction"]
    _book(world, refund, refund["amount"], "refund_failure", "refund_failure", id=booked_as)


def disputed(world: World, dispute: Json, amount: int) -> Json:
    """A bank takes money (`amount` is negative) or gives it back."""
    category = "dispute" if amount < 0 else "dispute_reversal"
    return _book(world, dispute, amount, "adjustment", category)


def shown(world: World, booked: Json) -> Json:
    """A balance transaction as it is now: its money becomes available with time."""
    return booked | {"status": "available" if booked["available_on"] <= world.now else "pending"}


def _book(world: World, moved: Json, amount: int, kind: str, category: str, **values: Any) -> Json:
    currency, rate = world.settings.settlement.get(moved["currency"], (moved["currency"], None))
    settled, fee = _converted(amount, rate), _converted(values.pop("fee", 0), rate)
    return world.add(
        "balance_transaction",
        "txn",
        amount=settled,
        available_on=world.now + _AVAILABLE_AFTER,
        currency=currency,
        exchange_rate=None if rate is None else float(rate),
        fee=fee,
        fee_details=_fees(fee, currency),
        net=settled - fee,
        reporting_category=category,
        source=moved["id"],
        type=kind,
        **values,
    )


def _converted(amount: int, rate: str | None) -> int:
    return amount if rate is None else int((amount * Decimal(rate)).to_integral_value(ROUND_HALF_UP))


def _fees(fee: int, currency: str) -> list[Json]:
    shape = {"application": None, "description": "Stripe processing fees", "type": "stripe_fee"}
    return [shape | {"amount": fee, "currency": currency}] if fee else []
