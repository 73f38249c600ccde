"""The Stripe stand-in: a stateful account that the official SDK talks to."""

from dataclasses import replace
from typing import Any, Literal

import msgspec

from service.sandbox.control import Command
from service.sandbox.delivery import Attempt, Delivery, Endpoint
from service.sandbox.edge import Answer, Call
from service.sandbox.standin import StandIn
from service.sandbox.stripe.api import Api
from service.sandbox.stripe.errors import SandboxError
from service.sandbox.stripe.objects import disputes, refunds, sessions, webhook_endpoints
from service.sandbox.stripe.outcomes import Payments
from service.sandbox.stripe.render import view
from service.sandbox.stripe.settings import Settings
from service.sandbox.stripe.signature import sign
from service.sandbox.stripe.world import World

Json = dict[str, Any]

__all__ = ["Answer", "Attempt", "Call", "Delivery", "SandboxError", "StripeSandbox", "make", "sign"]


class StripeSandbox(StandIn[World, Api]):
    """One Stripe account in memory, with an API over HTTP, virtual time, signed deliveries and faults.

    Two sandboxes with one seed and the same calls hold the same objects, ids and events. Every method may be called
    from any thread. `page_cap` limits every page, `nested_cap` every list inside an object, and `rate_limit` the
    requests of one virtual second.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        now: int = 1_790_000_000,
        api_key: str = "sk_test_sandbox",
        page_cap: int = 100,
        nested_cap: int = 10,
        account_id: str = "acct_sandbox",
        rate_limit: int | None = None,
    ) -> None:
        self._start = (seed, now)
        self.settings = Settings(account_id=account_id, page_cap=page_cap, nested_cap=nested_cap, rate_limit=rate_limit)
        self._world = World(seed=seed, now=now, settings=self.settings)
        self._api = Api(self._world, api_key)
        self._registered: list[Endpoint] = []

    @property
    def payments(self) -> Payments:
        """How the customers' coming payments end."""
        return self._world.payments

    def call(self, method: str, path: str, params: Json | None = None) -> Json:
        """One API request in-process, checked and answered as over HTTP; faults of the transport do not strike.

        Raises:
            SandboxError: the answer is an error.
        """
        return self._api.call(method, path, params)

    def objects(self, resource: str) -> dict[str, Json]:
        """Current renderings by id of a resource (`subscription`, `invoice_payment`, ...), deleted ones excluded."""
        with self.lock:
            rows = self._world.tables[resource].oldest()
            return {row["id"]: self._copy(row) for row in rows}

    def register_endpoint(
        self,
        url: str,
        secret: str,
        api_version: str | None = None,
        *,
        types: tuple[str, ...] = ("*",),
        payload: Literal["snapshot", "thin"] = "snapshot",
    ) -> Endpoint:
        """Deliver events of these types to `url`, signed with `secret`, as an endpoint that stays.

        The API lists it as a webhook endpoint, except for thin ones, which are event destinations there.
        """
        with self.lock:
            self._registered.append(Endpoint("", url, secret, frozenset(types), api_version, True, payload))
            return self._connect(self._registered[-1])

    def _connect(self, registered: Endpoint) -> Endpoint:
        listed = registered.payload == "snapshot"
        own_id = webhook_endpoints.show(self._world, registered) if listed else self._world.ids.new("we")
        self._world.endpoints[own_id] = endpoint = replace(registered, id=own_id)
        return endpoint

    def open_dispute(self, charge_id: str, *, reason: str = "fraudulent", amount: int | None = None) -> Json:
        """A customer's bank disputes a charge."""
        with self.lock:
            charge = self._world.get("charge", charge_id)
            return self._copy(disputes.open_dispute(self._world, charge, reason, amount))

    def close_dispute(self, dispute_id: str, *, status: str = "won") -> Json:
        """The bank decides a dispute: `won`, `lost`, or another final status."""
        with self.lock:
            dispute = self._world.get("dispute", dispute_id)
            return self._copy(disputes.close_dispute(self._world, dispute, status))

    def settle_refund(self, refund_id: str, *, status: str) -> Json:
        """Give a refund another status; `failed` and `canceled` return the money, even after `succeeded`."""
        with self.lock:
            return self._copy(refunds.settle(self._world, self._world.get("refund", refund_id), status))

    def next_refunds(self, status: str) -> None:
        """The status that following refunds are created with."""
        if status not in refunds.STATUSES:
            raise ValueError(f"no such refund status: {status}")
        self._world.refund_status = status

    def settle_in(self, currency: str, settled: str, rate: str) -> None:
        """Money in `currency` is booked in `settled` from now on, converted at `rate`; codes as Stripe writes them."""
        with self.lock:
            self.settings.settlement[currency] = settled, rate

    def complete_checkout(self, session_id: str) -> Json:
        """A customer pays an open checkout session with mode `subscription`."""
        with self.lock:
            return self._copy(sessions.complete(self._world, self._world.get("checkout.session", session_id)))

    def reset(self, *, seed: int | None = None) -> None:
        """Begin again with an empty account; endpoints registered without the API stay."""
        first_seed, now = self._start
        old = self._world
        with old.lock:
            fresh = World(seed=first_seed if seed is None else seed, now=now, settings=self.settings)
            self._world = fresh
            self._api = Api(fresh, self._api.api_key)
            for each in self._registered:
                self._connect(each)

    def commands(self) -> dict[str, Command]:
        """The control plane's commands beyond those that every stand-in has."""
        return {
            "fail_next": lambda sent: self.payments.fail_next(**sent),
            "dispute": lambda sent: self.open_dispute(**sent),
            "close_dispute": lambda sent: self.close_dispute(**sent),
            "settle_refund": lambda sent: self.settle_refund(**sent),
            "next_refunds": lambda sent: self.next_refunds(**sent),
            "settle_in": lambda sent: self.settle_in(**sent),
            "complete_checkout": lambda sent: self.complete_checkout(**sent),
            "endpoint": lambda sent: {"id": self.register_endpoint(**sent).id},
        }

    def state(self) -> Json:
        """Virtual time, and how much of everything there is."""
        with self.lock:
            tables = self._world.tables
            counts = {name: sum(1 for _ in tables[name].oldest()) for name in sorted(tables)}
            waiting = len(self.deliveries.pending())
            return {"now": self.clock.now(), "objects": counts, "requests": len(self.requests), "pending": waiting}

    def _copy(self, thing: Json) -> Json:
        shown = view(self._world, thing, self.settings.api_version)
        copy: Json = msgspec.json.decode(msgspec.json.encode(shown))
        return copy


def make(*, seed: int, now: int, api_key: str | None) -> StripeSandbox:
    """A stand-in to run by itself; see `service.sandbox.run`."""
    return StripeSandbox(seed=seed, now=now, api_key=api_key or "sk_test_sandbox")
