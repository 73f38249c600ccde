"""One served socket for all tests of this folder; what answers behind it is chosen by each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from service.provider import Connection
from service.providers.paddle.client import PaddleReader
from service.sandbox.edge import Answer, Call, Edge
from service.sandbox.server import serving
from tests.providers.paddle.given import KEY
from tests.providers.paddle.shelf import Shelf


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

    def connect(self, *, key: str = KEY) -> PaddleReader:
        """A reader of this API that does not really wait between attempts."""
        connection = Connection(api_key=key, api_base=self.url, budget=self.budget)
        return PaddleReader(connection, sleep=self.slept.append)


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
def wire(switch: Switch, url: str) -> Wire:
    """An API that answers 500 until a test says otherwise."""
    switch.wire = Wire(url, lambda _call: Answer(500))
    return switch.wire


@pytest.fixture
def shelf(wire: Wire) -> Shelf:
    """Lists behind the wire, with pages so small that they are always cut off."""
    shelf = Shelf()
    wire.answer = shelf
    return shelf


@pytest.fixture
def reader(wire: Wire) -> Iterator[PaddleReader]:
    reader = wire.connect()
    yield reader
    reader.close()
