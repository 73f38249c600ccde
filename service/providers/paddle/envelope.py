"""The envelope of a Paddle event, read without decoding the object inside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from service.envelopes import aware_time, name, required
from service.errors import Rejected
from service.provider import Envelope
from service.providers.paddle.events import ignored


class _Subject(msgspec.Struct):
    """`data`. Its id is read leniently: what else it holds is the mapping's business."""

    id: Any = None
    customer_id: Any = None


class _Event(msgspec.Struct):
    event_id: str
    event_type: str
    occurred_at: datetime
    data: _Subject


_decoder = msgspec.json.Decoder(_Event)


def read_envelope(body: bytes) -> Envelope:
    """The envelope of a delivery or of an entry of the event log. Pure.

    `event_id` names the event; `notification_id`, which a resend changes, is not looked at. The kind is what stands
    before the dot of the type. Paddle never tells live from sandbox in a payload: they are different accounts.

    Raises:
        Rejected: `bad_payload`: no UTF-8, no JSON, nested too deep, no event, an id or type that is empty, longer
            than 255 characters or holds a NUL, or a time without its zone or outside of the years 2000 to 2099.
    """
    try:
        if not body.isascii():
            body.decode()
        event = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Rejected("bad_payload", "the body is not a Paddle event") from None
    kind, object_id = name(event.event_type.partition(".")[0]), name(event.data.id)
    return Envelope(
        event_id=required(event.event_id),
        type=required(event.event_type),
        occurred_at=aware_time(event.occurred_at),
        kind=kind,
        object_id=object_id,
        customer_id=object_id if kind == "customer" else name(event.data.customer_id),
        ignored=ignored(event.event_type, event.event_id),
    )
