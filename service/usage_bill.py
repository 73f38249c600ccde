"""The bill to come: what a customer used, meter by meter and period by period, and what that costs by our price list."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from service.account import Account
from service.errors import ConfigError, UnknownCustomer
from service.meters import Bill, Meter, bill
from service.outbox_way import counted, known_way
from service.store import usage_batches, usage_courses, usage_records
from service.store.engine import Database
from service.store.usage_batches import Batch
from service.store.usage_records import Record
from service.usage_periods import Course, Period
from service.usage_periods import month as month_of

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
STATES: Final = ("unsent", "unknown", "sent", "needs_review", "rejected", "unbilled")
_STATE: Final[Mapping[str, str]] = {"open": "unsent", "retry": "unsent", "sending": "unknown"}
# What a provider refused, or nobody can be billed for, is shown beside the bill and not in it.
_NOT_BILLED: Final = ("rejected", "unbilled")


class MeterUsage(msgspec.Struct, frozen=True, kw_only=True):
    """One meter in one period. `quantity` is what is billed, `states` how much of all that was reported stands where.

    Quantities count smallest units. `bills` has one bill for each currency that may apply: the subscription's, else the
    customer's, else every currency that the meter has a price in. `note` says why there is none.
    """

    meter: str
    name: str
    unit: str
    scale: int
    aggregation: str
    period_start: datetime
    period_end: datetime | None
    subscription_id: str | None
    quantity: int
    late: int
    states: dict[str, int]
    bills: tuple[Bill, ...]
    note: str | None = None


class CustomerUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer used. `totals` are minor units by currency."""

    account: str
    customer_id: str
    period: str | None
    meters: tuple[MeterUsage, ...]
    totals: dict[str, int]


class Bills:
    """Computes bills from what is recorded. Safe to share between threads."""

    def __init__(self, database: Database, accounts: Mapping[str, Account], meters: Mapping[str, Meter]) -> None:
        self._database = database
        self._accounts = accounts
        self._meters = meters

    def of(
        self, *, customer_id: str | None = None, user_id: str | None = None, account: str | None = None, month: str | None = None
    ) -> CustomerUsage:  # fmt: skip
        """A customer's usage of the periods that begin in `month` (`2026-11`, UTC), or that run now.

        Raises:
            UnknownCustomer: there is none, or there are several and `account` does not tell which.
            ConfigError: `month` is none.
        """
        wanted = month_named(month)
        now = self._database.now()
        with self._database.read() as connection:
            name, customer = self._customer(connection, customer_id, user_id, account)
            courses = usage_courses.courses(connection, [(name, customer)])[name, customer]
            batches = (
                usage_batches.running(connection, name, customer, now)
                if wanted is None
                else usage_batches.begun_in(connection, name, customer, wanted)
            )
            fresh = usage_records.ungathered(connection, name, customer)
            currency = usage_records.currency(connection, name, customer)
        gathered = Gathered(self._meters, self._accounts.get(name), courses, now)
        for batch in batches:
            gathered.batch(batch)
        for record in fresh:
            gathered.record(record)
        shown = tuple(each for each in gathered.usage(currency) if _wanted(each, wanted, now))
        return CustomerUsage(account=name, customer_id=customer, period=month, meters=shown, totals=_totals(shown))

    def _customer(
        self, connection: Connection, customer_id: str | None, user_id: str | None, account: str | None
    ) -> tuple[str, str]:
        if (customer_id is None) == (user_id is None):
            raise UnknownCustomer("customer_id: name the customer by exactly one of customer_id and user_id")
        accounts = tuple(self._accounts) if account is None else (account,)
        customers, users = ([customer_id], []) if customer_id is not None else ([], [user_id or ""])
        parties = usage_records.parties(connection, accounts, customers, users)
        found = sorted({(each.account, each.customer_id) for each in parties})
        if len(found) != 1:
            named = customer_id if customer_id is not None else user_id
            known = "there is none" if not found else "it is " + ", ".join(f"{one} ({at})" for at, one in found)
            raise UnknownCustomer(f"{'customer_id' if customer_id is not None else 'user_id'}: {named!r}: {known}")
        return found[0]


class _Entry(msgspec.Struct, frozen=True):
    """Usage of one batch, or of one record that is in none: where it stands, how much, and its newest time and record."""

    state: str
    quantity: int
    at: datetime
    record_id: int


