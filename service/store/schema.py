"""The schema: brought to the newest revision by `migrate`, and compared with this code by `check`.

Revisions are numbered files in `migrations/versions` and are never removed. So a revision in the database that this code
doesn't know is a newer one: the schema is *ahead*, which is accepted while a rolling upgrade is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.errors import SchemaError
from service.store.engine import Database

# One number for all processes that migrate; only its uniqueness among advisory locks matters.
_LOCK: Final = 7_205_759_403_792_794


def migrate(url: str) -> str:
    """Bring the database to the newest revision and return the one it is at then; one process at a time.

    All in one transaction: an error leaves the schema as it was, and is raised. A schema that is ahead is left alone.
    """
    with _alone(url) as connection:
        found = _revision(connection)
        if found is not None and found not in _known():
            return found
        _run(connection, lambda config: command.upgrade(config, "head"))
        return head()


def downgrade(url: str, revision: str) -> None:
    """Take the schema back to `revision` (`base`: to nothing), with the data that only newer revisions can hold."""
    with _alone(url) as connection:
        _run(connection, lambda config: command.downgrade(config, revision))


def current(database: Database) -> str | None:
    """The revision that the database is at; None where it was never migrated."""
    with database.read() as connection:
        return _revision(connection)


def head() -> str:
    """The newest revision that this code knows."""
    newest = _scripts().get_current_head()
    assert newest is not None
    return newest


def check(database: Database) -> None:
    """Raise `SchemaError` where the schema is behind this code; one that is ahead (an unknown revision) will do."""
    found = current(database)
    if found is None:
        raise SchemaError("the database has no schema yet; run `tallyhook migrate`")
    if found != head() and found in _known():
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


def _run(connection: Connection, action: Callable[[Config], None]) -> None:
    config = _config()
    config.attributes["connection"] = connection
    action(config)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "service.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
