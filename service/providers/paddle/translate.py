"""One stored event to neutral snapshots."""

from __future__ import annotations

from typing import Any

import msgspec

from service.errors import MappingError
from service.provider import Mapped
from service.providers.paddle.events import EVENTS, Row, ignored
from service.reading import Object


class _Event(msgspec.Struct):
    event_id: str
    event_type: str
    data: msgspec.Raw


_event = msgspec.json.Decoder(_Event)
_object = msgspec.json.Decoder(dict[str, Any])
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def translate(payload: bytes) -> Mapped:
    """The snapshots of one event, by the table of `events`. Pure.

    Paddle never tells what an object was before, so there is no edge. An object that makes no row is ignored with the reason.

    Raises:
        MappingError: the payload is not an event, or its object has a shape that can't be translated.
    """
    try:
        event = _event.decode(payload)
    except _UNREADABLE as error:
        raise MappingError("the payload is not a Paddle event") from error
    reason = ignored(event.event_type, event.event_id)
    if reason is not None:
        return Mapped(ignored=reason)
    try:
        obj: Object = _object.decode(event.data)
    except _UNREADABLE as error:
        raise MappingError(f"the object of {event.event_type} is not a JSON object that can be read") from error
    return _mapped(EVENTS[event.event_type], obj, bytes(event.data).decode())


def _mapped(row: Row, obj: Object, raw: str) -> Mapped:
    snapshots = row.resource.snapshots(obj, raw)
    return Mapped(snapshots=snapshots, begins=row.begins) if snapshots else Mapped(ignored=row.resource.rowless)
