"""The Lemon Squeezy stand-in: a stateful account behind a JSON:API, with what a dashboard or a buyer does as methods."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from service.sandbox.control import Command
from service.sandbox.delivery import Attempt, Delivery, Endpoint
from service.sandbox.edge import Answer, Call
from service.sandbox.lemonsqueezy import catalogue
from service.sandbox.lemonsqueezy.api import Api
from service.sandbox.lemonsqueezy.buyers import new_customer
from service.sandbox.lemonsqueezy.dashboard import Dashboard, copied
from service.sandbox.lemonsqueezy.errors import SandboxError
from service.sandbox.lemonsqueezy.objects import webhooks
from service.sandbox.lemonsqueezy.outcomes import Payments
from service.sandbox.lemonsqueezy.render import resource
from service.sandbox.lemonsqueezy.settings import Settings
from service.sandbox.lemonsqueezy.signature import sign
from service.sandbox.lemonsqueezy.world import World
from service.sandbox.standin import StandIn

Json = dict[str, Any]

__all__ = ["Answer", "Attempt", "Call", "Delivery", "LemonSqueezySandbox", "SandboxError", "Settings", "make", "sign"]

_KEY = "lsq_sandbox_key"


class LemonSqueezySandbox(Dashboard, StandIn[World, Api]):
    """One Lemon Squeezy account in memory, with an API over HTTP, virtual time, signed deliveries and faults.

    Two sandboxes with one seed and the same calls hold the same objects, ids and events. Every method may be called
    from any thread. `page_cap` limits every page, `rate_limit` the requests of one virtual minute (None: no limit), and
    `between_pages` is what happens after each list answer, so that rows shift under a walk. What else is assumed about
    the provider are fields of `settings`. Methods take ids as texts or numbers and return them as texts.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        now: int = 1_790_000_000,
        api_key: str = _KEY,
        page_cap: int = 100,
        rate_limit: int | None = 300,
        test_mode: bool = True,
        newest_first: bool = True,
        status_filter_broken: bool = True,
        between_pages: Callable[[], object] | int = 0,
    ) -> None:
        self._start = (seed, now)
        self.settings = Settings(
            page_cap=page_cap,
            rate_limit=rate_limit,
            test_mode=test_mode,
            newest_first=newest_first,
            status_filter_broken=status_filter_broken,
            between_pages=between_pages,
        )
        self._between = False
        self._registered: list[Endpoint] = []
        self._open(World(seed=seed, now=now, settings=self.settings), api_key)

    def _open(self, world: World, api_key: str) -> None:
        catalogue.open_account(world)
        self._world, self._api = world, Api(world, api_key, self._after_list)

    @property
    def payments(self) -> Payments:
        """How the customers' coming payments end."""
        return self._world.payments

    def call(self, method: str, path: str, json: Any = None, **query: object) -> Json:
        """One API request in-process, checked and answered as over HTTP; faults of the transport do not strike.

        Query parameters are named as on the wire: `**{"page[number]": 2}`. An answer without a body is empty.

        Raises:
            SandboxError: the answer is an error.
        """
        return self._api.call(method, path, json, {name: str(value) for name, value in query.items()})

    def objects(self, resource_type: str) -> dict[str, Json]:
        """Current renderings by id of a type (`subscription-invoices`, ...), without the signed URLs."""
        with self.lock:
            rows = self._world.tables[resource_type]
            return {str(row.id): copied(resource(self._world, row, urls=False)) for row in rows}

    def register_endpoint(self, url: str, secret: str, types: tuple[str, ...] = ("*",)) -> Endpoint:
        """Deliver events of these names to `url`, signed with `secret`, as a webhook of the first store that stays."""
        with self.lock:
            self._registered.append(Endpoint("", url, secret, frozenset(types)))
            return self._connect(self._registered[-1])

    def _connect(self, registered: Endpoint) -> Endpoint:
        endpoint = replace(registered, id=webhooks.show(self._world, registered))
        self._world.endpoints[endpoint.id] = endpoint
        return endpoint

    def reset(self, *, seed: int | None = None) -> None:
        """Begin again with an empty account; endpoints registered without the API stay."""
        first_seed, now = self._start
        old = self._world
        with old.lock:
            fresh = World(seed=first_seed if seed is None else seed, now=now, settings=self.settings)
            self._open(fresh, self._api.api_key)
            for each in self._registered:
                self._connect(each)

    def commands(self) -> dict[str, Command]:
        """The control plane's commands beyond those that every stand-in has; `settings` sets fields of `settings`."""
        return {
            "store": lambda sent: {"id": self.add_store(**sent)},
            "product": lambda sent: {"id": self.add_product(**sent)},
            "variant": lambda sent: {"id": self.add_variant(**sent)},
            "price": lambda sent: {"id": self.add_price(**sent)},
            "complete_checkout": lambda sent: self.complete_checkout(**sent),
            "buy": lambda sent: self.buy(**sent),
            "fail_next": lambda sent: self.payments.fail_next(**sent),
            "pay_open_invoice": lambda sent: self.pay_open_invoice(**sent),
            "refund": lambda sent: self.refund(**sent),
            "mark_fraudulent": lambda sent: self.mark_fraudulent(**sent),
            "resend": lambda sent: self.resend(**sent),
            "endpoint": lambda sent: {"id": self.register_endpoint(**sent).id},
            "settings": lambda sent: self.settings.change(sent),
        }

    def state(self) -> Json:
        """Virtual time, and how much of everything there is."""
        with self.lock:
            counts = {kind: len(table) for kind, table in sorted(self._world.tables.items())}
            waiting = len(self.deliveries.pending())
            return {"now": self.clock.now(), "objects": counts, "requests": len(self.requests), "pending": waiting}

    def _after_list(self) -> None:
        # What happens between two pages may itself list, which must not make it happen again.
        between = self.settings.between_pages
        if self._between:
            return
        self._between = True
        try:
            if callable(between):
                between()
            else:
                self._create_customers(between)
        finally:
            self._between = False

    def _create_customers(self, count: int) -> None:
        for _ in range(count):
            name = f"between-{len(self._world.tables['customers']) + 1}"
            new_customer(self._world, 1, name=name, email=f"{name}@example.com")


def make(*, seed: int, now: int, api_key: str | None) -> LemonSqueezySandbox:
    """A stand-in to run by itself; see `service.sandbox.run`."""
    return LemonSqueezySandbox(seed=seed, now=now, api_key=api_key or _KEY)
