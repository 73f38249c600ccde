"""One served socket for all tests of this folder; what answers behind it is chosen by each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from service.provider import Connection
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.sandbox.edge import Answer, Call, Edge
from service.sandbox.server import serving
from tests.providers.lemonsqueezy.given import KEY, SECRET
from tests.providers.lemonsqueezy.shelf import Shelf, stocked


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
class Wire:
    """A served API at `url`; `answer` decides, `calls` is what came, `slept` what the client waited."""

    url: str
    answer: Callable[[Call], Answer]
    calls: list[Call] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    readers: list[LemonSqueezyReader] = field(default_factory=list)

    def connect(
        self, *, key: str = KEY, store_id: str | None = None, secret: str | None = SECRET, timeout: float = 20.0
    ) -> LemonSqueezyReader:
        """A reader of this API that does not really wait between attempts."""
        extra = {} if store_id is None else {"store_id": store_id}
        connection = Connection(
            api_key=key, api_base=self.url, budget=self.budget, timeout=timeout, extra=extra, webhook_secret=secret
        )
        self.readers.append(LemonSqueezyReader(connection, sleep=self.slept.append))
        return self.readers[-1]

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [f"{call.method} {call.path}" for call in self.calls]


class Switch:
    """The exchange behind the socket: hands every call to the wire of the running test."""

    wire: Wire

    def __call__(self, call: Call) -> Answer:
        self.wire.calls.append(call)
        return self.wire.answer(call)


@pytest.fixture(scope="session")
def switch() -> Switch:
    return Switch()


@pytest.fixture(scope="session")
def url(switch: Switch) -> Iterator[str]:
    with serving(Edge(switch)) as url:
        yield url


@pytest.fixture
def wire(switch: Switch, url: str) -> Iterator[Wire]:
    """An API that answers 500 until a test says otherwise; whoever connected to it is closed after the test."""
    switch.wire = Wire(url, lambda _call: Answer(500))
    yield switch.wire
    for reader in switch.wire.readers:
        reader.close()


@pytest.fixture
def shelf(wire: Wire) -> Shelf:
    """Two stores behind the wire, with pages so small that every list is cut off."""
    shelf = stocked(page_cap=2)
    wire.answer = shelf
    return shelf


@pytest.fixture
def reader(wire: Wire) -> LemonSqueezyReader:
    """A reader of all stores."""
    return wire.connect()


@pytest.fixture
def store(wire: Wire) -> LemonSqueezyReader:
    """A reader of the first store alone."""
    return wire.connect(store_id="1")
