"""Contents: the plain values of one object, as they are compared, ordered and stored. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

Content: TypeAlias = dict[str, Any]
_NUL: Final = b"\\u0000"
_encode: Final = msgspec.json.Encoder().encode


def content_of(fields: msgspec.Struct) -> Content:
    """Plain values of `fields` (times stay datetimes); equal contents are equal dictionaries."""
    content: Content = msgspec.to_builtins(fields, builtin_types=(datetime,))
    # NUL becomes U+FFFD: PostgreSQL's text can't hold it, and the raw bytes keep it anyway. JSON shows whether there is
    # any at a fraction of what a look at each value costs.
    if _may_hold_nul(fields):
        return _without_nul(content)
    for nested in _nested(type(fields)):
        content[nested] = list(content[nested])  # as a loaded row has it
    return content


def digest(content: Content) -> str:
    """A short identity of a content, the same on every machine and in every process."""
    packed = msgspec.json.encode(content, order="deterministic")
    return hashlib.blake2b(packed, digest_size=12).hexdigest()


@lru_cache
def _nested(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that hold children."""
    return tuple(each.name for each in msgspec.structs.fields(kind) if each.default == ())


def _may_hold_nul(fields: msgspec.Struct) -> bool:
    try:
        return _NUL in _encode(fields)
    except UnicodeEncodeError:  # a lone surrogate, which no JSON can hold
        return True


def _without_nul(content: Content) -> Content:
    for name, value in content.items():
        kind = type(value)
        if kind is str and "\0" in value:
            content[name] = value.replace("\0", "\ufffd")
        elif kind is tuple or kind is list:
            content[name] = [_without_nul(child) for child in value]
    return content
