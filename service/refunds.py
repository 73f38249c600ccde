"""Refund policies: what may be given back of a payment, and why. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from service import iso4217
from service.moments import utc

Policy = Literal["full_within_days", "prorated", "none"]
_MICROSECOND: Final = timedelta(microseconds=1)


class RefundPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`full_within_days`: what is left of the payment, until `days` after it was paid. `prorated`: the share of its
    period that is still to come. `none`: nothing.
    """

    policy: Policy = "none"
    days: int | None = None

    def __post_init__(self) -> None:
        """Refuse days where they mean nothing, and their lack where they are needed."""
        if (self.policy == "full_within_days") != (self.days is not None):
            raise ValueError("expected days together with policy = 'full_within_days', and only then")
        if self.days is not None and not 0 <= self.days <= 3650:
            raise ValueError("expected days from 0 to 3650")


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that came in: `amount` in minor units, of which `refunded` went back already."""

    amount: int
    currency: str
    at: datetime | None
    refunded: int = 0


class Period(msgspec.Struct, frozen=True):
    """What a payment paid for, half-open; None where the provider does not say."""

    start: datetime | None = None
    end: datetime | None = None


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What the refund policy allows of a payment now, in minor units, and why."""

    amount: int
    explanation: str


def refundable(policy: RefundPolicy, paid: Paid, period: Period, now: datetime) -> Allowance:
    """What may be given back now; never more than is left of the payment, and never less than nothing.

    A prorated amount is exact up to one rounding, down to the minor unit: what is kept and what is given back add up.
    A period without a known start began when it was paid. What can't be known allows nothing, and the explanation says so.
    """
    left = max(0, paid.amount - paid.refunded)
    if policy.policy == "none":
        return Allowance(amount=0, explanation="the policy is no refunds")
    if policy.policy == "full_within_days":
        return _within(policy.days or 0, paid, left, now)
    return _prorated(paid, period, left, now)


def _within(days: int, paid: Paid, left: int, now: datetime) -> Allowance:
    if paid.at is None:
        return Allowance(amount=0, explanation="it is not known when it was paid, so not whether it is in time")
    until = paid.at + timedelta(days=days)
    if now > until:
        return Allowance(amount=0, explanation=f"full refunds ended {days} days after payment, at {utc(until)}")
    return Allowance(
        amount=left, explanation=f"full refund within {days} days of payment, until {utc(until)}{_less(paid)}"
    )


def _prorated(paid: Paid, period: Period, left: int, now: datetime) -> Allowance:
    start, end = period.start or paid.at, period.end
    if start is None or end is None or end <= start:
        return Allowance(amount=0, explanation="the period it paid for is not known, so neither is the unused share")
    whole = (end - start) // _MICROSECOND
    unused = min(whole, max(0, (end - now) // _MICROSECOND))
    share = paid.amount * unused // whole
    amount = min(left, max(0, share - paid.refunded))
    told = f"{iso4217.shown(share, paid.currency)} for {_percent(unused, whole)} % of {utc(start)} to {utc(end)} unused"
    return Allowance(amount=amount, explanation=f"prorated: {told}, rounded down{_less(paid)}")


def _less(paid: Paid) -> str:
    return f", less {iso4217.shown(paid.refunded, paid.currency)} refunded already" if paid.refunded else ""


def _percent(part: int, whole: int) -> str:
    hundredths = part * 10_000 // whole
    return f"{hundredths // 100}.{hundredths % 100:02}"
