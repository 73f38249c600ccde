"""Derived columns follow from other rows, in whatever order those came."""

from __future__ import annotations

import itertools
import threading

from service.model import Invoice, Payment, Refund
from service.store import derived
from service.store.engine import Database
from tests.store.samples import T0, change, put, rows, together

_REFUND = change("refund", "r", Refund(payment_id="p", status="succeeded", amount=300))
_PAYMENT = change("payment", "p", Payment(invoice_id="i", status="succeeded", amount=900), source="charge")
_INVOICE = change("invoice", "i", Invoice(subscription_id="s", amount=900))
_PAYMENTS = "SELECT DISTINCT amount_refunded, subscription_id FROM payment"


def _stale(database: Database, account: str = "a") -> list[dict[str, object]]:
    with database.read() as connection:
        return derived.check(connection, account)


def test_refund_payment_and_invoice_agree_in_any_order(database: Database) -> None:
    """A refund before its payment, a payment before its invoice: the sums and the link come out the same."""
    for number, order in enumerate(itertools.permutations((_REFUND, _PAYMENT, _INVOICE))):
        for each in order:
            put(database, each, account=f"a{number}")
            assert _stale(database, f"a{number}") == []
    assert rows(database, _PAYMENTS) == [(300, "s")]
    assert rows(database, "SELECT DISTINCT amount_refunded FROM invoice") == [(300,)]


def test_a_link_that_comes_later_carries_the_refunds_along(database: Database) -> None:
    """The payment is linked to its invoice after it was refunded."""
    unlinked = change("payment", "p", Payment(status="succeeded", amount=900), source="charge")
    put(database, unlinked, _REFUND, _INVOICE)
    assert rows(database, "SELECT amount_refunded FROM invoice") == [(0,)]
    linking = change("payment", "p", Payment(invoice_id="i"), source="invoice_payment", source_id="ip")
    put(database, linking)
    assert rows(database, _PAYMENTS) == [(300, "s")]
    assert rows(database, "SELECT amount_refunded FROM invoice") == [(300,)]


def test_a_refund_that_fails_later_no_longer_counts(database: Database) -> None:
    """And history says so."""
    put(database, _PAYMENT, _REFUND)
    put(database, change("refund", "r", Refund(payment_id="p", status="failed", amount=300), at=9))
    assert rows(database, "SELECT amount_refunded FROM payment") == [(0,)]
    query = "SELECT old, new FROM state_change WHERE field = 'amount_refunded' ORDER BY id"
    assert rows(database, query) == [("0", "300"), ("300", "0")]


def test_a_later_snapshot_of_the_payment_leaves_its_refunds(database: Database) -> None:
    """A snapshot of something else never overwrites them."""
    put(database, _PAYMENT, _REFUND, _INVOICE)
    later = Payment(invoice_id="i", status="succeeded", amount=900, failure_code="none")
    put(database, change("payment", "p", later, source="charge", at=9))
    assert rows(database, _PAYMENTS) == [(300, "s")]


def test_refunds_applied_at_once_are_all_counted(database: Database) -> None:
    """Six writers race over one payment and its invoice; none overwrites another's sum."""
    start = threading.Barrier(6)
    refunds = [change("refund", f"r{n}", Refund(payment_id="p", status="succeeded", amount=10 + n)) for n in range(4)]

    def write(number: int) -> None:
        start.wait(30)
        for round_ in range(5):
            put(database, ([*refunds, _PAYMENT, _INVOICE])[number], account=f"a{round_}")

    together([lambda n=n: write(n) for n in range(6)])  # type: ignore[misc]
    assert rows(database, _PAYMENTS) == [(46, "s")]
    assert rows(database, "SELECT DISTINCT amount_refunded FROM invoice") == [(46,)]
    assert [_stale(database, f"a{n}") for n in range(5)] == [[]] * 5


def test_what_went_wrong_is_found_and_repaired(database: Database) -> None:
    """`check` names the column, `repair` recomputes it."""
    put(database, _PAYMENT, _REFUND, _INVOICE)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE payment SET amount_refunded = 1")
    assert {(row["kind"], row["field"]) for row in _stale(database)} == {
        ("payment", "amount_refunded"),
        ("invoice", "amount_refunded"),
    }
    with database.write() as connection:
        derived.repair(connection, "a", ["p"], ["i"], "run:1", T0)
    assert _stale(database) == []
    assert rows(database, _PAYMENTS) == [(300, "s")]
