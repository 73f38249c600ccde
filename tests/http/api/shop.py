"""An application behind the API, at one provider's stand-in whose events arrive when a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from service import catalogue
from service.app import build
from service.process import process_ids
from service.provider import Connection
from service.sandbox.server import serving
from service.settings import AccountSettings, Settings
from service.settling import settle_due
from service.store import inbox
from service.store.inbox import Delivery
from service.system import System
from tests.billing.cases.base import Case
from tests.http.api.conftest import WRITER, bearer
from tests.reconcile.world import Unlimited

_PLANS = """
[plans.free]
name = "Free"
price = {{ USD = 0 }}
[plans.pro]
name = "Pro"
price = {{ USD = 19 }}
prices = {{ {account} = "{pro}" }}
[plans.team]
name = "Team"
price = {{ USD = 99 }}
prices = {{ {account} = "{team}" }}
[refunds]
policy = "full_within_days"
days = 14
"""


class Shop:
    """The provider's stand-in, the service, and a client that may write."""

    def __init__(self, case: Case, system: System, client: httpx.Client) -> None:
        self.case, self.system, self.client = case, system, client

    def post(self, address: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        """A write."""
        headers = {} if key is None else {"idempotency-key": key}
        return self.client.post(address, json=body, headers=headers)

    def get(self, address: str) -> Any:
        """A read that must succeed."""
        answer = self.client.get(address)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def customer(self) -> str:
        """A customer of user 42 who can pay."""
        made = self.post("/v1/customers", {"user_id": "42", "email": "ada@example.com", "name": "Ada"}, "customer")
        assert made.status_code == 201, made.text
        id_ = str(made.json()["object_id"])
        self.case.can_pay(id_)
        return id_

    def subscription(self, customer: str) -> str:
        """A paid subscription of a customer to Pro, through the checkout where there is no other way."""
        made = self.post("/v1/subscriptions", {"customer_id": customer, "plan_id": "pro"}, "subscription")
        assert made.status_code in (201, 202), made.text
        if made.status_code == 202:
            self.case.check_out(made.json()["url"], made.json()["object_id"])
        self.deliver()
        (found,) = self.get(f"/v1/subscriptions?customer={customer}")["data"]
        return str(found["id"])

    def deliver(self) -> None:
        """What the provider has sent since the last time arrives and is processed."""
        account = self.system.account(self.case.name)
        bodies = [each.body for each in self.case.sandbox.deliveries.take()]
        got = [
            Delivery(account=account.name, envelope=account.provider.envelope(body), payload=body) for body in bodies
        ]
        with self.system.database.write() as connection:
            receipts = inbox.store(connection, got, self.system.database.now())
        process_ids(self.system, [receipt.id for receipt in receipts])

    def settle(self, hours: int = 30) -> None:
        """Time passes, and the worker settles what is due."""
        for _ in range(hours):
            self.case.sandbox.advance(3_600)
            settle_due(self.system.database, self.system.accounts.by_name.get)


@contextmanager
def opened(case: Case, database_url: str) -> Iterator[Shop]:
    """A shop on the provider's virtual time, a second ahead of it: clocks of servers differ."""
    with serving(case.sandbox.app) as provider:
        prices = case.plans()
        document = catalogue.parse(_PLANS.format(account=case.name, **prices), "plans.toml")
        entry = AccountSettings(
            name=case.name, provider=case.name, webhook_secrets=("secret_of_ours",), api_key=case.sandbox.api_key,
            api_base=provider,
        )  # fmt: skip
        settings = Settings(database_url=database_url, accounts=(entry,), document=document, api_tokens=(WRITER,))
        clock = case.sandbox.clock
        system = System(settings, clock=lambda: datetime.fromtimestamp(clock.now(), UTC) + timedelta(seconds=1))
        # The budget would never refill: this clock stands still between calls.
        connection = Connection(api_key=case.sandbox.api_key, api_base=provider, budget=Unlimited(), timeout=5.0)
        account = system.account(case.name)
        account._reader, account._writer = case.reader(connection), case.writer(connection)
        with serving(build(system)) as url, httpx.Client(base_url=url, timeout=60, headers=bearer(WRITER)) as client:
            yield Shop(case, system, client)
        system.close()
