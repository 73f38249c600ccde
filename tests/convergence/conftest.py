"""A listening stand-in for many histories, and copies of it in fresh databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from tests.convergence.business import Business
from tests.convergence.copy import Copy, Stage


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log lines are checked elsewhere, and many thousands of them take their time."""
    before: dict[str, Any] = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.configure(**before)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The API of whatever business is being played."""
    stage = Stage()
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda *sent: stage.answer(*sent))
    return stage


@pytest.fixture
def on_sqlite(request: pytest.FixtureRequest, stage: Stage, sqlite_url: str) -> Iterator[Copy[Any]]:
    """A copy of the business that is its parameter, in its own SQLite file."""
    made = Copy(sqlite_url, stage, request.param)
    yield made
    made.close()


@pytest.fixture
def on_postgres(request: pytest.FixtureRequest, stage: Stage, postgres_url: str) -> Iterator[Copy[Any]]:
    """The same in its own PostgreSQL database."""
    made = Copy(postgres_url, stage, request.param)
    yield made
    made.close()


@pytest.fixture
def on_either(stage: Stage, database_url: str, kind: type[Business]) -> Iterator[Copy[Any]]:
    """A copy of the business that a file of named histories is about (its fixture `kind`), on SQLite and on PostgreSQL."""
    made = Copy(database_url, stage, kind)
    yield made
    made.close()


@pytest.fixture
def keyless(request: pytest.FixtureRequest, stage: Stage, sqlite_url: str) -> Iterator[Copy[Any]]:
    """A copy without an API key: it can't read anything again."""
    made = Copy(sqlite_url, stage, request.param, keyless=True)
    yield made
    made.close()
