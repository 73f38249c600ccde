"""The rows that a provider's books are compared with: which of them count, on which day, and how they are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.book_port import RowKind
from service.model import Dispute, Payment, Refund
from service.store.book_rows import RELEASED, BookRows, Held
from service.store.engine import Database
from tests.store.samples import PADDLE, change, put

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
END = MIDNIGHT + timedelta(days=1)
LAST = END - timedelta(microseconds=1)
READ = datetime(2027, 1, 1, tzinfo=UTC)
STANDING = {"payment": {"succeeded"}, "refund": {"succeeded"}, "dispute": {"lost"}}
Sums = list[tuple[str, str, int]]


@pytest.fixture
def filled(database: Database) -> Database:
    """Payments of two days, and some that must not count."""
    put(
        database,
        change("payment", "p1", _paid(100, MIDNIGHT, charge_id="ch_1")),
        change("payment", "p2", _paid(20, LAST, charge_id="ch_2")),
        change("payment", "p3", _paid(3, END, charge_id="ch_3")),
        change("payment", "p4", _paid(7, MIDNIGHT - timedelta(seconds=1), charge_id="ch_7")),
        change("payment", "yen", _paid(5_000, LAST, currency="JPY", charge_id="ch_5")),
        change("payment", "failed", _paid(1_000, MIDNIGHT, status="failed", charge_id="ch_6")),
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


def sums(database: Database, kind: RowKind, since: datetime | None, until: datetime, read: datetime = READ) -> Sums:
    """What the rows say has moved."""
    with database.read() as connection:
        return sorted(BookRows(connection, "a", STANDING, read).sums(kind, since, until))


def held(database: Database, kind: RowKind, sources: list[str], read: datetime = READ) -> dict[str, Held]:
    """The rows of these objects."""
    with database.read() as connection:
        return BookRows(connection, "a", STANDING, read).held(kind, sources)


def test_what_moved_is_summed_by_utc_day_and_currency(filled: Database) -> None:
    found, whole = sums(filled, "payment", MIDNIGHT, END), sums(filled, "payment", None, END + timedelta(days=9))
    assert found == [("2026-03-01", "JPY", 5_000), ("2026-03-01", "USD", 120)]
    assert [each for each in whole if each not in found] == [("2026-02-28", "USD", 7), ("2026-03-02", "USD", 3)]


def test_a_receipts_money_is_counted_elsewhere(filled: Database) -> None:
    with filled.write() as connection:
        connection.execute(text("UPDATE payment SET receipt_of = 's' WHERE id = 'p1'"))
    assert ("2026-03-01", "USD", 20) in sums(filled, "payment", MIDNIGHT, END)


def test_what_was_paid_without_a_charge_is_in_no_books(filled: Database) -> None:
    with filled.write() as connection:
        connection.execute(text("UPDATE payment SET charge_id = NULL WHERE id = 'p1'"))
    assert ("2026-03-01", "USD", 20) in sums(filled, "payment", MIDNIGHT, END)


def test_a_row_that_has_changed_since_the_books_were_read_counts_nothing(filled: Database) -> None:
    (seen,) = {each.as_of for each in held(filled, "payment", ["ch_1"]).values()}
    before = seen - timedelta(microseconds=1)
    assert sums(filled, "payment", None, END, seen) == sums(filled, "payment", None, END)
    assert sums(filled, "payment", None, END, before) == []
    assert [held(filled, "payment", ["ch_1"], read)["ch_1"].counts for read in (seen, before)] == [True, False]


def test_refunds_and_disputes_count_when_they_were_made(database: Database) -> None:
    made: dict[str, Any] = {"currency": "USD", "amount": 50, "created_at": LAST}
    put(database, change("refund", "r", Refund(status="succeeded", charge_id="ch", **made)), ordering=PADDLE)
    put(database, change("refund", "back", Refund(status="failed", **made)), ordering=PADDLE)
    put(database, change("dispute", "d", Dispute(status="lost", **made)), ordering=PADDLE)
    assert sums(database, "refund", None, END) == sums(database, "dispute", None, END) == [("2026-03-01", "USD", 50)]
    found = held(database, "refund", ["r", "back", "none"])
    assert found == {
        "r": Held(
            status="succeeded", amount=50, currency="USD", charge_id="ch", moment=LAST, as_of=found["r"].as_of, counts=True
        ),
        "back": Held(
            status="failed", amount=50, currency="USD", charge_id=None, moment=LAST, as_of=found["r"].as_of, counts=False
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "counts"), [("succeeded", True), ("failed", False), ("canceled", False), ("authorized", False)]
)
def test_a_refund_of_what_was_never_taken_counts_nothing(database: Database, status: str, *, counts: bool) -> None:
    put(database, change("payment", "p", _paid(50, MIDNIGHT, status=status, charge_id="ch")), ordering=PADDLE)
    made = Refund(status="succeeded", payment_id="p", currency="USD", amount=50, created_at=LAST)
    put(database, change("refund", "r", made), ordering=PADDLE)
    assert sums(database, "refund", None, END) == ([("2026-03-01", "USD", 50)] if counts else [])
    (found,) = held(database, "refund", ["r"]).values()
    assert (found.counts, found.status) == (counts, "succeeded" if counts else RELEASED)


def test_a_payment_is_found_by_its_charge(filled: Database) -> None:
    found = held(filled, "payment", ["ch_1", "p3", "ch_4", "ch_gone", "gone", "none"])
    assert {key: (each.amount, each.moment, each.counts) for key, each in found.items()} == {
        "ch_1": (100, MIDNIGHT, True),
        "ch_4": (4_000, None, False),
    }
