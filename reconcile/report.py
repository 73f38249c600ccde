"""What a reconcile found, healed and left: plain values, their JSON, and a summary for a terminal. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from reconcile.books import Books
from reconcile.money import Money, Sides, Sum

_LEFT: Final = frozenset({"needs_review", "held", "would_heal"})
MOST: Final = 5_000
"""Findings that a report spells out; the rest is counted, and kept in the table `drift`."""


class KindReport(msgspec.Struct, kw_only=True):
    """One pass. `confirmed` objects were equal, `drift` differed, `pending` have events under way or dead, `newer` were
    overtaken by an event; `pages` and `reads` are the API calls it took.
    """

    source: str
    kind: str
    status: str = "running"
    reason: str | None = None
    pages: int = 0
    reads: int = 0
    objects: int = 0
    confirmed: int = 0
    drift: int = 0
    healed: int = 0
    pending: int = 0
    newer: int = 0
    money: list[Sum] = []


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One finding as people read it. `cause` is the event that explains it, or `no event`."""

    id: int
    kind: str
    object_id: str
    drift_class: str = msgspec.field(name="class")
    field: str | None
    local: str | None
    remote: str | None
    cause: str
    action: str
    amount: int | None
    currency: str | None
    day: str | None
    url: str | None


class AccountReport(msgspec.Struct, kw_only=True):
    """One account's run. `status` is complete, partial, failed, refused or stopped.

    `run_id` is None where it did not come to a run, and where another goes on with it: refused, stopped, or no provider.

    `books` is the comparison with what the provider has booked, None where none was made. Its differences only warn.
    `money` is by UTC day and currency, `totals` by currency, of all objects that the run compared. `overrun`: a small sweep
    found more than it may look at. `open_calls` counts writes to this account without an outcome, by status.
    """

    account: str
    status: str
    run_id: int | None = None
    error: str | None = None
    full: bool = False
    dry_run: bool = False
    resumed: bool = False
    overrun: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    provider_time: datetime | None = None
    kinds: list[KindReport] = []
    by_class: dict[str, int] = {}
    by_day: dict[str, dict[str, int]] = {}
    by_action: dict[str, int] = {}
    at_stake: dict[str, int] = {}
    money: list[Money] = []
    totals: list[Money] = []
    books: Books | None = None
    findings: list[Line] = []
    omitted: int = 0
    open_calls: dict[str, int] = {}

    @property
    def left(self) -> int:
        """Findings that wait for a person, or that a dry run left alone."""
        return sum(count for action, count in self.by_action.items() if action in _LEFT)

    @property
    def exit_code(self) -> int:
        """0 well, 1 something needs a person, 2 could not run or finish."""
        if self.status != "complete":
            return 2
        return 1 if self.left or self.open_calls.get("needs_review") else 0


class Report(msgspec.Struct, kw_only=True):
    """All accounts of one call."""

    accounts: list[AccountReport]

    @property
    def exit_code(self) -> int:
        """The worst of its accounts."""
        return max((each.exit_code for each in self.accounts), default=0)

    def json(self) -> bytes:
        """One JSON document."""
        document = {"exit_code": self.exit_code, "accounts": [_plain(each) for each in self.accounts]}
        return msgspec.json.encode(document)


def count(report: AccountReport, tally: list[tuple[str, str, str, str, int]]) -> None:
    """Fill in the totals from (kind, class, action, day, findings)."""
    classes: Counter[str] = Counter()
    actions: Counter[str] = Counter()
    days: dict[str, Counter[str]] = {}
    for _, drift_class, action, day, number in tally:
        classes[drift_class] += number
        actions[action] += number
        days.setdefault(day or "unknown", Counter())[drift_class] += number
    report.by_class, report.by_action = dict(sorted(classes.items())), dict(sorted(actions.items()))
    report.by_day = {day: dict(sorted(days[day].items())) for day in sorted(days)}


def outcome(kinds: list[KindReport]) -> str:
    """How a run ended, from how its passes did."""
    # What is skipped could not be asked at all, or not sensibly: the rest of the run proves what it proves.
    statuses = {each.status for each in kinds if each.status != "skipped"}
    if statuses <= {"complete"}:
        return "complete"
    return "partial" if "complete" in statuses and "failed" not in statuses else "failed"


def unsettled(report: AccountReport) -> str | None:
    """Why a run has not caught up: it did not finish, or the brake holds what it found. None where it has. Pure."""
    if report.status != "complete":
        reasons = [each.reason for each in report.kinds if each.reason]
        return report.error or "; ".join(reasons) or report.status
    held = report.by_action.get("held", 0)
    return (
        f"the brake holds {held} findings: see the report, then reconcile with --full --max-changes" if held else None
    )


def amount_text(amount: int | None, currency: str | None) -> str:
    """Money for people: minor units, grouped, with their currency; empty where there is none."""
    return "" if amount is None or currency is None else f"{amount:,} {currency} (minor units)"


