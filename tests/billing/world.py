"""An application, its billing interface and a provider, on one clock; and a process that can die at any transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection as Transaction
from sqlalchemy import text

from service.billing import Billing
from service.billing_provider import BillingProvider
from service.calls import Calls
from service.errors import BadRequest
from service.model import Payment, Subscription
from service.process import process_ids
from service.provider import Connection
from service.refunds import Allowance
from service.sandbox.server import serving
from service.settings import AccountSettings, Settings
from service.settling import settle_due
from service.store import calls, inbox
from service.store.engine import Database
from service.store.inbox import Delivery
from service.store.tables import METADATA
from service.system import System
from tests.billing.cases.base import Case
from tests.reconcile.world import Unlimited


class Died(BaseException):
    """The process ended here. Not an `Exception`: nothing in the service may catch it."""


class Mortal(Database):
    """A database whose process dies at the `dies_at`-th write from now: before it is committed, or right after."""

    dies_at: int | None = None
    after = False

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction, the last one perhaps."""
        if self.dies_at is not None:
            self.dies_at -= 1
        last = self.dies_at is not None and self.dies_at <= 0
        with super().write() as connection:
            yield connection
            if last and not self.after:
                raise Died
        if last:
            raise Died


class PlainRules:
    """Plans by price id, and everything that was paid may be given back."""

    def __init__(self, prices: dict[str, str]) -> None:
        self.prices = prices

    def price_ids(self, account: str, plan_id: str, currency: str | None) -> tuple[str, ...]:  # noqa: ARG002
        """The one price of a plan."""
        if plan_id not in self.prices:
            raise BadRequest(f"there is no plan {plan_id!r}")
        return (self.prices[plan_id],)

    def all_price_ids(self, account: str) -> frozenset[str]:  # noqa: ARG002
        """Every price."""
        return frozenset(self.prices.values())

    def plan_of(self, account: str, price_id: str) -> str | None:  # noqa: ARG002
        """By looking."""
        return next((plan for plan, price in self.prices.items() if price == price_id), None)

    def refundable(
        self,
        payment: Payment,
        refunded: int,
        subscription: Subscription | None,  # noqa: ARG002
        plan_id: str | None,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> Allowance:
        """All that is left."""
        return Allowance(amount=(payment.amount_paid or 0) - refunded, explanation="all that is left")


class Stage:
    """One socket for many histories: the stand-in behind it is exchanged for each."""

    def __init__(self) -> None:
        self.case: Case | None = None
        self._serving: AbstractContextManager[str] = serving(self)
        self.url = self._serving.__enter__()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on to the stand-in of the present history."""
        assert self.case is not None
        await self.case.sandbox.app(scope, receive, send)

    def close(self) -> None:
        """Stop listening."""
        self._serving.__exit__(None, None, None)


class World:
    """One account at one provider. `billing` is what an application holds; `mortal` its process's database."""

    def __init__(self, case: Case, database_url: str, url: str) -> None:
        self.case, self.url = case, url
        self.prices = case.plans()
        self._skew = timedelta(seconds=1)
        entry = AccountSettings(
            name=case.name, provider=case.name, webhook_secrets=("secret_of_ours",), api_key=case.sandbox.api_key,
            api_base=url,
        )  # fmt: skip
        self.system = System(Settings(database_url=database_url, accounts=(entry,)), clock=self.now)
        self.account = self.system.account(case.name)
        connection = Connection(api_key=case.sandbox.api_key, api_base=url, budget=Unlimited(), timeout=5.0)
        self.account._reader, self.account._writer = case.reader(connection), case.writer(connection)
        self.mortal = Mortal(database_url, clock=self.now)

    def renew(self, case: Case) -> None:
        """Another history: an empty database, and a provider account as new."""
        with self.system.database.write() as connection:
            for table in METADATA.tables.values():
                connection.execute(text(f"DELETE FROM {table.name}"))
        self.case, self.prices = case, case.plans()

    def now(self) -> datetime:
        """The provider's virtual time, a second ahead: clocks of servers differ."""
        return datetime.fromtimestamp(self.case.sandbox.clock.now(), UTC) + self._skew

    @property
    def billing(self) -> BillingProvider:
        """The interface, in a process of its own that may die."""
        calls_ = Calls(self.mortal, self.account, sleep=lambda _seconds: None)
        return Billing(self.mortal, self.account, PlainRules(self.prices), self.system.usage, calls=calls_)

    def later(self, seconds: int) -> None:
        """Time passes at the provider and here."""
        self.case.sandbox.advance(seconds)

    def settle(self, hours: int = 30) -> None:
        """Let the workers settle what is open, for so many hours of virtual time."""
        until = self.now() + timedelta(hours=hours)
        while (due := self._next_due()) is not None and due < until:
            if due > self.now():
                self.later(int((due - self.now()).total_seconds()) + 1)
            settle_due(self.system.database, self.system.accounts.by_name.get, limit=50)

    def _next_due(self) -> datetime | None:
        with self.system.database.read() as connection:
            found = calls.listed(connection, statuses=("pending", "unknown"))
        return min((each.next_attempt_at for each in found if each.next_attempt_at is not None), default=None)

    def call_of(self, key: str) -> calls.Stored | None:
        """The row of an idempotency key."""
        with self.system.database.read() as connection:
            return calls.of_key(connection, self.case.name, key)

    def deliver(self) -> None:
        """Every event that the provider has sent since the last time arrives and is processed."""
        events = [each.body for each in self.case.sandbox.deliveries.take()]
        provider = self.account.provider
        got = [Delivery(account=self.case.name, envelope=provider.envelope(body), payload=body) for body in events]
        with self.system.database.write() as connection:
            receipts = inbox.store(connection, got, self.now())
        process_ids(self.system, [receipt.id for receipt in receipts])

    def close(self) -> None:
        """Give back the connections."""
        self.mortal.close()
        self.system.close()
