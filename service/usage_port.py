"""The port's usage side: how a provider takes usage, what it is told, and what it says it was told.

Quantities are whole numbers of a meter's smallest units at every provider, so the price there is one of smallest units too.
Everything here is synchronous; what is pure says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol, runtime_checkable

import msgspec

from service.provider import Connection


class UsageRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider takes usage.

    `every` is how many seconds of one customer's usage are told at once, where the meter does not say. `dated`: what is told
    carries a time, and is billed with the period of that time while that period is no older than `grace`; otherwise it is
    billed with the period in which it arrives. `closes`: told once a period, when that is over. `once_for` is how long a
    request under one identifier counts once, however often it comes; None where there are no identifiers.

    `totals` is what the provider can add up: any period, the current one (and those before, at greater cost), or all of a
    subscription's time. `shows_after` is how long after a request its effect must show there. `grain` is how many seconds
    apart the bounds of a period may lie that it adds up, from 1970 on.

    `takes_off_free`: the free units are not told, since the provider's price can't leave them out. `needs` is what usage
    belongs to there. `price_option` names the option that holds ids of the subscribed prices, comma-separated.
    """

    options: tuple[str, ...]
    required: tuple[str, ...]
    every: int
    dated: bool
    closes: bool = False
    grace: timedelta = timedelta(0)
    once_for: timedelta | None = None
    totals: Literal["period", "current", "ever"]
    shows_after: timedelta
    grain: int = 1
    takes_off_free: bool = False
    needs: Literal["customer", "subscription", "item"] = "customer"
    price_option: str | None = None


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How one meter is told: `add` what is new, or `set` the period's total. `per` is how many smallest units are one there."""

    mode: Literal["add", "set"] = "add"
    per: int = 1


class UsageScope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose usage of what: one customer and meter, the options of the meter's `send`, and the subscription it belongs to.

    `start` and `end` bound a period of the provider's, half-open; without them the one that runs now is meant.
    """

    meter: str
    options: Mapping[str, str]
    customer_id: str
    subscription_id: str | None = None
    item_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class UsageSend(msgspec.Struct, frozen=True, kw_only=True):
    """What is told: `quantity` more, or in all (`mode`), used `at` a time. `identifier` is the same whenever this is repeated.

    `deadline` is when, by `time.monotonic`, it must not be sent any more, since another process would take it over.
    """

    scope: UsageScope
    identifier: str
    quantity: int
    at: datetime
    mode: Literal["add", "set"] = "add"
    deadline: float | None = None


class UsageTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says it was told. `start` and `end` are the period it speaks of, where it names one."""

    quantity: int
    start: datetime | None = None
    end: datetime | None = None


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Usage that a provider took and refused afterwards: the identifier that it was sent under, and why."""

    identifier: str
    reason: str


class UsageWriter(Protocol):
    """The usage side of one account. Every request goes through the account's budget; what tells usage is sent once."""

    def send_usage(self, send: UsageSend) -> None:
        """Tell it; where it was told under this identifier before, that is enough.

        Raises:
            BadRequest, NotFound: the provider refused it, and will again.
            Forbidden, RateLimited, NotDone: it was not taken this time.
            ProviderUnavailable: it may have been taken or not.
        """
        ...

    def usage_total(self, scope: UsageScope) -> UsageTotal | None:
        """What was told in the scope's period, by anybody; None where that can't be told. Raises `ProviderError`."""
        ...

    def rejections(self, payload: bytes) -> Sequence[Rejection]:
        """What an event of `Mapped.rejects_usage` tells; empty where it can't be had any more. Raises `ProviderError`."""
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A provider that takes usage; one that does not is not told any."""

    usage: UsageRules

    def manner(self, options: Mapping[str, str], aggregation: Literal["sum", "last"]) -> Manner:
        """How a meter of this aggregation is told under these options. Pure; raises `ValueError` where they don't fit."""
        ...

    def meter(self, connection: Connection) -> UsageWriter:
        """The usage side of one account."""
        ...
