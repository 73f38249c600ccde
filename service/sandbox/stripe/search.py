"""Search: Stripe's query language over what lists show, as far as it goes for fields and metadata."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from service.sandbox.stripe.errors import invalid
from service.sandbox.stripe.paging import limit
from service.sandbox.stripe.params import Fields, text

if TYPE_CHECKING:
    from service.sandbox.stripe.world import World

Json = dict[str, Any]
Test = Callable[[Json], bool]

SEARCH = Fields("query", query=text, limit=limit, page=text)

_CLAUSE = re.compile(
    r"""\s*(?P<minus>-)?(?P<name>\w+)(?:\[['"](?P<key>[^'"]+)['"]\])?\s*(?P<sign>[:~]|[<>]=?)\s*"""
    r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<plain>\w+))\s*(?P<join>AND|OR|$)?""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of search results, not yet rendered. `next_page` is opaque to the caller."""

    url: str
    rows: list[Json]
    next_page: str | None

    def envelope(self) -> Json:
        """The result's fields but for `data`."""
        more = {"has_more": self.next_page is not None, "next_page": self.next_page}
        return {"object": "search_result", "url": self.url} | more


def search(world: World, url: str, resource: str, params: Json) -> Found:
    """The objects that match a query, newest first; the newest may not be seen yet, if a fault says so.

    Raises:
        SandboxError: a query that can't be read, or a page that does not exist.
    """
    test = parsed(params["query"])
    table = world.tables[resource]
    low, high = table.bounds({"lte": world.now - world.faults.search_lag_seconds})
    start = _start(params.get("page"))
    size = min(params.get("limit", 10), world.settings.page_cap)
    rows = list(islice(filter(test, table.downwards(low, high)), start, start + size + 1))
    more = len(rows) > size
    return Found(url, rows[:size], f"page_{start + size}" if more else None)


def parsed(query: str) -> Test:
    """A test for one object: clauses joined by AND, or by OR, never by both."""
    clauses: list[Test] = []
    joins: set[str] = set()
    at = 0
    while at < len(query.rstrip()):
        match = _CLAUSE.match(query, at)
        if match is None or match.end() == at:
            raise invalid("We were unable to parse your search query.", "query")
        clauses.append(_clause(match))
        if match["join"]:
            joins.add(match["join"].upper())
        at = match.end()
    if len(joins) > 1:
        raise invalid("You cannot combine AND and OR in one search query.", "query")
    combine = any if "OR" in joins else all
    return lambda row: combine(clause(row) for clause in clauses)


def _clause(match: re.Match[str]) -> Test:
    name, key, sign = match["name"], match["key"], match["sign"]
    wanted = next(each for each in (match["double"], match["single"], match["plain"]) if each is not None)
    wanted = re.sub(r"\\(.)", r"\1", wanted)
    if sign not in ":~" and not re.fullmatch(r"\d+", wanted):
        raise invalid(f"The field `{name}` is compared with a number, not with `{wanted}`.", "query")

    def test(row: Json) -> bool:
        value = row.get(name)
        if key:
            value = value.get(key) if isinstance(value, dict) else None
        return _holds(value, sign, wanted) is not (match["minus"] is not None)

    return test


def _holds(value: Any, sign: str, wanted: str) -> bool:
    if value is None or wanted == "null":
        return value is None and wanted == "null"
    if sign == ":":
        return (str(value).lower() if isinstance(value, bool) else str(value)) == wanted
    if sign == "~":
        return wanted.lower() in str(value).lower()
    if not isinstance(value, int):
        return False
    left, right = value, int(wanted)
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def _start(page: str | None) -> int:
    if page is None:
        return 0
    if not re.fullmatch(r"page_\d+", page):
        raise invalid("Invalid page token.", "page")
    return int(page.removeprefix("page_"))
