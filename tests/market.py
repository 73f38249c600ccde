"""A shop at every provider's stand-in and one system of ours that knows them all, for tests that cross providers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from reconcile.plan import Options
from reconcile.report import Report
from reconcile.run import reconcile
from service.process import process_ids
from service.sandbox.server import serving
from service.sandbox.shop import Person, Shop, open_shops
from service.settings import AccountSettings, Settings
from service.store import inbox
from service.store.inbox import Delivery
from service.system import System
from tests.reconcile.world import Unlimited

DAY, MONTH = 86_400, 31 * 86_400
_START = 1_790_000_000


class Market:
    """`shops` by account name. Deliveries wait until a test lets them come; our clock follows theirs."""

    def __init__(self, shops: dict[str, Shop], urls: dict[str, str], database_url: str) -> None:
        self.shops = shops
        accounts = tuple(
            AccountSettings(
                name=name, provider=name, webhook_secrets=("secret_of_ours",), api_key=shop.sandbox.api_key,
                api_base=urls[name], mode="test", extra=shop.settings(),
            )
            for name, shop in shops.items()
        )  # fmt: skip
        self.system = System(Settings(database_url=database_url, accounts=accounts), clock=self._now)
        for account in self.system.accounts.by_name.values():
            account.budget = Unlimited()
        for name, shop in shops.items():
            shop.sandbox.register_endpoint(f"http://127.0.0.1:9/webhooks/{name}", "secret_of_ours")
            shop.open()

    def later(self, seconds: int) -> None:
        """Time passes everywhere."""
        for shop in self.shops.values():
            shop.sandbox.advance(seconds)

    def deliver(self, accounts: Sequence[str] = ()) -> None:
        """What waits comes and is processed, of these accounts or of all, in the order of the accounts."""
        for name in accounts or self.shops:
            provider = self.system.account(name).provider
            bodies = [each.body for each in self.shops[name].sandbox.deliveries.take()]
            sent = [Delivery(account=name, envelope=provider.envelope(body), payload=body) for body in bodies]
            with self.system.database.write() as connection:
                receipts = inbox.store(connection, sent, self.system.database.now())
            process_ids(self.system, [receipt.id for receipt in receipts])

    def reconcile(self) -> Report:
        """A full run over all accounts."""
        return reconcile(self.system, Options(full=True))

    def move(self, person: Person, *, every: int) -> None:
        """The person subscribes at the first shop, and after each span of time leaves it for the next one."""
        shops = list(self.shops.values())
        for shop, following in zip(shops, [*shops[1:], None], strict=True):
            shop.subscribe(person)
            self.later(every)
            if following is not None:
                shop.cancel(person)
                self.later(600)

    def _now(self) -> datetime:
        newest = max(shop.sandbox.clock.now() for shop in self.shops.values())
        return datetime.fromtimestamp(newest, UTC) + timedelta(seconds=1)


@contextmanager
def market(database_url: str, seed: int = 5) -> Iterator[Market]:
    """Open shops at all stand-ins, on sockets of their own."""
    with ExitStack() as stack:
        shops = open_shops(seed=seed, now=_START)
        urls = {name: stack.enter_context(serving(shop.sandbox.app)) for name, shop in shops.items()}
        opened = Market(shops, urls, database_url)
        stack.callback(opened.system.close)
        yield opened
