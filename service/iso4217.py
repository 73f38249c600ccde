"""Decimals of currencies by ISO 4217, in which minor units are counted everywhere in this house. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from service.errors import ConfigError

_TWO: Final = 2
# ISO 4217 list one (2026): whatever is not named here has two decimals.
_OTHERS: Final = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip


def decimals(currency: str) -> int:
    """How many decimals the minor unit of `currency` (upper case) stands behind the point."""
    return _OTHERS.get(currency, _TWO)


def shown(minor_units: int, currency: str) -> str:
    """An amount as a person reads it, for instance `12.30 USD`."""
    return f"{Decimal(minor_units).scaleb(-decimals(currency)):f} {currency}"


def check(currency: str) -> None:
    """Raise `ConfigError` where `currency` is not written as ISO 4217 does: three capital letters."""
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise ConfigError(f"{currency!r} is no currency: write three capital letters, for instance USD")
