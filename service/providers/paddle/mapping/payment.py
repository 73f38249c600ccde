"""Paddle transaction with its attempts -> the content of a payment row."""

from __future__ import annotations

from collections.abc import Sequence

from service.model import Payment
from service.providers.paddle.mapping.amounts import attempts, due, paid, paid_at
from service.providers.paddle.mapping.fields import Object, currency, instant, key, own_key, text, user_id
from service.providers.paddle.statuses import ATTEMPT, OPEN, PAYMENT, neutral


def payment(obj: Object) -> Payment | None:
    """The payment of a transaction; None where there was nothing to pay, or nobody tried yet.

    `amount_refunded` is left out: it is the sum of the refund rows.
    """
    status, asked, tried = text(obj, "status"), due(obj), attempts(obj)
    if asked == 0 or not (tried or paid(obj) or status == "past_due"):
        return None
    found = _status(status, tried)
    return Payment(
        customer_id=key(obj, "customer_id"),
        invoice_id=own_key(obj),
        status=found,
        provider_status=status,
        currency=currency(obj, "currency_code"),
        amount=asked,
        amount_paid=asked if asked is None or found == "succeeded" else 0,
        failure_code=text(tried[0], "error_code") if tried and found != "succeeded" else None,
        user_id=user_id(obj),
        created_at=instant(obj, "created_at"),
        paid_at=paid_at(obj),
    )


def _status(status: str | None, tried: Sequence[Object]) -> str:
    # Only a transaction that tells of its payment can be believed; before that the latest attempt does.
    if status in OPEN and tried:
        return neutral(ATTEMPT, text(tried[0], "status"))
    return neutral(PAYMENT, status)
