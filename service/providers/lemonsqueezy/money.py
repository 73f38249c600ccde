"""Lemon Squeezy's amounts in ISO 4217 minor units. Pure.

Amounts are integers "in cents", for every currency by the documentation (docs.lemonsqueezy.com/api/orders: PLN 575.99 is
57599). UNVERIFIED is whether that holds for currencies that have no hundredths (JPY, KRW), or thousandths (KWD). There the
object's own `total_formatted` tells: if it shows the total divided by one hundred, amounts are cents and are converted
(10000 is JPY 100); if it shows the total as it is, they are whole units already. An object that doesn't tell is read as
documented, unless one of its amounts is no whole number of units: then nothing was multiplied by one hundred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from service.errors import MappingError
from service.reading import Object, currency, text, wrong

ZERO_DECIMAL: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF")
)  # fmt: skip
"""Currencies to which ISO 4217 gives no minor unit."""
THREE_DECIMAL: Final = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
"""Currencies to which ISO 4217 gives thousandths."""
_CENTS: Final = 2
_LARGEST: Final = 2**53
_SHOWN: Final = re.compile(r"[0-9][0-9.,]*")
_SEPARATOR: Final = re.compile(r"[.,]")
_TELLING: Final = ("total", "subtotal")
_STORED: Final = ("total", "subtotal", "tax", "refunded_amount")


def iso_decimals(code: str) -> int:
    """Decimals that ISO 4217 gives a currency (upper case)."""
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else _CENTS


def cents(obj: Object, name: str) -> int | None:
    """An amount as Lemon Squeezy counts it. A float without a fraction is one too: PHP's JSON writes them now and then."""
    value = obj.get(name)
    if value is None:
        return None
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or abs(value) > _LARGEST:
        raise wrong(name, "a whole number of cents", value)
    return value


class Money:
    """The amounts of one object, in the ISO 4217 minor units of its currency.

    `code` is that currency in upper case, None where the object has none; then it can't have amounts either.
    """

    def __init__(self, obj: Object) -> None:
        self._obj = obj
        self.code = currency(obj)
        self._places = _CENTS if self.code is None else _places(obj, self.code)

    @property
    def decimals(self) -> int:
        """Decimals that ISO 4217 gives the currency."""
        return iso_decimals(self.code or "")

    def exact(self, name: str) -> int | None:
        """The amount; raise `MappingError` where it is no whole number of minor units, or has no currency."""
        amount = cents(self._obj, name)
        if amount is None:
            return None
        if self.code is None:
            raise MappingError(f"{name} has no currency")
        units = rescaled(amount, iso_decimals(self.code) - self._places)
        if units is None:
            raise MappingError(f"{name} is no whole number of the minor units of {self.code}")
        return units

    def part(self, name: str) -> int | None:
        """A part of the total; None where it alone is no whole number of minor units (the tax of yen counted in cents)."""
        amount = cents(self._obj, name)
        return None if amount is None or self.code is None else rescaled(amount, iso_decimals(self.code) - self._places)


def rescaled(amount: int, moved: int) -> int | None:
    """`amount` times ten to the power of `moved`, exactly; None where that is no whole number."""
    if moved >= 0:
        return amount * int(10**moved)
    units, rest = divmod(amount, int(10**-moved))
    return None if rest else units


def places(obj: Object) -> int:
    """In how many decimals this object's amounts are counted; two where it has no currency."""
    code = currency(obj)
    return _CENTS if code is None else _places(obj, code)


def _places(obj: Object, code: str) -> int:
    """In how many decimals this object's amounts are counted."""
    iso = iso_decimals(code)
    if iso == _CENTS:
        return _CENTS
    for name in _TELLING:
        amount, shown = cents(obj, name), text(obj, f"{name}_formatted")
        if amount and shown is not None:
            values = set(_values(shown))
            told = next((places for places in (_CENTS, iso) if Decimal(abs(amount)).scaleb(-places) in values), None)
            if told is not None:
                return told
    amounts = [cents(obj, name) or 0 for name in _STORED]
    return iso if any(rescaled(each, iso - _CENTS) is None for each in amounts) else _CENTS


def _values(shown: str) -> Iterator[Decimal]:
    """What a formatted amount may mean: three digits after its last separator are thousands, or thousandths."""
    found = _SHOWN.search(shown)
    if found is None:
        return
    digits = found[0].rstrip(".,")
    cut = max(digits.rfind("."), digits.rfind(","))
    whole, last = _SEPARATOR.sub("", digits[:cut] if cut >= 0 else digits), digits[cut + 1 :] if cut >= 0 else ""
    if len(last) in (0, 3):
        yield Decimal(whole + last)
    if last:
        yield Decimal(f"{whole}.{last}")
