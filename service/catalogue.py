"""The tables of the TOML file (`TALLYHOOK_CONFIG`), read with errors that name file, line and key.

`tallyhook.toml, line 12: plans.pro.price: expected ...`. A built-in example ships beside this module; each top-level table
that the file does not have comes from there. Numbers with a point are read as exact decimals.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from service import toml_lines
from service.errors import ConfigError

T = TypeVar("T")
Steps: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys, and indexes of arrays."""
TABLES: Final = ("accounts", "limits", "plans", "refunds", "entitlements", "meters")
"""The top-level tables that exist; any other is refused."""
_BUILT_IN: Final = "catalogue.toml"
_AT: Final = re.compile(r" - at (?:`key` in )?`\$(?P<path>.*)`$")
_STEP: Final = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_MISSING: Final = re.compile(r"Object missing required field `(?P<key>.*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<key>.*)`")
_QUOTED: Final = re.compile(r"`(?P<types>[a-z |]+)`")
_WORDS: Final = {
    "int": "a whole number", "str": "text", "bool": "true or false", "object": "a table", "array": "an array",
    "float": "a number", "decimal": "a number",
}  # fmt: skip
_SIMPLE: Final = re.compile(r"[A-Za-z0-9_-]+")


class Document(msgspec.Struct, frozen=True):
    """A TOML text and what it says; `name` is how errors call it."""

    name: str
    text: str
    tables: dict[str, Any]

    def __repr__(self) -> str:
        """Without the text: it may hold the secrets of accounts."""
        return f"Document({self.name!r})"

    def error(self, steps: Steps, message: str) -> ConfigError:
        """An error about the value at `steps` (or, where it is missing, about what should hold it)."""
        line = toml_lines.line_of(self.text, steps)
        return ConfigError(f"{self.name}, line {line}: {shown(steps)}: {message}")


def read(path: Path) -> Document:
    """The document in a file, named as it was given. Raises `ConfigError`."""
    try:
        return parse(path.read_bytes().decode(), str(path))
    except FileNotFoundError:
        raise ConfigError(f"TALLYHOOK_CONFIG: there is no file {path}") from None
    except OSError as error:
        raise ConfigError(f"TALLYHOOK_CONFIG: {path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not a TOML file: it must be UTF-8") from None


def parse(text: str, name: str) -> Document:
    """The document in `text`. Raises `ConfigError` where it is no TOML, or has a table that nothing reads."""
    try:
        tables = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        line, reason = toml_lines.of_error(text, str(error))
        raise ConfigError(f"{name}, line {line}: not a TOML file: {reason}") from None
    document = Document(name, text, tables)
    for key in tables:
        if key not in TABLES:
            raise document.error((key,), f"unknown table; known: {', '.join(TABLES)}")
    return document


@cache
def built_in() -> Document:
    """The example that ships: the plans of docs/plans.md, without price ids."""
    text = resources.files("service").joinpath(_BUILT_IN).read_text(encoding="utf-8")
    return parse(text, f"(built-in) {_BUILT_IN}")


def having(document: Document, table: str) -> Document:
    """The document that a top-level table is read from: the given one, or where it lacks the table, the built-in one."""
    return document if table in document.tables else built_in()


def convert(document: Document, path: str, kind: type[T]) -> T:
    """The value at the dotted `path` as a `kind`, for instance `dict[str, Meter]`. Raises `ConfigError`.

    A path that is not there is an empty table. Unknown keys are refused where the structs say `forbid_unknown_fields`; a
    `ValueError` from a `__post_init__` becomes the message of its table. Nothing falls back to the built-in example: ask
    `having` first.
    """
    steps: Steps = tuple(path.split("."))
    value: Any = document.tables
    for step in steps:
        value = value.get(step, {}) if isinstance(value, dict) else value
    return convert_value(document, steps, value, kind)


def convert_value(document: Document, steps: Steps, value: Any, kind: type[T]) -> T:
    """As `convert`, for a value at hand that stands at `steps`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        inner, message = _located(value, kind, str(error))
        raise document.error((*steps, *inner), message) from None


def shown(steps: Steps) -> str:
    """The dotted key, for instance `plans.pro.prices.shop[2]`."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _SIMPLE.fullmatch(step) else f'"{step}"')
    return text


def _located(value: Any, kind: Any, message: str) -> tuple[Steps, str]:
    """Where in `value` the first error is, and what is wrong there."""
    found = _AT.search(message)
    reason = _AT.sub("", message)
    steps = _resolved(value, kind, found["path"]) if found else ()
    if unknown := _UNKNOWN.fullmatch(reason):
        return (*steps, unknown["key"]), _unknown(kind, steps)
    if missing := _MISSING.fullmatch(reason):
        return (*steps, missing["key"]), "missing"
    return steps, plain(kind, reason, steps)


def _resolved(value: Any, kind: Any, path: str) -> Steps:
    """The steps of msgspec's `path`, in which every key of a dictionary is only `[...]`.

    Which key it was is found by leaving the others out: the message that stays the same is of the key that stayed.
    """
    steps: list[str | int] = []
    for step in _STEP.finditer(path):
        here = _at(value, steps)
        if step["index"] is not None:
            steps.append(int(step["index"]))
        elif step["key"] is not None:
            steps.append(step["key"])
        else:
            steps.append(next(key for key in here if _fails(_only(value, steps, key), kind, path)))
    return tuple(steps)


def _fails(value: Any, kind: Any, path: str) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        found = _AT.search(str(error))
        return found is not None and found["path"] == path
    return False


def _only(value: Any, steps: list[str | int], key: str) -> Any:
    """`value` whose table at `steps` holds only `key`."""
    if not steps:
        return {key: value[key]}
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[steps[0]] = _only(value[steps[0]], steps[1:], key)  # type: ignore[index]
    return copy


def _at(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        value = value[step]
    return value


def plain(kind: Any, reason: str, steps: Steps = ()) -> str:
    """What msgspec says of a value at `steps` within a `kind`, in the words of people."""
    if reason.startswith("Invalid enum value"):
        allowed = [repr(value) for each in _kinds(kind, steps) for value in getattr(each, "values", ())]
        return f"{reason[:1].lower()}{reason[1:]}; expected one of {', '.join(allowed)}"
    reason = _QUOTED.sub(lambda found: " or ".join(_words(found["types"])), reason)
    return reason[:1].lower() + reason[1:]


def _words(types: str) -> list[str]:
    return [_WORDS.get(each, each) for each in types.split(" | ") if each != "null"] or ["nothing"]


def _unknown(kind: Any, steps: Steps) -> str:
    structs = (each for each in _kinds(kind, steps) if isinstance(each, msgspec.inspect.StructType))
    return f"unknown key; known: {', '.join(field.encode_name for struct in structs for field in struct.fields)}"


def _kinds(kind: Any, steps: Steps) -> Iterator[msgspec.inspect.Type]:
    """What may stand at `steps` within a value of `kind`."""
    found = [msgspec.inspect.type_info(kind)]
    for step in (*steps, None):
        found = [each for outer in found for each in getattr(outer, "types", (outer,))]
        if step is not None:
            found = [each for outer in found for each in _inside(outer, step)]
    yield from found


def _inside(kind: msgspec.inspect.Type, step: str | int) -> Iterator[msgspec.inspect.Type]:
    if isinstance(kind, msgspec.inspect.DictType):
        yield kind.value_type
    elif isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        yield kind.item_type
    elif isinstance(kind, msgspec.inspect.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == step)
