"""PostgreSQL arrays in binary, packed column by column: a driver that packs value by value costs three times as much."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import DataError
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format

from service.instants import micros

# Type, array type, and the bytes of one value. PostgreSQL counts time from the year 2000.
_EPOCH: Final = 946_684_800_000_000
_HEAD: Final = struct.Struct("!iiIii").pack
_EMPTY: Final = struct.Struct("!iiI").pack
_LENGTH: Final = struct.Struct("!i").pack
_INT: Final = struct.Struct("!i").pack
_BIG: Final = struct.Struct("!q").pack
_FLOAT: Final = struct.Struct("!d").pack
_NULL: Final = _LENGTH(-1)


def instant(value: datetime) -> bytes:
    """The bytes of one `timestamptz`."""
    return struct.pack("!q", micros(value) - _EPOCH)


_TYPES: Final[dict[str, tuple[int, Callable[[Any], bytes]]]] = {
    "text": (25, str.encode),
    "bytea": (17, bytes),
    "integer": (23, _INT),
    "bigint": (20, _BIG),
    "double precision": (701, _FLOAT),
    "boolean": (16, lambda value: b"\1" if value else b"\0"),
    "timestamptz": (1184, instant),
}


def pack(type_: str, values: Sequence[Any]) -> bytes:
    """The bytes of a one-dimensional array of `values`; None is null.

    Raises `UnicodeEncodeError` for lone surrogates and `struct.error` for numbers beyond the type.
    """
    oid, encode = _TYPES[type_]
    if not values:
        return _EMPTY(0, 0, oid)
    first = values[0]
    if values.count(first) == len(values):  # most columns of a batch hold one value over and over
        return _head(oid, first is None, len(values)) + _element(encode, first) * len(values)
    body = b"".join([_element(encode, value) for value in values])
    return _head(oid, None in values, len(values)) + body


class Packed:
    """An array as a parameter of a statement that casts it to its type."""

    __slots__ = ("type", "values")

    def __init__(self, type_: str, values: Sequence[Any]) -> None:
        self.type, self.values = type_, values


class _PackedDumper(Dumper):
    """The type is left to the statement's cast. What can't be packed is an error of the data, as the server would say."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Packed) -> bytes:
        try:
            return pack(obj.type, obj.values)
        except (struct.error, UnicodeEncodeError) as error:
            raise DataError(f"no {obj.type} of PostgreSQL: {error}") from error


def teach(adapters: AdaptersMap) -> None:
    """Let a connection take `Packed` parameters."""
    adapters.register_dumper(Packed, _PackedDumper)


def _head(oid: int, nulls: bool, size: int) -> bytes:
    return _HEAD(1, nulls, oid, size, 1)


def _element(encode: Callable[[Any], bytes], value: Any) -> bytes:
    if value is None:
        return _NULL
    data = encode(value)
    return _LENGTH(len(data)) + data
