"""Rows in bulk: what the database can't hold is an error of the data, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.store import bulk
from service.store.engine import Database, is_data_error
from service.store.tables import CHANGES, STATE

_AT = datetime(2026, 11, 1, tzinfo=UTC)


def _price(**values: Any) -> dict[str, Any]:
    return {"account": "a", "id": "p", "as_of": _AT, "sources": "{}", "interval_count": 1, "amount": 5} | values


def _added(database: Database, row: dict[str, Any]) -> None:
    with database.write() as connection:
        bulk.upsert(connection, STATE["price"], [row], columns=tuple(row))


def test_a_row_comes_back_as_it_went(database: Database) -> None:
    _added(database, _price(amount=2**62))
    with database.read() as connection:
        row = connection.execute(STATE["price"].select()).one()
    assert (row.id, row.as_of, row.amount, row.interval_count, row.raw) == ("p", _AT, 2**62, 1, None)


def test_nothing_is_added_where_there_is_nothing(database: Database) -> None:
    with database.write() as connection:
        bulk.insert(connection, CHANGES, [], columns=("account",))
        source, parameters = bulk.incoming(connection, {"id": "text", "n": "bigint"}, [])
        assert connection.execute(text(f"SELECT count(*) FROM {source}"), parameters).scalar() == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("values", [{"interval_count": 2**31}, {"amount": 2**63}, {"currency": "\ud800"}])
def test_what_postgresql_cannot_hold_is_an_error_of_the_data(database: Database, values: dict[str, Any]) -> None:
    with pytest.raises(DBAPIError) as caught:
        _added(database, _price(**values))
    assert is_data_error(caught.value)
