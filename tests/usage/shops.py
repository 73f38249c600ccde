"""One customer with a metered subscription at each stand-in, our copy of it, and what the provider bills."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from service.billing_provider import BillingProvider, Recorded
from service.meters import Meter
from service.outbox import Outbox
from service.process import process_ids
from service.provider import Connection
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.providers.lemonsqueezy.usage import LemonSqueezyUsage
from service.providers.paddle.client import PaddleReader
from service.providers.paddle.usage import PaddleUsage
from service.providers.stripe.client import StripeReader
from service.providers.stripe.usage import StripeUsage
from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.paddle import PaddleSandbox
from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from service.settings import AccountSettings, Settings
from service.store import inbox
from service.store.inbox import Delivery
from service.system import System
from service.usage_port import Rejection, UsageScope, UsageSend, UsageTotal, UsageWriter
from tests.reconcile.world import Unlimited

Json = dict[str, Any]
Sandbox = StripeSandbox | PaddleSandbox | LemonSqueezySandbox
S = TypeVar("S", StripeSandbox, PaddleSandbox, LemonSqueezySandbox)
SECRET = "secret_of_ours"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
_SIDES: dict[str, type[StripeUsage] | type[PaddleUsage] | type[LemonSqueezyUsage]] = {
    "stripe": StripeUsage, "paddle": PaddleUsage, "lemonsqueezy": LemonSqueezyUsage,
}  # fmt: skip
_READERS: dict[str, type[StripeReader] | type[PaddleReader] | type[LemonSqueezyReader]] = {
    "stripe": StripeReader, "paddle": PaddleReader, "lemonsqueezy": LemonSqueezyReader,
}  # fmt: skip


class Died(BaseException):
    """The process ended here: nothing catches it."""


class Dying:
    """A usage side that counts what is told, and whose process dies just before, or just after, it is."""

    def __init__(self, inner: UsageWriter) -> None:
        self._inner = inner
        self.before = self.after = 0
        self.told = 0
        self.meanwhile: Callable[[], None] | None = None

    def send_usage(self, send: UsageSend) -> None:
        """Tell it, unless the process dies."""
        if self.before:
            self.before -= 1
            raise Died
        self.told += 1
        self._inner.send_usage(send)
        if self.after:
            self.after -= 1
            raise Died

    def usage_total(self, scope: UsageScope) -> UsageTotal | None:
        """What the provider says; something else may happen meanwhile."""
        if self.meanwhile is not None:
            self.meanwhile()
        return self._inner.usage_total(scope)

    def rejections(self, payload: bytes) -> Sequence[Rejection]:
        """What the provider says."""
        return self._inner.rejections(payload)

    def close(self) -> None:
        """Give back the connections."""
        self._inner.close()


class Shop(ABC, Generic[S]):
    """`sandbox` is the provider, `system` our side; its clock follows the stand-in's."""

    name: str
    telling: str
    """What the address has in it to which usage is told."""
    counts = "sum"
    options: Mapping[str, str | int]

    def __init__(self, sandbox: S, url: str, database_url: str, **meter: Any) -> None:
        self.sandbox: S = sandbox
        self.url, self.database_url = url, database_url
        sandbox.register_endpoint("http://127.0.0.1:9/webhooks", SECRET)
        self.customer_id = self.open()
        self.meter = Meter(id="calls", unit="call", every=0, send={self.name: {**self.options}}, **meter)
        self.system = self._system()
        connection = Connection(api_key=self.sandbox.api_key, api_base=self.url, budget=Unlimited(), timeout=0.3)
        self.dying = Dying(_SIDES[self.name](connection, sleep=lambda _seconds: None))
        account = self.system.account(self.name)
        account._meter, account._reader = self.dying, _READERS[self.name](connection, sleep=lambda _seconds: None)
        self.outbox = self._outbox()
        self.reported = 0
        self._keys = 0
        self.deliver()

    @abstractmethod
    def open(self) -> str:
        """A customer with a monthly metered subscription; the customer's id."""

    @abstractmethod
    def billed(self) -> int:
        """How much usage all invoices so far bill."""

    def _system(self) -> System:
        entry = AccountSettings(
            name=self.name, provider=self.name, webhook_secrets=(SECRET,), api_base=self.url,
            api_key=self.sandbox.api_key,
        )  # fmt: skip
        system = System(Settings(database_url=self.database_url, accounts=(entry,)), clock=self.now)
        system.meters.clear()
        system.meters["calls"] = self.meter
        system.account(self.name).budget = Unlimited()
        return system

    def _outbox(self) -> Outbox:
        return Outbox(self.system.database, self.system.accounts.by_name.get, self.system.meters)

    def now(self) -> datetime:
        """The provider's time, and ours."""
        return datetime.fromtimestamp(self.sandbox.clock.now(), UTC)

    def report(self, quantity: int, *, key: str | None = None, at: datetime | None = None) -> Recorded:
        """Report usage once, under a new key unless one is given."""
        self._keys += 1
        billing: BillingProvider = self.system.billing(self.name)
        recorded = billing.report_usage(
            self.customer_id, "calls", quantity, idempotency_key=key or f"key {self._keys}", at=at
        )
        self.reported += quantity if recorded.status == "recorded" else 0
        return recorded

    def deliver(self) -> None:
        """Store every waiting delivery and process it."""
        provider = self.system.account(self.name).provider
        got = [
            Delivery(account=self.name, envelope=provider.envelope(d.body), payload=d.body)
            for d in self.sandbox.deliveries.take()
        ]
        if got:
            with self.system.database.write() as connection:
                receipts = inbox.store(connection, got, self.now())
            process_ids(self.system, [each.id for each in receipts])

    def later(self, seconds: int, *, deliver: bool = True) -> None:
        """Time passes at the provider and here; its events come, unless they are late."""
        self.sandbox.advance(seconds)
        if deliver:
            self.deliver()

    def work(self) -> None:
        """What a worker does until nothing is due; it starts again where it dies."""
        with contextlib.suppress(Died):
            self.outbox.drain()

    def pass_time(self, seconds: int, step: int = HOUR) -> None:
        """Time passes in steps, with a worker at work."""
        for _ in range(max(seconds // step, 1)):
            self.later(step)
            self.work()

    def batches(self) -> list[Any]:
        """Every batch as (status, quantity, told, reason)."""
        return self.sql("SELECT status, quantity, told, reason FROM usage_batch ORDER BY id")

    def sql(self, statement: str) -> list[Any]:
        """What a hand in the database sees."""
        with self.system.database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def close(self) -> None:
        """Give back the connections."""
        self.system.close()


class StripeShop(Shop[StripeSandbox]):
    """Stripe: meter events, billed in arrears by the invoice of the next period."""

    name = "stripe"
    telling = "meter_events"

    def open(self) -> str:
        """A subscription to a price of one cent a call."""
        call = self.sandbox.call
        named = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": self.counts}}
        meter = call("POST", "/v1/billing/meters", named)["id"]
        recurring = {"interval": "month", "usage_type": "metered", "meter": meter}
        product = {"product_data": {"name": "Calls"}, "currency": "usd", "unit_amount": 1}
        price = call("POST", "/v1/prices", {**product, "recurring": recurring})["id"]
        customer: str = call("POST", "/v1/customers", {"email": "ada@example.com", "metadata": {"user_id": "ada"}})[
            "id"
        ]
        call("POST", "/v1/subscriptions", {"customer": customer, "items": [{"price": price}]})
        self.options = {"event_name": "calls", "price_id": price}
        return customer

    def billed(self) -> int:
        """The quantities of invoice lines; a draft may still grow."""
        invoices = self.sandbox.objects("invoice").values()
        lines = [line for invoice in invoices if invoice["status"] != "draft" for line in invoice["lines"]["data"]]
        return sum(int(line["quantity"]) for line in lines)


class PaddleShop(Shop[PaddleSandbox]):
    """Paddle: one charge a period, billed with the renewal after it."""

    name = "paddle"
    telling = "/charge"

    def open(self) -> str:
        """A subscription, and a price for calls that is charged beside it."""
        call = self.sandbox.call
        product = call("POST", "/products", {"name": "Pro", "tax_category": "saas"})["data"]["id"]
        price = {"product_id": product, "description": "x", "unit_price": {"amount": "1900", "currency_code": "USD"}}
        cycle = {"billing_cycle": {"interval": "month", "frequency": 1}}
        pro = call("POST", "/prices", {**price, **cycle})["data"]["id"]
        calls = {
            **price,
            "unit_price": {"amount": "1", "currency_code": "USD"},
            "quantity": {"minimum": 1, "maximum": 999_999},
        }
        self._calls: str = call("POST", "/prices", calls)["data"]["id"]
        draft = self.sandbox.open_checkout(pro, custom_data={"user_id": "ada"})
        bought = self.sandbox.complete_checkout(draft["id"], email="ada@example.com")
        self.options = {"price_id": self._calls}
        return str(bought["customer_id"])

    def billed(self) -> int:
        """How many calls the transactions bill."""
        transactions = self.sandbox.objects("transaction").values()
        lines = [line for each in transactions for line in each["details"]["line_items"]]
        return sum(line["quantity"] for line in lines if line["price_id"] == self._calls)


class LemonShop(Shop[LemonSqueezySandbox]):
    """Lemon Squeezy: usage records, billed with the period in which they arrive."""

    name = "lemonsqueezy"
    telling = "usage-records"
    action = "increment"

    def open(self) -> str:
        """A subscription to a variant of one cent a call."""
        aggregation = "sum" if self.action == "increment" else "last_during_period"
        variant = self.sandbox.add_variant(self.sandbox.add_product(), unit_price="1", usage=aggregation)
        bought = self.sandbox.buy(variant, "ada@example.com", "Ada", {"user_id": "ada"})
        self.options = {"action": self.action}
        return str(bought["customer"])

    def billed(self) -> int:
        """A cent a call: the subtotals of the invoices."""
        return sum(each["attributes"]["subtotal"] for each in self.sandbox.objects("subscription-invoices").values())


class SettingLemonShop(LemonShop):
    """The same with a price that takes the most recent total."""

    action = "set"


SHOPS: dict[str, type[StripeShop] | type[PaddleShop] | type[LemonShop]] = {
    "stripe": StripeShop, "paddle": PaddleShop, "lemonsqueezy": LemonShop, "lemonsqueezy set": SettingLemonShop,
}  # fmt: skip
_SANDBOXES: dict[str, type[StripeSandbox] | type[PaddleSandbox] | type[LemonSqueezySandbox]] = {
    "stripe": StripeSandbox, "paddle": PaddleSandbox, "lemonsqueezy": LemonSqueezySandbox,
    "lemonsqueezy set": LemonSqueezySandbox,
}  # fmt: skip
AnyShop = StripeShop | PaddleShop | LemonShop


@contextlib.contextmanager
def opened(kind: str, database_url: str, *, seed: int = 5, **meter: Any) -> Iterator[AnyShop]:
    """A shop at a fresh stand-in on a socket of its own."""
    sandbox: Sandbox = _SANDBOXES[kind](seed=seed)
    with serving(sandbox.app) as url:
        shop: AnyShop = SHOPS[kind](sandbox, url, database_url, **meter)  # type: ignore[arg-type]
        try:
            yield shop
        finally:
            shop.close()
