"""The table of endpoints: which handler answers a method and a path, and what it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from service.sandbox.stripe.params import Fields, Kind, list_of, text

if TYPE_CHECKING:
    from service.sandbox.stripe.paging import Page
    from service.sandbox.stripe.search import Found

Json = dict[str, Any]
Handler = Callable[..., "Json | Page | Found"]
"""Called with the world, the parameters, and the ids in the path."""

NOTHING = Fields()
EXPAND: dict[str, Kind] = {"expand": list_of(text)}


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `*` in the path stands for an id; `resource` is what a missing permission is named after."""

    method: str
    path: str
    resource: str
    handler: Handler
    fields: Fields = NOTHING


@dataclass(slots=True)
class _Node:
    below: dict[str, _Node] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """Finds the route of a request; a fixed segment goes before an id."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for step in route.path.strip("/").split("/"):
                node = node.below.setdefault(step, _Node())
            fields = route.fields.plus(**EXPAND) if route.path.startswith("/v1/") else route.fields
            node.routes[route.method] = replace(route, fields=fields)

    def find(self, method: str, path: str) -> tuple[Route, list[str]] | None:
        """The route and the ids in the path, or None."""
        return self._find(self._root, method, path.strip("/").split("/"), [])

    def _find(self, node: _Node, method: str, steps: list[str], ids: list[str]) -> tuple[Route, list[str]] | None:
        if not steps:
            route = node.routes.get(method)
            return (route, ids) if route else None
        step, rest = steps[0], steps[1:]
        if fixed := node.below.get(step):
            found = self._find(fixed, method, rest, ids)
            if found:
                return found
        other = node.below.get("*")
        return self._find(other, method, rest, [*ids, step]) if other and step else None
