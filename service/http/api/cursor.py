"""Cursors: where a page ended, packed so that nobody builds on what is inside."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import msgspec

from service.http.api.asking import parameter
from service.model import Kind
from service.store.listing import Position


class _Packed(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    kind: str
    position: Position


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Packed)


def pack(kind: Kind, position: Position) -> str:
    """The cursor of a page of this kind that ended here."""
    return base64.urlsafe_b64encode(_encode(_Packed(kind, position))).decode().rstrip("=")


def unpack(kind: Kind, cursor: str) -> Position:
    """Where to go on. Raises `Refused` for what `pack` did not make for this kind."""
    try:
        found = _decoder.decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _refused() from None
    position = found.position
    if found.kind != kind or not _is_a_time(position.created_at) or "\0" in position.account + position.id:
        raise _refused()
    return position


def _is_a_time(moment: datetime | None) -> bool:
    """False without a zone, and beyond the years that exist in UTC."""
    if moment is None:
        return True
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return moment.tzinfo is not None


def address(asked: str, **changed: str) -> str:
    """The address that was asked for, with these query parameters set."""
    path, _, query = asked.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in changed]
    return f"{path}?{urlencode([*kept, *changed.items()])}"


def _refused() -> Exception:
    return parameter("cursor", "expected the cursor of a `next` link of this list")
