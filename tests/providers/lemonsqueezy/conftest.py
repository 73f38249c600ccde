"""How this provider's reader connects to the served API, and what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.providers.lemonsqueezy.client import LemonSqueezyReader
from tests.providers.lemonsqueezy.given import KEY, SECRET
from tests.providers.lemonsqueezy.shelf import Shelf, stocked
from tests.providers.wire import Budget, Served, Switch

__all__ = ["Budget", "Wire"]


class Wire(Served):
    """The API as this provider's adapter reaches it."""

    def connect(
        self, *, key: str = KEY, store_id: str | None = None, secret: str | None = SECRET, timeout: float = 20.0
    ) -> LemonSqueezyReader:
        """A reader of this API that does not really wait between attempts."""
        connection = self.connection(key, timeout=timeout, store_id=store_id, secret=secret)
        reader = LemonSqueezyReader(connection, sleep=self.slept.append)
        self.readers.append(reader)
        return reader


@pytest.fixture
def wire(switch: Switch, url: str) -> Iterator[Wire]:
    """An API that answers 500 until a test says otherwise."""
    switch.wire = wire = Wire(url)
    yield wire
    for reader in wire.readers:
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
