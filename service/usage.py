"""Usage as an application reports it: recorded durably, once for each idempotency key, before anything is told to a provider."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import msgspec
from sqlalchemy import Connection

from service.billing_provider import Recorded
from service.errors import UnknownCustomer, UnknownMeter, UsageConflict, UsageError, UsageRefused
from service.meters import Meter
from service.store import usage_records
from service.store.engine import Database
from service.store.usage_records import Party, Record
from service.usage_periods import OLDEST

AHEAD: Final = timedelta(minutes=5)
MOST_AT_ONCE: Final = 10_000
_KEY_LENGTH: Final = 255


class UsageReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an application reports. Name the customer by the provider's id, or by the application's own `user_id`.

    `quantity` counts 10^-`scale` of the meter's unit. `at` is when it was used (now, if None). `account` is needed only where
    the copy has the customer, or the user's customers, in several accounts.
    """

    meter: str
    quantity: int
    idempotency_key: str
    customer_id: str | None = None
    user_id: str | None = None
    at: datetime | None = None
    account: str | None = None


Outcome: TypeAlias = Recorded | UsageError


class Usage:
    """Records usage. Safe to share between threads. `accounts` are the names of those that are configured."""

    def __init__(self, database: Database, meters: Mapping[str, Meter], accounts: Collection[str]) -> None:
        self._database = database
        self._meters = meters
        self._accounts = tuple(accounts)

    def report(self, report: UsageReport) -> Recorded:
        """Record one report; durable when this returns.

        Raises:
            UnknownMeter, UnknownCustomer, UsageRefused, UsageConflict: see `service.errors`; nothing was recorded.
        """
        outcome = self.report_many([report])[0]
        if isinstance(outcome, UsageError):
            raise outcome
        return outcome

    def report_many(self, reports: Sequence[UsageReport]) -> list[Outcome]:
        """Record many reports in one transaction: what became of each, in order. One that is refused spoils no other.

        The same key twice among them counts once, or is a conflict. Raises `UsageRefused` for more than 10,000 at once.
        """
        if len(reports) > MOST_AT_ONCE:
            raise UsageRefused("records", f"at most {MOST_AT_ONCE} at once, these are {len(reports)}")
        now = self._database.now()
        outcomes: dict[int, Outcome] = {}
        sound: dict[int, UsageReport] = {}
        for index, report in enumerate(reports):
            fault = self._fault(report, now)
            if fault is None:
                sound[index] = report
            else:
                outcomes[index] = fault
        with self._database.write() as connection:
            directory = Directory(connection, self._accounts, list(sound.values()), self._meters)
            records = {index: directory.record(report, now) for index, report in sound.items()}
            outcomes |= {index: each for index, each in records.items() if isinstance(each, UsageError)}
            wanted = {index: each for index, each in records.items() if isinstance(each, Record)}
            first = {(each.account, each.idempotency_key): each for each in reversed(wanted.values())}
            added = usage_records.add(connection, list(first.values()), now)
            stored = usage_records.by_keys(connection, [key for key in first if key not in added])
        for index, record in wanted.items():
            key = (record.account, record.idempotency_key)
            new = key in added and first[key] is record
            held = stored.get(key) or msgspec.structs.replace(first[key], id=added[key])
            outcomes[index] = _outcome(held, record, reports[index], new=new)
        return [outcomes[index] for index in range(len(reports))]

    def _fault(self, report: UsageReport, now: datetime) -> UsageError | None:
        """What is wrong with a report before anything is looked up."""
        meter = self._meters.get(report.meter)
        if meter is None:
            known = ", ".join(self._meters) or "none is configured"
            return UnknownMeter(f"meter: there is no meter {report.meter!r}; known: {known}")
        for check in (
            _key_fault(report.idempotency_key),
            _quantity_fault(meter, report.quantity),
            _time_fault(report.at, now),
        ):
            if check is not None:
                return check
        if report.account is not None and report.account not in self._accounts:
            return UnknownCustomer(
                f"account: there is no account {report.account!r}; known: {', '.join(self._accounts)}"
            )
        if (report.customer_id is None) == (report.user_id is None):
            return UnknownCustomer("customer_id: name the customer by exactly one of customer_id and user_id")
        return None


