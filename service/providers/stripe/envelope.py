"""The envelope of a Stripe event, snapshot or thin, read without decoding the object inside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from service.envelopes import aware_time, name, required, unix_time
from service.errors import Rejected
from service.provider import Envelope
from service.providers.stripe.events import ignored, ignored_thin


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
    subject = event.data.object
    kind = name(subject.object)
    object_id = name(subject.id)
    return Envelope(
        event_id=required(event.id),
        type=required(event.type),
        occurred_at=unix_time(event.created),
        kind=kind,
        object_id=object_id,
        customer_id=object_id if kind == "customer" else name(subject.customer),
        livemode=event.livemode,
        ignored=ignored(event.type, event.account),
    )


def _of_thin(event: _Thin) -> Envelope:
    related = event.related_object or _Related()
    kind, object_id = name(related.type), name(related.id)
    return Envelope(
        event_id=required(event.id),
        type=required(event.type),
        occurred_at=aware_time(event.created),
        kind=kind,
        object_id=object_id,
        customer_id=object_id if kind == "customer" else None,
        livemode=event.livemode,
        ignored=ignored_thin(event.type, event.context),
    )
