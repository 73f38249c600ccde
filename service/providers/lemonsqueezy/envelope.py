"""The envelope of a Lemon Squeezy event, with both of its keys."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any, Final

import msgspec

from service.envelopes import LONGEST, aware_time, required, short
from service.errors import Rejected
from service.provider import Envelope
from service.providers.lemonsqueezy.events import ignored


class _Meta(msgspec.Struct):
    event_name: str
    webhook_id: Any = None
    test_mode: Any = None


class _Data(msgspec.Struct):
    type: str
    id: str | int
    attributes: dict[str, Any]


class _Event(msgspec.Struct):
    meta: _Meta
    data: _Data


_decoder = msgspec.json.Decoder(_Event)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)
_URLS: Final = "urls"
_SIGNED: Final = re.compile(r"https?://[^?#]*\?.*\b(?:signature|expires)=", re.DOTALL | re.IGNORECASE)
_GONE: Final = "signed"


def read_envelope(body: bytes) -> Envelope:
    """The envelope of verified bytes. Pure.

    `event_id` is `meta.webhook_id`, which is undocumented and may or may not be the same when an event is sent again; so
    `content_key` always stands beside it, and for it where it is missing. `occurred_at` is the object's `updated_at`, since
    an event has no time of its own. `kind` is the JSON:API type. Of duplicate keys the last counts, as in the mapping.

    Raises:
        Rejected: `bad_payload`: no UTF-8, no JSON, nested too deep, no event, a name that is empty, longer than 255
            characters or holds a NUL, or no time within the years 2000 to 2099.
    """
    try:
        if not body.isascii():
            body.decode()
        event = _decoder.decode(body)
        content_key = key_of(event.meta.event_name, event.data.type, str(event.data.id), event.data.attributes)
    except _UNREADABLE:
        raise Rejected("bad_payload", "the body is not a Lemon Squeezy event") from None
    return _envelope(event, content_key)


def _envelope(event: _Event, content_key: str) -> Envelope:
    meta, data = event.meta, event.data
    object_id, type_ = required(str(data.id)), required(meta.event_name)
    return Envelope(
        event_id=_usable(meta.webhook_id) or content_key,
        type=type_,
        occurred_at=_time(data.attributes),
        kind=required(data.type),
        object_id=object_id,
        customer_id=object_id if data.type == "customers" else _id(data.attributes.get("customer_id")),
        livemode=_livemode(meta.test_mode, data.attributes.get("test_mode")),
        ignored=ignored(type_),
        content_key=content_key,
        scope=_id(data.attributes.get("store_id")),
    )


def key_of(event_name: str, type_: str, object_id: str, attributes: dict[str, Any]) -> str:
    """What an event says, as a key: the same whenever it is rendered, and another for any change of an attribute. Pure.

    Left out are `urls` and signed links wherever they stand: they are made anew whenever a body is.
    """
    said = [event_name, type_, object_id, _lasting(attributes)]
    return f"ls:{hashlib.sha256(msgspec.json.encode(said, order='sorted')).hexdigest()}"


def _lasting(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {name: _lasting(each) for name, each in value.items() if name != _URLS}
    if kind is list:
        return [_lasting(each) for each in value]
    # A link that is replaced by null still says that there is one.
    return _GONE if kind is str and _SIGNED.match(value) else value


def _usable(webhook_id: Any) -> str | None:
    usable = type(webhook_id) is str and 0 < len(webhook_id) <= LONGEST and "\0" not in webhook_id
    return webhook_id if usable else None


def _id(value: Any) -> str | None:
    """An id, which is text in `data.id` but a number among attributes."""
    if type(value) is int:
        value = str(value)
    return short(value) if type(value) is str and value else None


def _time(attributes: dict[str, Any]) -> datetime:
    value: Any = attributes.get("updated_at")
    try:
        return aware_time(datetime.fromisoformat(value))
    except (TypeError, ValueError, OverflowError):
        raise Rejected("bad_payload", "the event's object has no time of its last update") from None


def _livemode(*test_modes: Any) -> bool | None:
    found = next((each for each in test_modes if type(each) is bool), None)
    return None if found is None else not found
