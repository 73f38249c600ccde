"""What every stand-in is, whatever its provider: a world, an API over it, and the control plane beside that API."""

import threading
from abc import ABC, abstractmethod
from typing import Any, Generic, Protocol, TypeVar

from service.sandbox.clock import Clock
from service.sandbox.control import Command, control_routes
from service.sandbox.delivery import Deliveries
from service.sandbox.edge import Answer, Call, Edge
from service.sandbox.faults import Faults

Json = dict[str, Any]


class StandInWorld(Protocol):
    """The state of one account, as far as all providers have it."""

    lock: threading.RLock
    clock: Clock
    deliveries: Deliveries
    log: list[Json]

    @property
    def faults(self) -> Faults:
        """What goes wrong next."""

    def advance(self, seconds: int) -> None:
        """Move virtual time."""


class StandInApi(Protocol):
    """The API over a world."""

    api_key: str
    requests: list[tuple[str, str]]

    def exchange(self, call: Call) -> Answer:
        """Answer one request."""


W = TypeVar("W", bound=StandInWorld)
A = TypeVar("A", bound=StandInApi)


class StandIn(ABC, Generic[W, A]):
    """One provider account in memory. Every method may be called from any thread."""

    _world: W
    _api: A
    _edge: Edge | None = None

    @property
    def app(self) -> Edge:
        """The ASGI application: the API, and the control plane under `/_sandbox/`."""
        if self._edge is None:
            self._edge = Edge(lambda call: self.exchange(call), control_routes(self))
        return self._edge

    @property
    def clock(self) -> Clock:
        """Virtual time, in unix seconds."""
        return self._world.clock

    @property
    def faults(self) -> Faults:
        """What goes wrong next."""
        return self._world.faults

    @property
    def deliveries(self) -> Deliveries:
        """Webhooks that wait, and the sending of them."""
        return self._world.deliveries

    @property
    def events(self) -> list[Json]:
        """All events so far, oldest first, those that the API shows no more (or never did) included: read it only."""
        return self._world.log

    @property
    def requests(self) -> list[tuple[str, str]]:
        """Method and path of every API request so far, those that failed included."""
        return self._api.requests

    @property
    def api_key(self) -> str:
        """The key that requests must carry; assign another to make the old one wrong."""
        return self._api.api_key

    @api_key.setter
    def api_key(self, key: str) -> None:
        self._api.api_key = key

    @property
    def lock(self) -> threading.RLock:
        """Held by every request and every method: hold it to see several of them as one."""
        return self._world.lock

    def exchange(self, call: Call) -> Answer:
        """Answer one request as over HTTP, faults included, without a socket; `dropped` means no response."""
        return self._api.exchange(call)

    def advance(self, seconds: int) -> None:
        """Move virtual time; what falls due on the way happens, each at its moment."""
        with self.lock:
            self._world.advance(seconds)

    @abstractmethod
    def reset(self, *, seed: int | None = None) -> None:
        """Begin again with an empty account."""

    @abstractmethod
    def state(self) -> Json:
        """Virtual time, and how much of everything there is."""

    @abstractmethod
    def commands(self) -> dict[str, Command]:
        """The control plane's commands beyond those that every stand-in has."""
