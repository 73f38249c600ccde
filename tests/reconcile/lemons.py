"""A shop at a provider without an event log, and our side of it: what is not delivered is lost for good."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from reconcile.catchup import CatchUp
from reconcile.plan import Options
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service.presence import ROLE, Presence
from service.process import process_ids
from service.sandbox.delivery import Delivery as Sent
from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.settings import AccountSettings, Settings
from service.store import inbox, schema, state
from service.store.inbox import Delivery
from service.store.tables import STATE
from service.system import System
from service.worker import Beat
from tests.reconcile.world import Unlimited

ACCOUNT = "lemonsqueezy"
SECRET = "secret_of_ours"
NOWHERE = "http://127.0.0.1:9/webhooks"
HOUR, DAY = 3_600, 86_400
Json = dict[str, Any]


class Lemons:
    """`sandbox` is the provider; `system` our side, on a clock that follows the provider's by a second."""

    def __init__(
        self, sandbox: LemonSqueezySandbox, database_url: str, url: str, endpoint: str = NOWHERE, **settings: Any
    ) -> None:  # fmt: skip
        self.sandbox, self.url, self.database_url, self.settings = sandbox, url, database_url, settings
        sandbox.register_endpoint(endpoint, SECRET)
        self.monthly = sandbox.add_variant(sandbox.add_product(), unit_price=1_900)
        self.system = self.open(database_url)
        self.others: list[System] = []

    def open(self, database_url: str, **account: Any) -> System:
        """A process's view of a database and the provider."""
        given = {
            "webhook_secrets": (SECRET,),
            "api_key": self.sandbox.api_key,
            "api_base": self.url,
            **account,
        }
        entry = AccountSettings(name=ACCOUNT, provider="lemonsqueezy", **given)
        settings = Settings(database_url=database_url, accounts=(entry,), **self.settings)
        clock = lambda: datetime.fromtimestamp(self.sandbox.clock.now(), UTC) + timedelta(seconds=1)  # noqa: E731
        system = System(settings, clock=clock)
        system.account(ACCOUNT).budget = Unlimited()
        return system

    def other(self) -> System:
        """Another process over the same database."""
        self.others.append(self.open(self.database_url))
        return self.others[-1]

    def buy(self, number: int) -> Json:
        """Somebody subscribes; the ids of what came of it."""
        return self.sandbox.buy(self.monthly, f"user{number}@example.com", f"User {number}")

    def act(self, bought: Json, *, cancel: bool = True) -> None:
        """A cancellation and a refund of what was bought long ago: no page of the newest would show them."""
        if cancel:
            self.sandbox.call("DELETE", f"/v1/subscriptions/{bought['subscription']}")
        self.sandbox.refund("subscription-invoices", bought["invoice"], 500)

    def deliver(self) -> None:
        """All that waits arrives and is processed."""
        self._receive(self.sandbox.deliveries.take())

    def lose(self) -> int:
        """All that waits is given up; how many deliveries that were."""
        return len(self.sandbox.deliveries.take())

    def _receive(self, sent: Iterable[Sent]) -> None:
        provider = self.system.account(ACCOUNT).provider
        got = [Delivery(account=ACCOUNT, envelope=provider.envelope(each.body), payload=each.body) for each in sent]
        with self.system.database.write() as connection:
            receipts = inbox.store(connection, got, self.system.database.now())
        process_ids(self.system, [receipt.id for receipt in receipts])

    def beat(self, system: System | None = None) -> None:
        """A web process lives, just now."""
        chosen = system or self.system
        Beat(chosen.database, ROLE, beside=Presence(chosen).beat).beat()

    def outage(self, seconds: int = 240) -> None:
        """Nobody lived for so long."""
        self.beat()
        self.sandbox.advance(seconds)
        self.beat()

    def step(self, system: System | None = None) -> int:
        """One look of a worker's catch-up."""
        return CatchUp(system or self.system, threading.Event()).step()

    def at_once(self, systems: Sequence[System]) -> list[int]:
        """The same in each of these processes at the same moment; how many runs each made, fewest first."""
        ready, made = threading.Barrier(len(systems)), list[int]()

        def look(system: System) -> None:
            worker = CatchUp(system, threading.Event())
            ready.wait()
            made.append(worker.step())

        threads = [threading.Thread(target=look, args=(system,)) for system in systems]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return sorted(made)

    def run(self, **options: Any) -> AccountReport:
        """A reconcile by hand, a minute later."""
        self.sandbox.advance(60)
        return reconcile(self.system, Options(**options)).accounts[0]

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """What a hand in the database does, or sees."""
        with self.system.database.write() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def runs(self, origin: str) -> list[str]:
        """How each run of this origin ended, oldest first."""
        query = "SELECT status FROM reconcile_run WHERE origin = :origin ORDER BY id"
        return [row[0] for row in self.sql(query, origin=origin)]

    @contextmanager
    def calls(self) -> Iterator[list[str]]:
        """The calls that reach the provider in the block, once it is left."""
        before, made = len(self.sandbox.requests), list[str]()
        yield made
        made += [f"{method} {path}" for method, path in self.sandbox.requests[before:]]

    def state(self, system: System | None = None) -> dict[tuple[str, str], Json]:
        """Every row's content, but for the user id: only events tell it."""
        found: dict[tuple[str, str], Json] = {}
        with (system or self.system).database.read() as connection:
            for kind, table in STATE.items():
                ids = connection.execute(table.select().with_only_columns(table.c.id)).scalars().all()
                for key, row in state.load(connection, ACCOUNT, [(kind, id_) for id_ in ids]).items():
                    found[key] = {k: v for k, v in (row.content or {}).items() if k != "user_id"}
        return found

    def truth(self, folder: Path) -> dict[tuple[str, str], Json]:
        """What a first import into an empty copy makes of the provider."""
        url = f"sqlite:///{folder / 'truth.db'}"
        schema.migrate(url)
        system = self.open(url)
        try:
            assert reconcile(system, Options()).accounts[0].status == "complete"
            return self.state(system)
        finally:
            system.close()

    def close(self) -> None:
        """Give back the connections."""
        for each in (self.system, *self.others):
            each.close()
