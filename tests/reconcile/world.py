"""A shop at the stand-in and its local copy, reconciled over a real socket by the real adapter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import text

from reconcile.plan import Options
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service.model import Content
from service.process import process_ids
from service.provider import Connection
from service.providers.stripe.client import StripeReader
from service.sandbox.stripe import StripeSandbox
from service.settings import AccountSettings, Settings
from service.store import inbox, state
from service.store.inbox import Delivery
from service.store.tables import STATE
from service.system import System

ACCOUNT = "stripe"
HOUR, DAY = 3_600, 86_400
Json = dict[str, Any]


class Unlimited:
    """A read budget that never waits: on a clock that stands still no bucket would ever fill."""

    def take(self, *, reserve: bool = False) -> None:
        """At once."""

    def pause(self, seconds: float) -> None:
        """Not at all."""


class World:
    """`sandbox` is the provider, `system` our side. Deliveries are stored only when a test says so."""

    def __init__(self, sandbox: StripeSandbox, database_url: str, url: str) -> None:
        self.sandbox, self.url, self.database_url = sandbox, url, database_url
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.system = self.open()

    def open(self) -> System:
        """Another process's view of the same database and provider; its adapter retries without waiting."""
        entry = AccountSettings(
            name=ACCOUNT, provider="stripe", webhook_secrets=("whsec_test",), api_key="sk_test_sandbox",
            api_base=self.url,
        )  # fmt: skip
        settings = Settings(database_url=self.database_url, accounts=(entry,))
        system = System(settings, clock=lambda: self.now)
        account = system.account(ACCOUNT)
        connection = Connection(api_key="sk_test_sandbox", api_base=self.url, budget=Unlimited())
        account._reader = StripeReader(connection, sleep=lambda _seconds: None)
        return system

    def customer(self, **params: Any) -> str:
        """A new customer's id."""
        return str(self.sandbox.call("POST", "/v1/customers", {"email": "ada@example.com"} | params)["id"])

    def subscription(self, amount: int = 1_900) -> Json:
        """A new customer's paid subscription."""
        named = {"product_data": {"name": "Pro"}, "currency": "usd", "unit_amount": amount}
        price = self.sandbox.call("POST", "/v1/prices", {**named, "recurring": {"interval": "month"}})
        items = [{"price": price["id"]}]
        return self.sandbox.call("POST", "/v1/subscriptions", {"customer": self.customer(), "items": items})

    def refund(self, amount: int) -> Json:
        """Part of the newest charge goes back."""
        charge = list(self.sandbox.objects("charge"))[-1]
        return self.sandbox.call("POST", "/v1/refunds", {"charge": charge, "amount": amount})

    def later(self, seconds: int = HOUR) -> None:
        """Time passes at the provider and here."""
        self.sandbox.advance(seconds)
        self.now += timedelta(seconds=seconds)

    def deliver(self, events: Iterable[Json]) -> None:
        """Store these events as deliveries and process them."""
        provider = self.system.account(ACCOUNT).provider
        bodies = [msgspec.json.encode(event) for event in events]
        sent = [Delivery(account=ACCOUNT, envelope=provider.envelope(body), payload=body) for body in bodies]
        with self.system.database.write() as connection:
            receipts = inbox.store(connection, sent, self.now)
        process_ids(self.system, [receipt.id for receipt in receipts])

    def run(self, **options: Any) -> AccountReport:
        """One reconcile a little later."""
        self.now += timedelta(seconds=5)
        return reconcile(self.system, Options(**options)).accounts[0]

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """What a hand in the database does, or sees."""
        with self.system.database.write() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def state(self) -> dict[tuple[str, str], tuple[Content | None, datetime | None]]:
        """Every row with its children, and whether it is a tombstone."""
        found: dict[tuple[str, str], tuple[Content | None, datetime | None]] = {}
        with self.system.database.read() as connection:
            for kind, table in STATE.items():
                ids = connection.execute(table.select().with_only_columns(table.c.id)).scalars().all()
                for key, row in state.load(connection, ACCOUNT, [(kind, id_) for id_ in ids]).items():
                    found[key] = row.content, row.deleted_at
        return found

    def written(self) -> tuple[Any, ...]:
        """All that a run that finds nothing must leave as it was."""
        counts = self.sql("SELECT (SELECT count(*) FROM state_change), (SELECT count(*) FROM webhook_event)")
        versions = [self.sql(f"SELECT id, as_of, sources FROM {table.name} ORDER BY id") for table in STATE.values()]
        return tuple(counts[0]), versions, self.state()

    def close(self) -> None:
        """Give back the connections."""
        self.system.close()
