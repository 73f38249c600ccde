"""Lists: filters, numbered pages, and their links."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from service.sandbox.lemonsqueezy.errors import bad_parameter
from service.sandbox.lemonsqueezy.shapes import SHAPES
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]
Query = dict[str, str]

_SORTS = {"createdAt": False, "-createdAt": True}


@dataclass(frozen=True, slots=True)
class Page:
    """One page, its objects not yet rendered; `members` are the document's `meta` and `links`."""

    rows: list[Row]
    members: Json


def page(world: World, rows: list[Row], kind: str, query: Query, url: str) -> Page:
    """The page that `query` asks for of these objects, which come oldest first.

    Raises:
        SandboxError: 400 for a filter, a page or a sort that the endpoint does not have.
    """
    rest = {name: value for name, value in query.items() if name != "include"}
    for name in [name for name in rest if name.startswith("filter[")]:
        rows = _filtered(world, rows, kind, name, rest.pop(name))
    number = _natural(rest, "page[number]", 1)
    size = min(_natural(rest, "page[size]", 10, most=100), world.settings.page_cap)
    newest_first = _newest_first(world, rest)
    for name in rest:
        raise bad_parameter(name, f"Parameter {name} is not allowed.")
    ordered = rows[::-1] if newest_first else rows
    cut = ordered[(number - 1) * size : number * size]
    return Page(cut, _members(query, url, number, size, len(rows), len(cut)))


def _newest_first(world: World, rest: Query) -> bool:
    sort = rest.pop("sort", None)
    if sort is None:
        return world.settings.newest_first
    if sort not in _SORTS:
        raise bad_parameter("sort", f"Sort parameter {sort} is not allowed.")
    return _SORTS[sort]


def _natural(rest: Query, name: str, default: int, most: int = 10**9) -> int:
    text = rest.pop(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 11 and 1 <= int(text) <= most):
        raise bad_parameter(name, f"The {name} must be an integer between 1 and {most}.")
    return int(text)


def _filtered(world: World, rows: list[Row], kind: str, parameter: str, wanted: str) -> list[Row]:
    name = parameter.removeprefix("filter[").removesuffix("]")
    if name not in SHAPES[kind].filters:
        raise bad_parameter(parameter, f"Filter parameter {name} is not allowed.")
    if kind == "subscription-invoices" and name == "status" and world.settings.status_filter_broken:
        return []
    if name == "refunded":
        wanted = _flag(parameter, wanted)
    return [row for row in rows if str(row.value(name)) == wanted]


def _flag(parameter: str, wanted: str) -> str:
    if wanted not in ("true", "false", "1", "0"):
        raise bad_parameter(parameter, f"The {parameter} must be true or false.")
    return str(wanted in ("true", "1"))


def _members(query: Query, url: str, number: int, size: int, total: int, count: int) -> Json:
    last = max(-(-total // size), 1)
    start = (number - 1) * size
    meta = {
        "currentPage": number,
        "from": start + 1 if count else None,
        "lastPage": last,
        "perPage": size,
        "to": start + count if count else None,
        "total": total,
    }
    turns = {"first": 1, "last": last}
    turns |= {"next": number + 1} if number < last else {}
    turns |= {"prev": number - 1} if number > 1 else {}
    links = {name: f"{url}?{_turned(query, turn, size)}" for name, turn in turns.items()}
    return {"meta": {"page": meta}, "links": links}


def _turned(query: Query, number: int, size: int) -> str:
    return urlencode({**query, "page[number]": number, "page[size]": query.get("page[size]", size)})
