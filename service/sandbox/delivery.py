"""Deliveries of events to webhook endpoints: what waits, what is sent, what is tried again."""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import httpx

from service.sandbox.clock import Clock
from service.sandbox.faults import Faults

Signer = Callable[[bytes, str, int], dict[str, str]]
"""Headers that sign (body, secret, how many seconds old the signature claims to be)."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a provider delivers: how it signs, what it takes for an answer, and when it tries again.

    `retries` are the virtual seconds between attempts; after the last one a delivery is given up. `accepts` judges the
    receiver's status. `somebody_else` is the secret that spoiled signatures are made with.
    """

    sign: Signer
    retries: tuple[int, ...]
    accepts: Callable[[int], bool] = lambda status: 200 <= status < 300
    somebody_else: str = "whsec_of_somebody_else"


@dataclass(slots=True)
class Endpoint:
    """A webhook endpoint: the event types it wants (`*` is all) and how its bodies are rendered."""

    id: str
    url: str
    secret: str
    types: frozenset[str] = frozenset({"*"})
    api_version: str | None = None
    enabled: bool = True
    payload: Literal["snapshot", "thin"] = "snapshot"

    def wants(self, event_type: str) -> bool:
        """True if an event of this type is sent to this endpoint now."""
        return self.enabled and ("*" in self.types or event_type in self.types)


@dataclass(slots=True, eq=False)
class Delivery:
    """One event on its way to one endpoint. `created` and `due` are virtual unix seconds."""

    event_id: str
    endpoint_url: str
    body: bytes = field(repr=False)
    secret: str = field(repr=False)
    created: int
    due: int
    attempts: int = 0
    settled: bool = False
    tell: "Callable[[Delivery, Attempt], None] | None" = field(default=None, repr=False)
    """Called, under the lock, with what came of each attempt, when `due` is already that of the next one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one sending: the receiver's status, or the transport's error."""

    event_id: str
    url: str
    status: int | None = None
    error: str | None = None
    answered: bool = False
    """True if the receiver acknowledged, by a status that the provider accepts."""


class Deliveries:
    """The deliveries of one stand-in. Sending holds no lock, so a receiver may call the API back."""

    def __init__(self, clock: Clock, faults: Faults, manners: Manners, lock: threading.RLock) -> None:
        self._clock, self._faults, self._manners, self._lock = clock, faults, manners, lock
        self._waiting: list[Delivery] = []
        self._unanswered: dict[str, int] = {}

    def add(self, event_id: str, endpoint: Endpoint, body: bytes) -> Delivery:
        """Queue a delivery that is due at once, and return it."""
        now = self._clock.now()
        delivery = Delivery(event_id, endpoint.url, body, endpoint.secret, now, now)
        with self._lock:
            self._waiting.append(delivery)
            self._unanswered[event_id] = self._unanswered.get(event_id, 0) + 1
        return delivery

    def unanswered(self, event_id: str) -> int:
        """Endpoints that have not yet acknowledged the event, lost deliveries included."""
        return self._unanswered.get(event_id, 0)

    def pending(self) -> list[Delivery]:
        """Deliveries that still wait, oldest first; those that wait for a retry included."""
        with self._lock:
            return list(self._waiting)

    def take(self) -> list[Delivery]:
        """Remove and return all that wait, untouched by faults; report the outcome with `answer`."""
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken

    def answer(self, delivery: Delivery, status: int) -> None:
        """Record a receiver's status for a taken delivery: an accepted one settles it, another leaves it unanswered."""
        answered = self._manners.accepts(status)
        if answered:
            self._settle(delivery)
        self._tell(delivery, Attempt(delivery.event_id, delivery.endpoint_url, status, answered=answered))

    def clear(self) -> None:
        """Forget every delivery."""
        with self._lock:
            self._waiting.clear()
            self._unanswered.clear()

    def pump(self) -> list[Attempt]:
        """Send what is due over HTTP and return the attempts in the order of sending.

        An accepted status settles a delivery; anything else leaves it waiting for its next retry in virtual time, until the
        schedule is used up. Faults drop, duplicate, delay and reorder first attempts and spoil signatures.
        """
        with self._lock:
            batch = self._take_due()
        if not batch:
            return []
        with httpx.Client(timeout=10, trust_env=False, verify=_trusted()) as client:
            return [self._send(client, delivery) for delivery in batch]

    def _take_due(self) -> list[Delivery]:
        now = self._clock.now()
        batch: list[Delivery] = []
        waiting: list[Delivery] = []
        for delivery in self._waiting:
            if delivery.due > now:
                waiting.append(delivery)
            else:
                batch.extend(self._after_faults(delivery, waiting))
        self._waiting = waiting
        if self._faults.reorder:
            self._faults.shuffle(batch)
        return batch

    def _after_faults(self, delivery: Delivery, waiting: list[Delivery]) -> list[Delivery]:
        first = delivery.attempts == 0 and delivery.due == delivery.created
        if not first:
            return [delivery]
        if self._faults.strikes("drop"):
            return []
        if self._faults.strikes("delay"):
            delivery.due += self._faults.delay_seconds
            waiting.append(delivery)
            return []
        return [delivery, delivery] if self._faults.strikes("duplicate") else [delivery]

    def _send(self, client: httpx.Client, delivery: Delivery) -> Attempt:
        delivery.attempts += 1
        attempt = self._post(client, delivery)
        if attempt.answered:
            self._settle(delivery)
        else:
            self._retry(delivery)
        self._tell(delivery, attempt)
        return attempt

    def _tell(self, delivery: Delivery, attempt: Attempt) -> None:
        if delivery.tell is not None:
            with self._lock:
                delivery.tell(delivery, attempt)

    def _post(self, client: httpx.Client, delivery: Delivery) -> Attempt:
        secret = self._manners.somebody_else if self._faults.strikes("wrong_signature") else delivery.secret
        age = 600 if self._faults.strikes("stale_signature") else 0
        headers = {"Content-Type": "application/json; charset=utf-8", **self._manners.sign(delivery.body, secret, age)}
        try:
            response = client.post(delivery.endpoint_url, content=delivery.body, headers=headers)
        except httpx.HTTPError as error:
            return Attempt(delivery.event_id, delivery.endpoint_url, error=f"{type(error).__name__}: {error}")
        status = response.status_code
        return Attempt(delivery.event_id, delivery.endpoint_url, status, answered=self._manners.accepts(status))

    def _retry(self, delivery: Delivery) -> None:
        with self._lock:
            over = delivery.settled or delivery.attempts > len(self._manners.retries)
            if not over and delivery not in self._waiting:
                delivery.due = self._clock.now() + self._manners.retries[delivery.attempts - 1]
                self._waiting.append(delivery)

    def _settle(self, delivery: Delivery) -> None:
        # Two copies of one delivery may both be acknowledged: the second must not count for another endpoint.
        with self._lock:
            if delivery.settled:
                return
            delivery.settled = True
            left = self._unanswered.get(delivery.event_id, 0) - 1
            if left > 0:
                self._unanswered[delivery.event_id] = left
            else:
                self._unanswered.pop(delivery.event_id, None)


@cache
def _trusted() -> ssl.SSLContext:
    """One context for all: loading the certificate store costs more than sending a hundred deliveries."""
    return ssl.create_default_context()
