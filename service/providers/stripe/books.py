"""Balance transactions: what Stripe has booked for charges, refunds and disputes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from service.book_port import Booked, BookedKind, BookPage
from service.errors import Forbidden
from service.provider import Check
from service.providers.stripe.listing import read_slice, window
from service.providers.stripe.money import minor_units
from service.refusals import broken
from service.transport import Answer, Transport

PATH: Final = "/v1/balance_transactions"
CATEGORIES: Final[Mapping[str, BookedKind]] = {
    "charge": "payment",
    "charge_failure": "release",
    "partial_capture_reversal": "release",
    "refund": "refund",
    "refund_failure": "refund",
    "dispute": "dispute",
    "dispute_reversal": "dispute",
}
"""Reporting categories that belong to a row: unlike types they tell a dispute from a failed refund, and are the same for
cards and for other methods (docs.stripe.com/reports/reporting-categories, 2026)."""


class _Transaction(msgspec.Struct):
    id: str
    amount: int
    created: int
    currency: str
    reporting_category: str | None = None
    source: str | None = None


_transaction = msgspec.json.Decoder(_Transaction)


def read_page(transport: Transport, cursor: str | None, since: datetime | None) -> BookPage:
    """One page of a hundred, newest first. Raises `MappingError` where an amount is no whole number of ISO units."""
    found = read_slice(transport, PATH, window(since, None), cursor, reserve=False)
    entries = (_booked(_opened(found.answer, each)) for each in found.entries)
    return BookPage(
        entries=tuple(each for each in entries if each is not None), as_of=found.answer.as_of, cursor=found.cursor
    )


def check(transport: Transport) -> Check:
    """Whether the key may read them. Only a warning: without them reconcile compares one thing less."""
    name = "balance transactions"
    try:
        transport.get(PATH, {"limit": 1}, reserve=True)
    except Forbidden:
        detail = "the key may not read them, so sums are not compared with what Stripe booked; allow it to read them"
        return Check(name, None, detail, warning=True)
    return Check(name, True, "sums are compared with what Stripe booked")


def _opened(answer: Answer, text: bytes) -> _Transaction:
    try:
        return _transaction.decode(text)
    except msgspec.MsgspecError as error:
        raise broken(answer.operation, f"not a balance transaction ({type(error).__name__})") from error


def _booked(found: _Transaction) -> Booked | None:
    kind = CATEGORIES.get(found.reporting_category or "")
    if kind is None:
        return None
    currency = found.currency.upper()
    return Booked(
        id=found.id, kind=kind, source_id=found.source or found.id, amount=minor_units(found.amount, currency),
        currency=currency, created_at=datetime.fromtimestamp(found.created, UTC),
    )  # fmt: skip
