"""Lemon Squeezy's statuses in neutral words. What isn't listed is `unknown`: values are added without notice.

Sources for the values: `@lemonsqueezy/lemonsqueezy.js` 4.0.0, and `OrderStatus.php` of lmsqueezy/laravel for the orders'
`partial_refund`, which the invoices spell `partial_refunded`. PROVIDERS.md 4.2 for the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.model import UNKNOWN

SUBSCRIPTION: Final[Mapping[str, str]] = {
    "on_trial": "trialing",
    "active": "active",
    "paused": "paused",
    "past_due": "past_due",
    "unpaid": "unpaid",
    # Cancelled is not over: it runs on until `ends_at`, and can be resumed until then.
    "cancelled": "active",
    "expired": "ended",
}
ORDER_INVOICE: Final[Mapping[str, str]] = {
    "pending": "open",
    "failed": "void",
    "paid": "paid",
    "partial_refund": "paid",
    "refunded": "paid",
}
ORDER_PAYMENT: Final[Mapping[str, str]] = {
    "pending": "pending",
    "failed": "failed",
    "paid": "succeeded",
    "partial_refund": "succeeded",
    "refunded": "succeeded",
}
INVOICE: Final[Mapping[str, str]] = {
    "pending": "open",
    "paid": "paid",
    "void": "void",
    "partial_refunded": "paid",
    "refunded": "paid",
}
INVOICE_PAYMENT: Final[Mapping[str, str]] = {
    "pending": "pending",
    "paid": "succeeded",
    "void": "canceled",
    "partial_refunded": "succeeded",
    "refunded": "succeeded",
}
# A customer's status is about mail and bills: only an archived one is out of use.
CUSTOMER: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("subscribed", "unsubscribed", "requires_verification", "invalid_email", "bounced", "opted_out"), "active"
    ),
    "archived": "archived",
}
PRODUCT: Final[Mapping[str, str]] = {"published": "active", "draft": "archived"}

PAID: Final = frozenset(("paid", "partial_refund", "partial_refunded", "refunded"))
"""Provider statuses of orders and invoices whose money came in, whatever went back later."""


def neutral(table: Mapping[str, str], status: str | None) -> str:
    """The neutral word for Lemon Squeezy's `status`; `unknown` for a missing or unlisted one."""
    return UNKNOWN if status is None else table.get(status, UNKNOWN)


_RANKS: Final[Mapping[str, Mapping[str, int]]] = {
    "orders": {"pending": 0, "paid": 1, "partial_refund": 2, "refunded": 3},
    "subscription-invoices": {"pending": 0, "paid": 1, "partial_refunded": 2, "refunded": 3},
}


def rank(source: str, provider_status: str | None) -> int | None:
    """Place of a status among those of its source: one of a higher rank can only have come later.

    Equal ranks say nothing. None for a status without a certain place: a subscription is paused, resumed and cancelled
    at will, and nothing is known of how an order becomes `fraudulent` or an invoice `void`.
    """
    return None if provider_status is None else _RANKS.get(source, {}).get(provider_status)
