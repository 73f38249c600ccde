"""Usage at Paddle: one charge for a period that is over, billed with the next renewal or at once.

Facts: paddle-python-sdk 1.16.1 (`CreateOneTimeCharge`), developer.paddle.com/api-reference/subscriptions. A charge has no key and
no id of its own: until it is billed it shows in the subscription's `next_transaction`, then in a transaction. So a price of
its own marks a meter's charges, and how many of it were ever charged tells whether one arrived.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

from service.errors import BadRequest
from service.provider import Connection
from service.providers.paddle.listing import opened, read_all, single
from service.providers.paddle.wire import api
from service.reading import objects, part, text, whole
from service.transport import Sleep, Transport, segment
from service.usage_port import Manner, Rejection, UsageRules, UsageScope, UsageSend, UsageTotal

RULES: Final = UsageRules(
    options=("price_id", "per", "effective_from"),
    required=("price_id",),
    every=0,
    dated=False,
    closes=True,
    # Usage that is reported a little late still goes with its own period.
    grace=timedelta(minutes=10),
    totals="ever",
    shows_after=timedelta(minutes=1),
    takes_off_free=True,
    needs="subscription",
)
_EFFECTIVE: Final = ("next_billing_period", "immediately")
_MOST: Final = 10**9


def manner(options: Mapping[str, str], aggregation: Literal["sum", "last"]) -> Manner:  # noqa: ARG001
    """What is charged is added; `per` smallest units are one of the price's. Pure."""
    per = options.get("per", "1").replace("_", "")
    if not per.isascii() or not per.isdigit() or not 0 < int(per) <= _MOST:
        raise ValueError("per: expected a whole number of smallest units that one of the price stands for")
    if options.get("effective_from", _EFFECTIVE[0]) not in _EFFECTIVE:
        raise ValueError(f"effective_from: expected {' or '.join(_EFFECTIVE)}")
    return Manner(per=int(per))


class PaddleUsage:
    """`service.usage_port.UsageWriter` for Paddle. `sleep` waits between attempts at reads."""

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(api(connection.api_key), connection, sleep)

    def send_usage(self, send: UsageSend) -> None:
        """One charge."""
        options = send.scope.options
        body = {
            "effective_from": options.get("effective_from", _EFFECTIVE[0]),
            "items": [{"price_id": options["price_id"], "quantity": send.quantity}],
        }
        self._transport.write("POST", f"{_path(send.scope)}/charge", body, deadline=send.deadline)

    def usage_total(self, scope: UsageScope) -> UsageTotal | None:
        """How many of the meter's price the subscription was ever charged, billed or waiting for the next renewal."""
        price = scope.options["price_id"]
        # What waits is read first: billed in between it would be counted twice, and that shows, while missing it would not.
        waiting = self._waiting(scope, price)
        return UsageTotal(quantity=waiting + self._billed(scope, price))

    def rejections(self, payload: bytes) -> Sequence[Rejection]:
        """Always none: a charge that is taken is billed."""
        del payload
        return ()

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _waiting(self, scope: UsageScope, price: str) -> int:
        answer = self._transport.get(_path(scope), {"include": "next_transaction"}, reserve=True)
        following = part(part(opened(answer, single(answer)), "next_transaction"), "details")
        return _charged(objects(following, "line_items"), price)

    def _billed(self, scope: UsageScope, price: str) -> int:
        params = {"subscription_id": scope.subscription_id or ""}
        every = read_all(self._transport, "/transactions", params, reserve=True)
        transactions = {str(each.get("id")): each for each in every}  # a page may repeat what moved meanwhile
        lines = [objects(part(each, "details"), "line_items") for each in transactions.values()]
        return sum(_charged(each, price) for each in lines)


def _charged(lines: Iterable[Mapping[str, Any]], price: str) -> int:
    """How many of a price these lines bill. Pure."""
    return sum(whole(dict(each), "quantity") or 0 for each in lines if text(dict(each), "price_id") == price)


def _path(scope: UsageScope) -> str:
    if scope.subscription_id is None:
        raise BadRequest("usage at Paddle is charged to a subscription")
    return f"/subscriptions/{segment(scope.subscription_id)}"