def summary(report: Report) -> Group:
    """The report for a terminal."""
    return Group(*(part for each in report.accounts for part in _account(each)))


def print_summary(report: Report, console: Console) -> None:
    """Print it."""
    console.print(summary(report))


def _account(report: AccountReport) -> list[Any]:
    run = f"run {report.run_id}" if report.run_id is not None else "no run"
    mode = " (dry run)" if report.dry_run else ""
    parts: list[Any] = [Text(f"{report.account}: {report.status}, {run}{mode}", style="bold")]
    if report.error:
        parts.append(Text(report.error, style="red"))
    if report.kinds:
        parts.append(_kinds(report))
    wrong = [each for each in report.money if not each.equal]
    parts += [_money(report.totals, "all days")] if report.totals else []
    parts += [_money(wrong, "days that differ")] if wrong else []
    parts += [_findings(report)] if report.findings else []
    parts += _books(report.books) if report.books is not None else []
    parts += [Text(each) for each in open_calls(report)]
    return [*parts, Text(_verdict(report))]


def _verdict(report: AccountReport) -> str:
    stake = ", ".join(amount_text(amount, currency) for currency, amount in report.at_stake.items())
    total = sum(report.by_class.values())
    if total == 0:
        return "No drift found." if report.status == "complete" else "No drift found in what could be read."
    actions = ", ".join(f"{number} {action}" for action, number in report.by_action.items())
    return f"{total} findings: {actions}." + (f" At stake: {stake}." if stake else "")


def _kinds(report: AccountReport) -> Table:
    table = Table("listing", "status", "objects", "confirmed", "drift", "healed", "pending", "calls", box=None)
    for each in report.kinds:
        numbers = (each.objects, each.confirmed, each.drift, each.healed, each.pending, each.pages + each.reads)
        status = each.status if each.reason is None else f"{each.status}: {each.reason}"
        table.add_row(each.source, Text(status), *(f"{number:,}" for number in numbers))
    return table


def money_lines(found: Iterable[Money]) -> list[tuple[str, str, str, Sides]]:
    """(day, currency, part, sums) of every part in which anything moved."""
    lines = ((each, part, sums) for each in found for part, sums in each.parts())
    return [(each.day or "", each.currency, part, sums) for each, part, sums in lines if sums != Sides()]


def _money(found: Iterable[Money], title: str) -> Table:
    table = Table(title, "currency", "money", "provider", "here before", "here now", "difference", box=None)
    for day, currency, part, sums in money_lines(found):
        numbers = (sums.provider, sums.before, sums.now, sums.difference)
        table.add_row(day, currency, part, *(f"{number:,}" for number in numbers))
    return table


def not_compared(books: Books) -> list[str]:
    """What the comparison with the provider's books left out, in sentences."""
    told = [
        f"{each.objects:,} objects are booked in {each.booked_in}, not {each.currency}: {each.amount:,} {each.currency}"
        " (minor units, net) not compared with the books."
        for each in books.exchanged
    ]
    unsettled = f"{books.unsettled:,} booked objects have not come to rest: not compared with the books yet."
    return [*told, unsettled] if books.unsettled else told


def open_calls(report: AccountReport) -> list[str]:
    """What is to be said about writes to the provider that have no outcome yet, in sentences."""
    waiting = ", ".join(f"{number} {status}" for status, number in report.open_calls.items() if number)
    return [f"Writes without an outcome: {waiting}; see `tallyhook calls list`."] if waiting else []


def _books(books: Books, most: int = 30) -> list[Any]:
    left_out: list[Any] = [Text(each) for each in not_compared(books)]
    if not books.differences:
        return left_out
    table = Table("not as booked", "currency", "money", "booked", "here now", "difference", box=None)
    for each in books.differences[:most]:
        numbers = (each.booked, each.here, each.difference)
        table.add_row(each.day, each.currency, each.part, *(f"{number:,}" for number in numbers))
    hidden = len(books.differences) - most
    if hidden > 0:
        table.add_row(f"and {hidden:,} more")
    warning = f"Warning: {len(books.differences):,} sums are not as the provider has booked them."
    return [table, *left_out, Text(warning, style="yellow")]


def _findings(report: AccountReport, most: int = 30) -> Table:
    table = Table("id", "class", "object", "field", "here", "provider", "cause", "action", box=None)
    for each in report.findings[:most]:
        cells = (each.drift_class, f"{each.kind} {each.object_id}", each.field, each.local, each.remote, each.cause)
        table.add_row(str(each.id), *(Text((cell or "")[:40]) for cell in cells), each.action)
    hidden = sum(report.by_class.values()) - min(len(report.findings), most)
    if hidden > 0:
        table.add_row("", Text(f"and {hidden} more"))
    return table


def _plain(report: AccountReport) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(report)
    for kind in plain["kinds"]:
        del kind["money"]  # what each pass has added to the account's own sums
    return plain | {"exit_code": report.exit_code}
