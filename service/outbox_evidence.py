"""Whether a provider has a batch whose outcome was lost, by what it says it was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from service.outbox_way import Way, bounds
from service.store import usage_totals
from service.store.engine import Database
from service.store.usage_batches import Batch
from service.usage_port import UsageTotal

Answer = Literal["there", "not_there", "undecided"]
_SILENT = "the provider can't tell what it was told"


class Verdict(msgspec.Struct, frozen=True):
    """`why` explains `undecided`; `moved` are the columns that say in which of the provider's periods it was counted after all."""

    answer: Answer
    why: str = ""
    moved: dict[str, Any] = {}


def total(way: Way, batch: Batch) -> UsageTotal | None:
    """What the provider was told so far: in the period that runs there, or ever. Raises `ProviderError`."""
    return way.account.meter().usage_total(way.scope(batch))


def verdict(database: Database, way: Way, batch: Batch) -> Verdict:
    """Is the batch there? Nobody else's usage may stand between two totals, or it is undecided. Raises `ProviderError`."""
    if way.rules.totals == "period":
        with database.read() as connection:
            before = usage_totals.told(connection, batch, counted=batch.counted_start).told
        return _compared(way, batch, before, _total_of(database, way, batch))
    now = total(way, batch)
    if now is None or batch.total_before is None:
        return Verdict("undecided", _SILENT)
    if way.rules.totals == "ever" or now.start == batch.counted_start:
        return _compared(way, batch, batch.total_before, now)
    return _turned(way, batch, now, _compared(way, batch, batch.total_before, _total_of(database, way, batch)))


def _turned(way: Way, batch: Batch, current: UsageTotal, old: Verdict) -> Verdict:
    """The provider's period turned meanwhile: the batch was counted in the old one, in the new one, or not at all. Pure."""
    if old.answer != "not_there" or current.quantity == 0:
        return old
    if way.manner.mode == "add" and current.quantity == batch.told:
        return Verdict("there", moved={"counted_start": current.start, "counted_end": current.end})
    return Verdict("undecided", f"the new period holds {current.quantity}, and {batch.told} was sent")


def _compared(way: Way, batch: Batch, before: int, found: UsageTotal | None) -> Verdict:
    told = batch.told or 0
    if found is None:
        return Verdict("undecided", _SILENT)
    there = told if way.manner.mode == "set" else before + told
    if found.quantity in (before, there):
        return Verdict("there" if found.quantity == there else "not_there")
    expected = f"{before} was expected without this batch, {there} with it"
    return Verdict("undecided", f"the provider's total is {found.quantity}; {expected}")


def _total_of(database: Database, way: Way, batch: Batch) -> UsageTotal | None:
    """The total of the period in which the batch was to be counted."""
    start: datetime | None = batch.counted_start
    assert start is not None
    first, last = bounds(way, start, batch.counted_end, database.now())
    return way.account.meter().usage_total(way.scope(batch, first, last))
