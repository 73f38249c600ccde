"""From bytes to a checked request: query strings, headers and JSON bodies. Pure; every error says where and what."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import msgspec

from service.http.api.problem import Cause, Fault, Refused

T = TypeVar("T")
Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
# No control characters: PostgreSQL's text holds no NUL, and nobody's name has the others.
Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
_AT: Final = re.compile(r" - at (?:`key` in )?`\$(?P<path>.*)`$")
_NAMED: Final = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>.*)`")
_STEP: Final = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_MOST_PARAMETERS: Final = 50
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


class Id(msgspec.Struct, frozen=True):
    """What stands in a path for an id."""

    id: Text


class Key(msgspec.Struct, frozen=True):
    """What an idempotency key may be."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[\x21-\x2b\x2d-\x7e]+$")]


def query(raw: bytes, type_: type[T]) -> T:
    """The parameters of a query string. An unknown one is an error, and so is one that is there twice."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise Refused("bad_parameter", "the query string is not UTF-8, or has too many parameters") from None
    given = dict(pairs)
    for name in given:
        if sum(each == name for each, _ in pairs) > 1:
            raise parameter(name, "expected once")
    try:
        return msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError as error:
        steps, message = _where(str(error))
        raise parameter(steps[0] if steps else "", message) from None


def parameter(name: str, message: str, cause: Cause = "bad_parameter") -> Refused:
    """The refusal of one query parameter."""
    shown = name[:100]
    return Refused(cause, f"query parameter {shown!r}: {message}", errors=[Fault(parameter=shown, detail=message)])


def moment(value: datetime | msgspec.UnsetType) -> datetime | None:
    """A time that was given, in UTC and kept within the years 2000 to 2100, beyond which nothing is: databases differ."""
    if isinstance(value, msgspec.UnsetType):
        return None
    return min(max(value, _EARLIEST), _LATEST).astimezone(UTC)


def header(headers: Headers, name: bytes) -> str | None:
    """The value of a header; None where it is missing, and its values joined where it is there several times."""
    found = [value.decode("latin-1") for each, value in headers if each == name]
    return ", ".join(found) if found else None


def idempotency_key(headers: Headers) -> str | None:
    """The header `Idempotency-Key`, if there is one. Raises `Refused` where it is there twice, or not what it must be."""
    given = header(headers, b"idempotency-key")
    try:
        return None if given is None else msgspec.convert({"key": given}, Key).key
    except msgspec.ValidationError:
        raise missing_key() from None


def missing_key() -> Refused:
    """The refusal of a write without an idempotency key."""
    expected = (
        "expected once, 1 to 255 visible ASCII characters without a comma; the same for each repetition of one request"
    )
    fault = Fault(header="Idempotency-Key", detail=expected)
    return Refused("missing_key", f"header Idempotency-Key: {expected}", errors=[fault])


def body(headers: Headers, raw: bytes, type_: Any) -> Any:
    """The JSON body as this type. An empty one is `{}`. Raises `Refused` with a pointer to what was wrong."""
    if not raw:
        return _converted({}, type_)
    given = (header(headers, b"content-type") or "").lower().replace(" ", "").split(";")
    if given[0] != "application/json" or given[1:] not in ([], ["charset=utf-8"]):
        raise Refused("unsupported_media_type", "send the body as Content-Type: application/json, in UTF-8")
    return _converted(_json(raw), type_)


def _json(raw: bytes) -> Any:
    """Strict JSON: msgspec refuses NaN, lone surrogates, what is no UTF-8 and deep nesting; duplicate keys are ours."""
    try:
        raw.decode()
        msgspec.json.decode(raw)
        return json.loads(raw, object_pairs_hook=_once, parse_float=_number)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        detail = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise Refused("bad_payload", f"the body is not JSON as it must be: {detail}") from None


def _number(text: str) -> int | float:
    """To JSON Schema `5.0` is an integer, and some serializers write it so."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has one key twice")
    return found


def _converted(value: Any, type_: Any) -> Any:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        steps, message = _where(str(error))
        pointer = "#" + "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
        detail = f"{pointer}: {message}"
        raise Refused("invalid_body", detail, errors=[Fault(pointer=pointer, detail=message)]) from None


def _where(message: str) -> tuple[list[str], str]:
    """The steps to the value that msgspec's message is about, and the message without them."""
    at = _AT.search(message)
    steps = [step["name"] or step["index"] for step in _STEP.finditer(at["path"])] if at else []
    said = message[: at.start()] if at else message
    named = _NAMED.match(said)
    if named:
        steps.append(named["name"])
        said = "required, but missing" if "missing" in said else "there is no such field"
    return steps, said
