"""Stripe subscription with its items -> subscription row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from service.model import Snapshot, Subscription, SubscriptionItem
from service.providers.stripe.mapping.fields import (
    Object,
    currency,
    entries,
    flag,
    identity,
    moment,
    money,
    part,
    ref,
    text,
    truncated,
    user_id,
    whole,
)
from service.providers.stripe.statuses import ENDED, SUBSCRIPTION, neutral

_Pair: TypeAlias = tuple[Object, SubscriptionItem]


def subscription(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One subscription. `customer.subscription.deleted` is no deletion: the object stays, with status `canceled`.

    The period is the latest start and the earliest end of its items, as Stripe's own list filters define it since
    basil (2025-03-31); before that it stood on the subscription.
    """
    key = identity(obj)
    pairs = sorted(((each, _item(each, obj)) for each in entries(obj, "items")), key=_item_id)
    items = tuple(item for _, item in pairs)
    code = currency(obj)
    ends = _earliest(item.current_period_end for item in items) or moment(obj, "current_period_end")
    provider_status = text(obj, "status")
    status = neutral(SUBSCRIPTION, provider_status)
    fields = Subscription(
        customer_id=ref(obj, "customer"),
        status=status,
        provider_status=provider_status,
        currency=code,
        amount=None if truncated(obj, "items") else _amount(pairs, code),
        collection_method=text(obj, "collection_method"),
        collection_paused=bool(part(obj, "pause_collection")),
        user_id=user_id(obj),
        created_at=moment(obj, "created"),
        started_at=moment(obj, "start_date"),
        trial_ends_at=moment(obj, "trial_end"),
        current_period_start=_latest(item.current_period_start for item in items)
        or moment(obj, "current_period_start"),
        current_period_end=ends,
        cancels_at=None if status in ENDED else _cancels_at(obj, ends),
        canceled_at=moment(obj, "canceled_at"),
        ended_at=moment(obj, "ended_at"),
        items=items,
    )
    return (Snapshot(source="subscription", source_id=key, kind="subscription", id=key, fields=fields, raw=raw),)


def _item(obj: Object, parent: Object) -> SubscriptionItem:
    # Items of versions before basil carry no period: theirs was the subscription's.
    timed = obj if obj.get("current_period_end") is not None else parent
    price = _price(obj)
    code = currency(price)
    recurring = part(price, "recurring") or price
    return SubscriptionItem(
        id=identity(obj),
        price_id=ref(obj, "price") or ref(obj, "plan"),
        product_id=ref(price, "product"),
        quantity=whole(obj, "quantity"),
        currency=code,
        unit_amount=money(price, "amount" if price.get("object") == "plan" else "unit_amount", code),
        usage_type=text(recurring, "usage_type"),
        interval=text(recurring, "interval"),
        interval_count=whole(recurring, "interval_count"),
        current_period_start=moment(timed, "current_period_start"),
        current_period_end=moment(timed, "current_period_end"),
    )


def _price(item: Object) -> Object:
    """The item's price; before 2020 it was called plan, with `amount` and the recurrence at its top."""
    for name in ("price", "plan"):
        if type(item.get(name)) is dict:
            return part(item, name)
    return {}


def _amount(pairs: Sequence[_Pair], code: str | None) -> int | None:
    """What one period of the licensed items costs before tax and discounts; None where the items don't say."""
    costs = [_cost(obj, item, code) for obj, item in pairs if item.usage_type != "metered"]
    if not pairs or None in costs:
        return None
    return sum(each for each in costs if each is not None)


def _cost(obj: Object, item: SubscriptionItem, code: str | None) -> int | None:
    # A price in another currency than the subscription's was replaced by one of its `currency_options`, unseen here;
    # tiers and packages (`transform_quantity`) make the product of amount and quantity wrong.
    price = _price(obj)
    plain = price.get("billing_scheme") in ("per_unit", None) and not price.get("transform_quantity")
    if not plain or item.unit_amount is None or item.quantity is None or item.currency != code:
        return None
    return item.unit_amount * item.quantity


def _cancels_at(obj: Object, period_end: datetime | None) -> datetime | None:
    # Flexible billing sets `cancel_at` without `cancel_at_period_end`; classic billing may do either.
    return moment(obj, "cancel_at") or (period_end if flag(obj, "cancel_at_period_end") else None)


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((each for each in moments if each is not None), default=None)


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)


def _item_id(pair: _Pair) -> str:
    return pair[1].id
