"""The table of endpoints: which handler answers a method and a path, and what it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.sandbox.paddle.kinds import Fields

if TYPE_CHECKING:
    from service.sandbox.paddle.paging import Page

Json = dict[str, Any]
Handler = Callable[..., "Json | list[Json] | Page | None"]
"""Called with the world, the fields or parameters, and the ids in the path; None is an answer without a body."""

NOTHING = Fields()


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `*` in the path stands for an id; `resource` is what a missing permission is named after.

    `fields` are those of the body, or of the query where the method is GET or DELETE.
    """

    method: str
    path: str
    resource: str
    handler: Handler
    fields: Fields = NOTHING
    status: int = 200


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[tuple[str, tuple[str, ...]], Route] = {}
        for route in routes:
            self._routes[route.method, tuple(route.path.strip("/").split("/"))] = route

    def find(self, method: str, path: str) -> tuple[Route, list[str]] | None:
        """The route and the ids in the path, or None. Ids stand in every second place, as in all of Paddle's paths."""
        steps = path.strip("/").split("/")
        pattern = tuple("*" if place % 2 else step for place, step in enumerate(steps))
        route = self._routes.get((method, pattern))
        return None if route is None or not all(steps) else (route, steps[1::2])
