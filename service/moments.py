"""Clock times as a person reads and writes them: in the system's zone, or in UTC, with the zone shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

_SPAN: Final = re.compile(r"(\d{1,6})([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def clock(moment: datetime) -> str:
    """`2026-11-23 03:14:15 CET`: a time in the system's zone."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def utc(moment: datetime) -> str:
    """`2026-11-23 02:14:15 UTC`: a UTC time within a sentence that must be the same on every machine."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(moment: datetime) -> str:
    """ISO 8601 in the system's zone with its offset, as JSON output carries times."""
    return moment.astimezone().isoformat()


def age(span: timedelta) -> str:
    """`45 s`, `12 min`, `3.5 h`, `9 d`: how long, as precisely as it matters."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7_200:
        return f"{seconds // 60} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds // 86_400} d"


def since(text: str, now: datetime) -> datetime:
    """The beginning that `--since` names: a span back from `now` (`90s`, `30m`, `2h`, `7d`, `2w`), `midnight`, or ISO 8601.

    A time without an offset is one in the system's zone.

    Raises:
        ValueError: none of these, or too long ago for a calendar.
    """
    if text == "midnight":
        return now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: use 2h, 3d, midnight or 2026-11-23T04:00") from None
