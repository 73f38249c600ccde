"""Stripe's amounts in ISO 4217 minor units: PROVIDERS.md 1.8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MappingError
from service.providers.stripe.money import iso_decimals, minor_units, stripe_decimals

ZERO_DECIMAL_AT_BOTH = [
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
]
amounts = st.integers(min_value=-(10**12), max_value=10**12)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        (1900, "USD", 1900),
        (29900, "TWD", 29900),
        (500, "JPY", 500),
        (100, "ISK", 1),
        (-12300, "ISK", -123),
        (50000, "UGX", 500),
        (7, "MGA", 700),
        (12340, "KWD", 12340),
        (5000, "HUF", 5000),
        (0, "ISK", 0),
    ],
)
def test_amounts_become_iso_minor_units(amount: int, currency: str, minor: int) -> None:
    assert minor_units(amount, currency) == minor


@pytest.mark.parametrize(("amount", "currency"), [(150, "ISK"), (1, "UGX"), (-1, "ISK")])
def test_an_amount_that_has_no_iso_equal_is_refused_by_name(amount: int, currency: str) -> None:
    with pytest.raises(MappingError, match=f"{amount} {currency}"):
        minor_units(amount, currency)


@pytest.mark.parametrize("currency", [*ZERO_DECIMAL_AT_BOTH, "BHD", "JOD", "KWD", "OMR", "TND", "EUR", "TWD", "HUF"])
@given(amount=amounts)
def test_most_currencies_are_counted_alike(amount: int, currency: str) -> None:
    assert stripe_decimals(currency) == iso_decimals(currency)
    assert minor_units(amount, currency) == amount


@given(amounts, st.sampled_from(["USD", "JPY", "MGA", "ISK", "UGX", "KWD"]))
def test_translation_never_changes_the_value(amount: int, currency: str) -> None:
    exact = amount * 100
    minor = minor_units(exact, currency)
    assert minor * 10 ** stripe_decimals(currency) == exact * 10 ** iso_decimals(currency)
