"""Our side of a shop at any provider: the real inbox, worker and reconciler over the stand-in's real API."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from reconcile.money import Money
from reconcile.plan import Options
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service.sandbox.delivery import Delivery as Sent
from service.sandbox.server import serving
from service.settings import AccountSettings, Settings
from service.store import inbox
from service.store.inbox import Delivery
from service.store.tables import EVENTS, METADATA
from service.system import System
from service.worker import Worker
from tests.reconcile.shops import Books, Sandbox

_SQL = {
    "charged": "SELECT id, paid_at, currency, amount_paid FROM payment WHERE status = 'succeeded' AND paid_at IS NOT NULL"
    " AND receipt_of IS NULL",
    "refunded": "SELECT p.id, coalesce(r.created_at, p.paid_at), r.currency, r.amount FROM refund r"
    " LEFT JOIN payment p ON p.account = r.account AND p.id = r.payment_id"
    " WHERE r.status = 'succeeded' AND p.receipt_of IS NULL",
    "disputed": "SELECT id, created_at, currency, amount FROM dispute WHERE status IN ('needs_response', 'under_review', 'lost')",
    "credited": "SELECT id, created_at, currency, amount FROM credit_note WHERE status = 'issued'",
}


class Counter:
    """One account of one provider, whose stand-in is exchanged for each history behind one socket."""

    def __init__(self, provider: str, database_url: str) -> None:
        self.provider, self.sandbox = provider, None
        self._serving: AbstractContextManager[str] = serving(self)
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        entry = AccountSettings(
            name=provider, provider=provider, webhook_secrets=("secret_of_ours",), api_key=_KEYS[provider],
            api_base=self._serving.__enter__(), reads_per_second=1e6,
        )  # fmt: skip
        self.system = System(Settings(database_url=database_url, accounts=(entry,)), clock=self._tick)
        self.worker = Worker(self.system)

    sandbox: Sandbox | None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on to the stand-in of the present history."""
        assert self.sandbox is not None
        await self.sandbox.app(scope, receive, send)

    def _tick(self) -> datetime:
        # A clock that stood still would never refill the read budget.
        self.now += timedelta(milliseconds=1)
        return self.now

    def open(self, sandbox: Sandbox) -> None:
        """Begin another history with an empty copy."""
        self.sandbox = sandbox
        with self.system.database.write() as connection:
            for table in METADATA.tables.values():
                connection.execute(text(f"DELETE FROM {table.name}"))

    def deliver(self, sent: Sequence[Sent]) -> None:
        """Store these deliveries and let the worker finish, waiting (on our clock) as long as something is parked."""
        envelope = self.system.account(self.provider).provider.envelope
        got = [Delivery(account=self.provider, envelope=envelope(each.body), payload=each.body) for each in sent]
        with self.system.database.write() as connection:
            inbox.store(connection, got, self.now)
        for _ in range(20):
            self.worker.drain()
            if not self._open():
                return
            self.now += timedelta(seconds=3700)
        raise AssertionError("never settled")

    def run(self, **options: Any) -> AccountReport:
        """One reconcile, five minutes later."""
        self.now += timedelta(seconds=300)
        return reconcile(self.system, Options(**options)).accounts[0]

    def sums(self, *, without: Collection[str] = ()) -> Books:
        """What a person sums up in SQL, as docs/reconcile.md tells; `without` are payments that are known to be receipts."""
        found: Books = {}
        with self.system.database.read() as connection:
            for part, statement in _SQL.items():
                for id_, moment, currency, amount in connection.execute(text(statement)):
                    if id_ in without:
                        continue
                    parts = found.setdefault((_utc_day(moment), currency), {})
                    parts[part] = parts.get(part, 0) + amount
        kept = {key: {part: amount for part, amount in parts.items() if amount} for key, parts in found.items()}
        return {key: parts for key, parts in kept.items() if parts}

    def close(self) -> None:
        """Give back the connections and the socket."""
        self.system.close()
        self._serving.__exit__(None, None, None)

    def _open(self) -> bool:
        query = select(EVENTS.c.id).where(EVENTS.c.status.not_in(("applied", "ignored"))).limit(1)
        with self.system.database.read() as connection:
            return connection.execute(query).first() is not None


def shown(money: Sequence[Money], side: str) -> Books:
    """One side (`provider`, `before`, `now`) of a report's days."""
    found: Books = {}
    for each in money:
        parts = {part: getattr(sums, side) for part, sums in each.parts() if part != "net" and getattr(sums, side)}
        if parts:
            found[each.day or "", each.currency] = parts
    return found


_KEYS = {"stripe": "sk_test_sandbox", "paddle": "pdl_sdbx_apikey_sandbox", "lemonsqueezy": "lsq_sandbox_key"}


def _utc_day(moment: Any) -> str:
    return moment[:10] if isinstance(moment, str) else moment.astimezone(UTC).date().isoformat()
