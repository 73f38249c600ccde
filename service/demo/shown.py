"""What the demo prints: a run of the reconciler, one table of all accounts, and one customer's timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconcile.report import AccountReport
from service import iso4217
from service.explain import Explanation
from service.sandbox.shop import added
from service.store.totals import Subscriber
from service.timeline import balance

_MONEY: Final = ("paid", "refunded")


def show_run(console: Console, report: AccountReport) -> None:
    """One account's run: what was compared, what differed by kind, and the money that was at stake."""
    compared, drift = sum(kind.objects for kind in report.kinds), differences(report)
    console.print(f"  {report.account}: {report.status}, {compared} objects and events compared, {drift} differ")
    differing = [kind for kind in report.kinds if kind.drift]
    if differing:
        told = ", ".join(f"{kind.drift} {kind.source}" for kind in differing)
        stake = ", ".join(iso4217.shown(amount, currency) for currency, amount in sorted(report.at_stake.items()))
        console.print(f"    found and healed: {told}; at stake: [yellow]{stake or 'no money'}[/]")


def differences(report: AccountReport) -> int:
    """How many findings a run had."""
    return sum(kind.drift for kind in report.kinds)


def show_subscribers(console: Console, subscribers: Sequence[Subscriber]) -> None:
    """Every account's customers in one vocabulary, and the sums of each account."""
    table = Table(
        title="Every customer, at every provider, in one vocabulary", title_justify="left", title_style="bold"
    )
    for name in ("account", "customer", "plan", "status", *_MONEY):
        table.add_column(name, justify="right" if name in _MONEY else "left")
    for account, group in groupby(subscribers, key=lambda each: each.account):
        of = list(group)
        for each in of:
            table.add_row(account, each.name, each.plan, _status(each), _sum([each.paid]), _sum([each.refunded]))
        alive = sum(each.status in ("active", "trialing", "past_due") for each in of)
        paid, refunded = (_sum(getattr(each, name) for each in of) for name in _MONEY)
        table.add_row(
            "", f"{len(of)} customers", "", f"{alive} subscribed", paid, refunded, style="bold", end_section=True
        )
    console.print(table)


def show_timeline(console: Console, found: Explanation) -> None:
    """One person's history over all accounts, without its smaller steps."""
    assert found.person is not None
    names = ", ".join([*found.person.emails, *(f"user {each}" for each in found.person.user_ids)])
    table = Table(title=f"tallyhook explain {found.asked}  ({names})", title_justify="left", title_style="bold")
    for name in ("day", "account", "what happened"):
        table.add_column(name)
    for each in found.timeline:
        if not each.minor:
            table.add_row(each.at.date().isoformat(), each.account, Text(each.told))
    sums = [iso4217.shown(words["paid"], currency) for currency, words in balance(found.timeline).items()]
    table.caption, table.caption_justify = f"paid in all: {' and '.join(sums)}", "left"
    console.print(table)


def _status(each: Subscriber) -> str:
    return (
        f"{each.status} until {each.cancels_at.date()}" if each.cancels_at and each.status != "ended" else each.status
    )


def _sum(sums: Iterable[dict[str, int]]) -> str:
    total = added([entry for each in sums for entry in each.items()])
    return "\n".join(iso4217.shown(amount, currency) for currency, amount in total.items()) or "-"
