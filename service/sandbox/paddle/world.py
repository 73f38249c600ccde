"""The state of one Paddle account: objects, time, and the event log that every change ends in."""

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from service.sandbox.clock import Clock
from service.sandbox.delivery import Deliveries, Endpoint, Manners
from service.sandbox.faults import Faults
from service.sandbox.paddle import events
from service.sandbox.paddle.errors import not_found
from service.sandbox.paddle.outcomes import Payments
from service.sandbox.paddle.settings import Settings
from service.sandbox.paddle.signature import headers
from service.sandbox.paddle.table import Table
from service.sandbox.paddle.times import Moments, text
from service.sandbox.paddle.ulids import Ulids
from service.sandbox.schedule import Schedule

Json = dict[str, Any]

PREFIXES = {
    "address": "add",
    "adjustment": "adj",
    "customer": "ctm",
    "event": "evt",
    "notification": "ntf",
    "notification_setting": "ntfset",
    "price": "pri",
    "product": "pro",
    "subscription": "sub",
    "transaction": "txn",
}


@dataclass
class PaddleFaults(Faults):
    """The shared faults; Paddle remembers events and notifications for 90 days.

    `api_version` and `search_lag_seconds` mean nothing here: there is one version, and nothing lags.
    """

    event_days: int = 90


class World:
    """Everything one account holds. Keys of an object that begin with `_` are ours and never rendered."""

    def __init__(self, *, seed: int, now: int, settings: Settings) -> None:
        self.lock = threading.RLock()
        self.settings = settings
        self.clock, self.ids, self.faults = Clock(now), Ulids(seed), PaddleFaults(seed=seed)
        # Notifications have identifiers of their own source: a destination more must not change any object's id.
        self.notification_ids = Ulids(seed + 1)
        self.moments, self.schedule, self.payments = Moments(), Schedule(), Payments()
        self.tables: defaultdict[str, Table] = defaultdict(Table)
        self.endpoints: dict[str, Endpoint] = {}
        self.emails: dict[str, Json] = {}
        self.balances: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.log: list[Json] = []
        self.invoices = 10_000
        self.signed_urls = 0
        manners = Manners(
            headers,
            retries=settings.retries,
            accepts=lambda status: status == 200,
            somebody_else="pdl_ntfset_01of0somebody0else_secret",
        )
        self.deliveries = Deliveries(self.clock, self.faults, manners, self.lock)

    @property
    def now(self) -> int:
        """Virtual unix seconds."""
        return self.clock.now()

    def moment(self) -> int:
        """A new moment in microseconds, later than all before; the fault `stamp_seconds` does not touch it."""
        return self.moments.next(self.now)

    def printed(self, micros: int) -> str:
        """A moment as objects carry it: with `stamp_seconds` above 1, all moments of a step share its beginning."""
        step = self.faults.stamp_seconds * 1_000_000
        return text(micros if self.faults.stamp_seconds <= 1 else micros - micros % step)

    def stamp(self) -> str:
        """A new moment as objects carry it."""
        return self.printed(self.moment())

    def add(self, resource: str, *types: str, **values: Any) -> Json:
        """Create an object with a new id, created and updated now, and emit `types` for it."""
        micros = self.moment()
        object_id = self.ids.new(PREFIXES[resource], micros)
        times = {"created_at": self.printed(micros), "updated_at": self.printed(micros)}
        thing = {"id": object_id, **values, **times}
        self.tables[resource].add(object_id, thing)
        self.emit(thing, *types)
        return thing

    def change(self, thing: Json, *types: str, **values: Any) -> Json:
        """Set fields, move `updated_at` to now and emit events of these types."""
        thing.update(values, updated_at=self.stamp())
        self.emit(thing, *types)
        return thing

    def emit(self, thing: Json, *types: str, **more: Any) -> None:
        """Record events of these types about the object as it is now; `more` is added to their data."""
        events.emit(self, thing, types, more)

    def get(self, resource: str, object_id: str) -> Json:
        """The object.

        Raises:
            SandboxError: 404.
        """
        found = self.tables[resource].get(object_id)
        if found is None:
            raise not_found(resource.replace("_", " ").capitalize(), object_id)
        return found

    def advance(self, seconds: int) -> None:
        """Move time forward and do what falls due on the way, each at its own moment."""
        until = self.now + seconds
        while due := self.schedule.next_due(until):
            self.clock.move_to(due[0])
            due[1]()
        self.clock.move_to(until)
