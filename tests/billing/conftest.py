"""A world at each provider in turn, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.billing.cases.base import Case, discover
from tests.billing.world import Stage, World


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One socket a module."""
    opened = Stage()
    yield opened
    opened.close()


@pytest.fixture(params=sorted(discover()))
def case(request: pytest.FixtureRequest, stage: Stage) -> Case:
    """Each provider in turn."""
    stage.case = discover()[request.param]()
    return stage.case


@pytest.fixture
def world(case: Case, stage: Stage, database_url: str) -> Iterator[World]:
    """An application at one provider."""
    opened = World(case, database_url, stage.url)
    yield opened
    opened.close()
