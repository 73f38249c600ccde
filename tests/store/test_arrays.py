"""Arrays packed by hand are read by PostgreSQL as what they were packed from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.store.arrays import pack

pytestmark = pytest.mark.database
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXT, "bytea": st.binary(), "integer": st.integers(-(2**31), 2**31 - 1), "boolean": st.booleans(),
    "timestamptz": _TIMES, "bigint": st.integers(-(2**63), 2**63 - 1), "double precision": st.floats(allow_nan=False),
}  # fmt: skip


@pytest.mark.parametrize("type_", _VALUES)
def test_an_array_comes_back_as_it_went(type_: str, postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:

        @given(st.lists(st.none() | _VALUES[type_], max_size=8))
        @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
        def check(values: list[Any]) -> None:
            query = f"SELECT * FROM unnest($1::{type_}[])".encode()
            result = connection.pgconn.exec_params(query, [pack(type_, values)], param_formats=[1])
            assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message
            loader = psycopg.adapt.Transformer(connection)
            loader.set_pgresult(result)
            assert [row[0] for row in loader.load_rows(0, result.ntuples, tuple)] == values

        check()
