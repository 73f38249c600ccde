"""Reconcile runs: who runs, how far each kind got, what is proven, and whose key it was. Findings are in `store.drift`."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Table, bindparam, insert, select, text, update

from service.errors import OtherAccount, RunRefused
from service.store import bulk
from service.store.run_tables import AccountIdentity, ReconcileLedger, ReconcileRun, Watermark
from service.store.tables import table

RUNS: Final[Table] = table(ReconcileRun)
LEDGER: Final[Table] = table(ReconcileLedger)
MARKS: Final[Table] = table(Watermark)
IDENTITIES: Final[Table] = table(AccountIdentity)
ALIVE_SECONDS: Final = 90
EVENTS: Final = "events"
USAGE: Final = "usage"
BOOKS: Final = "books"
BESIDE: Final = frozenset({EVENTS, USAGE, BOOKS})
"""What a run has a ledger and a watermark of beside its listings."""
# Made once: to build it takes several times as long as to execute it, and each listing executes it more than once.
_BEAT: Final = (
    update(RUNS)
    .where(RUNS.c.id == bindparam("run"), RUNS.c.holder == bindparam("us"), RUNS.c.status == "running")
    .values(heartbeat_at=bindparam("moment"))
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run in our hands. `resumed` says that another process began it and died."""

    id: int
    account: str
    holder: str
    started_at: datetime
    resumed: bool = False


class Entry(msgspec.Struct, kw_only=True):
    """The ledger of one (run, kind). `progress` names the file that holds what the sweep has seen so far."""

    kind: str
    status: str
    reason: str | None = None
    cursor: str | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    started_as_of: datetime | None = None
    objects: int = 0
    pages: int = 0
    progress: str | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind is known to be true up to; `slice` is the next night's share of the rows that are not due otherwise."""

    complete_until: datetime
    confirmed_as_of: datetime
    slice: int = 0
    full_at: datetime | None = None


def start(
    connection: Connection, account: str, holder: str, now: datetime, *, options: str, dry_run: bool, full: bool,
    whole: bool, origin: str = "command",
) -> Run:  # fmt: skip
    """A new run, or a dead one of the same options taken over; raises `RunRefused` while another is alive.

    Two starts at once: the lock lets one look at a time, and the second sees the first one's row.
    """
    _lock(connection, account)
    for row in _running(connection, account):
        if row.heartbeat_at > now - timedelta(seconds=ALIVE_SECONDS):
            raise RunRefused(
                f"run {row.id} of account {account!r} is active (held by {row.holder}, last heard of at"
                f" {row.heartbeat_at.isoformat()}); wait for it, or for {ALIVE_SECONDS} s after it died"
            )
        if row.options == options:
            _take_over(connection, row.id, holder, now)
            return Run(id=row.id, account=account, holder=holder, started_at=row.started_at, resumed=True)
        values = {"status": "failed", "finished_at": now}
        connection.execute(update(RUNS).where(RUNS.c.id == row.id).values(**values))
    values = {"account": account, "status": "running", "started_at": now, "heartbeat_at": now, "holder": holder}
    values |= {"dry_run": dry_run, "full": full, "whole": whole, "origin": origin, "options": options}
    found = connection.execute(insert(RUNS).values(**values).returning(RUNS.c.id)).scalar_one()
    return Run(id=found, account=account, holder=holder, started_at=now)


def beat(connection: Connection, run: Run, now: datetime) -> None:
    """Say that the run lives; raises `RunRefused` (stop!) when another process has taken it over."""
    if connection.execute(_BEAT, {"run": run.id, "us": run.holder, "moment": now}).rowcount == 0:
        raise RunRefused(f"run {run.id} of account {run.account!r} was taken over by another process; stopped here")


def release(connection: Connection, run: Run, now: datetime) -> None:
    """Let the next run of the same options take this one over at once, as if its holder had died long ago."""
    ours = (RUNS.c.id == run.id) & (RUNS.c.holder == run.holder)
    connection.execute(update(RUNS).where(ours).values(heartbeat_at=now - timedelta(seconds=ALIVE_SECONDS)))


def finish(connection: Connection, run: Run, status: str, report: str, now: datetime) -> None:
    """Close the run with its report; raises `RunRefused` when it is no longer ours."""
    beat(connection, run, now)
    values = {"status": status, "finished_at": now, "report": report}
    connection.execute(update(RUNS).where(RUNS.c.id == run.id).values(**values))


def record_identity(connection: Connection, account: str, provider: str, identity: str, now: datetime) -> None:
    """Record whose key it is; raises `OtherAccount` if it belonged to another provider account before."""
    require_identity(connection, account, provider, identity)
    values = {"account": account, "provider": provider, "provider_account": identity, "seen_at": now}
    bulk.upsert(connection, IDENTITIES, [values], columns=tuple(values))


def require_identity(connection: Connection, account: str, provider: str, identity: str) -> None:
    """Return unless the account's rows came from another provider account; else raise `OtherAccount`."""
    query = select(IDENTITIES.c.provider_account, IDENTITIES.c.provider).where(IDENTITIES.c.account == account)
    known = connection.execute(query).one_or_none()
    if known is not None and (known.provider_account, known.provider) != (identity, provider):
        raise OtherAccount(
            f"the key of account {account!r} belongs to {provider} account {identity}, but its rows came from"
            f" {known.provider} account {known.provider_account}; put the old key back, or use a new account name"
        )


def entries(connection: Connection, run_id: int) -> dict[str, Entry]:
    """The ledger of a run so far, by kind."""
    columns = [LEDGER.c[name] for name in Entry.__struct_fields__]
    query = select(*columns).where(LEDGER.c.run_id == run_id)
    return {row.kind: Entry(**row._mapping) for row in connection.execute(query)}


def save_entry(connection: Connection, run: Run, entry: Entry) -> None:
    """Write one kind's ledger."""
    values = msgspec.structs.asdict(entry) | {"run_id": run.id, "account": run.account}
    bulk.upsert(connection, LEDGER, [values], columns=tuple(values))


def marks(connection: Connection, account: str) -> dict[str, Mark]:
    """The watermarks of an account, by source (and `events`)."""
    columns = [MARKS.c[name] for name in Mark.__struct_fields__]
    query = select(MARKS.c.kind, *columns).where(MARKS.c.account == account)
    return {row[0]: Mark(**{k: v for k, v in row._mapping.items() if k != "kind"}) for row in connection.execute(query)}


def move(connection: Connection, run: Run, kind: str, mark: Mark) -> None:
    """Set a watermark."""
    values = msgspec.structs.asdict(mark) | {"account": run.account, "kind": kind, "run_id": run.id}
    bulk.upsert(connection, MARKS, [values], columns=tuple(values))


def _running(connection: Connection, account: str) -> Any:
    query = select(RUNS).where(RUNS.c.account == account, RUNS.c.status == "running").order_by(RUNS.c.id.desc())
    return connection.execute(query).all()


def _take_over(connection: Connection, run_id: int, holder: str, now: datetime) -> None:
    connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(holder=holder, heartbeat_at=now))


def _lock(connection: Connection, account: str) -> None:
    """One start of an account at a time. SQLite's write transactions are one at a time anyway."""
    if connection.dialect.name != "postgresql":
        return
    packed = hashlib.blake2b(f"run\0{account}".encode(), digest_size=8).digest()
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int.from_bytes(packed, signed=True)})
