"""Acorn's events: `{"uid", "what", "when" (Unix milliseconds), "test", "subject": {...}}`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from service.envelopes import name, required, unix_time
from service.errors import MappingError, Rejected
from service.provider import Envelope, Mapped
from tests.providers.acorn.adapter.mapping import snapshots

# Whether the object begins with the event.
EVENTS = {
    "patron.joined": True,
    "patron.changed": False,
    "patron.left": False,
    "membership.begun": True,
    "membership.changed": False,
    "membership.over": False,
    "bill.sent": True,
    "bill.settled": False,
    "bill.dropped": False,
    "giveback.made": True,
}
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Subject(msgspec.Struct):
    ref: Any = None
    patron: Any = None


class _Event(msgspec.Struct):
    uid: str
    what: str
    when: int
    subject: _Subject
    test: bool | None = None


class _Stored(msgspec.Struct):
    what: str
    subject: msgspec.Raw


_event, _stored = msgspec.json.Decoder(_Event), msgspec.json.Decoder(_Stored)
_object = msgspec.json.Decoder(dict[str, Any])


def read_envelope(body: bytes) -> Envelope:
    """The envelope of a delivery or an entry of the log; raise `Rejected` where it has none."""
    try:
        body.decode()
        event = _event.decode(body)
    except _UNREADABLE:
        raise Rejected("bad_payload", "the body is not an Acorn event") from None
    kind, ref = name(event.what.partition(".")[0]), name(event.subject.ref)
    return Envelope(
        event_id=required(event.uid),
        type=required(event.what),
        occurred_at=unix_time(event.when // 1000) + timedelta(milliseconds=event.when % 1000),
        kind=kind,
        object_id=ref,
        customer_id=ref if kind == "patron" else name(event.subject.patron),
        livemode=None if event.test is None else not event.test,
        ignored=None if event.what in EVENTS else "unhandled_type",
    )


def translate(payload: bytes) -> Mapped:
    """The snapshots of one event; raise `MappingError` where it can't be translated."""
    try:
        event = _stored.decode(payload)
        if event.what not in EVENTS:
            return Mapped(ignored="unhandled_type")
        subject = _object.decode(event.subject)
    except _UNREADABLE as error:
        raise MappingError("the payload is not an Acorn event about an object") from error
    found = snapshots(event.what.partition(".")[0], subject, bytes(event.subject).decode())
    return Mapped(snapshots=found, begins=EVENTS[event.what])
