"""The decimals of Paddle's currencies.

Paddle writes amounts as text in the lowest unit of the currency, with the decimals that `GET /currencies` tells
(developer.paddle.com/api-reference/currencies). For the currencies it offers (paddle-python-sdk 1.16.1, `CurrencyCode`)
those are taken to be ISO 4217's, so that amounts are stored as they come. That is not left to trust: the reader compares
this table with the API's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_NONE: Final = ("CLP", "JPY", "KRW", "VND")
_TWO: Final = (
    "ARS", "AUD", "BRL", "CAD", "CHF", "CNY", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR", "MXN", "NOK",
    "NZD", "PEN", "PLN", "RUB", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "ZAR",
)  # fmt: skip
ISO_DECIMALS: Final[Mapping[str, int]] = {**dict.fromkeys(_NONE, 0), **dict.fromkeys(_TWO, 2)}
"""Decimals that ISO 4217 gives each currency that Paddle offers."""


def differences(told: Iterable[tuple[str, int]]) -> list[str]:
    """A sentence for each currency (code, decimals) of Paddle's whose amounts this table would misread. Pure."""
    return [found for code, decimals in told if (found := _difference(code.upper(), decimals))]


def _difference(code: str, decimals: int) -> str | None:
    known = ISO_DECIMALS.get(code)
    if known is None:
        return f"{code}: offered by Paddle with {decimals} decimals, but not in our table"
    return None if known == decimals else f"{code}: {decimals} decimals at Paddle, {known} in ISO 4217"
