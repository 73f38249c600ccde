"""An API behind one served socket, whose answers each test chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from service.provider import Connection, Reader
from service.sandbox.edge import Answer, Call


@dataclass
class Budget:
    """Grants every call and remembers what was asked of it."""

    taken: list[bool] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def take(self, *, reserve: bool = False) -> None:
        self.taken.append(reserve)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@dataclass
class Served:
    """A served API at `url`; `answer` decides, `calls` is what came, `slept` what the client waited.

    Each provider's `Wire` adds how its reader connects; who is kept in `readers` is closed after the test.
    """

    url: str
    answer: Callable[[Call], Answer] = lambda _call: Answer(500)
    calls: list[Call] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    readers: list[Reader] = field(default_factory=list)

    def connection(
        self, key: str, *, timeout: float = 20.0, store_id: str | None = None, secret: str | None = None
    ) -> Connection:
        """What a reader of this API is made with."""
        extra = {} if store_id is None else {"store_id": store_id}
        return Connection(
            api_key=key, api_base=self.url, budget=self.budget, timeout=timeout, extra=extra, webhook_secret=secret
        )

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [f"{call.method} {call.path}" for call in self.calls]


class Switch:
    """The exchange behind the socket: hands every call to the wire of the running test."""

    wire: Served

    def __call__(self, call: Call) -> Answer:
        self.wire.calls.append(call)
        return self.wire.answer(call)
