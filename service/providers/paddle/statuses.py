"""Paddle's statuses in neutral words. What isn't listed is `unknown`: Paddle adds values without notice.

Sources: paddle-python-sdk 1.16.1 for the values, PROVIDERS.md 4.2 for the words, developer.paddle.com for their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.model import UNKNOWN

ACTIVITY: Final[Mapping[str, str]] = {"active": "active", "archived": "archived"}
"""Customers, products and prices. Archiving can be undone, so it is no deletion."""
SUBSCRIPTION: Final[Mapping[str, str]] = {
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "paused": "paused",
    "canceled": "ended",
}
INVOICE: Final[Mapping[str, str]] = {
    "draft": "draft",
    "ready": "draft",
    "billed": "open",
    "past_due": "open",
    "paid": "paid",
    "completed": "paid",
    "canceled": "void",
}
PAYMENT: Final[Mapping[str, str]] = {
    "paid": "succeeded",
    "completed": "succeeded",
    "past_due": "failed",
    "canceled": "canceled",
}
"""What a transaction says of its payment; the other statuses leave it to the latest attempt."""
OPEN: Final = frozenset(("draft", "ready", "billed"))
"""Statuses of a transaction that leave open what becomes of its payment."""
ATTEMPT: Final[Mapping[str, str]] = {
    "created": "pending",
    "pending_no_action_required": "pending",
    "action_required": "requires_action",
    "authorized": "authorized",
    "authorized_flagged": "authorized",
    "captured": "succeeded",
    "error": "failed",
    "canceled": "canceled",
}
COLLECTION: Final[Mapping[str, str]] = {"automatic": "charge_automatically", "manual": "send_invoice"}
REFUND: Final[Mapping[str, str]] = {
    "pending_approval": "pending",
    "approved": "succeeded",
    "rejected": "failed",
    "reversed": "reversed",
}
CREDIT_NOTE: Final[Mapping[str, str]] = {
    "pending_approval": "pending",
    "approved": "issued",
    "rejected": "void",
    "reversed": "void",
}
_STANDS: Final = ("pending_approval", "approved")
DISPUTE: Final[Mapping[str, Mapping[str, str]]] = {
    # A chargeback is money already lost; it says `reversed` once a `chargeback_reverse` stands beside it.
    "chargeback": {**dict.fromkeys(_STANDS, "lost"), "rejected": "closed", "reversed": "won"},
    "chargeback_reverse": {**dict.fromkeys(_STANDS, "won"), "rejected": "closed", "reversed": "lost"},
    "chargeback_warning": {**dict.fromkeys(_STANDS, "warning"), "rejected": "closed", "reversed": "closed"},
    "chargeback_warning_reverse": dict.fromkeys((*_STANDS, "rejected", "reversed"), "closed"),
}
"""By action, then by status. Paddle has no disputes, only adjustments with these actions."""


def neutral(table: Mapping[str, str], status: str | None) -> str:
    """The neutral word for Paddle's `status`; `unknown` for a missing or unlisted one."""
    return UNKNOWN if status is None else table.get(status, UNKNOWN)


_RANKS: Final[Mapping[str, Mapping[str, int]]] = {
    # A ready transaction can lose what made it ready; canceled and completed are final.
    "transaction": {"draft": 0, "ready": 0, "billed": 1, "past_due": 2, "paid": 3, "completed": 4, "canceled": 4},
    # All but canceled come and go.
    "subscription": {**dict.fromkeys(SUBSCRIPTION, 0), "canceled": 1},
    "adjustment": {"pending_approval": 0, "approved": 1, "rejected": 1, "reversed": 2},
}


def rank(source: str, provider_status: str | None) -> int | None:
    """Place of a status among those of its source: one of a higher rank can only have come later.

    Equal ranks say nothing, and None is given for a status or source without a certain order: customers, products and
    prices are archived and brought back at will.
    """
    return None if provider_status is None else _RANKS.get(source, {}).get(provider_status)
