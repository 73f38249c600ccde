"""How far complete reconcile runs have confirmed the copy."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from service.instants import micros
from service.store.run_tables import Watermark
from service.store.tables import table

_WATERMARK = table(Watermark)
# Made once: every batch of events asks this.
_CONFIRMED = select(_WATERMARK.c.kind, _WATERMARK.c.confirmed_as_of).where(_WATERMARK.c.account == bindparam("account"))


def confirmed(connection: Connection, account: str) -> dict[str, int]:
    """For each source, the provider's time (microseconds) at which its last complete run began."""
    return {row[0]: micros(row[1]) for row in connection.execute(_CONFIRMED, {"account": account})}
