"""Lists: cursors, page sizes, and what a list answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from service.sandbox.stripe.errors import invalid, missing
from service.sandbox.stripe.params import Fields, integer, span, text

if TYPE_CHECKING:
    from service.sandbox.stripe.world import World

Json = dict[str, Any]
Test = Callable[[Json], bool]


def limit(value: Any, path: str) -> int:
    """A page size, 1 to 100."""
    number = integer(value, path)
    bound = "greater than or equal to 1" if number < 1 else "less than or equal to 100" if number > 100 else None
    if bound:
        raise invalid(f"This value must be {bound}.", path, code="parameter_invalid_integer")
    return number


CURSOR = Fields(limit=limit, starting_after=text, ending_before=text)
CREATED = CURSOR.plus(created=span)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, its objects not yet rendered."""

    url: str
    rows: list[Json]
    has_more: bool

    def envelope(self) -> Json:
        """The list's fields but for `data`."""
        return {"object": "list", "has_more": self.has_more, "url": self.url}


def page(world: World, url: str, resource: str, params: Json, test: Test | None = None) -> Page:
    """A page of a resource's objects that pass `test`, newest first.

    Raises:
        SandboxError: both cursors at once, or a cursor that names no such object.
    """
    table = world.tables[resource]
    low, high = table.bounds(params.get("created", {}))
    after, before = _cursors(params)
    if after:
        high = min(high, _place(world, resource, after, "starting_after"))
    if before:
        low = max(low, _place(world, resource, before, "ending_before") + 1)
    rows = table.upwards(low, high) if before else table.downwards(low, high)
    return _cut(url, filter(test, rows), _size(world, params), backwards=bool(before))


def page_of(world: World, url: str, rows: list[Json], params: Json) -> Page:
    """A page of these objects in the order given, for lists that are part of an object."""
    places = {row["id"]: at for at, row in enumerate(rows)}
    after, before = _cursors(params)
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and cursor not in places:
            raise missing("object", cursor, param=name)
    if before:
        return _cut(url, reversed(rows[: places[before]]), _size(world, params), backwards=True)
    return _cut(url, rows[places[after] + 1 :] if after else rows, _size(world, params), backwards=False)


def _cursors(params: Json) -> tuple[str | None, str | None]:
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid("You can only use one of starting_after or ending_before.", "starting_after")
    return after, before


def _place(world: World, resource: str, cursor: str, param: str) -> int:
    place = world.tables[resource].place(cursor)
    if place is None:
        raise missing(resource, cursor, param=param)
    return place


def _size(world: World, params: Json) -> int:
    wanted: int = params.get("limit", 10)
    return min(wanted, world.settings.page_cap)


def _cut(url: str, rows: Iterable[Json], size: int, *, backwards: bool) -> Page:
    found = list(islice(rows, size + 1))
    has_more = len(found) > size
    del found[size:]
    return Page(url, found[::-1] if backwards else found, has_more)
