"""How this provider's reader connects to the served API, and what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.providers.paddle.client import PaddleReader
from tests.providers.paddle.given import KEY
from tests.providers.paddle.shelf import Shelf
from tests.providers.wire import Budget, Served, Switch

__all__ = ["Budget", "Wire"]


class Wire(Served):
    """The API as this provider's adapter reaches it."""

    def connect(self, *, key: str = KEY) -> PaddleReader:
        """A reader of this API that does not really wait between attempts."""
        return PaddleReader(self.connection(key), sleep=self.slept.append)


@pytest.fixture
def wire(switch: Switch, url: str) -> Iterator[Wire]:
    """An API that answers 500 until a test says otherwise."""
    switch.wire = wire = Wire(url)
    yield wire
    for reader in wire.readers:
        reader.close()


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
