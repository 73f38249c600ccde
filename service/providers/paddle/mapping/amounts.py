"""What a transaction asks for, what came in, and the attempts to pay it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from service.providers.paddle.mapping.fields import Object, instant, objects, part, text, units

_EARLY = datetime.min.replace(tzinfo=UTC)
PAID = frozenset(("paid", "completed"))
"""Statuses of a transaction whose money came in."""


def totals(obj: Object) -> Object:
    """The transaction's totals, in its own currency and before adjustments (which are rows of their own)."""
    return part(part(obj, "details"), "totals")


def due(obj: Object) -> int | None:
    """What the buyer pays: `grand_total`, the total after credit and before any payment.

    Transactions from before June 2023 have none (developer.paddle.com/changelog/2023/transaction-totals-grand-total).
    """
    found = totals(obj)
    total = units(found, "grand_total")
    if total is not None:
        return total
    whole = units(found, "total")
    return None if whole is None else whole - (units(found, "credit") or 0)


def paid(obj: Object) -> bool:
    """True once the money came in."""
    return text(obj, "status") in PAID


def attempts(obj: Object) -> Sequence[Object]:
    """The attempts to pay, the latest first. Paddle seems to list them so, but says nothing of it."""
    return sorted(objects(obj, "payments"), key=_begun, reverse=True)


def paid_at(obj: Object) -> datetime | None:
    """When the money came in; None while it hasn't.

    Where no attempt was captured (nothing was to be paid, or it came by bank transfer) nothing tells: then it is the time of
    billing or, failing that, of creation. Both are written once, while `updated_at` moves with every later change and would
    move money from one day to another.
    """
    if not paid(obj):
        return None
    captured = [each for each in attempts(obj) if text(each, "status") == "captured"]
    times = [found for each in captured if (found := instant(each, "captured_at")) is not None]
    return max(times) if times else instant(obj, "billed_at") or instant(obj, "created_at")


def _begun(attempt: Object) -> tuple[datetime, str]:
    return instant(attempt, "created_at") or _EARLY, text(attempt, "payment_attempt_id") or ""
