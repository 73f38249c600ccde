"""Statements whose plans PostgreSQL keeps with the connection: what they read, and what a pooler or a lost connection does to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from service.store.engine import Database, is_data_error
from service.store.native import Prepared

pytestmark = pytest.mark.database
_QUERY = "SELECT $1::text AS given, 7 AS number, TIMESTAMPTZ '2026-03-04 05:06:07+02' AS at, NULL::text AS nothing"
_ROW = {"number": 7, "at": datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC), "nothing": None}
_PREPARED = "SELECT count(*) AS n FROM pg_prepared_statements WHERE name LIKE 'tallyhook%'"


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """One connection in the pool, so that the next statement gets the last one's."""
    made = Database(postgres_url, pool_size=1)
    yield made
    made.close()


def _ask(database: Database, statement: Prepared, given: str | None = "x") -> dict[str, object]:
    with database.bare() as bare:
        return bare.rows(statement, [given])[0]


def test_it_is_prepared_once_a_connection_and_reads_every_value(database: Database) -> None:
    """Text with any characters, null, numbers, and times in UTC."""
    statement = Prepared(_QUERY)
    for given in ("x", None, "\N{FOX FACE}", "'; --"):
        assert _ask(database, statement, given) == {"given": given, **_ROW}
    with database.bare() as bare:
        assert bare.rows(Prepared(_PREPARED))[0]["n"] == 2


def test_it_goes_on_where_the_pooler_hands_out_other_connections(database: Database) -> None:
    """One on which it was never prepared, and one on which another process has prepared it already."""
    statement = Prepared(_QUERY)
    _ask(database, statement)
    with database.bare() as bare:
        bare._known.clear()
    assert _ask(database, statement)["given"] == "x"
    with database.bare() as bare:
        bare._connection.pgconn.exec_(b"DEALLOCATE ALL")
    assert _ask(database, statement)["given"] == "x"
    assert _ask(database, statement)["given"] == "x"


def test_a_connection_that_was_closed_while_idle_is_replaced_unnoticed(database: Database, postgres_url: str) -> None:
    """The server restarts, a pooler gives up."""
    statement = Prepared(_QUERY)
    _ask(database, statement)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert _ask(database, statement)["given"] == "x"


def test_a_connection_that_is_lost_meanwhile_is_an_error_and_the_next_one_works(database: Database) -> None:
    """An error of the database, as every other statement has it; the pool keeps no dead connection."""
    with pytest.raises(DBAPIError) as caught:
        _ask(database, Prepared("SELECT pg_terminate_backend(pg_backend_pid())::text || $1"))
    assert not is_data_error(caught.value)
    assert _ask(database, Prepared(_QUERY))["given"] == "x"


def test_what_the_server_refuses_is_a_data_error_and_harms_nothing(database: Database) -> None:
    """NUL, which no text of PostgreSQL holds."""
    with pytest.raises(DBAPIError) as caught:
        _ask(database, Prepared(_QUERY), "a\0b")
    assert is_data_error(caught.value)
    assert _ask(database, Prepared(_QUERY))["given"] == "x"
