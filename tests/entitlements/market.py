"""One business at each provider's stand-in, sold as the plan Pro, and our copy of all three on one virtual clock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from reconcile.plan import Options
from reconcile.run import reconcile
from service import catalogue
from service.entitled import Entitlements
from service.sandbox.delivery import Deliveries
from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.paddle import PaddleSandbox
from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from service.settings import AccountSettings, Settings
from service.store import inbox
from service.store.inbox import Delivery
from service.system import System
from service.worker import Worker
from tests.reconcile.world import Unlimited
from tests.sandbox.lemonsqueezy.shop import Shop as LemonSqueezyShop
from tests.sandbox.paddle.shop import Shop as PaddleShop
from tests.sandbox.shop import Shop as StripeShop
from tests.store.samples import rows

Json = dict[str, Any]
HOUR, DAY = 3_600, 86_400
PROVIDERS: Final = ("stripe", "paddle", "lemonsqueezy")
_PLANS: Final = """
[plans.free]
name = "Free"
price = {{ USD = 0 }}
limits = {{ devices = 1 }}
[plans.pro]
name = "Pro"
price = {{ USD = 19 }}
limits = {{ devices = 5 }}
[plans.pro.prices]
{prices}
[entitlements]
past_due_grace_days = 5
"""


class Till(Protocol):
    """One provider's stand-in. `prices` are what a plan names there; a subscription is known by its id."""

    @property
    def prices(self) -> tuple[str, ...]:
        """What is paid at once, and where that is another one, what begins with a trial."""

    @property
    def sandbox(self) -> Any:
        """The stand-in."""

    def buy(self, user_id: str, *, trial: bool = False) -> str:
        """A user subscribes, or begins a trial of 14 days."""

    def fail(self, times: int) -> None:
        """The next payments of every customer fail."""

    def cancel(self, subscription: str) -> None:
        """At the end of the period."""

    def pause(self, subscription: str, mode: str = ...) -> None:
        """At once, in the provider's own word for how."""


class StripeTill:
    """Stripe."""

    def __init__(self) -> None:
        self.sandbox = StripeSandbox(seed=2)
        self._shop = StripeShop(self.sandbox)
        self.prices = (self._shop.price(1_900),)

    def buy(self, user_id: str, *, trial: bool = False) -> str:
        """The user's id is the customer's alone; the subscription has it through its customer."""
        customer = self._shop.customer(email=f"{user_id}@Example.com", metadata={"user_id": user_id})
        more = {"trial_period_days": 14} if trial else {}
        return str(self._shop.subscription(customer, self.prices[0], **more)["id"])

    def fail(self, times: int) -> None:
        """Cards are declined."""
        for customer in self.sandbox.objects("customer"):
            self.sandbox.payments.fail_next(customer, times=times)

    def cancel(self, subscription: str) -> None:
        """`cancel_at_period_end`."""
        self.sandbox.call("POST", f"/v1/subscriptions/{subscription}", {"cancel_at_period_end": True})

    def pause(self, subscription: str, mode: str = "void") -> None:
        """Only the collection, which leaves the status alone."""
        wanted = {"pause_collection": {"behavior": mode}}
        self.sandbox.call("POST", f"/v1/subscriptions/{subscription}", wanted)


class PaddleTill:
    """Paddle."""

    def __init__(self) -> None:
        self.sandbox = PaddleSandbox(seed=2)
        self._shop = PaddleShop(self.sandbox)
        trial = {"interval": "day", "frequency": 14}
        self.prices = self._shop.price(1_900), self._shop.price(1_900, trial_period=trial)

    def buy(self, user_id: str, *, trial: bool = False) -> str:
        """The user's id is in the checkout's custom data, and so in the subscription's."""
        price = self.prices[trial]
        customer = self._shop.customer(email=f"{user_id}@example.com")
        return str(self._shop.subscription(customer, price, custom_data={"user_id": user_id})["id"])

    def fail(self, times: int) -> None:
        """Cards are declined."""
        for customer in self.sandbox.objects("customer"):
            self.sandbox.payments.fail_next(customer, times=times)

    def cancel(self, subscription: str) -> None:
        """A scheduled change."""
        wanted = {"effective_from": "next_billing_period"}
        self.sandbox.call("POST", f"/subscriptions/{subscription}/cancel", wanted)

    def pause(self, subscription: str, mode: str = "immediately") -> None:
        """The service too."""
        self.sandbox.call("POST", f"/subscriptions/{subscription}/pause", {"effective_from": mode})


