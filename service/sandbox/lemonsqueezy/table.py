"""The objects of one type, in the order of their creation."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class Row:
    """One object: `attributes` are what the API shows and keeps, `hidden` what it does not show."""

    kind: str
    id: int
    attributes: Json
    hidden: Json = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """An attribute, shown or hidden; None if there is none of that name."""
        return self.attributes[name] if name in self.attributes else self.hidden.get(name)


class Table:
    """Objects by id. Ids count from 1 in each type, so that those of different types collide."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        """All objects, oldest first."""
        return iter(self._rows.values())

    def add(self, kind: str, attributes: Json, hidden: Json) -> Row:
        """Append an object under the next id."""
        self._last += 1
        row = self._rows[self._last] = Row(kind, self._last, attributes, hidden)
        return row

    def get(self, row_id: int) -> Row | None:
        """The object, or None if it never was or is deleted."""
        return self._rows.get(row_id)

    def remove(self, row_id: int) -> None:
        """Delete the object; its id is never given again."""
        del self._rows[row_id]
