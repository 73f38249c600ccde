"""The event types that we handle: one table, with the reason why we listen to each.

docs.lemonsqueezy.com/help/webhooks/event-types, and `Enums/Topic.php` of lmsqueezy/laravel. What is not in the table is
stored and ignored with the reason `unhandled_type`, and left out on purpose:

    license_key_created, license_key_updated   licence keys are not mirrored; entitlements are derived from subscriptions
    affiliate_activated                        money between the seller and who brings buyers

No event tells of these, so only a sweep brings them:

    customers, products, prices                there are no events about them at all
    an invoice that is issued and not yet paid first seen in a subscription_payment_* event
    a chargeback                               presumably a refund; an order may also turn `fraudulent` without an event
    a change of the usage reported             not mirrored
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from service.providers.lemonsqueezy.resources import RESOURCES, Resource


class Row(msgspec.Struct, frozen=True):
    """How one event type is handled: whose object it carries, and why we listen.

    `begins`: the object did not exist before the event. `fails`: it also tells of a failed attempt to pay.
    """

    resource: Resource
    why: str
    begins: bool = False
    fails: bool = False


def _rows(source: str, whys: Mapping[str, str], *, begins: str = "", fails: str = "") -> dict[str, Row]:
    resource = RESOURCES[source]
    return {name: Row(resource, why, name == begins, name == fails) for name, why in whys.items()}


EVENTS: Final[Mapping[str, Row]] = {
    **_rows(
        "orders",
        {
            "order_created": "a purchase: money, or the receipt of a subscription's first invoice",
            "order_refunded": "money went back, all of it or a part",
        },
        begins="order_created",
    ),
    **_rows(
        "subscriptions",
        {
            "subscription_created": "a subscription begins, and names the order that began it",
            "subscription_updated": "comes with every change, the following ones included, and covers their loss",
            "subscription_cancelled": "will end at `ends_at`; still active until then",
            "subscription_resumed": "the cancellation was taken back",
            "subscription_expired": "over",
            "subscription_paused": "no renewals, with (`free`) or without (`void`) access",
            "subscription_unpaused": "renewals go on",
        },
        begins="subscription_created",
    ),
    **_rows(
        "subscription-invoices",
        {
            "subscription_payment_success": "an invoice was paid; the first event that tells of it",
            "subscription_payment_failed": "a renewal could not be collected; its invoice stays `pending`",
            "subscription_payment_recovered": "collected after all; comes beside a success and covers its loss",
            "subscription_payment_refunded": "money went back, all of it or a part",
        },
        fails="subscription_payment_failed",
    ),
}


def ignored(event_type: str) -> str | None:
    """Why an event is stored but not applied; None if it is applied."""
    return None if event_type in EVENTS else "unhandled_type"
