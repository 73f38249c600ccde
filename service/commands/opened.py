"""The system that a command works on: configured, its schema checked, closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import SchemaError
from service.store import schema
from service.store.engine import Database
from service.system import System, start


@contextmanager
def opened() -> Iterator[System]:
    """A system whose schema is new enough. Raises `ConfigError` or `SchemaError`."""
    system = start()
    try:
        missing = absent(system.database)
        if missing is not None:
            raise SchemaError(f"there is no database {missing}; run `tallyhook migrate`")
        schema.check(system.database)
        yield system
    finally:
        system.close()


def absent(database: Database) -> Path | None:
    """The file of a SQLite database that does not exist yet or is empty; opening it would only create it."""
    name = database.url.database
    if database.postgres or not name or name == ":memory:":
        return None
    path = Path(name).expanduser()
    return None if path.is_file() and path.stat().st_size else path
