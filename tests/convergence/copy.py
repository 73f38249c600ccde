"""A local copy under test: the real inbox, worker and state over the stand-in's real API, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

import httpx
from sqlalchemy import event, func, select, text

from reconcile.plan import Options
from reconcile.report import AccountReport
from reconcile.run import accept, list_drift, reconcile
from service.merge import MERGED, merge
from service.model import Content, Kind, Snapshot
from service.sandbox.edge import Call
from service.settings import AccountSettings, Settings
from service.store import derived, inbox, receipts, state
from service.store.inbox import Delivery
from service.store.tables import EVENTS, METADATA, STATE
from service.system import System
from service.worker import Worker
from tests.convergence.business import SECRET, Business, Money
from tests.reconcile.world import Unlimited

B = TypeVar("B", bound=Business)
Key = tuple[Kind, str]
Rows = dict[Key, Content]
_MOVED = (
    "SELECT currency, sum(amount_paid), sum(amount_refunded) FROM payment"
    " WHERE status = 'succeeded' AND receipt_of IS NULL AND deleted_at IS NULL GROUP BY currency"
)


class Stage:
    """Where the API is for many histories: the business behind it is exchanged for each.

    Requests are answered where httpx would send them, since a socket for each would cost more than all the rest; that the
    adapters read over real sockets is tested elsewhere.
    """

    url = "http://standin.test"

    def __init__(self) -> None:
        self.business: Business | None = None
        self.meanwhile: Callable[[], object] | None = None
        """What happens once, between the next answer and its arrival."""

    def answer(self, _transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        """What `httpx.HTTPTransport.handle_request` does, by the stand-in of the present history."""
        assert self.business is not None
        path, _, query = request.url.raw_path.decode().partition("?")
        call = Call(request.method, unquote(path), query, dict(request.headers.items()), request.read())
        answer = self.business.standin.exchange(call)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)


class Copy(Generic[B]):
    """The service's side, without HTTP in front: events go into the inbox as verified deliveries do."""

    def __init__(self, database_url: str, stage: Stage, kind: type[B], *, keyless: bool = False) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.stage, self.kind, self.account = stage, kind, kind.provider
        entry = AccountSettings(
            name=self.account, provider=kind.provider, webhook_secrets=(SECRET,), api_base=stage.url,
            api_key=None if keyless else kind.API_KEY,
        )  # fmt: skip
        self.system = System(Settings(database_url=database_url, accounts=(entry,)), clock=self._tick)
        self.system.account(self.account).budget = Unlimited()
        self.provider = self.system.account(self.account).provider
        self.worker = Worker(self.system)
        self.told: list[bytes] = []
        event.listen(self.system.database.engine, "connect", self._hurry)

    def _hurry(self, connection: Any, _record: object) -> None:
        """No test here pulls the plug, so none waits for the disk."""
        name = "SET synchronous_commit = off" if self.system.database.postgres else "PRAGMA synchronous = OFF"
        connection.execute(name)
        if self.system.database.postgres:
            connection.commit()

    def _tick(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def begin(self) -> B:
        """A fresh account at the stand-in behind the socket, and an empty copy of it."""
        self.clear()
        self.stage.business = business = self.kind()
        return business

    def clear(self) -> None:
        """An empty database again."""
        self.told = []
        # Faster than TRUNCATE, which makes new files.
        emptied = [f"DELETE FROM {table.name}" for table in METADATA.tables.values()]
        with self.system.database.write() as connection:
            for statement in ["; ".join(emptied)] if self.system.database.postgres else emptied:
                connection.exec_driver_sql(statement)

    def deliver(self, bodies: Iterable[bytes], *, at_once: int = 7) -> None:
        """Store deliveries in this order, a few between two runs of the worker."""
        batch: list[bytes] = []
        for body in bodies:
            batch.append(body)
            if len(batch) == at_once:
                self.store(batch)
                self.worker.drain()
                batch = []
        self.store(batch)
        self.worker.drain()

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

    def reconcile(self, *, full: bool = True) -> AccountReport:
        """One run of the reconciler, which must come to its end."""
        (report,) = reconcile(self.system, Options(full=full)).accounts
        assert (report.status, report.error) == ("complete", None), report.kinds
        return report

    def agree(self) -> None:
        """A person looks at what waits and agrees. Only a bare 404 may wait: a draft invoice whose delete event was lost."""
        for opened in list_drift(self.system):
            assert opened.finding.drift_class == "missing_remote", opened
            accept(self.system, opened.finding.id)

    def rows(self) -> Rows:
        """The living rows of the copy with their content."""
        found: Rows = {}
        with self.system.database.read() as connection:
            for kind, table in STATE.items():
                ids = connection.execute(select(table.c.id)).scalars().all()
                for key, row in state.load(connection, self.account, [(kind, id_) for id_ in ids]).items():
                    if row.deleted_at is None and row.content is not None:
                        found[key] = row.content
        return found

    def deliveries(self) -> list[int]:
        """How often each stored event has come."""
        with self.system.database.read() as connection:
            return list(connection.execute(select(EVENTS.c.deliveries)).scalars())

    def money(self) -> Money:
        """What the copy says has moved; receipts don't count, their money is in other rows."""
        with self.system.database.read() as connection:
            moved = connection.execute(text(_MOVED)).all()
        return {code: (int(paid or 0), int(back or 0)) for code, paid, back in moved if paid or back}

    def underived(self) -> list[dict[str, Any]]:
        """Derived columns that don't follow from their rows: none, whatever was delivered."""
        with self.system.database.read() as connection:
            return derived.check(connection, self.account) + receipts.check(connection, self.account)

    def written(self) -> tuple[Any, ...]:
        """All that a run which finds nothing must leave as it was."""
        with self.system.database.read() as connection:
            counts = [
                connection.execute(select(func.count()).select_from(text(name))).scalar_one()
                for name in ("state_change", "webhook_event")
            ]
            versions = [
                connection.execute(select(table.c.id, table.c.as_of, table.c.sources).order_by(table.c.id)).all()
                for table in STATE.values()
            ]
        return counts, versions, self.rows()

    def truth(self) -> Rows:
        """The rows that the provider's own lists make, with what only the delivered events could tell."""
        return self._made(self._listed())

    def told_truth(self) -> tuple[Rows, set[Key]]:
        """The same as far as events have told, and the rows of which none has."""
        assert self.stage.business is not None
        untold, listed = self.stage.business.untold(), list(self._listed())
        told = self._made(each for each in listed if not untold(each))
        every: set[Key] = {(each.kind, each.id) for each in listed}
        return told, every - told.keys()

    def close(self) -> None:
        """Give back the connections."""
        self.system.close()

    def _made(self, listed: Iterable[Snapshot]) -> Rows:
        sources: dict[Key, dict[str, Content]] = {}
        for snapshot in listed:
            sources.setdefault((snapshot.kind, snapshot.id), {})[snapshot.key] = snapshot.content()
        self._add_told(sources)
        ordering = self.provider.ordering
        return {
            key: merge(contents, ordering) if key[0] in MERGED else next(iter(contents.values()))
            for key, contents in sources.items()
        }

    def _add_told(self, sources: dict[Key, dict[str, Content]]) -> None:
        """What no list shows: fields that only events carry, and attempts to pay that failed."""
        ordering = self.provider.ordering
        for body in self.told if ordering.sticky or ordering.attempts else ():
            for snapshot in self.provider.map(body).snapshots:
                contents, said = sources.get((snapshot.kind, snapshot.id)), snapshot.content()
                if contents is None:
                    continue
                if snapshot.source in ordering.attempts:
                    contents.setdefault(snapshot.key, said)
                if snapshot.key in contents:
                    contents[snapshot.key] |= {name: said[name] for name in ordering.sticky if said.get(name)}

    def store(self, bodies: Sequence[bytes]) -> None:
        """Store deliveries together, and leave them to the worker."""
        if not bodies:
            return
        self.told += bodies
        self.now += timedelta(milliseconds=250)
        envelope = self.provider.envelope
        deliveries = [Delivery(account=self.account, envelope=envelope(body), payload=body) for body in bodies]
        with self.system.database.write() as connection:
            inbox.store(connection, deliveries, self.now)

    def _listed(self) -> Iterable[Snapshot]:
        reader = self.system.account(self.account).reader()
        for listing in self.provider.listings:
            cursor: str | None = None
            while True:
                page = reader.page(listing.source, cursor=cursor, since=None, until=None)
                yield from (snapshot for group in page.objects for snapshot in group)
                cursor = page.cursor
                if cursor is None:
                    break
