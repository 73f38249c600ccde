"""Lemon Squeezy subscription with its first item -> subscription row."""

from __future__ import annotations

from service.model import Snapshot, Subscription, SubscriptionItem
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.statuses import SUBSCRIPTION, neutral
from service.reading import Object, flag, instant, key, own_key, part, text, whole

# `renews_at` is the end of the period only while a renewal is to come: past due it is the next attempt to collect, and
# cancelled or expired it is when a renewal would have been.
_RENEWING = ("on_trial", "active", "paused", "unpaid")


def subscription(thing: Thing) -> tuple[Snapshot, ...]:
    """One subscription. `cancelled` is active until `ends_at`; `expired` is over since then.

    Its currency and amount are not known here, only in its invoices. It has one item; `first_subscription_item` is null
    during a trial, so what was bought is told by its variant. It was begun by an order, which is only the receipt of its
    first invoice.
    """
    attributes = thing.attributes
    provider_status = text(attributes, "status")
    order_id = key(attributes, "order_id")
    ends_at = instant(attributes, "ends_at")
    fields = Subscription(
        customer_id=key(attributes, "customer_id"),
        status=neutral(SUBSCRIPTION, provider_status),
        provider_status=provider_status,
        collection_paused=text(part(attributes, "pause"), "mode") == "free",
        begun_by=order_id and f"orders:{order_id}",
        offer_id=key(attributes, "variant_id"),
        email=text(attributes, "user_email"),
        user_id=thing.user_id,
        created_at=instant(attributes, "created_at"),
        trial_ends_at=instant(attributes, "trial_ends_at"),
        current_period_end=instant(attributes, "renews_at") if provider_status in _RENEWING else None,
        cancels_at=ends_at if provider_status == "cancelled" else None,
        ended_at=ends_at if provider_status == "expired" else None,
        items=_items(attributes),
    )
    return (thing.snapshot("subscription", thing.id, fields),)


def _items(attributes: Object) -> tuple[SubscriptionItem, ...]:
    item = part(attributes, "first_subscription_item")
    if not item:
        return ()
    metered = flag(item, "is_usage_based") is True
    return (
        SubscriptionItem(
            id=own_key(item),
            price_id=key(item, "price_id"),
            product_id=key(attributes, "product_id"),
            quantity=None if metered else whole(item, "quantity"),
            usage_type="metered" if metered else "licensed",
        ),
    )
