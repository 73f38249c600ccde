"""From method and path to an operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from service.http.api.asking import Id
from service.http.api.operation import Operation
from service.http.api.problem import Refused

_HOLE: Final = "{id}"


class Router:
    """Finds operations. A path has at most one id, and every segment but that is literal."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._paths: dict[tuple[str, ...], dict[str, Operation]] = {}
        for operation in operations:
            self._paths.setdefault(tuple(operation.path.split("/")), {})[operation.method] = operation

    def find(self, method: str, path: str) -> tuple[Operation, str]:
        """The operation and the id in the path (empty where it has none). Raises `Refused`."""
        steps = path.split("/")
        methods, id_ = self._paths.get(tuple(steps)), ""
        if methods is None and len(steps) > 3:
            methods, id_ = self._paths.get((*steps[:3], _HOLE, *steps[4:])), steps[3]
        if methods is None:
            raise Refused("not_found", "the API has no such address; GET /v1/openapi.json lists all")
        if method not in methods:
            allowed = ", ".join(sorted(methods))
            raise Refused("method_not_allowed", f"this address takes {allowed}", headers={"allow": allowed})
        return methods[method], _checked(id_) if id_ else id_


def _checked(id_: str) -> str:
    try:
        return msgspec.convert({"id": id_}, Id).id
    except msgspec.ValidationError:
        raise Refused("not_found", "an id has 1 to 255 characters, none of them a control character") from None
