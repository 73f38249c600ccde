"""Paddle transaction with its attempts -> the content of a payment row."""

from __future__ import annotations

from collections.abc import Sequence

from service.model import Payment
from service.providers.paddle.mapping.amounts import attempts, due, paid, paid_at
from service.providers.paddle.mapping.fields import Object, currency, instant, key, own_key, text, units, user_id
from service.providers.paddle.statuses import ATTEMPT, OPEN, PAYMENT, neutral


def payment(obj: Object) -> Payment | None:
    """The payment of a transaction; None where there was nothing to pay, or nobody tried yet.

    Neither attempts nor money that came in are ever taken away, so a payment stays one. Terms that ran out are no attempt:
    such an invoice may still be withdrawn. `amount_refunded` is left out: it is the sum of the refund rows.
    """
    status, asked = text(obj, "status"), due(obj)
    tried = [each for each in attempts(obj) if units(each, "amount") != 0]
    if not tried and (asked == 0 or not paid(obj)):
        return None
    found = _status(status, asked, tried)
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


def _status(status: str | None, asked: int | None, tried: Sequence[Object]) -> str:
    # A transaction tells of its payment once it is decided, and of none where nothing is to be paid any more; else the
    # latest attempt does.
    if tried and (status in OPEN or asked == 0):
        return neutral(ATTEMPT, text(tried[0], "status"))
    return neutral(PAYMENT, status)
