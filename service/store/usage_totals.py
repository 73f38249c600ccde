"""What was told, added up by what a provider can be asked about; and the entries that put it right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, case, func, select
from sqlalchemy.exc import IntegrityError

from service.store import usage_batches
from service.store.tables import USAGE_BATCHES as BATCHES
from service.store.usage_batches import Batch
from service.store.usage_tables import IN_HAND

_STREAM: Final = ("account", "customer_id", "meter")


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent of one customer's meter in one of the provider's periods. `newest` is the batch that told last."""

    account: str
    customer_id: str
    meter: str
    counted_start: datetime
    counted_end: datetime | None
    told: int
    last_sent: datetime
    newest: int

    @property
    def stream(self) -> tuple[str, str]:
        """Customer and meter."""
        return self.customer_id, self.meter


class Told(msgspec.Struct, frozen=True):
    """What a customer's earlier batches of a meter told: the sums of `quantity`, `told` and `billable`."""

    quantity: int
    told: int
    billable: int


def told(
    connection: Connection, batch: Batch, *, period: datetime | None = None, counted: datetime | None = None
) -> Told:
    """What was sent of the batch's customer and meter: in all, of one of our periods, or counted in one of the provider's."""
    c = BATCHES.c
    sums = [func.coalesce(func.sum(each), 0) for each in (c.quantity, c.told, c.billable)]
    query = select(*sums).where(c.account == batch.account, c.customer_id == batch.customer_id, c.meter == batch.meter)
    query = query.where(c.status == "sent", c.id != batch.id)
    if period is not None:
        query = query.where(c.period_start == period)
    if counted is not None:
        query = query.where(c.counted_start == counted)
    row = connection.execute(query).one()
    return Told(int(row[0]), int(row[1]), int(row[2]))


def newest_told(connection: Connection, batch: Batch) -> datetime:
    """The time of the newest usage that other batches of its customer and meter have told."""
    c = BATCHES.c
    query = select(func.max(c.last_at)).where(c.account == batch.account, c.customer_id == batch.customer_id)
    query = query.where(c.meter == batch.meter, c.status == "sent", c.id != batch.id)
    return connection.execute(query).scalar_one() or datetime.min.replace(tzinfo=UTC)


def cells(connection: Connection, account: str, since: datetime) -> list[Cell]:
    """The cells in which something was told since then, each whole."""
    c = BATCHES.c
    told = (c.account == account, c.status == "sent", c.counted_start.is_not(None))
    touched = select(c.customer_id, c.meter, c.counted_start).where(*told, c.sent_at >= since).distinct().subquery()
    newest = func.max(case((c.asked_at.is_not(None), c.id)))  # entries that only put something right were never sent
    grouped = (c.account, c.customer_id, c.meter, c.counted_start)
    query = select(*grouped, func.max(c.counted_end), func.sum(c.told), func.max(c.sent_at), newest).where(*told)
    query = query.join(
        touched,
        (touched.c.customer_id == c.customer_id)
        & (touched.c.meter == c.meter)
        & (touched.c.counted_start == c.counted_start),
    )
    rows = connection.execute(query.group_by(*grouped).order_by(c.customer_id, c.meter, c.counted_start))
    return [
        Cell(
            account=row[0], customer_id=row[1], meter=row[2], counted_start=row[3], counted_end=row[4], told=int(row[5]),
            last_sent=row[6], newest=row[7],
        )
        for row in rows
        if row[7] is not None
    ]  # fmt: skip


def moving(connection: Connection, cell: Cell) -> bool:
    """True where a batch of the cell's customer and meter is under way: a total read now would prove nothing."""
    query = select(BATCHES.c.id).where(*_mine(cell), BATCHES.c.status.in_(IN_HAND)).limit(1)
    return connection.execute(query).first() is not None


def undecided(connection: Connection, cell: Cell) -> list[Batch]:
    """Its batches that wait for a person because their outcome could not be shown."""
    asked = (BATCHES.c.status == "needs_review", BATCHES.c.asked_at.is_not(None))
    return usage_batches.listed(connection, *_mine(cell), *asked)


