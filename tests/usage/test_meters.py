"""Billing by meters: exact, rounded once, the same as counting unit by unit."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import NoPrice
from service.meters import Bill, Meter, Spec, Tier, bill, meters

_PRICES = st.decimals(min_value=0, max_value=1_000, places=6)
_PER = st.sampled_from([Decimal(1), Decimal(1000), Decimal(1_000_000), Decimal("0.5")])


@st.composite
def _meters(draw: st.DrawFn) -> Meter:
    scale = draw(st.integers(0, 3))
    marks = sorted(draw(st.sets(st.integers(1, 2_000), min_size=1, max_size=4)))
    ends = [Decimal(each).scaleb(-scale) for each in marks]
    free = draw(st.sampled_from([Decimal(0), ends.pop(0)])) if len(ends) > 1 else Decimal(0)
    ends = [end for end in ends if end > free]
    tiers = [Tier(price={"USD": draw(_PRICES)}, per=draw(_PER), up_to=end) for end in [*ends, None]]
    return Meter(id="m", unit="u", scale=scale, free=free, tiers=tuple(tiers))


def _slow(meter: Meter, quantity: int) -> Fraction:
    """One smallest unit after the other, in fractions."""
    total, size = Fraction(0), Fraction(1, 10**meter.scale)
    for number in range(1, quantity + 1):
        position = number * size
        if position <= Fraction(meter.free):
            continue
        tier = next(each for each in meter.tiers if each.up_to is None or position <= Fraction(each.up_to))
        total += size * Fraction(tier.price["USD"]) / Fraction(tier.per)
    return total


@settings(max_examples=60)
@given(_meters(), st.integers(0, 2_500))
def test_a_bill_is_what_counting_unit_by_unit_gives(meter: Meter, quantity: int) -> None:
    """Exactly, before the one rounding; and the rounding is half to even of that sum."""
    found = bill(meter, quantity, "USD")
    slow = _slow(meter, quantity)
    assert Fraction(found.exact) == slow
    with localcontext(prec=60):
        cents = Decimal((slow * 100).numerator) / Decimal((slow * 100).denominator)
    assert found.amount == int(cents.to_integral_value(ROUND_HALF_EVEN))


@given(_meters(), st.integers(0, 10**15), st.integers(0, 10**15))
def test_more_usage_never_costs_less(meter: Meter, one: int, other: int) -> None:
    """Monotone in the exact sum and in the rounded one."""
    less, more = bill(meter, min(one, other), "USD"), bill(meter, max(one, other), "USD")
    assert less.exact <= more.exact
    assert less.amount <= more.amount


@given(_meters(), st.integers(0, 5_000))
def test_lines_are_gapless_and_add_up(meter: Meter, quantity: int) -> None:
    """Every unit stands in exactly one line, free ones first; no line crosses the end of a tier."""
    found = bill(meter, quantity, "USD")
    at = 0
    for line in found.lines:
        assert (line.start, line.quantity > 0) == (at, True)
        at += line.quantity
        ends = [meter.smallest(each) for each in (meter.free, *(t.up_to for t in meter.tiers if t.up_to is not None))]
        assert not any(line.start < end < at for end in ends)
    assert at == quantity == found.quantity


@given(_meters(), st.integers(0, 5_000), st.integers(0, 5_000))
def test_what_lies_between_two_quantities_is_the_difference_of_their_bills(meter: Meter, one: int, two: int) -> None:
    """Additive over the boundaries of tiers: the lines of the larger bill, cut at the smaller quantity."""
    low, high = min(one, two), max(one, two)
    cut = sum((_cut(meter, bill(meter, high, "USD"), low)), Fraction(0))
    assert Fraction(bill(meter, high, "USD").exact) - Fraction(bill(meter, low, "USD").exact) == cut


def _cut(meter: Meter, found: Bill, low: int) -> list[Fraction]:
    """What the lines cost from number `low` on."""
    parts = []
    for line in found.lines:
        units = max(0, line.start + line.quantity - max(low, line.start))
        rate = Fraction(0) if line.price is None else Fraction(line.price) / Fraction(line.per)
        parts.append(Fraction(units, 10**meter.scale) * rate)
    return parts


def test_the_sum_is_rounded_and_not_the_lines() -> None:
    """Two lines of half a cent are one cent, not none."""
    half = Decimal("0.005")
    tiers = (Tier(price={"USD": half}, up_to=Decimal(1)), Tier(price={"USD": half}))
    found = bill(Meter(id="m", unit="u", tiers=tiers), 2, "USD")
    assert [line.amount for line in found.lines] == [half, half]
    assert (found.exact, found.amount) == (Decimal("0.010"), 1)


@pytest.mark.parametrize(
    ("rounding", "amounts"),
    [("half_even", [0, 2, 2]), ("half_up", [1, 2, 3]), ("up", [1, 2, 3]), ("down", [0, 1, 2])],
)
def test_the_rounding_is_the_meters(rounding: str, amounts: list[int]) -> None:
    """0.5, 1.5 and 2.5 cents."""
    meter = msgspec.convert({"unit": "u", "rounding": rounding, "tiers": [{"price": {"USD": Decimal("0.005")}}]}, Spec)
    found = [bill(meters({"m": meter})["m"], quantity, "USD").amount for quantity in (1, 3, 5)]
    assert found == amounts


def test_currencies_round_to_their_own_minor_unit() -> None:
    """Yen have none, dinars three decimals."""
    tiers = (Tier(price={"JPY": Decimal("1.6"), "BHD": Decimal("1.6"), "TWD": Decimal("1.6")}),)
    meter = Meter(id="m", unit="u", tiers=tiers)
    assert [bill(meter, 1, each).amount for each in ("JPY", "BHD", "TWD")] == [2, 1_600, 160]


def test_a_currency_without_a_price_is_named() -> None:
    """With the ones that have one; a meter without tiers costs nothing in any."""
    meter = Meter(id="calls", unit="u", tiers=(Tier(price={"USD": Decimal(1)}),))
    with pytest.raises(NoPrice, match="'calls' has no price in EUR; it has one in USD"):
        bill(meter, 1, "EUR")
    assert bill(Meter(id="m", unit="u"), 7, "EUR").amount == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scale": 10}, "scale"),
        ({"free": Decimal("0.5")}, "free: expected units from 0, with at most 0 decimals"),
        ({"free": -1}, "free"),
        ({"free": Decimal("NaN")}, "free"),
        ({"tiers": [{"price": {}}]}, "name at least one currency"),
        ({"tiers": [{"price": {"usd": 1}}]}, "three capital letters"),
        ({"tiers": [{"price": {"USD": -1}}]}, "from 0"),
        ({"tiers": [{"price": {"USD": 1}, "per": 3}]}, "finite decimal"),
        ({"tiers": [{"price": {"USD": 1}, "per": 0}]}, "finite decimal"),
        ({"tiers": [{"price": {"USD": 1}, "up_to": 5}]}, "the last has none"),
        ({"tiers": [{"price": {"USD": 1}}, {"price": {"USD": 1}}]}, "every tier but the last"),
        ({"tiers": [{"price": {"USD": 1}, "up_to": 5}, {"price": {"USD": 1}, "up_to": 5}, {"price": {"USD": 1}}]}, "above"),
        ({"free": 5, "tiers": [{"price": {"USD": 1}, "up_to": 5}, {"price": {"USD": 1}}]}, "above the free"),
        ({"rounding": "up-ish"}, "Invalid enum"),
        ({"colour": 1}, "unknown field"),
    ],
)  # fmt: skip
def test_a_meter_that_could_not_be_billed_is_refused(change: dict[str, object], reason: str) -> None:
    """With a sentence that names what is wrong."""
    with pytest.raises(msgspec.ValidationError, match=reason):
        msgspec.convert({"unit": "u"} | change, Spec)


def test_units_become_smallest_units_exactly_or_not_at_all() -> None:
    """1.5 GB of a meter in MB are 1500; a kilobyte is too fine for it."""
    meter = Meter(id="storage", unit="GB", scale=3)
    assert meter.smallest(Decimal("1.5")) == 1_500
    assert meter.units(1_500) == Decimal("1.500")
    with pytest.raises(ValueError, match="more than 3 decimals"):
        meter.smallest(Decimal("0.000001"))
