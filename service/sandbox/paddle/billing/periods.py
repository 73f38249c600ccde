"""Billing periods: calendar arithmetic from an anchor, in UTC."""

from calendar import monthrange
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

_SECONDS = {"day": 86_400, "week": 7 * 86_400}


def moved(anchor: int, duration: Json, turns: int = 1) -> int:
    """`anchor` (unix seconds) and so many durations; a day that the month lacks becomes its last day."""
    interval, count = duration["interval"], int(duration["frequency"]) * turns
    if interval in _SECONDS:
        return anchor + count * _SECONDS[interval]
    start = datetime.fromtimestamp(anchor, UTC)
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def end_after(anchor: int, cycle: Json, start: int) -> int:
    """The first end of a period after `start`, counted from the anchor so that the 31st comes back after February."""
    longest = _SECONDS.get(cycle["interval"]) or (31 if cycle["interval"] == "month" else 366) * 86_400
    turns = max((start - anchor) // (longest * cycle["frequency"]), 0)
    while (end := moved(anchor, cycle, turns)) <= start:
        turns += 1
    return end
