"""Usage at Lemon Squeezy: usage records of a subscription item, which carry neither a time nor a key.

Facts: @lemonsqueezy/lemonsqueezy.js 4.0.0 (`usageRecords`, `subscriptionItems`), docs.lemonsqueezy.com/api/usage-records.
`increment` goes with a price that sums usage, `set` with one that takes the most recent. A record counts in the period in
which it arrives.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from service.errors import BadRequest
from service.provider import Connection
from service.providers.lemonsqueezy.listing import read_all
from service.providers.lemonsqueezy.wire import API
from service.reading import instant, part, text, whole
from service.refusals import broken
from service.transport import Sleep, Transport, segment
from service.usage_port import Manner, Rejection, UsageRules, UsageScope, UsageSend, UsageTotal

RULES: Final = UsageRules(
    options=("price_id", "action"),
    required=(),
    # Each record costs a read before it, and 300 calls a minute are all there is.
    every=3_600,
    dated=False,
    totals="current",
    shows_after=timedelta(minutes=1),
    needs="item",
    price_option="price_id",
)
_ACTIONS: Final = {"add": "increment", "set": "set"}


class _Meta(msgspec.Struct):
    period_start: str
    period_end: str
    quantity: int


class _Current(msgspec.Struct):
    meta: _Meta


def manner(options: Mapping[str, str], aggregation: Literal["sum", "last"]) -> Manner:
    """By `action`: `increment` adds, `set` sets the period's total. Pure; a gauge can only be set."""
    action = options.get("action", "set" if aggregation == "last" else "increment")
    if action not in _ACTIONS.values():
        raise ValueError("action: expected increment or set")
    if aggregation == "last" and action != "set":
        raise ValueError("action: a meter whose last value counts can only be set")
    return Manner(mode="set" if action == "set" else "add")


class LemonSqueezyUsage:
    """`service.usage_port.UsageWriter` for Lemon Squeezy. `sleep` waits between attempts at reads."""

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(API, connection, sleep)

    def send_usage(self, send: UsageSend) -> None:
        """One usage record."""
        item = {"data": {"type": "subscription-items", "id": _item(send.scope)}}
        attributes = {"quantity": send.quantity, "action": _ACTIONS[send.mode]}
        data = {"type": "usage-records", "attributes": attributes, "relationships": {"subscription-item": item}}
        self._transport.write("POST", "/v1/usage-records", {"data": data}, deadline=send.deadline)

    def usage_total(self, scope: UsageScope) -> UsageTotal | None:
        """The item's usage in its current period; for one before, what its records of that time come to."""
        if scope.start is not None and scope.end is not None:
            records = self._records(_item(scope))
            return UsageTotal(quantity=_come_to(records, scope.start, scope.end), start=scope.start, end=scope.end)
        answer = self._transport.get(f"/v1/subscription-items/{segment(_item(scope))}/current-usage", reserve=True)
        current: _Current = answer.decoded(_Current)
        times = {"start": current.meta.period_start, "end": current.meta.period_end}
        start, end = instant(times, "start"), instant(times, "end")
        return UsageTotal(quantity=current.meta.quantity, start=start, end=end)

    def rejections(self, payload: bytes) -> Sequence[Rejection]:
        """Always none: a record that is taken is counted."""
        del payload
        return ()

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _records(self, item_id: str) -> list[dict[str, Any]]:
        """The attributes of every record of the item, oldest first."""
        params = {"filter[subscription_item_id]": item_id}
        found = read_all(self._transport, "/v1/usage-records", params, "usage-records", reserve=True)
        return [part(each, "attributes") for each in sorted(found, key=lambda each: (len(each["id"]), each["id"]))]


def _come_to(records: Iterable[Mapping[str, Any]], start: datetime, end: datetime) -> int:
    """What records within [start, end) come to: the last one that sets a total, and all increments after it. Pure."""
    total = 0
    for record in records:
        at, quantity = instant(dict(record), "created_at"), whole(dict(record), "quantity")
        if at is None or quantity is None:
            raise broken("GET /v1/usage-records", "a record lacks its time or quantity")
        if start <= at.astimezone(UTC) < end:
            total = quantity if text(dict(record), "action") == "set" else total + quantity
    return total


def _item(scope: UsageScope) -> str:
    if scope.item_id is None:
        raise BadRequest("usage at Lemon Squeezy belongs to a subscription item")
    return scope.item_id
