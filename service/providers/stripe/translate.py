"""One stored event to neutral snapshots, with the state before the event where the event tells it."""

from __future__ import annotations

from typing import Any

import msgspec

from service.errors import MappingError
from service.model import Snapshot
from service.provider import Mapped
from service.providers.stripe.events import EVENTS, USAGE_ERRORS, Row, ignored, ignored_thin
from service.providers.stripe.mapping.fields import Object, identity


class _Data(msgspec.Struct):
    object: msgspec.Raw
    previous_attributes: Any = None


class _Snapshot(msgspec.Struct, tag_field="object", tag="event"):
    type: str
    data: _Data
    account: str | None = None


class _Thin(msgspec.Struct, tag_field="object", tag="v2.core.event"):
    type: str
    context: str | None = None


_event = msgspec.json.Decoder(_Snapshot | _Thin)
_object = msgspec.json.Decoder(dict[str, Any])
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def translate(payload: bytes) -> Mapped:
    """The snapshots of one event, by the table of `events`. Pure.

    A thin notification carries no object and yields only the reason `thin`: it must be fetched, and where it is of
    `USAGE_ERRORS` what is fetched names the usage. An object whose nested
    list was cut off is translated as far as it goes, with the wish to read it whole.

    Raises:
        MappingError: the payload is not an event, or its object has a shape that can't be translated.
    """
    try:
        event = _event.decode(payload)
    except _UNREADABLE as error:
        raise MappingError("the payload is not a Stripe event") from error
    if type(event) is _Thin:
        reason = ignored_thin(event.type, event.context)
        return Mapped(ignored=reason) if reason else Mapped(reason="thin", rejects_usage=event.type in USAGE_ERRORS)
    reason = ignored(event.type, event.account)
    if reason is not None:
        return Mapped(ignored=reason)
    try:
        return _mapped(EVENTS[event.type], event.data)
    except _UNREADABLE as error:
        raise MappingError(f"the object of {event.type} is not a JSON object that can be read") from error


def _mapped(row: Row, data: _Data) -> Mapped:
    obj: Object = _object.decode(data.object)
    current = {**obj, "deleted": True} if row.deletes else obj
    cut_off = row.resource.truncated(current)
    return Mapped(
        snapshots=row.resource.snapshots(current, bytes(data.object).decode()),
        before=_before(row, obj, data.previous_attributes),
        begins=row.begins,
        read=(row.resource.source, identity(obj)) if cut_off else None,
        reason="truncated_list" if cut_off else None,
    )


def _before(row: Row, obj: Object, previous: Any) -> tuple[Snapshot, ...]:
    if type(previous) is not dict or not previous:
        return ()
    return row.resource.snapshots(undone(obj, previous), None)


def undone(obj: Object, previous: Object) -> Object:
    """`obj` as it was before `previous` (`data.previous_attributes`) changed. Pure.

    A nested hash names only the keys that changed; an array comes whole (stripe-python 16.1.0, `Event.Data`).
    """
    state = {**obj}
    for name, old in previous.items():
        now = obj.get(name)
        state[name] = undone(now, old) if type(old) is dict and type(now) is dict else old
    return state
