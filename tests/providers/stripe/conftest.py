"""How this provider's reader connects to the served API, and what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.providers.stripe.client import StripeReader
from service.sandbox.stripe import StripeSandbox
from tests.providers.stripe.given import KEY
from tests.providers.wire import Budget, Served, Switch

__all__ = ["Budget", "Wire"]


class Wire(Served):
    """The API as this provider's adapter reaches it."""

    def connect(self, *, key: str = KEY, timeout: float = 20.0) -> StripeReader:
        """A reader of this API that does not really wait between attempts."""
        return StripeReader(self.connection(key, timeout=timeout), sleep=self.slept.append)


@pytest.fixture
def wire(switch: Switch, url: str) -> Iterator[Wire]:
    """An API that answers 500 until a test says otherwise."""
    switch.wire = wire = Wire(url)
    yield wire
    for reader in wire.readers:
        reader.close()


@pytest.fixture
def sandbox(wire: Wire) -> StripeSandbox:
    """The stand-in behind the wire, with pages and nested lists so small that both are always cut off."""
    sandbox = StripeSandbox(seed=7, api_key=KEY, page_cap=2, nested_cap=1)
    wire.answer = sandbox.exchange
    return sandbox


@pytest.fixture
def reader(wire: Wire) -> Iterator[StripeReader]:
    reader = wire.connect()
    yield reader
    reader.close()
