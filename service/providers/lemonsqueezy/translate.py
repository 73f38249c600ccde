"""One stored event to neutral snapshots."""

from __future__ import annotations

from typing import Any

import msgspec

from service.errors import MappingError
from service.provider import Mapped
from service.providers.lemonsqueezy.events import EVENTS, ignored
from service.providers.lemonsqueezy.mapping.fields import Thing


class _Meta(msgspec.Struct):
    event_name: str
    custom_data: Any = None


class _Event(msgspec.Struct):
    meta: _Meta
    data: msgspec.Raw


_event = msgspec.json.Decoder(_Event)
_object = msgspec.json.Decoder(dict[str, Any])
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def translate(payload: bytes) -> Mapped:
    """The snapshots of one event, by the table of `events`. Pure.

    Raises:
        MappingError: the payload is not an event, or its object has a shape that can't be translated.
    """
    try:
        event = _event.decode(payload)
        reason = ignored(event.meta.event_name)
        if reason is not None:
            return Mapped(ignored=reason)
        text = bytes(event.data)
        thing = Thing(_object.decode(text), text.decode(), user_id=_user_id(event.meta.custom_data))
    except _UNREADABLE as error:
        raise MappingError("the payload is not a Lemon Squeezy event") from error
    row = EVENTS[event.meta.event_name]
    return Mapped(snapshots=row.resource.snapshots(thing, failed=row.fails), begins=row.begins)


def _user_id(custom: Any) -> str | None:
    """The application's own id of its user, which it gave to the checkout; whatever else stands there is its own affair."""
    value = custom.get("user_id") if type(custom) is dict else None
    found = str(value) if type(value) is int else value
    return found if type(found) is str and found else None
