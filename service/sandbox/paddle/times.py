"""Moments: RFC 3339 with microseconds, in an order that no two changes share."""

from datetime import UTC, datetime

_MICRO = 1_000_000
_SHARE = 3_000


class Moments:
    """Microseconds since 1970 that always grow, though virtual time stands still within a second.

    Each step takes a three-thousandth of what is left of the second, some hundred microseconds as a rule, so that tens
    of thousands of changes fit into one.
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: int) -> int:
        """The next moment of the virtual second `now`."""
        begin = max(self._last, now * _MICRO)
        left = (now + 1) * _MICRO - begin
        self._last = begin + max(left // _SHARE, 1)
        return self._last


def text(micros: int) -> str:
    """Microseconds since 1970 as Paddle prints a time; texts of this form sort as the moments do."""
    whole = datetime.fromtimestamp(micros // _MICRO, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{micros % _MICRO:06d}Z"


def stamp(seconds: int) -> str:
    """Unix seconds as Paddle prints a time."""
    return text(seconds * _MICRO)


def micros(written: str) -> int:
    """Microseconds since 1970 of an RFC 3339 text.

    Raises:
        ValueError: not a time, or one without a zone.
    """
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    delta = moment - datetime.fromtimestamp(0, UTC)
    return (delta.days * DAY_SECONDS + delta.seconds) * _MICRO + delta.microseconds


def seconds(written: str) -> int:
    """Unix seconds of an RFC 3339 text, rounded down."""
    return micros(written) // _MICRO


DAY_SECONDS = 86_400
