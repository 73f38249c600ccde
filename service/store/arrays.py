"""PostgreSQL arrays in binary, packed column by column: a driver that packs value by value costs three times as much."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from service.instants import micros

# Type, array type, and the bytes of one value. PostgreSQL counts time from the year 2000.
_EPOCH: Final = 946_684_800_000_000
_HEAD: Final = struct.Struct("!iiIii").pack
_LENGTH: Final = struct.Struct("!i").pack
_INT: Final = struct.Struct("!i").pack
_NULL: Final = _LENGTH(-1)


def instant(value: datetime) -> bytes:
    """The bytes of one `timestamptz`."""
    return struct.pack("!q", micros(value) - _EPOCH)


_TYPES: Final[dict[str, tuple[int, Callable[[Any], bytes]]]] = {
    "text": (25, str.encode),
    "bytea": (17, bytes),
    "integer": (23, _INT),
    "boolean": (16, lambda value: b"\1" if value else b"\0"),
    "timestamptz": (1184, instant),
}


def pack(type_: str, values: Sequence[Any]) -> bytes:
    """The bytes of a one-dimensional array of `values`; None is null. Raises `UnicodeEncodeError` for lone surrogates."""
    oid, encode = _TYPES[type_]
    first = values[0]
    if values.count(first) == len(values):  # most columns of a batch hold one value over and over
        return _head(oid, first is None, len(values)) + _element(encode, first) * len(values)
    body = b"".join([_element(encode, value) for value in values])
    return _head(oid, None in values, len(values)) + body


def _head(oid: int, nulls: bool, size: int) -> bytes:
    return _HEAD(1, nulls, oid, size, 1)


def _element(encode: Callable[[Any], bytes], value: Any) -> bytes:
    if value is None:
        return _NULL
    data = encode(value)
    return _LENGTH(len(data)) + data
