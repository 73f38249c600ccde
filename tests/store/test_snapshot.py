"""Reads that belong together."""

from __future__ import annotations

from sqlalchemy import Connection, text

from service.store.engine import Database


def test_a_snapshot_sees_nothing_that_is_written_after_its_first_read(database: Database) -> None:
    def number(connection: Connection) -> int:
        return int(connection.execute(text("SELECT count(*) FROM account_identity")).scalar_one())

    with database.snapshot() as connection:
        before = number(connection)
        with database.write() as other:
            other.execute(
                text(
                    "INSERT INTO account_identity (account, provider, provider_account, seen_at)"
                    " VALUES ('a', 'stripe', 'acct', '2026-03-01T00:00:00+00:00')"
                )
            )
        assert number(connection) == before == 0
    with database.read() as connection:
        assert number(connection) == 1
