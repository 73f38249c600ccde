"""The decimals of Paddle's currencies.

Paddle writes amounts as text in the lowest unit of the currency, with the decimals that `GET /currencies` tells
(developer.paddle.com/api-reference/currencies). For the currencies it offers (paddle-python-sdk 1.16.1, `CurrencyCode`)
those are taken to be ISO 4217's, so that amounts are stored as they come. That is not left to trust: the reader compares
this table with the API's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from service.provider import Check

_NAME: Final = "currencies"
_NONE: Final = ("CLP", "JPY", "KRW", "VND")
_TWO: Final = (
    "ARS", "AUD", "BRL", "CAD", "CHF", "CNY", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR", "MXN", "NOK",
    "NZD", "PEN", "PLN", "RUB", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "ZAR",
)  # fmt: skip
ISO_DECIMALS: Final[Mapping[str, int]] = {**dict.fromkeys(_NONE, 0), **dict.fromkeys(_TWO, 2)}
"""Decimals that ISO 4217 gives each currency that Paddle offers."""


def checks(told: Sequence[tuple[str, int]]) -> list[Check]:
    """What is wrong with the currencies (code, decimals) that Paddle tells of; one passed check where nothing is. Pure.

    Other decimals than ours fail: such amounts are stored a hundred times too large or too small. A currency that is not in
    the table is stored as it comes, which is right wherever Paddle follows ISO 4217, so it only warns.
    """
    found = [check for code, decimals in told if (check := _check(code.upper(), decimals))]
    return found or [Check(_NAME, True, f"{len(told)}, each with the decimals that we read its amounts with")]


def _check(code: str, decimals: int) -> Check | None:
    known = ISO_DECIMALS.get(code)
    if known is None:
        new = f"{code} is new: {decimals} decimals at Paddle, taken as they come; compare with ISO 4217"
        return Check(_NAME, None, new, warning=True)
    if known == decimals:
        return None
    return Check(_NAME, False, f"{code} has {decimals} decimals at Paddle, but its amounts are read with {known}")
