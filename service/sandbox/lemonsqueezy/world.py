"""The state of one Lemon Squeezy account: objects, time, and what each change sends."""

import threading
import uuid
from collections import defaultdict
from hashlib import blake2b
from typing import Any

from service.sandbox.clock import Clock
from service.sandbox.delivery import Deliveries, Endpoint, Manners
from service.sandbox.faults import Faults
from service.sandbox.ids import Ids
from service.sandbox.lemonsqueezy import events
from service.sandbox.lemonsqueezy.errors import missing
from service.sandbox.lemonsqueezy.outcomes import Payments
from service.sandbox.lemonsqueezy.settings import Settings
from service.sandbox.lemonsqueezy.signature import headers
from service.sandbox.lemonsqueezy.table import Row, Table
from service.sandbox.lemonsqueezy.times import stamp
from service.sandbox.schedule import Schedule

Json = dict[str, Any]

# Exactly 200; up to three more attempts, given up for ever 155 seconds after the first, as Lemon Squeezy documents it.
_MANNERS = Manners(
    headers, retries=(5, 25, 125), accepts=lambda status: status == 200, somebody_else="secret-of-somebody-else"
)
_WITHOUT_MODE = {"stores", "users", "prices", "subscription-items", "usage-records"}


class World:
    """Everything one account holds."""

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
        self.signed_urls = 0

    @property
    def now(self) -> int:
        """Virtual unix seconds."""
        return self.clock.now()

    @property
    def stamp(self) -> str:
        """Now as objects carry it, rounded down to the fault `stamp_seconds`."""
        return stamp(self.now - self.now % max(self.faults.stamp_seconds, 1))

    def add(self, kind: str, attributes: Json, **hidden: Any) -> Row:
        """Create an object of a type, created and updated now."""
        times = {"created_at": self.stamp, "updated_at": self.stamp}
        mode = {} if kind in _WITHOUT_MODE else {"test_mode": self.settings.test_mode}
        return self.tables[kind].add(kind, attributes | times | mode, hidden)

    def find(self, kind: str, row_id: object) -> Row | None:
        """The object, or None. An id is digits, as text or as a number."""
        text = str(row_id)
        plain = text.isascii() and text.isdigit() and len(text) < 19 and not text.startswith("0")
        return self.tables[kind].get(int(text)) if plain else None

    def get(self, kind: str, row_id: object) -> Row:
        """The object.

        Raises:
            SandboxError: 404.
        """
        found = self.find(kind, row_id)
        if found is None:
            raise missing()
        return found

    def touch(self, row: Row, **attributes: Any) -> None:
        """Set attributes and move `updated_at` to now; within one second it stays the same."""
        row.attributes.update(attributes, updated_at=self.stamp)

    def emit(self, row: Row, *names: str) -> None:
        """Send events of these names about the object as it is now."""
        for name in names:
            events.emit(self, row, name)

    def uuid(self) -> str:
        """A fresh UUID that the seed decides."""
        digest = blake2b(self.ids.token(20).encode(), digest_size=16).digest()
        return str(uuid.UUID(bytes=digest, version=4))

    def signed(self, url: str) -> str:
        """The URL with an expiry and a signature that no other rendering has."""
        self.signed_urls += 1
        expires = self.now + self.settings.url_seconds
        signature = blake2b(f"{url} {expires} {self.signed_urls}".encode(), digest_size=32).hexdigest()
        return f"{url}?expires={expires}&signature={signature}"

    def advance(self, seconds: int) -> None:
        """Move time forward and do what falls due on the way, each at its own moment."""
        until = self.now + seconds
        while due := self.schedule.next_due(until):
            self.clock.move_to(due[0])
            due[1]()
        self.clock.move_to(until)
