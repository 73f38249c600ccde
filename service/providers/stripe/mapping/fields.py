"""Reading single attributes of a Stripe object as decoded JSON.

A missing attribute and a null are both None; a value of another type than Stripe documents raises `MappingError`,
because storing it would put a value into a column that was never meant for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from service.errors import MappingError
from service.providers.stripe.money import minor_units

Object: TypeAlias = dict[str, Any]
"""One JSON object of Stripe's."""

_EMPTY: Object = {}
_LAST_MOMENT = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second that a datetime can hold
_ID_LENGTH = 255


def _wrong(name: str, wanted: str, value: object) -> MappingError:
    return MappingError(f"{name} should be {wanted} but is {type(value).__name__}")


def _usable(key: str) -> bool:
    return len(key) <= _ID_LENGTH and "\0" not in key


def text(obj: Object, name: str) -> str | None:
    """Text."""
    value = obj.get(name)
    if value is None or type(value) is str:
        return value
    raise _wrong(name, "text", value)


def whole(obj: Object, name: str) -> int | None:
    """A whole number."""
    value = obj.get(name)
    if value is None or type(value) is int:
        return value
    raise _wrong(name, "a whole number", value)


def flag(obj: Object, name: str) -> bool | None:
    """A boolean."""
    value = obj.get(name)
    if value is None or type(value) is bool:
        return value
    raise _wrong(name, "true or false", value)


def moment(obj: Object, name: str) -> datetime | None:
    """A time, which Stripe writes in whole Unix seconds, as an aware UTC datetime."""
    value = obj.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _LAST_MOMENT:
        raise _wrong(name, "a Unix time", value)
    return datetime.fromtimestamp(value, UTC)


def part(obj: Object, name: str) -> Object:
    """A nested object; an empty one where it is missing, so that reads can be chained."""
    value = obj.get(name)
    if value is None:
        return _EMPTY
    if type(value) is not dict:
        raise _wrong(name, "an object", value)
    return value


def ref(obj: Object, name: str) -> str | None:
    """The id of a related object, whether it came as an id or expanded. It may name a row, so it must be usable."""
    value = obj.get(name)
    if value is None:
        return None
    found = text(value, "id") if type(value) is dict else text(obj, name)
    if found is not None and not _usable(found):
        raise MappingError(f"{name} is no usable id")
    return found


def entries(obj: Object, name: str) -> Sequence[Object]:
    """The objects of an array, or of the `data` of a nested list."""
    value = obj.get(name)
    if type(value) is dict:
        value = value.get("data")
    if value is None:
        return ()
    if type(value) is not list or not all(type(each) is dict for each in value):
        raise _wrong(name, "a list of objects", value)
    return value


def truncated(obj: Object, name: str) -> bool:
    """True if the nested list `name` holds only its first page."""
    value = obj.get(name)
    return type(value) is dict and value.get("has_more") is True


def identity(obj: Object) -> str:
    """The object's own id, which it must have."""
    value = text(obj, "id")
    if not value or not _usable(value):
        raise MappingError(f"an object of type {str(obj.get('object'))[:40]!r} has no usable id")
    return value


def user_id(obj: Object) -> str | None:
    """The application's own id of its user, which it leaves in `metadata.user_id`."""
    return text(part(obj, "metadata"), "user_id")


def currency(obj: Object) -> str | None:
    """The currency in upper case."""
    code = text(obj, "currency")
    return None if code is None else code.upper()


def money(obj: Object, name: str, code: str | None) -> int | None:
    """An amount in ISO 4217 minor units of the currency `code`."""
    amount = whole(obj, name)
    if amount is None:
        return None
    if code is None:
        raise MappingError(f"{name} has no currency")
    return minor_units(amount, code)
