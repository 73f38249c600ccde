"""One served socket for all tests of the adapters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.sandbox.edge import Edge
from service.sandbox.server import serving
from tests.providers.wire import Switch


@pytest.fixture(scope="session")
def switch() -> Switch:
    return Switch()


@pytest.fixture(scope="session")
def url(switch: Switch) -> Iterator[str]:
    with serving(Edge(switch)) as url:
        yield url
