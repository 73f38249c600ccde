"""Reading single attributes of a provider's object as decoded JSON. Pure.

A missing attribute and a null are both None; a value of another type than the provider documents raises `MappingError`,
because storing it would put a value into a column that was never meant for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from service.errors import MappingError

Object: TypeAlias = dict[str, Any]
"""One JSON object of a provider's."""

_EMPTY: Final[Object] = {}
_ID_LENGTH: Final = 255
_LARGEST: Final = 10**16
_UNITS: Final = re.compile(r"-?[0-9]{1,18}")


def wrong(name: str, wanted: str, value: object) -> MappingError:
    """The error of a value that has another type than it should; it never quotes the value."""
    return MappingError(f"{name} should be {wanted} but is {type(value).__name__}")


def usable(key: str) -> bool:
    """True where a key may name a row."""
    return 0 < len(key) <= _ID_LENGTH and "\0" not in key


def text(obj: Object, name: str) -> str | None:
    """Text."""
    value = obj.get(name)
    if value is None or type(value) is str:
        return value
    raise wrong(name, "text", value)


def whole(obj: Object, name: str) -> int | None:
    """A whole number, of a size that a column can hold."""
    value = obj.get(name)
    if value is None or (type(value) is int and -_LARGEST <= value <= _LARGEST):
        return value
    raise wrong(name, "a whole number of at most 16 digits", value)


def flag(obj: Object, name: str) -> bool | None:
    """A boolean."""
    value = obj.get(name)
    if value is None or type(value) is bool:
        return value
    raise wrong(name, "true or false", value)


def instant(obj: Object, name: str) -> datetime | None:
    """A time that is written in RFC 3339 with its zone, as an aware UTC datetime."""
    value = obj.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if type(value) is str else None
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise wrong(name, "an RFC 3339 time with a zone", value)


def units(obj: Object, name: str) -> int | None:
    """An amount that is written as text of whole minor units."""
    value = text(obj, name)
    if value is None:
        return None
    if not _UNITS.fullmatch(value):
        raise MappingError(f"{name} should be an amount in whole minor units, without any sign of decimals")
    return int(value)


def key(obj: Object, name: str) -> str | None:
    """The id of a related object, written as text or as a whole number, always as text."""
    value = obj.get(name)
    if value is None:
        return None
    found = str(value) if type(value) is int else value
    if type(found) is not str or not usable(found):
        raise MappingError(f"{name} is no usable id")
    return found


def own_key(obj: Object) -> str:
    """The object's own id, which it must have."""
    found = key(obj, "id")
    if found is None:
        raise MappingError("an object has no id")
    return found


def part(obj: Object, name: str) -> Object:
    """A nested object; an empty one where it is missing, so that reads can be chained."""
    value = obj.get(name)
    if value is None:
        return _EMPTY
    if type(value) is not dict:
        raise wrong(name, "an object", value)
    return value


def objects(obj: Object, name: str) -> Sequence[Object]:
    """The objects of an array."""
    return as_objects(name, obj.get(name))


def as_objects(name: str, value: Any) -> Sequence[Object]:
    """`value`, read as the array `name`."""
    if value is None:
        return ()
    if type(value) is not list or not all(type(each) is dict for each in value):
        raise wrong(name, "a list of objects", value)
    return value


def currency(obj: Object, name: str = "currency") -> str | None:
    """The currency in upper case."""
    code = text(obj, name)
    return None if code is None else code.upper()
