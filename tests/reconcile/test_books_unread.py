"""Books that cannot be read prove nothing, and warn of nothing."""

from __future__ import annotations

import structlog

from tests.reconcile.bookkeeping import FIRST, NIGHT, SECOND, asked, books_of, charge, found, printed, unbooked
from tests.reconcile.world import World


def test_a_key_that_may_not_see_the_books_is_a_note(morning: World) -> None:
    unbooked(morning, charge(morning, 1_900))
    morning.sandbox.faults.forbidden.add("balance_transaction")
    morning.later(NIGHT)
    with structlog.testing.capture_logs() as lines:
        report = morning.run()
    assert (report.status, report.exit_code, report.books) == ("complete", 0, None)
    assert books_of(report).status == "skipped"
    reason = str(books_of(report).reason)
    assert reason.startswith("not compared: the key may not read the books (GET /v1/balance_transactions: ")
    assert [line["reason"] for line in lines if line.get("kind") == "books"] == [reason]
    assert "skipped: not compared: the key may not read the books" in printed(report)
    morning.sandbox.faults.forbidden.clear()
    assert found(morning.run()) == [(FIRST, "USD", "charged", 0, 1_900)]


def test_nights_without_the_permission_are_made_up_for(morning: World) -> None:
    morning.later(NIGHT)
    assert found(morning.run()) == []
    unbooked(morning, charge(morning, 1_900))
    morning.sandbox.faults.forbidden.add("balance_transaction")
    for _ in range(4):
        morning.later(NIGHT)
        assert morning.run().exit_code == 0
    morning.sandbox.faults.forbidden.clear()
    assert found(morning.run()) == [(SECOND, "USD", "charged", 0, 1_900)]


def test_books_that_break_off_prove_nothing_and_are_partial(morning: World) -> None:
    for _ in range(5):
        charge(morning, 1_900)
    morning.later(NIGHT)
    assert morning.run().exit_code == 0
    morning.sandbox.settings.page_cap = 2
    morning.sandbox.faults.match, morning.sandbox.faults.server_error = "balance_transactions", 5
    report = morning.run(full=True)
    assert (report.status, report.exit_code, report.books, report.findings) == ("partial", 2, None, [])
    assert (books_of(report).status, books_of(report).reason is None) == ("partial", False)
    assert found(morning.run(full=True)) == []


def test_books_that_cannot_be_translated_are_skipped(morning: World) -> None:
    charge(morning, 150, "isk")
    for source in ("payment_intent", "charge"):
        for each in morning.sandbox.objects(source):
            morning.sandbox._world.tables[source].remove(each)
    morning.later(NIGHT)
    report = morning.run(full=True, kind="books")
    assert (report.status, books_of(report).status) == ("complete", "skipped")
    assert "150 ISK" in str(books_of(report).reason)


def test_what_was_not_read_whole_is_not_compared(morning: World) -> None:
    charge(morning, 1_900)
    morning.sandbox.faults.forbidden.add("charge")
    morning.later(NIGHT)
    report = morning.run()
    assert (report.status, report.books, asked(morning)) == ("partial", None, 0)
    assert (books_of(report).status, books_of(report).reason) == (
        "skipped", "not compared: charge could not be read whole"
    )  # fmt: skip
