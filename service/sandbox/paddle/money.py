"""Amounts: lines, totals and shares, counted in whole lowest units and shown as text."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.sandbox.paddle.world import World

Json = dict[str, Any]

ZERO_DECIMAL = ("CLP", "JPY", "KRW", "VND")
"""Currencies without a smaller unit; read them from `GET /currencies`."""
CURRENCIES = (
    *("USD", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "HKD", "SGD", "SEK", "ARS", "BRL", "CLP", "CNY", "COP", "CZK"),
    *("DKK", "HUF", "ILS", "INR", "KRW", "MXN", "NOK", "NZD", "PEN", "PLN", "RUB", "THB", "TRY", "TWD", "UAH", "VND"),
    "ZAR",
)
"""What Paddle charges in, as the SDK's `CurrencyCode` lists it."""
INVOICE_CURRENCIES = ("USD", "EUR", "GBP")
"""What an invoice, a manually collected transaction, may be in."""

FEE_PERCENT, FEE_FIXED = 5, 50


def decimals(currency: str) -> int:
    """Digits after the point."""
    return 0 if currency in ZERO_DECIMAL else 2


def unit_price(price: Json, country: str | None) -> Json:
    """The price's amount and currency for a country."""
    for override in price["unit_price_overrides"]:
        if country in override["country_codes"]:
            return dict(override["unit_price"])
    return dict(price["unit_price"])


def share(amount: int, begin: int, end: int, at: int) -> int:
    """The part of `amount` that belongs to the time from `at` to the end of the period, rounded half up."""
    length = max(end - begin, 1)
    left = max(min(end - at, length), 0)
    return (2 * amount * left + length) // (2 * length)


def part(world: World, price: Json, amount: int) -> Json:
    """Subtotal, tax and total of an amount before any discount, in the price's tax mode."""
    mode, percent = price["tax_mode"], world.settings.tax_percent
    included = world.settings.tax_included if mode in ("account_setting", "location") else mode == "internal"
    if included:
        subtotal = _rounded(Decimal(amount * 100) / (100 + percent))
        return {"subtotal": subtotal, "tax": amount - subtotal, "total": amount}
    tax = _rounded(Decimal(amount * percent) / 100)
    return {"subtotal": amount, "tax": tax, "total": amount + tax}


def shown(part_of: Json) -> Json:
    """Amounts as text."""
    amounts = {name: str(part_of[name]) for name in ("subtotal", "tax", "total")}
    return {"subtotal": amounts["subtotal"], "discount": "0", "tax": amounts["tax"], "total": amounts["total"]}


def added(parts: list[Json]) -> Json:
    """The sum of parts."""
    return {name: sum(int(each[name]) for each in parts) for name in ("subtotal", "tax", "total")}


def rate_of(world: World) -> str:
    """The tax rate as Paddle writes it, "0.1" for ten per cent."""
    return str(Decimal(world.settings.tax_percent) / 100)


def fee_of(total: int) -> int:
    """Paddle's fee for a transaction that somebody paid."""
    return 0 if total == 0 else min(_rounded(Decimal(total * FEE_PERCENT) / 100) + FEE_FIXED, total)


def converted(world: World, amount: int, currency: str) -> int:
    """An amount in the lowest unit of the payout currency."""
    payout = world.settings.payout_currency
    rate = Decimal(world.settings.rates.get(currency, "1")) if currency != payout else Decimal(1)
    return _rounded(Decimal(amount) * rate * 10 ** decimals(payout) / 10 ** decimals(currency))


def payout(world: World, totals: Json, *names: str) -> Json:
    """These totals in the payout currency."""
    currency = totals["currency_code"]
    amounts = {name: str(converted(world, int(totals[name] or 0), currency)) for name in names}
    return amounts | {"currency_code": world.settings.payout_currency}


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
