"""Stripe amounts to ISO 4217 minor units.

Stripe counts in its own "smallest unit", which is ISO's for all currencies but three (docs.stripe.com/currencies,
2026): ISK and UGX are sent with two decimals though ISO 4217 gives them none, and MGA with none though ISO gives it
two. TWD and HUF have two decimals in both; only their payouts are restricted.
"""

from __future__ import annotations

from typing import Final

from service.errors import MappingError

_TWO: Final = 2
STRIPE_ZERO_DECIMAL: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
"""Currencies that Stripe counts in whole units. UGX is in Stripe's list too, but is still sent times one hundred."""
ISO_ZERO_DECIMAL: Final = (STRIPE_ZERO_DECIMAL - {"MGA"}) | {"ISK", "UGX"}
"""The same currencies as ISO 4217 has them."""
THREE_DECIMAL: Final = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
"""Currencies of three decimals, at Stripe as in ISO 4217."""


def stripe_decimals(currency: str) -> int:
    """Decimals in which Stripe counts `currency` (upper case)."""
    return 0 if currency in STRIPE_ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else _TWO


def iso_decimals(currency: str) -> int:
    """Decimals that ISO 4217 gives `currency` (upper case)."""
    return 0 if currency in ISO_ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else _TWO


_MOVED: Final = {each: iso_decimals(each) - stripe_decimals(each) for each in ("ISK", "UGX", "MGA")}


def minor_units(amount: int, currency: str) -> int:
    """`amount` as Stripe counts it, in the ISO 4217 minor units of `currency` (upper case); always exact.

    Raises:
        MappingError: the amount is not a whole number of ISO units.
    """
    places = _MOVED.get(currency)
    if places is None:
        return amount
    if places > 0:
        return amount * int(10**places)
    units, rest = divmod(amount, int(10**-places))
    if rest:
        raise MappingError(f"{amount} {currency} at Stripe is not a whole number of ISO 4217 minor units")
    return units


def stripe_units(amount: int, currency: str) -> int:
    """`amount` in ISO 4217 minor units of `currency` (upper case), as Stripe counts it: the inverse of `minor_units`.

    Raises:
        MappingError: Stripe can't carry it exactly, or does not take it (the last of three decimals must be 0).
    """
    places = _MOVED.get(currency, 0)
    units = amount * int(10**-places) if places < 0 else amount
    if places > 0:
        units, rest = divmod(amount, int(10**places))
        if rest:
            raise MappingError(f"Stripe counts {currency} in whole units, so {amount} minor units can't be sent")
    if currency in THREE_DECIMAL and units % 10:
        raise MappingError(f"Stripe wants the last of three decimals of {currency} to be 0, so {amount} can't be sent")
    return units
