"""Reading single attributes of a Paddle object: what `service.reading` reads, and what only Paddle writes this way."""

from __future__ import annotations

from service.model import Fields, Kind, Snapshot
from service.providers.paddle.statuses import COLLECTION, neutral
from service.reading import Object, currency, instant, key, objects, own_key, part, text, units, usable, whole

__all__ = [
    "Object", "collection", "currency", "instant", "key", "money", "objects", "own_key", "part", "seen", "text", "units",
    "usable", "user_id", "whole",
]  # fmt: skip


def seen(source: str, kind: Kind, obj: Object, fields: Fields, raw: str | None) -> Snapshot:
    """The snapshot that an object makes of a row of its own id; its version is its own `updated_at`.

    What was never updated (an adjustment, whose `updated_at` may be null) is as old as it is: the time of a read would
    put it above an update that a lagging read did not show.
    """
    own, as_of = own_key(obj), instant(obj, "updated_at") or instant(obj, "created_at")
    return Snapshot(source=source, source_id=own, kind=kind, id=own, fields=fields, raw=raw, as_of=as_of)


def user_id(obj: Object) -> str | None:
    """The application's own id of its user, which it leaves in `custom_data.user_id`.

    Custom data are the application's own JSON, so anything but text or a whole number is none of our business.
    """
    custom = obj.get("custom_data")
    value = custom.get("user_id") if type(custom) is dict else None
    if type(value) is int:
        return str(value)
    return value if type(value) is str else None


def money(obj: Object, name: str) -> tuple[int | None, str | None]:
    """A nested `{amount, currency_code}`."""
    found = part(obj, name)
    return units(found, "amount"), currency(found, "currency_code")


def collection(obj: Object) -> str | None:
    """How the buyer pays, in neutral words."""
    mode = text(obj, "collection_mode")
    return None if mode is None else neutral(COLLECTION, mode)
