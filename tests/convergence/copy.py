"""A local copy under test: the real inbox, worker and state over the stand-in's real API, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from reconcile.run import Options, accept, list_drift, reconcile
from service.merge import MERGED, merge
from service.model import Content, Snapshot
from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from service.settings import AccountSettings, Settings
from service.store import inbox, state
from service.store.inbox import Delivery
from service.store.tables import EVENTS, METADATA, STATE
from service.system import System
from service.worker import Worker

ACCOUNT = "stripe"


class Stage:
    """One socket for many histories: the stand-in behind it is exchanged for each."""

    def __init__(self) -> None:
        self.sandbox = StripeSandbox()
        self._serving: AbstractContextManager[str] = serving(self)
        self.url = self._serving.__enter__()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on to the stand-in of the present history."""
        await self.sandbox.app(scope, receive, send)

    def close(self) -> None:
        """Stop listening."""
        self._serving.__exit__(None, None, None)


class Copy:
    """The service's side, without HTTP in front: events go into the inbox as verified deliveries do."""

    def __init__(self, database_url: str, api_base: str, *, api_key: str | None = "sk_test_sandbox") -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        account = AccountSettings(
            name=ACCOUNT, provider="stripe", webhook_secrets=("whsec_test",), api_key=api_key, api_base=api_base,
            reads_per_second=1e6,
        )  # fmt: skip
        self.system = System(Settings(database_url=database_url, accounts=(account,)), clock=self._tick)
        self.provider = self.system.account(ACCOUNT).provider
        self.worker = Worker(self.system)

    def _tick(self) -> datetime:
        # A clock that stood still would never refill the read budget.
        self.now += timedelta(milliseconds=1)
        return self.now

    def clear(self) -> None:
        """An empty database again."""
        with self.system.database.write() as connection:
            for table in METADATA.tables.values():
                connection.execute(text(f"DELETE FROM {table.name}"))

    def deliver(self, bodies: Iterable[bytes], *, at_once: int = 7) -> None:
        """Store deliveries in this order, a few between two runs of the worker."""
        batch: list[bytes] = []
        for body in bodies:
            batch.append(body)
            if len(batch) == at_once:
                self._store(batch)
                batch = []
        self._store(batch)

    def settle(self) -> None:
        """Let the worker finish, waiting (on our clock) as long as something is parked."""
        for _ in range(20):
            self.worker.drain()
            if not self.open_events():
                return
            self.now += timedelta(seconds=3700)
        raise AssertionError(f"never settled: {self.open_events()}")

    def open_events(self) -> list[Any]:
        """Events that are neither applied nor ignored; a dead one is a failure at once."""
        query = select(EVENTS.c.type, EVENTS.c.status, EVENTS.c.reason, EVENTS.c.error)
        with self.system.database.read() as connection:
            rows = connection.execute(query.where(EVENTS.c.status.not_in(("applied", "ignored")))).all()
        assert not [row for row in rows if row.status == "dead"], rows
        return list(rows)

    def reconcile(self) -> dict[str, Any]:
        """One default run of the reconciler; its exit code and the number of its findings."""
        report = reconcile(self.system, Options())
        findings = sum(kind.drift for account in report.accounts for kind in account.kinds)
        errors = [account.error for account in report.accounts if account.error]
        return {"exit_code": report.exit_code, "findings": findings, "errors": errors, "report": report}

    def agree(self) -> None:
        """A person looks at what waits and agrees. Only a bare 404 may wait: a draft invoice whose delete event was lost."""
        for opened in list_drift(self.system):
            assert opened.finding.drift_class == "missing_remote", opened
            accept(self.system, opened.finding.id)

    def rows(self) -> dict[tuple[str, str], Content]:
        """The living rows of the copy with their content."""
        found: dict[tuple[str, str], Content] = {}
        with self.system.database.read() as connection:
            for kind, table in STATE.items():
                ids = connection.execute(select(table.c.id)).scalars().all()
                for key, row in state.load(connection, ACCOUNT, [(kind, id_) for id_ in ids]).items():
                    if row.deleted_at is None and row.content is not None:
                        found[key] = row.content
        return found

    def history_length(self) -> int:
        """The number of state changes so far."""
        with self.system.database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(text("state_change"))).scalar_one())

    def truth(self, *, eventless: bool) -> dict[tuple[str, str], Content]:
        """The rows that the provider's own lists make; without `eventless`, only what events tell of.

        Stripe announces an invoice payment when it is paid, not when it opens or is cancelled.
        """
        sources: dict[tuple[str, str], dict[str, Content]] = {}
        for snapshot in self._listed():
            if not eventless and snapshot.source == "invoice_payment" and snapshot.content()["status"] != "succeeded":
                continue
            sources.setdefault((snapshot.kind, snapshot.id), {})[snapshot.key] = snapshot.content()
        ordering = self.provider.ordering
        return {
            key: merge(contents, ordering) if key[0] in MERGED else next(iter(contents.values()))
            for key, contents in sources.items()
        }

    def close(self) -> None:
        """Give back the connections."""
        self.system.close()

    def _store(self, bodies: Sequence[bytes]) -> None:
        if not bodies:
            return
        self.now += timedelta(milliseconds=250)
        envelope = self.provider.envelope
        deliveries = [Delivery(account=ACCOUNT, envelope=envelope(body), payload=body) for body in bodies]
        with self.system.database.write() as connection:
            inbox.store(connection, deliveries, self.now)
        self.worker.drain()

    def _listed(self) -> Iterable[Snapshot]:
        reader = self.system.account(ACCOUNT).reader()
        for listing in self.provider.listings:
            cursor: str | None = None
            while True:
                page = reader.page(listing.source, cursor=cursor, since=None, until=None)
                yield from (snapshot for group in page.objects for snapshot in group)
                cursor = page.cursor
                if cursor is None:
                    break