class Gathered:
    """Usage by meter and period, as batches and ungathered records come in."""

    def __init__(
        self, meters: Mapping[str, Meter], account: Account | None, courses: Sequence[Course], now: datetime
    ) -> None:
        self._meters, self._account, self._courses, self._now = meters, account, courses, now
        self._found: dict[tuple[str, datetime], list[_Entry]] = {}
        self._periods: dict[tuple[str, datetime], tuple[Period, str | None, int]] = {}

    def batch(self, batch: Batch) -> None:
        """Usage that was gathered already."""
        state = _STATE.get(batch.status, batch.status)
        period = Period(batch.period_start, batch.period_end)
        entry = _Entry(state, batch.quantity, batch.last_at, batch.last_record)
        self._add(batch.meter, period, batch.subscription_id, batch.late, entry)

    def record(self, record: Record) -> None:
        """Usage that is in no batch yet, counted as it will be."""
        way = known_way(self._meters.get(record.meter), self._account)
        where = counted(way, self._courses, record.at, self._now)
        subscription = where.course.subscription_id if where.course is not None else None
        entry = _Entry("unsent", record.quantity, record.at, record.id)
        self._add(record.meter, where.period, subscription, int(where.late), entry)

    def usage(self, currency: str | None) -> list[MeterUsage]:
        """What there is, by period and meter."""
        keys = sorted(self._found, key=lambda key: (key[1], key[0]))
        return [self._usage(key, currency) for key in keys if key[0] in self._meters]

    def _add(self, meter: str, period: Period, subscription: str | None, late: int, entry: _Entry) -> None:
        key = (meter, period.start)
        self._found.setdefault(key, []).append(entry)
        known = self._periods.get(key, (period, None, 0))
        end = period if period.end is not None else known[0]
        self._periods[key] = (end, subscription or known[1], late + known[2])

    def _usage(self, key: tuple[str, datetime], currency: str | None) -> MeterUsage:
        meter, entries = self._meters[key[0]], self._found[key]
        period, subscription, late = self._periods[key]
        course = next((each for each in self._courses if each.subscription_id == subscription), None)
        if period.end is None and course is not None:
            # Told before the renewal was known, and nothing after it.
            period = course.at(period.start) or period
        last = meter.aggregation == "last"
        quantity = _quantity([each for each in entries if each.state not in _NOT_BILLED], last=last)
        states = {state: _quantity([each for each in entries if each.state == state], last=last) for state in STATES}
        known = (course.currency if course is not None else None) or currency
        currencies = (
            meter.currencies() if known is None else tuple(each for each in meter.currencies() if each == known)
        )
        note = f"no price in {known}" if known is not None and meter.tiers and not currencies else None
        return MeterUsage(
            meter=meter.id, name=meter.name or meter.id, unit=meter.unit, scale=meter.scale,
            aggregation=meter.aggregation, period_start=period.start, period_end=period.end, subscription_id=subscription,
            quantity=quantity, late=late, states={name: each for name, each in states.items() if each},
            bills=tuple(bill(meter, quantity, each) for each in currencies), note=note,
        )  # fmt: skip


def month_named(text: str | None) -> Period | None:
    """The calendar month that `2026-11` names, in UTC. Raises `ConfigError`."""
    if text is None:
        return None
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1970 <= int(found[1]) < 9999:
        raise ConfigError(f"period: {text!r} is no month; write one as 2026-11")
    return month_of(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC))


def _wanted(usage: MeterUsage, wanted: Period | None, now: datetime) -> bool:
    period = Period(usage.period_start, usage.period_end)
    return period.holds(now) if wanted is None else wanted.holds(period.start)


def _quantity(entries: Collection[_Entry], *, last: bool) -> int:
    """The sum of usage, or its newest value."""
    if not last:
        return sum(each.quantity for each in entries)
    newest = max(entries, key=lambda each: (each.at, each.record_id, each.quantity), default=None)
    return 0 if newest is None else newest.quantity


def _totals(usage: Iterable[MeterUsage]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for each in usage:
        for found in each.bills:
            totals[found.currency] = totals.get(found.currency, 0) + found.amount
    return dict(sorted(totals.items()))
