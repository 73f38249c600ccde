"""The rows that a provider's books are compared with: which of them count, on which day, and how they are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.book_port import BookedKind
from service.model import Dispute, Payment, Refund
from service.store import book_rows
from service.store.book_rows import Held
from service.store.engine import Database
from tests.store.samples import PADDLE, change, put

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
END = MIDNIGHT + timedelta(days=1)
LAST = END - timedelta(microseconds=1)


@pytest.fixture
def filled(database: Database) -> Database:
    """Payments of two days, and some that must not count."""
    put(
        database,
        change("payment", "p1", _paid(100, MIDNIGHT, charge_id="ch_1")),
        change("payment", "p2", _paid(20, LAST, charge_id="ch_2")),
        change("payment", "p3", _paid(3, END)),
        change("payment", "p4", _paid(7, MIDNIGHT - timedelta(seconds=1))),
        change("payment", "yen", _paid(5_000, LAST, currency="JPY")),
        change("payment", "failed", _paid(1_000, MIDNIGHT, status="failed")),
        change("payment", "gone", _paid(2_000, MIDNIGHT, charge_id="ch_gone")),
        change("payment", "unpaid", Payment(status="succeeded", currency="USD", amount_paid=4_000, charge_id="ch_4")),
        ordering=PADDLE,
    )
    put(database, change("payment", "p1", _paid(9, MIDNIGHT, charge_id="ch_1")), account="other", ordering=PADDLE)
    with database.write() as connection:
        connection.execute(text("UPDATE payment SET deleted_at = as_of WHERE id = 'gone'"))
    return database


def _paid(
    amount: int, at: datetime, *, currency: str = "USD", status: str = "succeeded", charge_id: str | None = None
) -> Payment:
    return Payment(
        status=status, currency=currency, amount=amount + 1, amount_paid=amount, paid_at=at, charge_id=charge_id,
        created_at=at - timedelta(days=3),
    )  # fmt: skip


def test_what_moved_is_summed_by_utc_day_and_currency(filled: Database) -> None:
    with filled.read() as connection:
        found = book_rows.sums(connection, "a", "payment", {"succeeded"}, MIDNIGHT, END)
        whole = book_rows.sums(connection, "a", "payment", {"succeeded"}, None, END + timedelta(days=9))
    assert sorted(found) == [("2026-03-01", "JPY", 5_000), ("2026-03-01", "USD", 120)]
    assert sorted(each for each in whole if each not in found) == [("2026-02-28", "USD", 7), ("2026-03-02", "USD", 3)]


def test_a_receipts_money_is_counted_elsewhere(filled: Database) -> None:
    with filled.write() as connection:
        connection.execute(text("UPDATE payment SET receipt_of = 's' WHERE id = 'p1'"))
        found = book_rows.sums(connection, "a", "payment", {"succeeded"}, MIDNIGHT, END)
    assert ("2026-03-01", "USD", 20) in found


def test_refunds_and_disputes_count_when_they_were_made(database: Database) -> None:
    made: dict[str, Any] = {"currency": "USD", "amount": 50, "created_at": LAST}
    put(database, change("refund", "r", Refund(status="succeeded", **made)), ordering=PADDLE)
    put(database, change("dispute", "d", Dispute(status="lost", **made)), ordering=PADDLE)
    with database.read() as connection:
        kinds: tuple[tuple[BookedKind, str], ...] = ("refund", "succeeded"), ("dispute", "lost")
        for kind, status in kinds:
            assert book_rows.sums(connection, "a", kind, {status}, None, END) == [("2026-03-01", "USD", 50)]
            assert book_rows.sums(connection, "a", kind, {"other"}, None, END) == []
        assert book_rows.held(connection, "a", "refund", ["r", "none"]) == {
            "r": Held(status="succeeded", amount=50, currency="USD", moment=LAST)
        }


def test_a_payment_is_found_by_its_charge_or_its_own_id(filled: Database) -> None:
    with filled.read() as connection:
        found = book_rows.held(connection, "a", "payment", ["ch_1", "p3", "ch_4", "ch_gone", "gone", "none"])
    assert found == {
        "ch_1": Held(status="succeeded", amount=100, currency="USD", moment=MIDNIGHT),
        "p3": Held(status="succeeded", amount=3, currency="USD", moment=END),
        "ch_4": Held(status="succeeded", amount=4_000, currency="USD", moment=None),
    }
