"""The state of one Stripe account: objects, time, and the event log that every change ends in."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.sandbox.clock import Clock
from service.sandbox.delivery import Deliveries, Endpoint, Manners
from service.sandbox.faults import Faults
from service.sandbox.ids import Ids
from service.sandbox.schedule import Schedule
from service.sandbox.stripe import events
from service.sandbox.stripe.errors import missing
from service.sandbox.stripe.outcomes import Payments
from service.sandbox.stripe.settings import Settings
from service.sandbox.stripe.shapes import fresh
from service.sandbox.stripe.signature import headers
from service.sandbox.stripe.table import Table

Json = dict[str, Any]
# Any 2xx; exponential and given up after about three days, as Stripe documents it.
_MANNERS = Manners(headers, retries=(300, 1_800, 7_200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200))


@dataclass(frozen=True, slots=True)
class Cause:
    """The API request that a change comes from; both None when time caused it."""

    request_id: str | None = None
    idempotency_key: str | None = None


AUTOMATIC = Cause()


class World:
    """Everything one account holds. Objects are kept in the current API shape; keys that begin with `_` are ours."""

    def __init__(self, *, seed: int, now: int, settings: Settings) -> None:
        self.lock = threading.RLock()
        self.settings = settings
        self.clock, self.ids, self.faults = Clock(now), Ids(seed), Faults(seed=seed)
        self.payments = Payments()
        self.schedule = Schedule()
        self.tables: defaultdict[str, Table] = defaultdict(Table)
        self.endpoints: dict[str, Endpoint] = {}
        self.deliveries = Deliveries(self.clock, self.faults, _MANNERS, self.lock)
        self.log: list[Json] = []
        self.seen: dict[tuple[str, bool], Json] = {}
        self.twins: dict[str, Json] = {}
        self.thin_alone: dict[str, Json] = {}
        self.identifiers: dict[str, int] = {}
        self.cause = AUTOMATIC
        self.refund_status = "succeeded"

    @property
    def now(self) -> int:
        """Virtual unix seconds."""
        return self.clock.now()

    def add(self, resource: str, prefix: str, types: Sequence[str] = (), **values: Any) -> Json:
        """Create an object with a new id, created now, and emit `types` for it."""
        identity = {"id": values.pop("id", None) or self.ids.new(prefix), "created": self.now}
        thing = fresh(resource, **identity, **values)
        self.tables[resource].add(thing)
        self.emit(thing, *types)
        return thing

    def get(self, resource: str, object_id: str, param: str = "id") -> Json:
        """The object.

        Raises:
            SandboxError: Stripe's `resource_missing`, 404 for an id in the path and 400 for one in `param`.
        """
        found = self.tables[resource].get(object_id)
        if found is None:
            raise missing(NOUNS.get(resource, resource), object_id, param=param)
        return found

    def emit(self, thing: Json, *types: str) -> None:
        """Record events of these types about the object as it is now."""
        events.emit(self, thing, types)

    def change(self, thing: Json, *types: str, **values: Any) -> Json:
        """Set fields and emit events of these types; an `*.updated` is left out where nothing visible changed."""
        thing.update(values)
        self.emit(thing, *types)
        return thing

    def remove(self, resource: str, thing: Json, *types: str, tombstone: bool = False) -> Json:
        """Delete the object, emit `types` about its last state and return Stripe's answer to a deletion."""
        deleted = {"id": thing["id"], "object": thing["object"], "deleted": True}
        self.tables[resource].remove(thing["id"], deleted if tombstone else None)
        self.emit(thing, *types)
        return deleted

    def advance(self, seconds: int) -> None:
        """Move time forward and do what falls due on the way, each at its own moment."""
        until = self.now + seconds
        while due := self.schedule.next_due(until):
            self.clock.move_to(due[0])
            due[1]()
        self.clock.move_to(until)


NOUNS = {
    "balance_transaction": "balance transaction",
    "credit_note": "credit note",
    "billing.meter": "meter",
    "webhook_endpoint": "webhook endpoint",
    "subscription_item": "subscription item",
    "invoice_payment": "invoice payment",
}
"""Stripe's word for a resource in "No such ...", where it is not the resource's own name."""
