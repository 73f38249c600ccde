"""What a refund policy allows is exact, explained, and never more than is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.refunds import Paid, Period, RefundPolicy, refundable

START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
WITHIN = RefundPolicy(policy="full_within_days", days=14)
PRORATED = RefundPolicy(policy="prorated")
UNTIL = "2026-11-15 00:00:00 UTC"
NOVEMBER = "2026-11-01 00:00:00 UTC to 2026-12-01 00:00:00 UTC unused, rounded down"
CASES = [
    (RefundPolicy(), 0, START, 0, "the policy is no refunds"),
    (WITHIN, 0, START + timedelta(days=14), 1900, f"full refund within 14 days of payment, until {UNTIL}"),
    (WITHIN, 0, START + timedelta(days=14, microseconds=1), 0, f"full refunds ended 14 days after payment, at {UNTIL}"),
    (WITHIN, 700, START, 1200, f"full refund within 14 days of payment, until {UNTIL}, less 7.00 USD refunded already"),
    (PRORATED, 0, START + timedelta(days=10), 1266, f"prorated: 12.66 USD for 66.66 % of {NOVEMBER}"),
    (PRORATED, 1266, START + timedelta(days=10), 0, f"prorated: 12.66 USD for 66.66 % of {NOVEMBER}, less 12.66 USD refunded already"),
    (PRORATED, 0, END, 0, f"prorated: 0.00 USD for 0.00 % of {NOVEMBER}"),
]  # fmt: skip
MOMENTS = st.integers(-60 * 86_400 * 10**6, 60 * 86_400 * 10**6).map(lambda each: START + timedelta(microseconds=each))
POLICIES = st.sampled_from([RefundPolicy(), WITHIN, PRORATED])
PAID = st.builds(
    Paid,
    amount=st.integers(0, 10**12),
    currency=st.just("USD"),
    at=st.none() | MOMENTS,
    refunded=st.integers(0, 10**12),
)
PERIODS = st.builds(Period, start=st.none() | MOMENTS, end=st.none() | MOMENTS)


@pytest.mark.parametrize(("policy", "refunded", "now", "amount", "explanation"), CASES)
def test_the_amount_and_its_explanation(
    policy: RefundPolicy, refunded: int, now: datetime, amount: int, explanation: str
) -> None:
    paid = Paid(amount=1900, currency="USD", at=START, refunded=refunded)
    found = refundable(policy, paid, Period(START, END), now)
    assert (found.amount, found.explanation) == (amount, explanation)


@given(policy=POLICIES, paid=PAID, period=PERIODS, now=MOMENTS)
def test_it_is_never_more_than_is_left_nor_less_than_nothing(
    policy: RefundPolicy, paid: Paid, period: Period, now: datetime
) -> None:
    found = refundable(policy, paid, period, now).amount
    assert 0 <= found <= max(0, paid.amount - paid.refunded)


@given(policy=POLICIES, paid=PAID, period=PERIODS, first=MOMENTS, second=MOMENTS)
def test_waiting_never_makes_it_more(
    policy: RefundPolicy, paid: Paid, period: Period, first: datetime, second: datetime
) -> None:
    early, late = sorted((first, second))
    assert refundable(policy, paid, period, late).amount <= refundable(policy, paid, period, early).amount


@given(amount=st.integers(0, 10**12), now=MOMENTS)
def test_a_prorated_amount_is_the_exact_share_rounded_down_once(amount: int, now: datetime) -> None:
    paid = Paid(amount=amount, currency="USD", at=START)
    share = amount * Fraction(min(max(END - now, timedelta(0)), END - START) // timedelta(microseconds=1))
    exact = share / ((END - START) // timedelta(microseconds=1))
    found = refundable(PRORATED, paid, Period(START, END), now).amount
    assert found <= exact < found + 1


@given(amount=st.integers(0, 10**9), moments=st.lists(MOMENTS, max_size=6))
def test_asking_again_after_each_refund_gives_no_more_than_asking_once(amount: int, moments: list[datetime]) -> None:
    given_back = 0
    for now in sorted(moments):
        paid = Paid(amount=amount, currency="USD", at=START, refunded=given_back)
        given_back += refundable(PRORATED, paid, Period(START, END), now).amount
    once = [
        refundable(PRORATED, Paid(amount=amount, currency="USD", at=START), Period(START, END), now) for now in moments
    ]
    assert given_back == max((each.amount for each in once), default=0)


@pytest.mark.parametrize("period", [Period(), Period(END, START), Period(START, None)])
def test_an_unknown_period_allows_nothing_and_says_so(period: Period) -> None:
    found = refundable(PRORATED, Paid(amount=1, currency="USD", at=None), period, START)
    assert (found.amount, "not known" in found.explanation) == (0, True)
