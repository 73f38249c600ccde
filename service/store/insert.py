"""The statement that stores events, in both dialects, and its parameters. A further column is one line here.

Names are inserted as they come; what follows from them is computed in the statement, so that less crosses the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from service.store.delivery import Delivery
from service.store.types import to_text

# Column: its PostgreSQL type, and where a delivery has it.
_FIELDS: Final[dict[str, tuple[str, Callable[[Delivery], Any]]]] = {
    "account": ("text", attrgetter("account")),
    "event_id": ("text", attrgetter("envelope.event_id")),
    "type": ("text", attrgetter("envelope.type")),
    "reason": ("text", attrgetter("envelope.ignored")),
    "kind": ("text", attrgetter("envelope.kind")),
    "object_id": ("text", attrgetter("envelope.object_id")),
    "occurred_at": ("timestamptz", attrgetter("envelope.occurred_at")),
    "deliveries": ("integer", attrgetter("copies")),
    "livemode": ("boolean", attrgetter("envelope.livemode")),
    "source": ("text", attrgetter("source")),
    "payload": ("bytea", attrgetter("payload")),
    "content_key": ("text", attrgetter("envelope.content_key")),
}
_COMPUTED: Final = {
    "status": "CASE WHEN i.reason IS NULL THEN 'received' ELSE 'ignored' END",
    "attempts": "0",
    "next_attempt_at": "CASE WHEN i.reason IS NULL THEN {now} END",
    "received_at": "{now}",
}
_NAMES: Final = ", ".join(_FIELDS)
_INTO: Final = (
    f"INSERT INTO webhook_event ({_NAMES}, {', '.join(_COMPUTED)}) SELECT i.*, {', '.join(_COMPUTED.values())}"
)
_AGAIN: Final = (
    " ON CONFLICT (account, event_id) DO UPDATE SET deliveries = webhook_event.deliveries + excluded.deliveries"
    " RETURNING id, account, event_id"
)
TYPES: Final = tuple(type_ for type_, _ in _FIELDS.values())


def columns(deliveries: Sequence[Delivery]) -> list[list[Any]]:
    """The values of the inserted columns, column by column."""
    return [list(map(get, deliveries)) for _, get in _FIELDS.values()]


def postgres(array: str, now: str) -> str:
    """The statement over one array a column; `array` and `now` are placeholders, with `{n}` for the column's number.

    It returns id, account, event_id, and whether the row is new: xmax is 0 only in a row version that it inserted.
    """
    arrays = ", ".join(f"{array.format(n=n)}::{type_}[]" for n, type_ in enumerate(TYPES, 1))
    into = _INTO.format(now=f"{now}::timestamptz")
    return f"{into} FROM unnest({arrays}) AS i({_NAMES}){_AGAIN}, xmax = 0"


@lru_cache(maxsize=16)
def sqlite(rows: int) -> str:
    """The statement over this many rows of parameters and, last, the time. It returns id, account, event_id."""
    row = f"({', '.join('?' * len(_FIELDS))})"
    into = _INTO.format(now=f"?{rows * len(_FIELDS) + 1}")
    values = ", ".join([row] * rows)
    return f"WITH i({_NAMES}) AS (VALUES {values}) {into} FROM i WHERE true{_AGAIN}"


def sqlite_rows(deliveries: Sequence[Delivery]) -> list[tuple[Any, ...]]:
    """Rows as SQLite's driver takes them: times as sortable text."""
    made = columns(deliveries)
    for column, type_ in zip(made, TYPES, strict=True):
        if type_ == "timestamptz":
            column[:] = [to_text(value) for value in column]
    return list(zip(*made, strict=True))


def postgres_parameters(deliveries: Sequence[Delivery], now: datetime) -> dict[str, Any]:
    """Named parameters of `postgres("%(c{n})b", "%(now)s")`."""
    named: dict[str, Any] = {f"c{n}": column for n, column in enumerate(columns(deliveries), 1)}
    return named | {"now": now}
