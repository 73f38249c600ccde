"""An order is a receipt once its subscription is known, whichever comes first; its money is counted once."""

from __future__ import annotations

import itertools
from functools import partial

from service.model import Invoice, Payment, Subscription
from service.provider import Ordering
from service.store import receipts
from service.store.engine import Database
from tests.store.samples import T0, change, put, rows, together

LEMON = Ordering(object_clock=True, receipts=("orders",))
_ORDER = change("invoice", "orders:1", Invoice(status="paid", amount_paid=900), source="orders", source_id="1")
_PAID = change(
    "payment", "orders:1", Payment(status="succeeded", amount_paid=900), source="orders", source_id="1"
)  # fmt: skip
_SUBSCRIPTION = change("subscription", "7", Subscription(status="active", begun_by="orders:1"))
_BOTH = "SELECT v.receipt_of, p.receipt_of FROM invoice v JOIN payment p ON p.account = v.account AND p.id = v.id"


def test_an_order_becomes_a_receipt_in_any_order(database: Database) -> None:
    """History says when it did."""
    for number, order in enumerate(itertools.permutations((_ORDER, _PAID, _SUBSCRIPTION))):
        for each in order:
            put(database, each, account=f"a{number}", ordering=LEMON)
        with database.read() as connection:
            assert receipts.check(connection, f"a{number}") == []
    assert set(rows(database, _BOTH)) == {("7", "7")}
    found = rows(database, "SELECT DISTINCT new FROM state_change WHERE field = 'receipt_of'")
    assert found == [("7",)]


def test_history_names_the_subscriptions_event_and_not_the_last_of_the_batch(database: Database) -> None:
    """Whoever asks why an order is a receipt is shown the event that made it one."""
    other = change("subscription", "8", Subscription(status="active", begun_by="orders:2"), at=5)
    put(database, _ORDER, _PAID, _SUBSCRIPTION, other, ordering=LEMON)
    causes = rows(database, "SELECT DISTINCT cause FROM state_change WHERE field = 'receipt_of'")
    assert causes == [(str(_SUBSCRIPTION.cause),)]


def test_an_order_without_a_subscription_counts(database: Database) -> None:
    """A one-time purchase is a payment."""
    put(database, _ORDER, _PAID, change("subscription", "7", Subscription(begun_by="orders:2")), ordering=LEMON)
    assert rows(database, _BOTH) == [(None, None)]


def test_order_and_subscription_that_race_agree(database: Database) -> None:
    """Neither may miss the other's row: both hold the order's."""
    for number in range(15):
        applied = partial(put, database, account=f"a{number}", ordering=LEMON)
        together([partial(applied, _ORDER, _PAID), partial(applied, _SUBSCRIPTION)])
    assert set(rows(database, _BOTH)) == {("7", "7")}


def test_a_wrong_receipt_is_found_and_repaired(database: Database) -> None:
    """The reconciler recomputes it like every derived column."""
    put(database, _ORDER, _PAID, _SUBSCRIPTION, ordering=LEMON)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE invoice SET receipt_of = NULL")
        wrong = receipts.check(connection, "a")
        assert [(each["kind"], each["old"], each["new"]) for each in wrong] == [("invoice", None, "7")]
        receipts.refresh(connection, "a", {"orders:1": "run:1"}, T0)
        assert receipts.check(connection, "a") == []
        assert receipts.among(connection, "a", ["orders:1", "orders:2"]) == {"orders:1"}
