"""Meters: what is counted, what it costs, and how it is told to a provider. Pure.

A quantity is a whole number of a meter's *smallest units*: 10^-`scale` of its unit. Money is computed in exact decimals;
nothing is rounded but the sum of a meter's lines, once, to the currency's minor unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
)
from functools import reduce
from typing import Final, Literal

import msgspec

from service import iso4217
from service.errors import ConfigError, NoPrice

Aggregation = Literal["sum", "last"]
Rounding = Literal["half_even", "half_up", "up", "down"]
MOST: Final = 10**15
"""The most that a meter may let one record hold: exact in every JSON reader."""
_USUAL_MOST: Final = 10**12
"""What is more is taken for a mistake, where the meter does not say otherwise; millions of such records still fit 64 bits."""
_ROUNDING: Final[Mapping[str, str]] = {
    "half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "up": ROUND_CEILING, "down": ROUND_FLOOR,
}  # fmt: skip
# Wide enough for any price and quantity that are let in; whatever would not be exact raises instead.
_EXACT: Final = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero])
_FINEST: Final = 9
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What further units cost: `price` (by currency, in its major unit) for every `per` units.

    `up_to` is where the tier ends, counted from the first unit of the period, free ones included; None is without end.
    """

    price: dict[str, Decimal]
    per: Decimal = _ONE
    up_to: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what can't be computed exactly."""
        if not self.price:
            raise ValueError("price: name at least one currency, for instance price = { USD = 2.00 }")
        for currency, price in self.price.items():
            _check_currency(currency)
            if not (price.is_finite() and _ZERO <= price < 10**12) or _digits(price) > 18:
                raise ValueError(f"price.{currency}: expected an amount from 0, with at most 18 decimals")
        if not (self.per.is_finite() and 0 < self.per <= 10**15) or not _divides(self.per):
            raise ValueError(
                "per: expected a number whose inverse is a finite decimal, for instance 1, 1000 or 1000000"
            )


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A meter as the TOML file has it; docs/usage.md explains the keys.

    `send` says by account how usage is told to its provider; what an entry may hold is the adapter's to say. `every` is how
    many seconds of one customer's usage are told at once.
    """

    unit: str
    name: str | None = None
    scale: int = 0
    aggregation: Aggregation = "sum"
    free: Decimal = _ZERO
    rounding: Rounding = "half_even"
    most: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    send: dict[str, dict[str, str | int]] = {}
    every: int | None = None

    def __post_init__(self) -> None:
        """Refuse a meter that could not be billed."""
        if not 0 <= self.scale <= _FINEST:
            raise ValueError(f"scale: expected a number of decimals from 0 to {_FINEST}")
        if self.every is not None and not 0 <= self.every <= 86_400:
            raise ValueError("every: expected seconds from 0 to 86400")
        before = _ZERO
        for name, value in (("free", self.free), ("most", self.most or _ONE), *self._ends()):
            if not (value.is_finite() and 0 <= value <= MOST) or _digits(value) > self.scale:
                raise ValueError(f"{name}: expected units from 0, with at most {self.scale} decimals (scale)")
        for name, value in self._ends():
            if value <= max(before, self.free):
                raise ValueError(f"{name}: each tier ends above the one before, and above the free units")
            before = value
        if any(tier.up_to is None for tier in self.tiers[:-1]) or (self.tiers and self.tiers[-1].up_to is not None):
            raise ValueError("tiers: every tier but the last has up_to, and the last has none")

    def _ends(self) -> list[tuple[str, Decimal]]:
        return [(f"tiers[{n}].up_to", each.up_to) for n, each in enumerate(self.tiers) if each.up_to is not None]


class Meter(Spec, frozen=True, kw_only=True):
    """A meter with its id."""

    id: str

    def options(self, account: str) -> dict[str, str] | None:
        """How usage is told to an account, as text; None where it isn't."""
        given = self.send.get(account)
        return None if given is None else {name: str(value) for name, value in given.items()}

    @property
    def largest(self) -> int:
        """The largest quantity of one record, in smallest units."""
        return min(self.smallest(self.most), MOST) if self.most is not None else _USUAL_MOST

    def smallest(self, units: Decimal | int) -> int:
        """Units as a whole number of smallest units. Raises `ValueError` where they are none."""
        scaled = Decimal(units).scaleb(self.scale)
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise ValueError(f"{units} has more than {self.scale} decimals, which is what meter {self.id!r} counts in")
        return int(scaled)

    def units(self, quantity: int) -> Decimal:
        """Smallest units as units."""
        return Decimal(quantity).scaleb(-self.scale, _EXACT)

    def beyond_free(self, quantity: int) -> int:
        """What of a period's quantity is not free, in smallest units."""
        return max(0, quantity - self.smallest(self.free))

    def currencies(self) -> tuple[str, ...]:
        """The currencies in which every tier has a price, in the order of the file."""
        if not self.tiers:
            return ()
        return tuple(each for each in self.tiers[0].price if all(each in tier.price for tier in self.tiers))


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a bill: `quantity` smallest units, the first of which is number `start` + 1 of the period.

    `amount` is exact, in the currency's major unit. A free line has no price.
    """

    start: int
    quantity: int
    price: Decimal | None
    per: Decimal
    amount: Decimal


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What one meter costs in one period. `exact` is the lines' sum, `amount` the same rounded once, in minor units."""

    meter: str
    unit: str
    scale: int
    currency: str
    quantity: int
    lines: tuple[Line, ...]
    exact: Decimal
    amount: int
    rounding: Rounding


