"""Paddle subscription with its items -> subscription row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from service.errors import MappingError
from service.model import Snapshot, Subscription, SubscriptionItem
from service.providers.paddle.mapping.fields import (
    Object,
    collection,
    currency,
    instant,
    key,
    money,
    objects,
    own_key,
    part,
    seen,
    text,
    usable,
    user_id,
    whole,
)
from service.providers.paddle.statuses import SUBSCRIPTION, neutral


def subscription(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One subscription. Scheduled to be cancelled it stays active with `cancels_at`; `canceled` is over, for good.

    A canceled or paused one has no period any more.
    """
    period = part(obj, "current_billing_period")
    provider_status = text(obj, "status")
    over = provider_status == "canceled"
    fields = Subscription(
        customer_id=key(obj, "customer_id"),
        status=neutral(SUBSCRIPTION, provider_status),
        provider_status=provider_status,
        currency=currency(obj, "currency_code"),
        amount=_amount(obj),
        collection_method=collection(obj),
        user_id=user_id(obj),
        created_at=instant(obj, "created_at"),
        started_at=instant(obj, "started_at"),
        trial_ends_at=_trial_ends_at(obj),
        current_period_start=instant(period, "starts_at"),
        current_period_end=instant(period, "ends_at"),
        cancels_at=None if over else _cancels_at(obj),
        canceled_at=instant(obj, "canceled_at"),
        ended_at=instant(obj, "canceled_at") if over else None,
        items=_items(obj),
    )
    return (seen("subscription", "subscription", obj, fields, raw),)


def _cancels_at(obj: Object) -> datetime | None:
    change = part(obj, "scheduled_change")
    return instant(change, "effective_at") if text(change, "action") == "cancel" else None


def _trial_ends_at(obj: Object) -> datetime | None:
    ends = (instant(part(each, "trial_dates"), "ends_at") for each in objects(obj, "items"))
    return max((end for end in ends if end is not None), default=None)


def _items(obj: Object) -> tuple[SubscriptionItem, ...]:
    """The items by id. Paddle gives items no id of their own and lists a price once, so subscription and price name one.

    Should a price be listed twice after all, the further items are numbered, so that each keeps a row.
    """
    own, period = own_key(obj), part(obj, "current_billing_period")
    found = sorted((_item(each, own, period) for each in objects(obj, "items")), key=_order)
    numbered: list[SubscriptionItem] = []
    for item in found:
        again = sum(1 for each in numbered if each.price_id == item.price_id)
        numbered.append(msgspec.structs.replace(item, id=f"{item.id}:{again + 1}") if again else item)
    return tuple(numbered)


def _item(obj: Object, subscription_id: str, period: Object) -> SubscriptionItem:
    price = part(obj, "price")
    price_id = key(price, "id")
    amount, code = money(price, "unit_price")
    cycle = part(price, "billing_cycle")
    own = f"{subscription_id}:{price_id or ''}"
    if not usable(own):
        raise MappingError("the ids of a subscription and its price are too long to name an item")
    return SubscriptionItem(
        id=own,
        price_id=price_id,
        product_id=key(price, "product_id"),
        quantity=whole(obj, "quantity"),
        currency=code,
        unit_amount=amount,
        usage_type="licensed",
        interval=text(cycle, "interval"),
        interval_count=whole(cycle, "frequency"),
        current_period_start=instant(period, "starts_at"),
        current_period_end=instant(period, "ends_at"),
    )


def _order(item: SubscriptionItem) -> tuple[str, bytes]:
    return item.id, msgspec.json.encode(item)


def _amount(obj: Object) -> int | None:
    """What one period of the recurring items costs before tax and discounts; None where the items don't say."""
    code = currency(obj, "currency_code")
    costs = [_cost(each, code) for each in objects(obj, "items") if each.get("recurring") is not False]
    return _sum(costs) if costs else None


def _cost(item: Object, code: str | None) -> int | None:
    # A buyer in another country may pay one of the price's overrides instead; which country it is stands elsewhere.
    price = part(item, "price")
    amount, own = money(price, "unit_price")
    overridden = any(money(each, "unit_price")[1] == code for each in objects(price, "unit_price_overrides"))
    quantity = whole(item, "quantity")
    if amount is None or quantity is None or own != code or overridden:
        return None
    return amount * quantity


def _sum(costs: Sequence[int | None]) -> int | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
