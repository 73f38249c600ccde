"""A shop a test, quiet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from tests.usage.shops import SHOPS, AnyShop, opened


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log lines are checked where a test asks for them."""
    with structlog.testing.capture_logs():
        yield


_PLACES = [(kind, "sqlite_url") for kind in SHOPS] + [("stripe", "postgres_url"), ("lemonsqueezy set", "postgres_url")]


@pytest.fixture(params=_PLACES, ids=[f"{kind}-{database.removesuffix('_url')}" for kind, database in _PLACES])
def shop(request: pytest.FixtureRequest) -> Iterator[AnyShop]:
    """A shop at each stand-in on SQLite, and two of them on PostgreSQL: what differs there is the same for all."""
    kind, database = request.param
    with opened(kind, request.getfixturevalue(database)) as found:
        yield found
