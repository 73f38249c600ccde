"""A listening stand-in for many histories, and copies of it in fresh databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.convergence.copy import Copy, Stage


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One listening stand-in for all histories."""
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def on_sqlite(stage: Stage, sqlite_url: str) -> Iterator[Copy]:
    """A copy in its own SQLite file."""
    made = Copy(sqlite_url, stage.url)
    yield made
    made.close()


@pytest.fixture
def on_postgres(stage: Stage, postgres_url: str) -> Iterator[Copy]:
    """A copy in its own PostgreSQL database."""
    made = Copy(postgres_url, stage.url)
    yield made
    made.close()


@pytest.fixture
def on_either(stage: Stage, database_url: str) -> Iterator[Copy]:
    """A copy on SQLite and on PostgreSQL in turn."""
    made = Copy(database_url, stage.url)
    yield made
    made.close()


@pytest.fixture
def keyless(stage: Stage, sqlite_url: str) -> Iterator[Copy]:
    """A copy without an API key: it can't read anything again."""
    made = Copy(sqlite_url, stage.url, api_key=None)
    yield made
    made.close()
