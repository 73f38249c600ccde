"""Stripe's statuses in neutral words. What isn't listed is `unknown`: Stripe adds values without notice.

Sources: stripe-python 16.1.0 (`2026-10-28.endive`) for the values, PROVIDERS.md 4.2 for the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.model import UNKNOWN

SUBSCRIPTION: Final[Mapping[str, str]] = {
    "incomplete": "incomplete",
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "unpaid",
    "paused": "paused",
    "canceled": "ended",
    "incomplete_expired": "expired_incomplete",
}
INVOICE: Final[Mapping[str, str]] = {
    "draft": "draft",
    "open": "open",
    "paid": "paid",
    "uncollectible": "uncollectible",
    "void": "void",
}
PAYMENT_INTENT: Final[Mapping[str, str]] = {
    "requires_payment_method": "pending",
    "requires_confirmation": "pending",
    "requires_action": "requires_action",
    "processing": "pending",
    "requires_capture": "authorized",
    "canceled": "canceled",
    "succeeded": "succeeded",
}
CHARGE: Final[Mapping[str, str]] = {"pending": "pending", "succeeded": "succeeded", "failed": "failed"}
INVOICE_PAYMENT: Final[Mapping[str, str]] = {"open": "pending", "paid": "succeeded", "canceled": "canceled"}
REFUND: Final[Mapping[str, str]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}
DISPUTE: Final[Mapping[str, str]] = {
    "warning_needs_response": "warning",
    "warning_under_review": "warning",
    "warning_closed": "closed",
    "needs_response": "needs_response",
    "under_review": "under_review",
    "appeal_needs_response": "under_review",
    "appeal_under_review": "under_review",
    "won": "won",
    "lost": "lost",
    "prevented": "closed",
}
CREDIT_NOTE: Final[Mapping[str, str]] = {"issued": "issued", "void": "void"}

ENDED: Final = frozenset(("ended", "expired_incomplete"))
"""Neutral subscription statuses after which nothing is scheduled any more."""


def neutral(table: Mapping[str, str], status: str | None) -> str:
    """The neutral word for Stripe's `status`; `unknown` for a missing or unlisted one."""
    return UNKNOWN if status is None else table.get(status, UNKNOWN)


def activity(active: bool | None) -> tuple[str, str | None]:
    """Neutral status and provider status of a product or price, which carry only a flag `active`."""
    if active is None:
        return UNKNOWN, None
    return ("active", "active") if active else ("archived", "inactive")


_RANKS: Final[Mapping[str, Mapping[str, int]]] = {
    # An uncollectible invoice can still be paid or voided; paid and void are final.
    "invoice": {"draft": 0, "open": 1, "uncollectible": 2, "paid": 3, "void": 3},
    "payment_intent": {**dict.fromkeys(PAYMENT_INTENT, 0), "succeeded": 1, "canceled": 1},
    "charge": {"pending": 0, "succeeded": 1, "failed": 1},
    "invoice_payment": {"open": 0, "paid": 1, "canceled": 1},
    # A refund can fail after it succeeded; one that was canceled never did.
    "refund": {"pending": 0, "requires_action": 0, "succeeded": 1, "canceled": 1, "failed": 2},
    "subscription": {**dict.fromkeys(SUBSCRIPTION, 1), "incomplete": 0, "canceled": 2, "incomplete_expired": 2},
    "credit_note": {"issued": 0, "void": 1},
}


def rank(source: str, provider_status: str | None) -> int | None:
    """Place of a status among those of its source: one of a higher rank can only have come later.

    Equal ranks say nothing, and None is given for a status or source without a certain order: a dispute can be
    reopened by an appeal, a product or price switched on and off at will.
    """
    return None if provider_status is None else _RANKS.get(source, {}).get(provider_status)
