"""The envelope of a Stripe event, snapshot or thin, read without decoding the object inside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from service.errors import Rejected
from service.provider import Envelope
from service.providers.stripe.events import handled, ignored

_LONGEST: Final = 255
_EARLIEST: Final = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
_LATEST: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())


class _Subject(msgspec.Struct):
    """`data.object`. Not every object has an id, and what else it holds is the mapping's business."""

    object: Any = None
    id: Any = None
    customer: Any = None


class _Data(msgspec.Struct):
    object: _Subject


class _Snapshot(msgspec.Struct, tag_field="object", tag="event"):
    id: str
    type: str
    created: int
    data: _Data
    livemode: bool | None = None
    account: str | None = None


class _Related(msgspec.Struct):
    id: Any = None
    type: Any = None


class _Thin(msgspec.Struct, tag_field="object", tag="v2.core.event"):
    id: str
    type: str
    created: datetime
    livemode: bool | None = None
    context: str | None = None
    related_object: _Related | None = None


_decoder = msgspec.json.Decoder(_Snapshot | _Thin)


def read_envelope(body: bytes) -> Envelope:
    """The envelope of verified bytes. Pure.

    `kind` is Stripe's own name of the object (`charge`, `payment_intent`). Of duplicate keys the last counts, as it
    does in the mapping. A thin notification names its object in `related_object`, and one with a `context` belongs to a
    connected account.

    Raises:
        Rejected: `bad_payload`: no UTF-8, no JSON, nested too deep, no event, an id or type that is empty, longer
            than 255 characters or holds a NUL, or a time outside of the years 2000 to 2099.
    """
    try:
        if not body.isascii():
            body.decode()
        event = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Rejected("bad_payload", "the body is not a Stripe event") from None
    return _of_snapshot(event) if type(event) is _Snapshot else _of_thin(event)


def _of_snapshot(event: _Snapshot) -> Envelope:
    if not _EARLIEST <= event.created < _LATEST:
        raise _out_of_time()
    subject = event.data.object
    kind = _name(subject.object)
    object_id = _name(subject.id)
    return Envelope(
        event_id=_required(event.id),
        type=_required(event.type),
        occurred_at=datetime.fromtimestamp(event.created, UTC),
        kind=kind,
        object_id=object_id,
        customer_id=object_id if kind == "customer" else _name(subject.customer),
        livemode=event.livemode,
        ignored=ignored(event.type, event.account),
    )


def _of_thin(event: _Thin) -> Envelope:
    if event.created.tzinfo is None or not _EARLIEST <= event.created.timestamp() < _LATEST:
        raise _out_of_time()
    related = event.related_object or _Related()
    kind, object_id = _name(related.type), _name(related.id)
    return Envelope(
        event_id=_required(event.id),
        type=_required(event.type),
        occurred_at=event.created.astimezone(UTC),
        kind=kind,
        object_id=object_id,
        customer_id=object_id if kind == "customer" else None,
        livemode=event.livemode,
        ignored=ignored(handled(event.type), event.context),
    )


def _required(value: str) -> str:
    if not value:
        raise Rejected("bad_payload", "the event has an empty id or type")
    return _short(value)


def _name(value: Any) -> str | None:
    """An optional id or name; an expanded object stands for its id."""
    if type(value) is dict:
        value = value.get("id")
    return _short(value) if type(value) is str and value else None


def _short(value: str) -> str:
    # Lone surrogates never get here: the decoder refuses them.
    if len(value) > _LONGEST or "\0" in value:
        raise Rejected("bad_payload", "a name in the event is longer than 255 characters or holds a NUL")
    return value


def _out_of_time() -> Rejected:
    return Rejected("bad_payload", "the event's time is missing its zone or outside of the years 2000 to 2099")
