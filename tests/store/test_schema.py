"""The migrated schema is the one that the models describe, on both databases, and processes agree on it."""

from __future__ import annotations

import logging
import multiprocessing
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table, create_mock_engine, inspect, text

from service.errors import SchemaError
from service.store import schema
from service.store.engine import Database
from service.store.tables import EVENTS, METADATA, STATE

_OLD_RUN = """INSERT INTO reconcile_run (account, status, started_at, heartbeat_at, holder, dry_run, "full", options)
    VALUES ('a', 'complete', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00', 'h', false, false, :options)"""


# SQLite does not tell what an index over an expression is; on PostgreSQL it is compared.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrations_make_exactly_what_the_models_describe(database: Database) -> None:
    """Neither a table, a column, a type, an index nor a unique constraint differs."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_documented_tables_are_those_of_the_models() -> None:
    """Each table of docs/schema.md has exactly the columns and types that the models have, and none is left out."""
    page = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")
    shared, *sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    common = _documented(shared)
    found = {section.partition("\n")[0]: _documented(section) for section in sections}
    states = {each.name for each in STATE.values()}
    full = {name: common | columns if name in states else columns for name, columns in found.items()}
    assert full == {name: _modelled(each) for name, each in METADATA.tables.items()}


def _documented(section: str) -> dict[str, str]:
    columns: dict[str, str] = {}
    for names, types in re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", section, flags=re.MULTILINE):
        listed, kinds = re.findall(r"`(\w+)`", names), types.split(", ")
        columns |= zip(listed, kinds * len(listed) if len(kinds) == 1 else kinds, strict=len(kinds) > 1)
    return columns


def _modelled(each: Table) -> dict[str, str]:
    there = create_mock_engine("postgresql+psycopg://", lambda *_: None).dialect
    kinds = {column.name: column.type.compile(there).lower() for column in each.columns}
    return {name: kind.replace("timestamp with time zone", "timestamptz") for name, kind in kinds.items()}


def test_check_constraints_are_those_of_the_models(database: Database) -> None:
    """Autogeneration doesn't compare them; their names and number are compared here."""
    declared = {str(c.name) for c in EVENTS.constraints if type(c).__name__ == "CheckConstraint"}
    found = {str(c["name"]) for c in inspect(database.engine).get_check_constraints("webhook_event")}
    assert found == declared


def test_an_empty_database_goes_up_down_and_up_again(empty_url: str) -> None:
    """Down leaves nothing but the version table."""
    assert schema.migrate(empty_url) == schema.head()
    assert schema.migrate(empty_url) == schema.head()
    schema.downgrade(empty_url, "base")
    database = Database(empty_url)
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    assert schema.current(database) is None
    database.close()
    assert schema.migrate(empty_url) == schema.head()


def test_a_populated_database_keeps_its_rows_when_migrated_and_can_go_down(
    database: Database, database_url: str
) -> None:
    """Migrating again is harmless; going down takes the rows along."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with database.write() as connection:
        event = {"account": "a", "event_id": "e", "type": "t", "status": "ignored", "payload": b"{}"}
        connection.execute(EVENTS.insert().values(**event, occurred_at=now, received_at=now))
    schema.migrate(database_url)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM webhook_event")).scalar() == 1
    schema.downgrade(database_url, "base")
    assert not inspect(database.engine).has_table("webhook_event")


def test_which_earlier_runs_were_whole_follows_from_their_options(empty_url: str) -> None:
    """Else `status` would ask for a run on the day of the upgrade, or go on counting one of a single kind."""
    schema.migrate(empty_url)
    schema.downgrade(empty_url, "0002")
    database = Database(empty_url)
    told: list[dict[str, str | None]] = [
        {"kind": None, "since": None},
        {"kind": "invoice", "since": None},
        {"kind": None, "since": "P2D"},
    ]
    with database.write() as connection:
        for options in told:
            given = msgspec.json.encode({"account": None, "dry_run": False, **options}).decode()
            connection.execute(text(_OLD_RUN), {"options": given})
    schema.migrate(empty_url)
    with database.read() as connection:
        found = connection.execute(text("SELECT whole, origin FROM reconcile_run ORDER BY id")).all()
    assert [(bool(row[0]), row[1]) for row in found] == [(True, "command"), (False, "command"), (False, "command")]
    database.close()


def test_processes_that_migrate_at_once_migrate_once(empty_url: str) -> None:
    """The second waits for the first and finds its work done."""
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(schema.migrate, [empty_url] * 3, chunksize=1) == [schema.head()] * 3
        pool.close()
        pool.join()


def test_a_schema_that_is_missing_is_refused(empty_url: str) -> None:
    """The error says what to do."""
    database = Database(empty_url)
    with pytest.raises(SchemaError, match="tallyhook migrate"):
        schema.check(database)
    database.close()


def test_a_schema_that_is_behind_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known revision that is not the newest is an older one."""
    schema.check(database)
    monkeypatch.setattr(schema, "head", lambda: "9999")
    with pytest.raises(SchemaError, match="at revision 0010, this code needs 9999"):
        schema.check(database)


def test_a_schema_that_is_ahead_is_accepted_and_left_alone(database: Database, database_url: str) -> None:
    """During a rolling upgrade old processes go on working, and an old release step changes nothing."""
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    schema.check(database)
    assert schema.migrate(database_url) == "9999"
    assert schema.current(database) == "9999"


def test_a_failed_migration_raises_and_leaves_nothing(empty_url: str) -> None:
    """The error is not swallowed, and what was created before it is rolled back."""
    database = Database(empty_url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE drift (id integer)"))
    with pytest.raises(Exception, match="drift"):
        schema.migrate(empty_url)
    assert inspect(database.engine).get_table_names() == ["drift"]
    database.close()


def test_migrating_leaves_logging_alone(empty_url: str) -> None:
    """Alembic's usual `fileConfig` would silence every logger of the process."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("service").disabled)
    schema.migrate(empty_url)
    assert (root.level, list(root.handlers), logging.getLogger("service").disabled) == before


def test_large_columns_are_compressed_with_lz4_where_the_server_can(postgres_url: str) -> None:
    """The payload and every raw text."""
    database = Database(postgres_url)
    query = "SELECT count(*) FROM pg_attribute WHERE attcompression = 'l' AND attname IN ('payload', 'raw')"
    offered = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    with database.read() as connection:
        expected = 10 if connection.execute(text(offered)).scalar() else 0
        assert connection.execute(text(query)).scalar() == expected
    database.close()


def test_the_revisions_that_files_name_are_those_that_alembic_walks() -> None:
    """In this order; nothing else is read of them where nothing is migrated."""
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert schema.known() == [script.revision for script in scripts.walk_revisions()][::-1]


def test_what_only_looks_at_the_schema_loads_no_alembic(sqlite_url: str) -> None:
    """It would cost an idle service 8 MB."""
    look = f"""
import sys
import service.cli, service.serve, service.worker, reconcile.catchup
from service.store import schema
from service.store.engine import Database
schema.check(Database({sqlite_url!r}))
sys.exit("alembic" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
