"""Amounts in ISO 4217 minor units."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MappingError
from service.providers.lemonsqueezy.money import Money, iso_decimals
from tests.providers.lemonsqueezy.given import Json, changed, rows, told


def total(currency: str, amount: object, shown: str | None = None) -> int | None:
    """A total in minor units."""
    return Money({"currency": currency, "total": amount, "total_formatted": shown}).exact("total")


def amounts(name: str) -> tuple[Any, ...]:
    """What a fixture's invoice is about."""
    invoice = told(rows(name)["invoice"])
    return invoice["currency"], invoice["amount"], invoice["subtotal"], invoice["tax"]


def test_hundredths_are_taken_as_they_are() -> None:
    assert amounts("order_created__polish_zloty") == ("PLN", 57599, 46828, 10771)


def test_yen_are_the_same_money_whether_they_are_sent_in_cents_or_in_whole_units() -> None:
    assert amounts("order_created__yen_in_cents") == amounts("order_created__yen_in_whole_units")
    assert amounts("order_created__yen_in_cents") == ("JPY", 1100, 1000, 100)


@pytest.mark.parametrize(
    ("currency", "amount", "shown", "units"),
    [
        ("JPY", 10_000, "¥100", 100),
        ("JPY", 10_000, "JPY100.00", 100),
        ("JPY", 10_000, "¥10,000", 10_000),
        ("JPY", 10_000, "JPY10,000.00", 10_000),
        ("JPY", 10_000, "10.000 ¥", 10_000),
        ("JPY", 100_000, "¥1,000", 1_000),
        ("JPY", 123_456_700, "¥1,234,567", 1_234_567),
        ("KRW", 990_000, "₩9,900", 9_900),
        ("KRW", 9_900, "₩9,900", 9_900),
        ("KWD", 1_250, "KWD12.50", 12_500),
        ("KWD", 12_500, "KWD12.500", 12_500),
        ("JPY", -10_000, "-¥100", -100),
    ],
)
def test_the_formatted_total_tells_how_an_amount_is_counted(currency: str, amount: int, shown: str, units: int) -> None:
    assert total(currency, amount, shown) == units


@pytest.mark.parametrize("shown", [None, "", "free", "¥", "...", "¥7", "1" * 400])
def test_without_a_telling_total_amounts_are_cents_as_documented(shown: str | None) -> None:
    assert total("JPY", 10_000, shown) == 100


def test_what_is_no_whole_number_of_yen_was_not_multiplied() -> None:
    assert total("JPY", 12_345) == 12_345
    assert Money({"currency": "JPY", "total": 1100, "tax": 99}).exact("total") == 1100


def test_where_the_total_is_zero_the_subtotal_tells() -> None:
    free = {"total": 0, "total_formatted": "¥0", "subtotal": 1000, "subtotal_formatted": "¥1,000"}
    assert Money({"currency": "JPY", **free}).part("subtotal") == 1000


def test_a_part_that_is_no_whole_number_of_units_is_left_out_but_a_total_is_refused() -> None:
    money = Money({"currency": "JPY", "total": 10_050, "tax": 833, "total_formatted": "¥100.50"})
    assert money.part("tax") is None
    with pytest.raises(MappingError, match="total is no whole number of the minor units of JPY"):
        money.exact("total")


def test_a_float_without_a_fraction_is_a_whole_number() -> None:
    assert total("USD", 999.0) == 999


@pytest.mark.parametrize("amount", ["999", True, 9.99, 2**53 + 1, -(2**60), 1e300, [], {}])
def test_anything_else_is_refused(amount: object) -> None:
    with pytest.raises(MappingError, match="total should be a whole number of cents"):
        total("USD", amount)


def test_an_amount_without_currency_is_refused() -> None:
    with pytest.raises(MappingError, match="total has no currency"):
        Money({"total": 1}).exact("total")


@pytest.mark.parametrize("name", ["total", "subtotal", "tax", "refunded_amount"])
def test_a_fraction_in_a_stored_amount_is_refused(name: str) -> None:
    with pytest.raises(MappingError, match=name):
        rows(changed("order_refunded__partly", **{name: 9.999}))


def test_a_fraction_in_a_copy_that_is_not_stored_does_no_harm() -> None:
    """pay-rails/pay has a recorded `refunded_amount_usd` of 9.999."""
    odd, plain = (rows(f"subscription_payment_refunded__{each}") for each in ("fraction_in_a_copy", "partly"))
    assert {kind: each.fields for kind, each in odd.items()} == {kind: each.fields for kind, each in plain.items()}


@given(st.integers(-(10**12), 10**12), st.sampled_from(["USD", "PLN", "TWD", "HUF", "CLF"]))
def test_two_decimal_currencies_never_change(amount: int, currency: str) -> None:
    assert total(currency, amount, "whatever") == amount


@given(st.integers(1, 10**9), st.sampled_from(["JPY", "KRW", "KWD", "ISK"]), st.booleans())
def test_either_way_of_counting_is_found_from_what_is_shown(units: int, currency: str, in_cents: bool) -> None:
    decimals = iso_decimals(currency)
    money = units * 100 if decimals == 0 else units * 10
    minor = money if decimals == 0 else money * 10
    sent, shown = (money * 100, f"{money:,}") if in_cents else (money, f"{money:,}")
    if decimals == 3:
        sent, shown, minor = (money, f"{money // 100:,}.{money % 100:02}", money * 10) if in_cents else (
            money, f"{money // 1000:,}.{money % 1000:03}", money
        )  # fmt: skip
    assert total(currency, sent, shown) == minor


@given(st.text(), st.integers(-(10**12), 10**12))
def test_no_formatted_text_breaks_the_mapping(shown: str, amount: int) -> None:
    obj: Json = {"currency": "JPY", "total": amount, "total_formatted": shown}
    with contextlib.suppress(MappingError):
        assert type(Money(obj).exact("total")) is int
