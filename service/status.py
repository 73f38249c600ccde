"""Status: does anything need a person? Gathered from the database alone, so that it answers while a provider does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection

from service.account import Account, Accounts
from service.moments import age, clock
from service.store import calls, history, outages, usage_decisions
from service.store.engine import Database
from service.store.history import Record
from service.store.outages import Unfinished

OVERDUE: Final = timedelta(hours=26)
# By then a catch-up that finds the provider answering has long ended.
PATIENCE: Final = timedelta(hours=1)


class AccountStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One configured account. `last_complete_run` is when its last reconcile run of every kind ended, None for never."""

    name: str
    provider: str
    mode: str | None
    api_key: bool
    paused: bool
    last_complete_run: datetime | None
    overdue: bool


class OpenOutage(Unfinished, frozen=True, kw_only=True):
    """An outage of a configured account. `hindered` is why nobody may catch up on it, None where somebody may."""

    hindered: str | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The service at one moment. `attention` says in words what needs a person; empty is well."""

    at: datetime
    accounts: tuple[AccountStatus, ...]
    inbox: dict[str, int]
    oldest_waiting: datetime | None
    dead: int
    open_drift: int
    calls: dict[str, int]
    usage: dict[str, int]
    outages: tuple[OpenOutage, ...]
    heartbeats: tuple[Record, ...]
    attention: tuple[str, ...]


def gather(database: Database, accounts: Accounts) -> Status:
    """The present status."""
    now = database.now()
    with database.read() as connection:
        inbox = history.counts(connection)
        shown = tuple(_account(connection, account, now) for account in accounts.by_name.values())
        oldest = history.oldest_waiting(connection)
        drift = len(history.drift(connection))
        open_calls = calls.counts(connection)
        told = usage_decisions.counts(connection, now)
        unfinished = tuple(open_outages(connection, accounts))
        beats = tuple(history.heartbeats(connection))
    dead = inbox.get("dead", 0)
    return Status(
        at=now, accounts=shown, inbox=inbox, oldest_waiting=oldest, dead=dead, open_drift=drift, calls=open_calls, usage=told,
        outages=unfinished, heartbeats=beats,
        attention=(
            *_attention(dead, drift, shown, now), *unsettled(open_calls), *untold(told),
            *(each for _, each in neglected(unfinished, now)),
        ),
    )  # fmt: skip


def open_outages(connection: Connection, accounts: Accounts) -> list[OpenOutage]:
    """The outages on which no run has caught up yet. Accounts that are configured no more have nobody to catch up."""
    found = outages.unfinished(connection)
    return [
        OpenOutage(**msgspec.structs.asdict(each), hindered=_hindrance(account))
        for each in found
        if (account := accounts.by_name.get(each.account)) is not None
    ]


def neglected(found: Iterable[OpenOutage], now: datetime) -> list[tuple[str, str]]:
    """(account, what to do) of each account whose catch-up should have ended by now. Pure."""
    late: dict[str, OpenOutage] = {}
    for each in found:
        if each.hindered is None and now - each.ended_at > PATIENCE:
            late.setdefault(each.account, each)
    return [
        (name, f"account {name}: {outage(each)}; run `tallyhook reconcile --account {name} --full`")
        for name, each in late.items()
    ]


def _hindrance(account: Account) -> str | None:
    if account.settings.paused:
        return "the account is paused"
    return None if account.readable else "the account has no API key"


def unsettled(open_calls: Mapping[str, int]) -> list[str]:
    """What to do about writes to providers that a person has to look at. Pure."""
    count = open_calls["needs_review"]
    if not count:
        return []
    return [f"{count} writes to a provider may have been done or not: see `tallyhook calls list --status needs_review`"]


def untold(found: Mapping[str, int]) -> list[str]:
    """What to do about usage that the providers don't have, or may not have. Pure."""
    sentences = {
        "rejected": "batches of usage were refused by a provider",
        "needs_review": "batches of usage may have been told or not",
        "overdue": "batches of usage should have been told over an hour ago (does a worker run?)",
    }
    return [
        f"{found[name]} {text}: see `tallyhook batches list`" for name, text in sentences.items() if found.get(name)
    ]


def outage(found: OpenOutage) -> str:
    """An outage in a sentence. Pure."""
    span = f"events between {clock(found.began_at)} and {clock(found.ended_at)} may be missing"
    if found.hindered is not None:
        return f"{span}; {found.hindered}, so no run catches up"
    if not found.attempts:
        return f"{span}, and no catch-up has begun (does a worker run?)"
    why = f": {found.error}" if found.error else ", the last one under way or dead"
    return f"{span} after {found.attempts} attempts to catch up{why}"


def _account(connection: Connection, account: Account, now: datetime) -> AccountStatus:
    run = history.last_complete(connection, account.name)
    ended: datetime | None = (run["finished_at"] or run["started_at"]) if run else None
    # An account that was never reconciled is overdue once it has been in use for as long.
    reference = ended or history.first_received(connection, account.name)
    overdue = reference is not None and now - reference > OVERDUE
    return AccountStatus(
        name=account.name,
        provider=account.settings.provider,
        mode=account.mode,
        api_key=account.readable,
        paused=account.settings.paused,
        last_complete_run=ended,
        overdue=overdue and account.readable and not account.settings.paused,
    )


def _attention(dead: int, drift: int, accounts: tuple[AccountStatus, ...], now: datetime) -> list[str]:
    found = []
    if dead:
        found.append(f"{dead} dead events: see `tallyhook failures`, then replay or dismiss them")
    if drift:
        found.append(f"{drift} differences need review: see `tallyhook drift list`")
    for account in accounts:
        if account.overdue:
            last = account.last_complete_run
            when = (
                f"its last complete run ended {age(now - last)} ago" if last else "it was never reconciled completely"
            )
            found.append(f"account {account.name}: {when}; run `tallyhook reconcile --account {account.name}`")
    return found
