"""The OpenAPI 3.1 document, made from the operations: what is declared is what is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, Final, TypeAlias

import msgspec

from service.http.api.asking import Id, Key
from service.http.api.operation import Asked, Operation, Parameters, Reply
from service.http.api.problem import STATUS, Problem
from service.http.problem import MEDIA_TYPE
from service.system import System

Json: TypeAlias = dict[str, Any]
PATH: Final = "/v1/openapi.json"
_ABOUT: Final = (
    "Reads come from Tallyhook's copy of the billing state. Amounts are integers in minor units beside a currency; times"
    " are RFC 3339 in UTC. Every refusal is a problem document with a `cause`. Lists are paged by following `next`."
)
_TEMPLATE: Final = "#/components/schemas/{name}"


class Document(msgspec.Struct, frozen=True):
    """An OpenAPI document."""

    openapi: str
    info: Json
    paths: Json


def operation(operations: Sequence[Operation]) -> Operation:
    """The operation that answers with the document about these operations and itself.

    It is made when it is first asked for: that takes longer than all else in the start of a web process.
    """

    @cache
    def packed() -> bytes:
        return msgspec.json.encode(document((*operations, own)))

    def run(_system: System, _asked: Asked[Parameters, None]) -> Reply:
        return Reply(packed())

    own = Operation(
        name="getDocument", method="GET", path=PATH, summary="This document", run=run, answers={200: Document}
    )
    return own


def document(operations: Sequence[Operation]) -> Json:
    """The document about these operations."""
    types = [Problem, *dict.fromkeys(type_ for each in operations for type_ in _types(each))]
    references, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    schema = dict(zip(types, references, strict=True))
    paths: Json = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schema)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tallyhook", "version": version("tallyhook"), "description": _ABOUT},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _types(each: Operation) -> Iterable[Any]:
    yield from each.answers.values()
    if each.body is not None:
        yield each.body


def _operation(each: Operation, schema: Mapping[Any, Json]) -> Json:
    made: Json = {
        "operationId": each.name,
        "summary": each.summary,
        "parameters": [*_path(each), *_query(each.query), *_header(each)],
        "responses": _answers(each, schema) | _refusals(each, schema),
    }
    if each.body is not None:
        made["requestBody"] = {
            "required": not _may_be_empty(each.body),
            "content": {"application/json": {"schema": schema[each.body]}},
        }
    return made


def _may_be_empty(body: Any) -> bool:
    """An empty body stands for `{}`."""
    try:
        msgspec.convert({}, body)
    except msgspec.ValidationError:
        return False
    return True


def _path(each: Operation) -> list[Json]:
    if "{id}" not in each.path:
        return []
    return [{"name": "id", "in": "path", "required": True, "schema": _fields(Id)["id"]}]


def _header(each: Operation) -> list[Json]:
    if each.key == "none":
        return []
    about = "The same for each repetition of one request, which then acts once; another for each other request."
    schema = _fields(Key)["key"]
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": each.key == "needed",
            "description": about,
            "schema": schema,
        }
    ]


def _query(type_: type[Parameters]) -> list[Json]:
    needed = {field.name for field in msgspec.structs.fields(type_) if field.required}
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": schema}
        for name, schema in _fields(type_).items()
    ]


def _fields(type_: type[msgspec.Struct]) -> Json:
    _, components = msgspec.json.schema_components([type_], ref_template=_TEMPLATE)
    found: Json = components[type_.__name__]["properties"]
    return found


def _answers(each: Operation, schema: Mapping[Any, Json]) -> Json:
    return {
        str(status): {
            "description": _said(type_),
            "content": {"application/json": {"schema": schema[type_]}},
        }
        for status, type_ in each.answers.items()
    }


def _said(type_: Any) -> str:
    described = getattr(type_, "__origin__", type_)
    return str(described.__doc__).partition("\n")[0]


def _refusals(each: Operation, schema: Mapping[Any, Json]) -> Json:
    by_status: dict[int, list[str]] = {}
    for cause in each.refusals:
        by_status.setdefault(STATUS[cause], []).append(cause)
    return {
        str(status): {
            "description": "Refused: " + ", ".join(f"`{cause}`" for cause in causes),
            "content": {MEDIA_TYPE: {"schema": schema[Problem]}},
        }
        for status, causes in sorted(by_status.items())
    }