def first_before(connection: Connection, cell: Cell) -> int:
    """The provider's total before the first batch of the cell's customer and meter."""
    known = (BATCHES.c.status == "sent", BATCHES.c.total_before.is_not(None))
    query = select(BATCHES.c.total_before).where(*_mine(cell), *known)
    return int(connection.execute(query.order_by(BATCHES.c.id).limit(1)).scalar_one_or_none() or 0)


def ever(connection: Connection, cell: Cell) -> int:
    """All that was ever told of the cell's customer and meter."""
    return _told(connection, cell)


def since(connection: Connection, cell: Cell, start: datetime) -> int:
    """All that was told of the cell's customer and meter in the provider's periods from `start` on."""
    return _told(connection, cell, BATCHES.c.counted_start >= start)


def shifted(connection: Connection, account: str, since: datetime) -> list[Batch]:
    """Batches sent since then that the provider counted in another period than they were used in."""
    c = BATCHES.c
    apart = (c.counted_start >= c.period_end) | (c.counted_end <= c.period_start)
    return usage_batches.listed(connection, c.account == account, c.status == "sent", c.sent_at >= since, apart)


def settle(connection: Connection, batches: Sequence[Batch], now: datetime, *, there: bool) -> bool:
    """Decide batches that waited for a person: they are there, or they are told anew.

    False where one of their customer and meter is in hand meanwhile: then nothing is decided.
    """
    # One of a customer and meter is in hand at a time.
    for batch in batches if there else batches[:1]:
        found = {"status": "sent", "sent_at": now, "reason": "found"}
        values = found if there else {**usage_batches.anew(batch, now), "reason": "not_there"}
        chosen = (BATCHES.c.id == batch.id) & (BATCHES.c.status == "needs_review")
        try:
            with connection.begin_nested():
                connection.execute(BATCHES.update().where(chosen).values(**values))
        except IntegrityError:
            return False
    return True


def tell_again(
    connection: Connection, cell: Cell, missing: int, per: int, now: datetime, *, start: datetime, end: datetime | None
) -> bool:
    """Take what is missing out of its cell, and tell it in the period from `start`; False where something is under way.

    Two entries, like in a ledger: one takes what was lost out of where it was believed to be, the other tells it.
    """
    model = usage_batches.get(connection, cell.newest)
    assert model is not None
    lost = {"quantity": -missing * per, "told": -missing, "billable": -missing * per}
    shared = {name: getattr(model, name) for name in (*_STREAM, "aggregation", "subscription_id", "item_id")}
    shared |= {"first_at": model.first_at, "last_at": model.last_at, "last_record": 0, "created_at": now}
    shared |= {"records": 0, "late": 0}
    here = {name: getattr(model, name) for name in ("period_start", "period_end", "counted_start", "counted_end")}
    value = model.quantity if model.aggregation == "last" else missing * per
    again = {
        "quantity": value, "period_start": start, "period_end": end, "due_at": now, "next_attempt_at": now, "attempts": 0,
    }  # fmt: skip
    try:
        with connection.begin_nested():
            usage_batches.add(connection, {**shared, **again, "status": "retry", "reason": "told_again"})
            usage_batches.add(
                connection, {**shared, **here, **lost, "status": "sent", "sent_at": now, "reason": "lost"}
            )
    except IntegrityError:
        return False
    return True


def _told(connection: Connection, cell: Cell, *conditions: Any) -> int:
    query = select(func.coalesce(func.sum(BATCHES.c.told), 0)).where(*_mine(cell), BATCHES.c.status == "sent")
    return int(connection.execute(query.where(*conditions)).scalar_one())


def _mine(cell: Cell) -> list[Any]:
    """The conditions that choose the batches of the cell's customer and meter."""
    return [BATCHES.c[name] == getattr(cell, name) for name in _STREAM]
