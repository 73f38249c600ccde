"""One stand-in on one socket a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from tests.reconcile.lemons import HOUR, Lemons
from tests.reconcile.world import DAY, World


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log lines are checked where a test asks for them."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """An empty shop and an empty copy, on SQLite and PostgreSQL in turn."""
    sandbox = StripeSandbox()
    with serving(sandbox.app) as url:
        opened = World(sandbox, database_url, url)
        yield opened
        opened.close()


@pytest.fixture
def morning(world: World) -> World:
    """The first second of a UTC day at the provider."""
    world.later(DAY - world.sandbox.clock.now() % DAY)
    return world


@pytest.fixture
def shop(world: World) -> World:
    """Two paid subscriptions and a refund, imported by a first run two hours ago."""
    world.subscription(1_900)
    world.subscription(9_900)
    world.refund(500)
    world.later()
    first = world.run()
    assert (first.status, first.exit_code) == ("complete", 0), first
    world.later()
    return world


@pytest.fixture
def lemons(database_url: str) -> Iterator[Lemons]:
    """Three subscribers at a provider without an event log, delivered and then compared whole."""
    sandbox = LemonSqueezySandbox(rate_limit=None)
    with serving(sandbox.app) as url:
        opened = Lemons(sandbox, database_url, url)
        for number in range(3):
            opened.buy(number)
        opened.deliver()
        assert opened.run().exit_code == 0
        sandbox.advance(HOUR)
        yield opened
        opened.close()
