"""The schema: brought to the newest revision by `migrate`, and compared with this code by `check`.

Revisions are numbered files in `migrations/versions` and are never removed. So a revision in the database that this code
doesn't know is a newer one: the schema is *ahead*, which is accepted while a rolling upgrade is under way.

Alembic, its operations and its templates are loaded where something is migrated. A process that only looks does without:
8 MB of memory, and 0.15 s at its start (docs/performance.md).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from service.errors import SchemaError
from service.store.engine import Database
from service.store.migrations import versions

if TYPE_CHECKING:
    from alembic.config import Config

# One number for all processes that migrate; only its uniqueness among advisory locks matters.
_LOCK: Final = 7_205_759_403_792_794


def migrate(url: str) -> str:
    """Bring the database to the newest revision and return the one it is at then; one process at a time.

    All in one transaction: an error leaves the schema as it was, and is raised. A schema that is ahead is left alone.
    """
    from alembic import command

    with _alone(url) as connection:
        found = _revision(connection)
        if found is not None and found not in known():
            return found
        command.upgrade(_config(connection), "head")
        return head()


def downgrade(url: str, revision: str) -> None:
    """Take the schema back to `revision` (`base`: to nothing), with the data that only newer revisions can hold."""
    from alembic import command

    with _alone(url) as connection:
        command.downgrade(_config(connection), revision)


def current(database: Database) -> str | None:
    """The revision that the database is at; None where it was never migrated."""
    with database.read() as connection:
        return _revision(connection)


def head() -> str:
    """The newest revision that this code knows."""
    return known()[-1]


def known() -> list[str]:
    """The revisions that this code knows, oldest first: the numbers that their files begin with."""
    return sorted(module.name.partition("_")[0] for module in pkgutil.iter_modules(versions.__path__))


def check(database: Database) -> None:
    """Raise `SchemaError` where the schema is behind this code; one that is ahead (an unknown revision) will do."""
    found = current(database)
    if found is None:
        raise SchemaError("the database has no schema yet; run `tallyhook migrate`")
    if found != head() and found in known():
        raise SchemaError(f"the schema is at revision {found}, this code needs {head()}; run `tallyhook migrate`")


@contextmanager
def _alone(url: str) -> Iterator[Connection]:
    """A transaction that no other migration runs beside: SQLite has one writer, PostgreSQL takes an advisory lock."""
    database = Database(url, pool_size=1)
    try:
        with database.write() as connection:
            if database.postgres:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection
    finally:
        database.close()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "service.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
