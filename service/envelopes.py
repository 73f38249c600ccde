"""What every provider's envelope must keep to before it may name a row: short, clean names and a believable time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from service.errors import Rejected

LONGEST: Final = 255
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def required(value: str) -> str:
    """An id or type that must be there; raises `Rejected`."""
    if not value:
        raise Rejected("bad_payload", "the event has an empty id or type")
    return short(value)


def name(value: Any) -> str | None:
    """An optional id or name; an expanded object stands for its id. Raises `Rejected` where it can't name a row."""
    if type(value) is dict:
        value = value.get("id")
    return short(value) if type(value) is str and value else None


def short(value: str) -> str:
    """Text of at most 255 characters without NUL; raises `Rejected`. Decoders refuse lone surrogates before this."""
    if len(value) > LONGEST or "\0" in value:
        raise Rejected("bad_payload", "a name in the event is longer than 255 characters or holds a NUL")
    return value


def unix_time(value: int) -> datetime:
    """A Unix time of the years 2000 to 2099; raises `Rejected`."""
    if not _EARLIEST <= value < _LATEST:
        raise _out_of_time()
    return datetime.fromtimestamp(value, UTC)


def aware_time(value: datetime) -> datetime:
    """A time with its zone, of the years 2000 to 2099, as UTC; raises `Rejected`."""
    if value.tzinfo is None or not _EARLIEST <= value.timestamp() < _LATEST:
        raise _out_of_time()
    return value.astimezone(UTC)


def _out_of_time() -> Rejected:
    return Rejected("bad_payload", "the event's time is missing its zone or outside of the years 2000 to 2099")
