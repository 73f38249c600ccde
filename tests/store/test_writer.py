"""The held connection: what it stores, what it refuses, and how it comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import psycopg
import pytest
from sqlalchemy import select, text

from service.store.engine import Database, is_data_error
from service.store.inbox import Delivery
from service.store.tables import EVENTS
from service.store.writer import ERRORS, Writer
from tests.store.samples import delivery, rows

pytestmark = pytest.mark.database


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    """A writer of its own."""
    made = Writer(database)
    yield made
    made.close()


@pytest.fixture
def postgres_writer(postgres_url: str) -> Iterator[Writer]:
    """A writer over a server that can go away."""
    database = Database(postgres_url)
    made = Writer(database)
    yield made
    made.close()
    database.close()


def _named(key: str, **more: object) -> Delivery:
    made = delivery(key)
    return msgspec.structs.replace(made, envelope=msgspec.structs.replace(made.envelope, **more))


def test_a_batch_of_any_size_is_stored_and_every_copy_counted(writer: Writer, database: Database) -> None:
    """Receipts come in the order given; what was there before is a duplicate."""
    first = [delivery(f"evt_{n:03}") for n in range(0, 200, 2)]
    assert {receipt.status for receipt in writer.store(first)} == {"stored"}
    mixed = [delivery(f"evt_{n:03}") for n in range(199, -1, -1)] + [delivery("evt_001")]
    receipts = writer.store(mixed)
    assert [receipt.status for receipt in receipts] == ["stored", "duplicate"] * 100 + ["duplicate"]
    ids = {row[1]: row[0] for row in rows(database, "SELECT id, event_id FROM webhook_event")}
    assert [receipt.id for receipt in receipts] == [ids[each.envelope.event_id] for each in mixed]
    assert rows(database, "SELECT count(*), sum(deliveries) FROM webhook_event") == [(200, 301)]


def test_every_value_arrives_as_it_was(writer: Writer, database: Database) -> None:
    """NUL in the payload, emoji in names, nulls; an ignored event is never due."""
    payload = b'\x00\xff{"a": "\\u0000"}' + b"x" * 300_000
    whole = msgspec.structs.replace(_named("evt_\N{FOX FACE}", livemode=True), payload=payload)
    bare = _named("evt_bare", kind=None, object_id=None, livemode=None, ignored="unhandled_type")
    writer.store([whole, bare])
    found = rows(
        database,
        "SELECT event_id, payload, kind, livemode, status, reason, attempts, next_attempt_at IS NULL, source"
        " FROM webhook_event ORDER BY event_id DESC",
    )
    assert [tuple(row) for row in found] == [
        (whole.envelope.event_id, payload, whole.envelope.kind, True, "received", None, 0, False, "webhook"),
        ("evt_bare", bare.payload, None, None, "ignored", "unhandled_type", 0, True, "webhook"),
    ]
    with database.read() as connection:
        occurred, received = connection.execute(select(EVENTS.c.occurred_at, EVENTS.c.received_at).limit(1)).one()
    assert occurred == whole.envelope.occurred_at
    assert abs(received - database.now()) < timedelta(seconds=60)


def test_a_name_that_no_column_holds_is_a_data_error_and_harms_nothing(writer: Writer, database: Database) -> None:
    """The batch fails as a whole, so that it can be stored row by row; the connection goes on."""
    with pytest.raises(ERRORS) as caught:
        writer.store([delivery("evt_1"), _named("evt_2", type="\ud800")])
    assert is_data_error(caught.value)
    assert rows(database, "SELECT count(*) FROM webhook_event") == [(0,)]
    assert writer.store([delivery("evt_3")])[0].status == "stored"


def test_a_nul_in_a_name_is_a_data_error_on_postgresql(postgres_writer: Writer) -> None:
    """The envelope lets none through; were there one, it would cost only its own row."""
    with pytest.raises(ERRORS) as caught:
        postgres_writer.store([delivery("evt_1"), _named("evt_2", type="a\0b")])
    assert is_data_error(caught.value)
    assert postgres_writer.store([delivery("evt_1")])[0].status == "stored"


def test_a_refused_row_leaves_the_database_unlocked(writer: Writer, database: Database) -> None:
    """A row that a constraint refuses: rolled back, a data error, and another writer may write at once."""
    with pytest.raises(ERRORS) as caught:
        writer.store([delivery("evt_1"), msgspec.structs.replace(delivery("evt_2"), copies=-1)])
    assert is_data_error(caught.value)
    with database.write() as connection:
        connection.execute(text("DELETE FROM webhook_event"))
    assert writer.store([delivery("evt_1")])[0].status == "stored"


def test_a_connection_that_was_closed_while_idle_is_replaced_unnoticed(
    postgres_writer: Writer, postgres_url: str
) -> None:
    """The server restarts, a pooler gives up: the next batch is stored as if nothing had happened."""
    postgres_writer.store([delivery("evt_1")])
    _end_other_connections(postgres_url)
    assert postgres_writer.store([delivery("evt_2")])[0].status == "stored"


def test_a_connection_that_is_lost_under_a_batch_fails_it_and_is_replaced(
    postgres_writer: Writer, postgres_url: str
) -> None:
    """Nothing may be acknowledged then; the next batch is stored."""
    postgres_writer.store([delivery("evt_1")])
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute(_KILLER)
        with pytest.raises(ERRORS) as caught:
            postgres_writer.store([delivery("evt_2")])
        other.execute("DROP TRIGGER killer ON webhook_event")
    assert not is_data_error(caught.value)
    assert postgres_writer.store([delivery("evt_2")])[0].status == "stored"


def test_without_prepared_statements_it_goes_on_without(postgres_writer: Writer) -> None:
    """A pooler may hand us a connection on which ours was never prepared, or one on which it is already."""
    postgres_writer.store([delivery("evt_1")])
    postgres_writer._known = set()
    postgres_writer.store([delivery("evt_2")])
    postgres_writer._held.execute("DEALLOCATE ALL")
    assert postgres_writer.store([delivery("evt_3")])[0].status == "stored"
    assert postgres_writer.store([delivery("evt_4")])[0].status == "stored"


_KILLER = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
CREATE TRIGGER killer BEFORE INSERT ON webhook_event FOR EACH ROW EXECUTE FUNCTION die();
"""


def _end_other_connections(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
        query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        other.execute(query + " WHERE datname = current_database() AND pid <> pg_backend_pid()")
    time.sleep(0.3)
