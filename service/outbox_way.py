"""How one meter is told to one account, and what follows from it: where usage is counted, and the numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from service.account import Account
from service.errors import ConfigError
from service.meters import Meter
from service.store.usage_batches import Batch
from service.store.usage_totals import Told
from service.usage_periods import OLDEST, Course, Place, place
from service.usage_port import Manner, Metered, UsageRules, UsageScope

# What is told ages on its way there.
_OLDEST: Final = OLDEST - timedelta(days=1)


class Way(msgspec.Struct, frozen=True):
    """How one meter is told to one account."""

    meter: Meter
    account: Account
    rules: UsageRules
    options: Mapping[str, str]
    manner: Manner

    @property
    def prices(self) -> tuple[str, ...]:
        """The prices whose subscription the usage belongs to."""
        given = self.options.get(self.rules.price_option or "", "")
        return tuple(each.strip() for each in given.split(",") if each.strip())

    @property
    def grace(self) -> timedelta | None:
        """How long after its period usage can still be billed with it; None where the provider bills it as it comes."""
        return self.rules.grace if self.rules.dated or self.rules.closes else None

    @property
    def every(self) -> int:
        """How many seconds of usage are told at once."""
        return self.meter.every if self.meter.every is not None else self.rules.every

    def scope(self, batch: Batch, start: datetime | None = None, end: datetime | None = None) -> UsageScope:
        """Whose usage a batch tells."""
        return UsageScope(
            meter=self.meter.id, options=self.options, customer_id=batch.customer_id,
            subscription_id=batch.subscription_id, item_id=batch.item_id, start=start, end=end,
        )  # fmt: skip


def way_of(meter: Meter | None, account: Account | None) -> Way:
    """How this meter is told to this account. Raises `ConfigError` where it isn't."""
    if meter is None or account is None:
        raise ConfigError("the meter or the account is not configured here")
    options = meter.options(account.name)
    if options is None or not isinstance(account.provider, Metered) or not account.readable:
        raise ConfigError(
            f"meter {meter.id!r} is not told to account {account.name!r}: no `send` for it, or no API key"
        )
    rules = account.provider.usage
    return Way(meter, account, rules, options, account.provider.manner(options, meter.aggregation))


def known_way(meter: Meter | None, account: Account | None) -> Way | None:
    """How this meter is told to this account; None where it isn't."""
    try:
        return way_of(meter, account)
    except ConfigError:
        return None


def counted(way: Way | None, courses: Iterable[Course], at: datetime, now: datetime) -> Place:
    """Where usage of the time `at` is counted; what is told nowhere stays in its own period."""
    return place(courses, at, now, way.grace if way else None, way.prices if way else ())


def billable(way: Way, batch: Batch, period: Told) -> int:
    """What a batch adds to what its period has told already, in smallest units, free ones taken off if that is our part."""
    off = way.meter.beyond_free if way.rules.takes_off_free else int
    if batch.aggregation == "last":
        return max(0, off(batch.quantity) - period.billable)
    return off(period.quantity + batch.quantity) - off(period.quantity)


def packs(way: Way, added: int, ever: Told) -> int:
    """How many of the provider's units are added. What does not fill one is carried on to the next batch."""
    return (ever.billable + added) // way.manner.per - ever.billable // way.manner.per


def dated(way: Way, batch: Batch, now: datetime) -> datetime:
    """The time that a batch carries: that of its newest record, within its period and what the provider accepts.

    It keeps away from the bounds of the period, so that the provider's own sum over the period can be asked for.
    """
    grain = way.rules.grain
    at = max(batch.last_at, now - _OLDEST)
    if batch.period_end is not None:
        at = min(at, _floor(batch.period_end, grain) - timedelta(seconds=1))
    return max(at, ceiling(batch.period_start, grain)).replace(microsecond=0)


def ceiling(moment: datetime, grain: int) -> datetime:
    """The first multiple of `grain` seconds that is not before `moment`."""
    floor = _floor(moment, grain)
    return floor if floor == moment else floor + timedelta(seconds=grain)


def _floor(moment: datetime, grain: int) -> datetime:
    seconds = int(moment.timestamp())
    return moment.replace(microsecond=0) - timedelta(seconds=seconds % grain)


def bounds(way: Way, start: datetime, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """A period as the provider can add it up: whole grains that lie inside it."""
    grain = way.rules.grain
    last = _floor(end, grain) if end is not None else ceiling(now + timedelta(minutes=10), grain)
    first = ceiling(start, grain)
    return first, max(last, first + timedelta(seconds=grain))
