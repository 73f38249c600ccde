"""The Paddle Billing stand-in: a stateful account that any HTTP client and the official SDK talk to."""

from typing import Any

import msgspec

from service.sandbox.control import Command
from service.sandbox.delivery import Attempt, Delivery, Endpoint
from service.sandbox.edge import Answer, Call
from service.sandbox.paddle.api import Api
from service.sandbox.paddle.billing import adjusting
from service.sandbox.paddle.errors import SandboxError
from service.sandbox.paddle.objects import checkouts, notification_settings, subscription_charges
from service.sandbox.paddle.outcomes import Payments
from service.sandbox.paddle.render import plain
from service.sandbox.paddle.settings import Settings
from service.sandbox.paddle.signature import sign
from service.sandbox.paddle.world import PREFIXES, World
from service.sandbox.standin import StandIn

Json = dict[str, Any]

API_KEY = "pdl_sdbx_apikey_sandbox"

__all__ = ["Answer", "Attempt", "Call", "Delivery", "PaddleSandbox", "SandboxError", "make", "sign"]


class PaddleSandbox(StandIn[World, Api]):
    """One Paddle account in memory, with an API over HTTP, virtual time, signed deliveries and faults.

    Two sandboxes with one seed and the same calls hold the same objects, ids and events. Every method may be called
    from any thread. `page_cap` limits every page, and `rate_limit` the requests of one virtual minute.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        now: int = 1_790_000_000,
        api_key: str = API_KEY,
        page_cap: int = 200,
        rate_limit: int | None = None,
    ) -> None:
        self._start = (seed, now)
        self.settings = Settings(page_cap=page_cap, rate_limit=rate_limit)
        self._world = World(seed=seed, now=now, settings=self.settings)
        self._api = Api(self._world, api_key, seed)
        self._registered: list[tuple[str, str, tuple[str, ...]]] = []

    @property
    def payments(self) -> Payments:
        """How the customers' coming payments end."""
        return self._world.payments

    def call(self, method: str, path: str, sent: Json | None = None) -> Json:
        """One API request in-process: `sent` is the query of a GET or DELETE, else the body. Answers `data` and `meta`.

        It is checked and answered as over HTTP; faults of the transport do not strike.

        Raises:
            SandboxError: the answer is an error.
        """
        return self._api.call(method, path, sent)

    def objects(self, resource: str) -> dict[str, Json]:
        """Current renderings by id of a resource (`subscription`, `transaction`, ...), without `management_urls`."""
        with self.lock:
            return {object_id: _copy(row) for object_id, row in self._world.tables[resource].upwards()}

    def register_endpoint(self, url: str, secret: str, *, types: tuple[str, ...] = ("*",)) -> Endpoint:
        """Deliver events of these types to `url`, signed with `secret`, as a notification setting that stays.

        Several secrets, separated by commas, sign every delivery together, as during a rotation.
        """
        with self.lock:
            self._registered.append((url, secret, types))
            return self._register(url, secret, types)

    def _register(self, url: str, secret: str, types: tuple[str, ...]) -> Endpoint:
        values = {"destination": url, "endpoint_secret_key": secret, "subscribed_events": list(types), "type": "url"}
        setting = notification_settings.made(self._world, description="registered", **values)
        return self._world.endpoints[setting["id"]]

    def rotate_secret(self, setting_id: str, *, overlap_seconds: int = 86_400) -> Json:
        """Give a destination a new secret; for a while deliveries are signed with the old one as well (assumed)."""
        with self.lock:
            return _copy(notification_settings.rotate(self._world, setting_id, overlap_seconds))

    def open_checkout(self, price_id: str, *, quantity: int = 1, custom_data: Json | None = None) -> Json:
        """A visitor opens a checkout: a draft transaction of origin `web`, without a customer."""
        items = [{"price_id": price_id, "quantity": quantity}]
        with self.lock:
            return _copy(checkouts.opened(self._world, items, custom_data))

    def complete_checkout(self, transaction_id: str, *, email: str = "buyer@example.com", country: str = "US") -> Json:
        """The buyer pays; e-mail and country count where the transaction has no customer or address yet.

        A payment that `payments` lets fail leaves the transaction as it is, with one more attempt.
        """
        with self.lock:
            transaction = self._world.get("transaction", transaction_id)
            return _copy(checkouts.complete(self._world, transaction, email, country))

    def pay_invoice(self, transaction_id: str) -> Json:
        """The buyer pays an issued invoice by bank."""
        with self.lock:
            return _copy(checkouts.pay_invoice(self._world, self._world.get("transaction", transaction_id)))

    def change_payment_method(self, subscription_id: str) -> Json:
        """The buyer enters another payment method: a zero transaction, or the past due one is paid."""
        with self.lock:
            return _copy(subscription_charges.changed(self._world, subscription_id))

    def settle_adjustment(self, adjustment_id: str, *, status: str = "approved") -> Json:
        """Paddle decides a refund: `approved` or `rejected`; an approved adjustment can be `reversed`."""
        with self.lock:
            return _copy(adjusting.settle(self._world, self._world.get("adjustment", adjustment_id), status))

    def chargeback(self, transaction_id: str, *, amount: int | None = None) -> Json:
        """The buyer's bank takes money back, all that is left unless said otherwise."""
        return self._charged_back(transaction_id, "chargeback", amount)

    def chargeback_warning(self, transaction_id: str, *, amount: int | None = None) -> Json:
        """The buyer's bank warns of a chargeback; no money moves."""
        return self._charged_back(transaction_id, "chargeback_warning", amount)

    def _charged_back(self, transaction_id: str, action: str, amount: int | None) -> Json:
        with self.lock:
            transaction = self._world.get("transaction", transaction_id)
            return _copy(adjusting.charged_back(self._world, transaction, action, amount))

    def reverse_chargeback(self, adjustment_id: str) -> Json:
        """The bank changes its mind about a chargeback or a warning: its reverse is created."""
        with self.lock:
            return _copy(adjusting.charged_forth(self._world, self._world.get("adjustment", adjustment_id)))

    def reset(self, *, seed: int | None = None) -> None:
        """Begin again with an empty account; endpoints registered without the API stay."""
        first_seed, now = self._start
        seed = first_seed if seed is None else seed
        with self._world.lock:
            self._world = World(seed=seed, now=now, settings=self.settings)
            self._api = Api(self._world, self._api.api_key, seed)
            for url, secret, types in self._registered:
                self._register(url, secret, types)

    def commands(self) -> dict[str, Command]:
        """The control plane's commands beyond those that every stand-in has."""
        return {
            "fail_next": lambda sent: self.payments.fail_next(**sent),
            "open_checkout": lambda sent: self.open_checkout(**sent),
            "complete_checkout": lambda sent: self.complete_checkout(**sent),
            "pay_invoice": lambda sent: self.pay_invoice(**sent),
            "change_payment_method": lambda sent: self.change_payment_method(**sent),
            "settle_adjustment": lambda sent: self.settle_adjustment(**sent),
            "chargeback": lambda sent: self.chargeback(**sent),
            "chargeback_warning": lambda sent: self.chargeback_warning(**sent),
            "reverse_chargeback": lambda sent: self.reverse_chargeback(**sent),
            "rotate_secret": lambda sent: self.rotate_secret(**sent),
            "endpoint": lambda sent: {"id": self.register_endpoint(**sent).id},
            "settings": self.settings.change,
        }

    def state(self) -> Json:
        """Virtual time, and how much of everything there is."""
        with self.lock:
            counts = {name: len(self._world.tables[name]) for name in sorted(PREFIXES)}
            waiting = len(self.deliveries.pending())
            return {"now": self.clock.now(), "objects": counts, "requests": len(self.requests), "pending": waiting}


def _copy(thing: Json) -> Json:
    copy: Json = msgspec.json.decode(msgspec.json.encode(plain(thing)))
    return copy


def make(*, seed: int, now: int, api_key: str | None) -> PaddleSandbox:
    """A stand-in to run by itself; see `service.sandbox.run`."""
    return PaddleSandbox(seed=seed, now=now, api_key=api_key or API_KEY)
