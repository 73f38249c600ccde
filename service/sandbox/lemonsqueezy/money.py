"""Money: what a price makes of a quantity, taxes and currencies, and how amounts are shown."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from service.sandbox.lemonsqueezy.settings import Settings

Json = dict[str, Any]

AMOUNTS = ("subtotal", "setup_fee", "discount_total", "tax", "total", "refunded_amount")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def whole(amount: Decimal) -> int:
    """Cents, halves rounded up."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def cost(price: Json, quantity: int) -> int:
    """What a quantity costs by a price's attributes, in cents of the store's currency."""
    scheme = price["scheme"]
    if scheme == "package":
        packages = -(-quantity // price["package_size"])
        return whole(packages * _unit(price))
    if scheme == "volume":
        return _volume(price["tiers"], quantity)
    if scheme == "graduated":
        return _graduated(price["tiers"], quantity)
    return whole(quantity * _unit(price))


def _unit(price: Json) -> Decimal:
    return Decimal(price["unit_price_decimal"] or price["unit_price"] or 0)


def _volume(tiers: list[Json], quantity: int) -> int:
    tier = next(each for each in tiers if each["last_unit"] == "inf" or quantity <= each["last_unit"])
    return whole(quantity * _unit(tier)) + int(tier["fixed_fee"])


def _graduated(tiers: list[Json], quantity: int) -> int:
    total, before = Decimal(0), 0
    for tier in tiers:
        last = quantity if tier["last_unit"] == "inf" else min(quantity, tier["last_unit"])
        total += (last - before) * _unit(tier) + tier["fixed_fee"]
        before = last
        if before >= quantity:
            break
    return whole(total)


def converted(settings: Settings, amount: int, currency: str) -> int:
    """Cents of the store's currency in another one."""
    if currency == settings.currency:
        return amount
    return whole(amount * Decimal(settings.rates[settings.currency]) / Decimal(settings.rates[currency]))


def totals(settings: Settings, currency: str, subtotal: int, fee: int = 0) -> Json:
    """The amounts of an order or an invoice, tax on top. `fee` is a setup fee."""
    tax = whole(Decimal((subtotal + fee) * settings.tax_percent) / 100)
    return {
        "currency": currency,
        "currency_rate": settings.rates[currency],
        "subtotal": subtotal,
        "setup_fee": fee,
        "discount_total": 0,
        "tax": tax,
        "tax_inclusive": False,
        "total": subtotal + fee + tax,
    }


def formatted(amount: int, currency: str) -> str:
    """`$9.99`, `PLN575.99`: hundredths for every currency, zero-decimal ones included, since the docs say cents."""
    sign = "-" if amount < 0 else ""
    units, cents = divmod(abs(amount), 100)
    return f"{sign}{_SYMBOLS.get(currency, currency)}{units:,}.{cents:02}"


def usd(amount: int, rate: str) -> int:
    """The same money in US cents."""
    return whole(amount * Decimal(rate))


def copies(attributes: Json) -> Json:
    """The `_usd` and `_formatted` copies of an object's amounts."""
    present = [name for name in AMOUNTS if name in attributes]
    rate, currency = attributes["currency_rate"], attributes["currency"]
    dollars = {f"{name}_usd": usd(attributes[name], rate) for name in present}
    return dollars | {f"{name}_formatted": formatted(attributes[name], currency) for name in present}
