"""Times mean the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from service.store.engine import Database
from service.store.run_tables import Heartbeat
from service.store.tables import table
from service.store.types import to_text
from tests.store.samples import T0

_BEATS = table(Heartbeat)
_moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.timezones())  # noqa: DTZ001


def _beat(process: str, at: datetime) -> dict[str, object]:
    return {"process": process, "role": "web", "started_at": at, "beat_at": at}


def test_a_naive_time_is_refused(database: Database) -> None:
    """It would be somebody's local time."""
    with database.write() as connection, pytest.raises(StatementError, match="naive datetime"):
        connection.execute(_BEATS.insert(), _beat("p", T0.replace(tzinfo=None)))


def test_times_come_back_as_utc_and_in_order(database: Database) -> None:
    """Whatever zone they were given in, with microseconds or without."""
    east = timezone(timedelta(hours=8))
    given_ = [T0, T0 + timedelta(microseconds=1), (T0 + timedelta(seconds=1)).astimezone(east)]
    with database.write() as connection:
        connection.execute(_BEATS.insert(), [_beat(str(n), at) for n, at in enumerate(given_)])
        found = list(connection.execute(select(_BEATS.c.beat_at).order_by(_BEATS.c.beat_at)).scalars())
    assert found == given_
    assert {moment.tzinfo for moment in found} == {UTC}


@given(_moments, _moments)
def test_text_sorts_as_time_does(first: datetime, second: datetime) -> None:
    """SQLite compares the text."""
    assert (to_text(first) < to_text(second)) == (first.astimezone(UTC) < second.astimezone(UTC))
