"""The objects of one resource, in the order of their creation."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


class Table:
    """Objects by id, read newest first. `created` never decreases, so the order of adding is the order of time."""

    def __init__(self) -> None:
        self._rows: list[Json | None] = []
        self._created: list[int] = []
        self._places: dict[str, int] = {}
        self.tombstones: dict[str, Json] = {}

    def add(self, thing: Json) -> None:
        """Append an object."""
        self._places[thing["id"]] = len(self._rows)
        self._rows.append(thing)
        self._created.append(thing["created"])

    def get(self, object_id: str) -> Json | None:
        """The object, or None if it never was or is deleted."""
        place = self._places.get(object_id)
        return None if place is None else self._rows[place]

    def remove(self, object_id: str, tombstone: Json | None = None) -> None:
        """Delete the object; its place stays, so that a page may still begin after it."""
        self._rows[self._places[object_id]] = None
        if tombstone is not None:
            self.tombstones[object_id] = tombstone

    def place(self, object_id: str) -> int | None:
        """Where the object stands, deleted or not, in the order of creation."""
        return self._places.get(object_id)

    def oldest(self) -> Iterator[Json]:
        """All objects, oldest first."""
        return (row for row in self._rows if row is not None)

    def bounds(self, created: dict[str, int]) -> tuple[int, int]:
        """First and past-the-last place of the objects created within `gt`, `gte`, `lt`, `lte`."""
        low, high = 0, len(self._rows)
        if "gte" in created:
            low = max(low, bisect_left(self._created, created["gte"]))
        if "gt" in created:
            low = max(low, bisect_right(self._created, created["gt"]))
        if "lt" in created:
            high = min(high, bisect_left(self._created, created["lt"]))
        if "lte" in created:
            high = min(high, bisect_right(self._created, created["lte"]))
        return low, high

    def downwards(self, low: int, high: int) -> Iterator[Json]:
        """Objects from place `high - 1` down to `low`: newest first."""
        return (row for at in range(high - 1, low - 1, -1) if (row := self._rows[at]) is not None)

    def upwards(self, low: int, high: int) -> Iterator[Json]:
        """Objects from place `low` up to `high - 1`: oldest first."""
        return (row for at in range(low, high) if (row := self._rows[at]) is not None)
