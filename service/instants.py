"""Times as whole microseconds since 1970: exact, and comparable in any language."""

from __future__ import annotations

from datetime import UTC, datetime


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, exactly."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def moment(value: int) -> datetime:
    """The aware UTC datetime of `value` microseconds since 1970; the inverse of `micros`."""
    seconds, rest = divmod(value, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
