"""Lists: cursors, page sizes, filters, and what a list answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from service.sandbox.paddle.kinds import Fields, Kind, Unfit, id_of, moment

if TYPE_CHECKING:
    from service.sandbox.paddle.world import World

Json = dict[str, Any]
Test = Callable[[Json], bool]

DEFAULT_SIZE = 50
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "": lambda one, other: one == other,
    "[LT]": lambda one, other: one < other,
    "[LTE]": lambda one, other: one <= other,
    "[GT]": lambda one, other: one > other,
    "[GTE]": lambda one, other: one >= other,
}
_COUNTED = 1_000


def _size(value: Any) -> int:
    if not re.fullmatch(r"0*[1-9]\d{0,8}", str(value), re.ASCII):
        raise Unfit("must be a positive integer")
    return int(value)


def _order(value: Any) -> bool:
    """True for upwards. The SDK writes the direction in lower case."""
    direction = {"id[asc]": True, "id[desc]": False}.get(str(value).lower())
    if direction is None:
        raise Unfit("must be id[ASC] or id[DESC]")
    return direction


def listing(prefix: str, **kinds: Kind) -> Fields:
    """The parameters of a list whose objects' ids begin with `prefix`, with these filters."""
    return Fields("", after=id_of(prefix), per_page=_size, order_by=_order, **kinds)


def moments(name: str) -> dict[str, Kind]:
    """The filters of a time: `name`, `name[LT]`, `name[LTE]`, `name[GT]`, `name[GTE]`."""
    return {name + comparison: moment for comparison in _COMPARISONS}


def within(params: Json, name: str) -> Test:
    """A test of the time `name` against the filters of `moments`; an object without that time passes none."""
    asked = [(_COMPARISONS[key], params[name + key]) for key in _COMPARISONS if name + key in params]

    def test(row: Json) -> bool:
        value = row[name]
        return all(value is not None and compare(value, bound) for compare, bound in asked)

    return test


def among(params: Json, *names: str) -> Test:
    """A test that each of these fields, where asked for, has one of the values asked for."""
    asked = {name: params[name] for name in names if name in params}
    return lambda row: all(row[name] in wanted for name, wanted in asked.items())


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, its objects not yet rendered. `after` is where the next one begins."""

    rows: list[Json]
    size: int
    has_more: bool
    after: str | None
    total: int


def page(world: World, resource: str, params: Json, *tests: Test, most: int = 200, since: str = "") -> Page:
    """A page of a resource's objects that pass all tests, newest first unless asked otherwise.

    Ids before `since` do not exist for the list. A page can be continued after an object that is gone.
    """
    table, after = world.tables[resource], params.get("after")
    size = min(params.get("per_page", DEFAULT_SIZE), most, world.settings.page_cap)
    upwards = params.get("order_by", False)
    rows = table.upwards(max(after or "", since) or None) if upwards else table.downwards(after)
    found = list(islice(((key, row) for key, row in rows if key >= since and all(t(row) for t in tests)), size + 1))
    shown = found[:size]
    last = shown[-1][0] if shown else after
    return Page([row for _, row in shown], size, len(found) > size, last, _estimate(world, resource, tests, since))


def _estimate(world: World, resource: str, tests: tuple[Test, ...], since: str) -> int:
    """How many objects the list has: exact for small accounts, an upper bound for large ones."""
    table = world.tables[resource]
    if len(table) > _COUNTED:
        return len(table)
    return sum(1 for key, row in table.upwards() if key >= since and all(test(row) for test in tests))
