"""What a run is asked to do, and which part of each listing it therefore reads. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from service.errors import ConfigError
from service.provider import Listing
from service.store.drift import Local
from service.store.runs import Mark

NIGHTS: Final = 14
"""Within so many nightly runs every row is compared, whatever its status."""
LOOK_BACK: Final = timedelta(days=2)
OVERLAP: Final = timedelta(hours=1)
# Statuses after which an object changes only by somebody's deed; kinds not listed have no lifecycle that could stall.
TERMINAL: Final[Mapping[str, frozenset[str]]] = {
    "subscription": frozenset({"ended", "expired_incomplete"}),
    "invoice": frozenset({"paid", "void"}),
    "payment": frozenset({"succeeded", "canceled"}),
    "refund": frozenset({"succeeded", "failed", "canceled", "reversed"}),
    "dispute": frozenset({"won", "lost", "closed"}),
}
STEADY: Final[Mapping[str, frozenset[str]]] = {
    "subscription": frozenset({"active", "trialing", "paused"}),
    "payment": frozenset({"failed"}),
    "invoice": frozenset({"uncollectible"}),
}
"""Statuses that are not the last, yet last: such a row moves when its time has come, or by somebody's deed."""
_PAGE: Final = 100
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Few(msgspec.Struct, frozen=True, kw_only=True):
    """What a small sweep may cost: the first `pages` of each listing, and single `reads` in all.

    `turn` is the number of the sweep: rows that would not all fit into one take turns.
    """

    pages: int
    reads: int
    turn: int


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to reconcile. `kind` is a row kind or a listing's source; `max_changes` replaces the brake's own limits.

    `few` makes it a small sweep. `origin` is who asked, as `reconcile_run` keeps it.
    """

    account: str | None = None
    kind: str | None = None
    since: timedelta | None = None
    full: bool = False
    dry_run: bool = False
    max_changes: int | None = None
    few: Few | None = None
    origin: Literal["command", "outage", "sweep"] = "command"

    @property
    def whole(self) -> bool:
        """True where every kind is compared, as far back as it is due: what `status` counts as a run."""
        return self.kind is None and self.since is None and self.few is None

    def text(self) -> str:
        """The options as they are kept with the run: a dead run is resumed only by one that was asked the same."""
        return msgspec.json.encode(msgspec.structs.replace(self, account=None), order="deterministic").decode()


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass over a listing covers: objects created since `since` (all, if None), and rows read by id.

    `end` is where the next run's window begins. `slice` is the share of the other rows that is due; None for none.
    `pages` is the most that is read of the list: what it does not show is then no sign of anything.
    """

    since: datetime | None
    end: datetime
    slice: int | None = None
    pages: int | None = None

    @property
    def full(self) -> bool:
        """True where the listing is read whole."""
        return self.since is None and self.pages is None

    def covers(self, created_at: datetime | None) -> bool:
        """True if an object created then lies inside the listing's filter."""
        return self.since is None or (created_at is not None and created_at >= self.since)


def window(options: Options, mark: Mark | None, now: datetime, end: datetime, *, filtered: bool, full: bool) -> Window:
    """The window of one listing at the provider's time `now`. `filtered`: the listing can be limited by creation."""
    if options.few is not None:
        return Window(since=None, end=end, pages=options.few.pages)
    if options.since is not None and filtered:
        return Window(since=now - options.since, end=end)
    if full or mark is None or not filtered:
        return Window(since=None, end=end)
    return Window(since=mark.complete_until - LOOK_BACK, end=end, slice=mark.slice)


def moved(mark: Mark | None, covered: Window, started: datetime) -> Mark | None:
    """The watermark after a complete pass, or None where it read too little to join what was known before."""
    if not covered.full and (mark is None or covered.since is None or covered.since > mark.complete_until):
        return None
    before = mark or Mark(complete_until=covered.end, confirmed_as_of=started)
    return Mark(
        complete_until=max(covered.end, before.complete_until),
        confirmed_as_of=max(started, before.confirmed_as_of),
        slice=before.slice if covered.slice is None else (covered.slice + 1) % NIGHTS,
        full_at=started if covered.full else before.full_at,
    )


def due(kind: str, row: Local, share: int | None, *, changes_listed: bool = False) -> bool:
    """Is a row outside the window read by id tonight? Yes while it isn't terminal, else once in `NIGHTS` nights.

    `changes_listed`: the listing's window is one of updates, so a row that changed is in it anyway.
    """
    if share is None:
        return False
    terminal = None if changes_listed else TERMINAL.get(kind)
    if terminal is not None and row.status not in terminal:
        return True
    return zlib.crc32(row.id.encode()) % NIGHTS == share


def few_of(moving: Sequence[tuple[str, bool]], turn: int, most: int) -> list[str]:
    """At most `most` of the rows that may be moving (id, its time has come): first those whose time has come.

    Those that don't fit take turns: which ones go first is another at each turn.
    """
    order = sorted(moving, key=lambda row: (not row[1], zlib.crc32(f"{turn}:{row[0]}".encode()), row[0]))
    return [id_ for id_, _ in order[:most]]


def cheapest(chosen: Window, kind: str, by_status: Mapping[str | None, int], *, changes_listed: bool = False) -> Window:
    """The window, or the whole listing where reading open rows and the slice by id would take more calls than its pages."""
    if chosen.since is None or chosen.slice is None:
        return chosen
    terminal = None if changes_listed else TERMINAL.get(kind)
    rows = sum(by_status.values())
    open_rows = sum(number for status, number in by_status.items() if terminal is not None and status not in terminal)
    reads = open_rows + (rows - open_rows) // NIGHTS
    return Window(since=None, end=chosen.end) if reads > rows // _PAGE + 1 else chosen


def parse_since(value: str) -> timedelta:
    """A duration such as `2d`, `36h`, `90m`, `1w`. Raises `ConfigError`."""
    found = re.fullmatch(r"([0-9]{1,6})([mhdw])", value.strip())
    if found is None or int(found[1]) == 0:
        raise ConfigError(f"--since {value!r}: use a number and a unit, such as 90m, 36h, 2d or 1w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def covers(listings: Sequence[Listing], *, full: bool) -> bool:
    """True where a whole run reads every listing whole: asked to, or because no list can be limited. Pure."""
    return full or all(each.filter is None for each in listings)
