"""The objects of one resource, in the order of their ids, which is that of their creation."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


class Table:
    """Objects by id. Ids only grow, so the order of adding is the order of ids."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._rows: dict[str, Json] = {}

    def add(self, object_id: str, thing: Json) -> None:
        """Append an object."""
        self._ids.append(object_id)
        self._rows[object_id] = thing

    def get(self, object_id: str) -> Json | None:
        """The object, or None if it never was or is deleted."""
        return self._rows.get(object_id)

    def remove(self, object_id: str) -> None:
        """Delete the object; a page may still begin after its id."""
        del self._rows[object_id]

    def __len__(self) -> int:
        return len(self._rows)

    def upwards(self, after: str | None = None) -> Iterator[tuple[str, Json]]:
        """Objects and their ids, oldest first, beginning after an id that need not exist."""
        start = 0 if after is None else bisect_right(self._ids, after)
        return self._those(range(start, len(self._ids)))

    def downwards(self, after: str | None = None) -> Iterator[tuple[str, Json]]:
        """Objects and their ids, newest first, beginning after an id that need not exist."""
        end = len(self._ids) if after is None else bisect_left(self._ids, after)
        return self._those(range(end - 1, -1, -1))

    def _those(self, places: range) -> Iterator[tuple[str, Json]]:
        for place in places:
            found = self._rows.get(self._ids[place])
            if found is not None:
                yield self._ids[place], found
