"""Reading single attributes of a Stripe object: what `service.reading` reads, and what only Stripe writes this way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from service.errors import MappingError
from service.providers.stripe.money import minor_units
from service.reading import Object, as_objects, currency, flag, part, text, usable, whole, wrong

__all__ = [
    "Object", "currency", "entries", "flag", "identity", "moment", "money", "part", "ref", "text", "truncated", "user_id",
    "whole",
]  # fmt: skip

_LAST_MOMENT = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second that a datetime can hold


def moment(obj: Object, name: str) -> datetime | None:
    """A time, which Stripe writes in whole Unix seconds, as an aware UTC datetime."""
    value = obj.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _LAST_MOMENT:
        raise wrong(name, "a Unix time", value)
    return datetime.fromtimestamp(value, UTC)


def ref(obj: Object, name: str) -> str | None:
    """The id of a related object, whether it came as an id or expanded. It may name a row, so it must be usable."""
    value = obj.get(name)
    if value is None:
        return None
    found = text(value, "id") if type(value) is dict else text(obj, name)
    if found is not None and not usable(found):
        raise MappingError(f"{name} is no usable id")
    return found


def entries(obj: Object, name: str) -> Sequence[Object]:
    """The objects of an array, or of the `data` of a nested list."""
    value = obj.get(name)
    return as_objects(name, value.get("data") if type(value) is dict else value)


def truncated(obj: Object, name: str) -> bool:
    """True if the nested list `name` holds only its first page."""
    value = obj.get(name)
    return type(value) is dict and value.get("has_more") is True


def identity(obj: Object) -> str:
    """The object's own id, which it must have."""
    value = text(obj, "id")
    if not value or not usable(value):
        raise MappingError(f"an object of type {str(obj.get('object'))[:40]!r} has no usable id")
    return value


def user_id(obj: Object) -> str | None:
    """The application's own id of its user, which it leaves in `metadata.user_id`."""
    return text(part(obj, "metadata"), "user_id")


def money(obj: Object, name: str, code: str | None) -> int | None:
    """An amount in ISO 4217 minor units of the currency `code`."""
    amount = whole(obj, name)
    if amount is None:
        return None
    if code is None:
        raise MappingError(f"{name} has no currency")
    return minor_units(amount, code)
