"""From rows of the copy to what the API answers with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection

from service.http.api import shapes
from service.model import Kind
from service.store import listing
from service.store.listing import Record

S = TypeVar("S", bound=msgspec.Struct)
_NESTED: Final[dict[type[msgspec.Struct], tuple[Kind, str]]] = {
    shapes.Subscription: ("subscription", "items"),
    shapes.WholeInvoice: ("invoice", "lines"),
}


def shaped(connection: Connection, rows: Sequence[Record], shape: type[S]) -> list[S]:
    """Rows in this shape, with what is nested in it."""
    found = list(rows)
    if shape in _NESTED:
        kind, name = _NESTED[shape]
        children = listing.children(connection, kind, found)
        found = [row | {name: children[row["account"], row["id"]]} for row in found]
    return [msgspec.convert(row, shape) for row in found]
