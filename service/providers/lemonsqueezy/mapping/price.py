"""Lemon Squeezy price -> price row."""

from __future__ import annotations

import re

from service.model import Price, Snapshot
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.money import Money
from service.reading import instant, text, whole

# With these the price of one unit depends on how many are bought; the tiers say how.
_TIERED = ("volume", "graduated")
_WHOLE = re.compile(r"([0-9]{1,15})(?:\.0*)?")


def price(thing: Thing) -> tuple[Snapshot, ...]:
    """One price of a variant. A changed price is a new object and the old one stays, with nothing that tells them apart.

    It names neither its product nor its currency, which is its store's: the reader looks both up. The amount is None
    where they are unknown, for tiers, for packages of several units, and for fractions of a cent.
    """
    attributes = thing.attributes
    fields = Price(
        product_id=thing.product_id,
        currency=thing.store_currency,
        amount=_amount(thing),
        usage_type="metered" if text(attributes, "usage_aggregation") else "licensed",
        interval=text(attributes, "renewal_interval_unit"),
        interval_count=whole(attributes, "renewal_interval_quantity"),
        created_at=instant(attributes, "created_at"),
    )
    return (thing.snapshot("price", thing.id, fields),)


def _amount(thing: Thing) -> int | None:
    attributes = thing.attributes
    packed = (whole(attributes, "package_size") or 1) > 1
    if packed or text(attributes, "scheme") in _TIERED or thing.store_currency is None:
        return None
    # Metered prices are told as decimal text, which may be a fraction of a cent.
    fine = text(attributes, "unit_price_decimal")
    told = attributes.get("unit_price") if fine is None else _whole_cents(fine)
    return Money({"unit_price": told, "currency": thing.store_currency}).part("unit_price")


def _whole_cents(decimal: str) -> int | None:
    found = _WHOLE.fullmatch(decimal)
    return int(found[1]) if found else None