class Directory:
    """Finds the customers that reports name, in a few queries however many those are, and what their keys stood for before."""

    def __init__(
        self,
        connection: Connection,
        accounts: Sequence[str],
        reports: Sequence[UsageReport],
        meters: Mapping[str, Meter],
    ) -> None:
        self._meters = meters
        customers = sorted({each.customer_id for each in reports if each.customer_id is not None})
        users = sorted({each.user_id for each in reports if each.user_id is not None})
        self._customers: dict[str, list[Party]] = {}
        self._users: dict[str, list[Party]] = {}
        for party in usage_records.parties(connection, accounts, customers, users):
            _add(self._customers, party.customer_id, party)
            if party.user_id is not None:
                _add(self._users, party.user_id, party)
        # A key that was used once stands for that customer, though the user may have others by now.
        open_keys = [
            (account, each.idempotency_key) for each in reports if each.account is None for account in accounts
        ]
        held = usage_records.by_keys(connection, open_keys) if len(accounts) > 1 else {}
        self._held = {key: record for (_, key), record in held.items()}

    def record(self, report: UsageReport, now: datetime) -> Record | UnknownCustomer:
        """The report as a record of one customer of one account."""
        named = report.customer_id if report.customer_id is not None else report.user_id
        found = (self._customers if report.customer_id is not None else self._users).get(named or "", [])
        parties = {(each.account, each.customer_id) for each in found if report.account in (None, each.account)}
        held = self._held.get(report.idempotency_key)
        if report.account is None and held is not None and (held.account, held.customer_id) in parties:
            parties = {(held.account, held.customer_id)}
        if len(parties) > 1:
            # A user may be a customer elsewhere too, where this meter is not told.
            told = {each for each in parties if each[0] in self._meters[report.meter].send}
            parties = told if len(told) == 1 else parties
        if len(parties) != 1:
            return UnknownCustomer(_unfound(report, named, sorted(parties)))
        account, customer_id = parties.pop()
        return Record(
            account=account, customer_id=customer_id, meter=report.meter, quantity=report.quantity,
            idempotency_key=report.idempotency_key, at=_utc(report.at) or now,
        )  # fmt: skip


def _outcome(held: Record, wanted: Record, report: UsageReport, *, new: bool) -> Outcome:
    same = (held.customer_id, held.meter, held.quantity) == (wanted.customer_id, wanted.meter, wanted.quantity)
    # Without a time of its own a report means "now", whenever it is repeated.
    if not same or (report.at is not None and held.at != wanted.at):
        return UsageConflict(
            f"idempotency_key: {held.idempotency_key!r} stands for {held.quantity} of meter {held.meter!r} by customer"
            f" {held.customer_id!r} at {held.at.isoformat()}; use a new key for other usage"
        )
    stored = {name: getattr(held, name) for name in Record.__struct_fields__}
    return Recorded(status="recorded" if new else "duplicate", **stored)


def _unfound(report: UsageReport, named: str | None, parties: Sequence[tuple[str, str]]) -> str:
    field = "customer_id" if report.customer_id is not None else "user_id"
    where = "" if report.account is None else f" in account {report.account!r}"
    if not parties:
        return (
            f"{field}: the copy has no {'customer' if field == 'customer_id' else 'customer of user'} {named!r}{where}"
        )
    known = ", ".join(f"{customer} ({account})" for account, customer in parties)
    return f"{field}: {named!r} is {known}; say which by account{'' if field == 'customer_id' else ' or customer_id'}"


def _key_fault(key: str) -> UsageRefused | None:
    if 0 < len(key) <= _KEY_LENGTH and key.isprintable():
        return None
    return UsageRefused("idempotency_key", f"expected 1 to {_KEY_LENGTH} printable characters")


def _quantity_fault(meter: Meter, quantity: int) -> UsageRefused | None:
    if type(quantity) is not int or quantity < 0:
        return UsageRefused("quantity", f"expected a whole number from 0, counted in 10^-{meter.scale} {meter.unit}")
    if quantity > meter.largest:
        return UsageRefused(
            "quantity", f"{quantity} is more than one record of meter {meter.id!r} may hold ({meter.largest})"
        )
    return None


def _time_fault(at: datetime | None, now: datetime) -> UsageRefused | None:
    if at is None:
        return None
    if at.tzinfo is None:
        return UsageRefused("at", "expected a time with its zone")
    if at < now - OLDEST:
        return UsageRefused("at", f"older than {OLDEST.days} days: no provider would bill it as of then")
    return UsageRefused("at", "more than five minutes ahead") if at > now + AHEAD else None


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


def _add(index: dict[str, list[Party]], key: str, party: Party) -> None:
    index.setdefault(key, []).append(party)