class LemonSqueezyTill:
    """Lemon Squeezy: a plan names the variant."""

    def __init__(self) -> None:
        self.sandbox = LemonSqueezySandbox(seed=2)
        self._shop = LemonSqueezyShop(self.sandbox)
        self.prices = self._shop.variant(1_900), self._shop.variant(1_900, trial_days=14)

    def buy(self, user_id: str, *, trial: bool = False) -> str:
        """The user's id is in the checkout's custom data, which only events tell."""
        made = self.sandbox.buy(self.prices[trial], f"{user_id}@example.com", user_id, {"user_id": user_id})
        return str(made["subscription"])

    def fail(self, times: int) -> None:
        """Cards are declined."""
        for customer in self.sandbox.objects("customers"):
            self.sandbox.payments.fail_next(customer, times=times)

    def cancel(self, subscription: str) -> None:
        """Its own word `cancelled`: alive until the period is over."""
        self.sandbox.call("DELETE", f"/v1/subscriptions/{subscription}")

    def pause(self, subscription: str, mode: str = "void") -> None:
        """Without service (`void`), or with it (`free`)."""
        self._shop.change("subscriptions", subscription, pause={"mode": mode})


class Market:
    """All three, and our side."""

    def __init__(self, database_url: str, urls: dict[str, str], tills: Mapping[str, Till]) -> None:
        self.tills = tills
        accounts = tuple(_account(name, tills[name].sandbox, url) for name, url in urls.items())
        document = catalogue.parse(_PLANS.format(prices="\n".join(map(_named, tills.items()))), "plans.toml")
        settings = Settings(database_url=database_url, accounts=accounts, document=document)
        self.system = System(settings, clock=self.now)
        for name in tills:
            self.system.account(name).budget = Unlimited()
        self.worker = Worker(self.system)

    def now(self) -> datetime:
        """The stand-ins' time, which is one, a second on."""
        return datetime.fromtimestamp(self.tills["stripe"].sandbox.clock.now() + 1, UTC)

    def later(self, seconds: int) -> None:
        """Time passes everywhere."""
        for till in self.tills.values():
            till.sandbox.advance(seconds)

    def deliver(self) -> None:
        """Everything that waits arrives, and is worked off."""
        for name, till in self.tills.items():
            provider, deliveries = self.system.account(name).provider, till.sandbox.deliveries
            assert isinstance(deliveries, Deliveries)
            got = [
                Delivery(account=name, envelope=provider.envelope(each.body), payload=each.body)
                for each in deliveries.take()
            ]
            with self.system.database.write() as connection:
                inbox.store(connection, got, self.now())
        self.worker.drain()

    def lose(self) -> None:
        """Everything that waits is lost."""
        for till in self.tills.values():
            till.sandbox.deliveries.take()

    def reconcile(self, **options: Any) -> None:
        """One run over all accounts, and what follows from it."""
        self.later(60)
        report = reconcile(self.system, Options(**options))
        assert [each.status for each in report.accounts] == ["complete"] * len(report.accounts)
        self.worker.drain()

    def user(self, user_id: str) -> Entitlements:
        """What a user may use now."""
        return self.system.entitlements.user(user_id)

    def stands(self, user_id: str) -> tuple[str | None, str, str]:
        """The plan, the state of the answer, and how the user's only subscription stands."""
        found = self.user(user_id)
        return found.plan, found.state, found.considered[0].standing


@contextlib.contextmanager
def market(database_url: str) -> Iterator[Market]:
    """An open market; every delivery waits until it is asked for."""
    tills: dict[str, Till] = {"stripe": StripeTill(), "paddle": PaddleTill(), "lemonsqueezy": LemonSqueezyTill()}
    with contextlib.ExitStack() as stack:
        urls = {}
        for name, till in tills.items():
            till.sandbox.register_endpoint("http://127.0.0.1:9/webhooks", "secret_of_ours")
            urls[name] = stack.enter_context(serving(till.sandbox.app))
        opened = Market(database_url, urls, tills)
        stack.callback(opened.system.close)
        yield opened


def changes(opened: Market) -> list[tuple[str, str | None, str | None, str]]:
    """(whose, from, to, kind of cause) of the plans' history, oldest first."""
    found = rows(
        opened.system.database,
        "SELECT object_id, old, new, cause FROM state_change WHERE kind = 'entitlement' ORDER BY id",
    )
    return [(row[0], row[1], row[2], row[3].partition(":")[0]) for row in found]


def _account(name: str, sandbox: Any, url: str) -> AccountSettings:
    return AccountSettings(
        name=name, provider=name, webhook_secrets=("secret_of_ours",), api_base=url, api_key=sandbox.api_key
    )


def _named(entry: tuple[str, Till]) -> str:
    name, till = entry
    return f"{name} = [{', '.join(f'{each!r}' for each in till.prices)}]"