def bill(meter: Meter, quantity: int, currency: str) -> Bill:
    """What `quantity` smallest units of one period cost: the free ones, then each tier's. Pure.

    Raises:
        NoPrice: the meter has tiers, but not all of them have a price in `currency`.
    """
    lines = tuple(_lines(meter, quantity, currency))
    exact = reduce(_EXACT.add, (line.amount for line in lines), _ZERO)
    minor = exact.scaleb(iso4217.decimals(currency), _EXACT)
    amount = int(minor.to_integral_value(_ROUNDING[meter.rounding]))
    return Bill(
        meter=meter.id, unit=meter.unit, scale=meter.scale, currency=currency, quantity=quantity, lines=lines,
        exact=exact, amount=amount, rounding=meter.rounding,
    )  # fmt: skip


def meters(specs: Mapping[str, Spec]) -> dict[str, Meter]:
    """The meters of a file, by id."""
    return {
        key: Meter(id=key, **{name: getattr(spec, name) for name in Spec.__struct_fields__})
        for key, spec in specs.items()
    }


def _lines(meter: Meter, quantity: int, currency: str) -> Iterator[Line]:
    free = min(quantity, meter.smallest(meter.free))
    if free:
        yield Line(start=0, quantity=free, price=None, per=_ONE, amount=_ZERO)
    at = free
    for tier in meter.tiers:
        price = tier.price.get(currency)
        if price is None:
            raise NoPrice(
                f"meter {meter.id!r} has no price in {currency}; it has one in {', '.join(meter.currencies())}"
            )
        end = quantity if tier.up_to is None else min(quantity, meter.smallest(tier.up_to))
        if end > at:
            amount = _EXACT.multiply(meter.units(end - at), _EXACT.divide(price, tier.per))
            yield Line(start=at, quantity=end - at, price=price, per=tier.per, amount=amount)
            at = end
    if not meter.tiers and quantity > at:
        yield Line(start=at, quantity=quantity - at, price=None, per=_ONE, amount=_ZERO)


def _digits(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else _FINEST + 1


def _divides(value: Decimal) -> bool:
    try:
        _EXACT.divide(_ONE, value)
    except (Inexact, DivisionByZero):
        return False
    return True


def _check_currency(currency: str) -> None:
    try:
        iso4217.check(currency)
    except ConfigError as error:
        raise ValueError(f"price: {error}") from None
