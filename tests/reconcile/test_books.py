"""What is here against what the provider has booked: a difference warns, and does nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import structlog

from reconcile import html
from reconcile.books import Difference, Exchanged
from reconcile.report import Report
from reconcile.sources import Sources
from service.book_port import Booked, BookedKind
from tests.reconcile.bookkeeping import (
    FIRST,
    NIGHT,
    SECOND,
    asked,
    books_of,
    charge,
    dead,
    found,
    printed,
    refund,
    unbooked,
)
from tests.reconcile.world import DAY, HOUR, World


def test_books_that_agree_are_no_warning_in_any_currency(morning: World) -> None:
    for currency, amount in (("usd", 1_900), ("jpy", 5_000), ("kwd", 12_340), ("isk", 150_000), ("mga", 700)):
        refund(morning, charge(morning, amount, currency), amount // 10)
    morning.later(NIGHT)
    report = morning.run()
    assert (report.status, report.exit_code, found(report)) == ("complete", 0, [])
    assert report.books is not None
    assert (report.books.since, report.books.until, report.books.objects) == (None, FIRST, 10)
    assert (report.books.exchanged, report.books.unsettled) == ([], 0)
    assert {each.currency: each.charged.now for each in report.totals} == {
        "USD": 1_900, "JPY": 5_000, "KWD": 12_340, "ISK": 1_500, "MGA": 70_000
    }  # fmt: skip
    assert (books_of(report).status, books_of(report).objects, books_of(report).pages) == ("complete", 10, 1)


def test_what_is_booked_and_cannot_be_written_here_is_a_warning_in_its_own_day_and_currency(morning: World) -> None:
    heard = len(morning.sandbox.events)
    charge(morning, 5_000, "jpy")
    charge(morning, 12_340, "kwd")
    morning.later(NIGHT)
    refund(morning, charge(morning, 1_900), 300)
    dead(morning, heard, "charge")
    dead(morning, heard, "refund")
    morning.later(NIGHT)
    charge(morning, 700)
    morning.later(NIGHT)
    report = morning.run()
    assert found(report) == [
        (FIRST, "JPY", "charged", 5_000, 0),
        (FIRST, "KWD", "charged", 12_340, 0),
        (SECOND, "USD", "charged", 1_900, 0),
        (SECOND, "USD", "refunded", 300, 0),
    ]


def test_what_is_here_and_not_booked_is_a_warning_and_nothing_else(morning: World) -> None:
    paid = charge(morning, 1_900)
    charge(morning, 9_900)
    unbooked(morning, paid)
    morning.later(NIGHT)
    report = morning.run()
    assert found(report) == [(FIRST, "USD", "charged", 9_900, 11_800)]
    assert (report.status, report.exit_code, set(report.by_action)) == ("complete", 0, {"healed"})
    before, drift = morning.written(), morning.sql("SELECT * FROM drift")
    again = morning.run(full=True)
    assert (found(again), again.exit_code, again.findings) == (found(report), 0, [])
    assert (morning.written(), morning.sql("SELECT * FROM drift")) == (before, drift)


def test_a_dispute_that_was_not_booked_is_a_warning(morning: World) -> None:
    dispute = morning.sandbox.open_dispute(charge(morning, 1_900))
    unbooked(morning, dispute["id"])
    morning.later(NIGHT)
    assert found(morning.run()) == [(FIRST, "USD", "disputed", 0, 1_900)]


def test_an_exit_code_that_is_not_0_stays_as_it_is(morning: World) -> None:
    """A changed amount waits for a person; the books say the same of it, and add nothing to it."""
    charge(morning, 1_900)
    morning.later(NIGHT)
    morning.run()
    morning.sql("UPDATE payment SET amount = amount + 7, amount_paid = amount_paid + 7")
    report = morning.run(full=True)
    morning.sandbox.faults.forbidden.add("balance_transaction")
    without = morning.run(full=True)
    assert found(report) == [(FIRST, "USD", "charged", 1_900, 1_907)]
    assert without.books is None
    assert (report.exit_code, report.by_action) == (without.exit_code, without.by_action)
    assert (without.exit_code, set(without.by_action)) == (1, {"needs_review"})


def test_a_day_is_judged_when_it_is_over_and_booked_and_the_provider_no_longer_lags(morning: World) -> None:
    unbooked(morning, charge(morning, 1_900))
    morning.later(HOUR)
    assert found(morning.run()) == []
    morning.later(DAY + 600)
    assert found(morning.run()) == []
    morning.later(600)
    assert found(morning.run()) == [(FIRST, "USD", "charged", 0, 1_900)]


def test_money_counts_on_the_day_of_its_object_however_late_it_is_booked(morning: World) -> None:
    """Each night compares; a capture, a failed refund, a won and a lost dispute cross midnight and never warn."""
    morning.later(23 * HOUR)
    held = morning.sandbox.call(
        "POST", "/v1/payment_intents",
        {"amount": 5_000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"},
    )  # fmt: skip
    back = refund(morning, charge(morning, 1_900), 400)
    won, lost = (morning.sandbox.open_dispute(charge(morning, 700))["id"] for _ in range(2))
    nights = []
    for night in range(6):
        morning.later(4 * HOUR)
        nights.append(morning.run())
        morning.later(20 * HOUR)
        if night == 0:
            capture = f"/v1/payment_intents/{held['id']}/capture"
            morning.sandbox.call("POST", capture, {"amount_to_capture": 3_000})
            morning.sandbox.settle_refund(back, status="failed")
        if night == 3:
            morning.sandbox.close_dispute(won, status="won")
            morning.sandbox.close_dispute(lost, status="lost")
    assert [found(each) for each in nights] == [[]] * 6
    assert [each.books.since for each in nights if each.books] == [None, *(f"2026-09-{day}" for day in range(21, 26))]
    whole = morning.run(full=True)
    assert found(whole) == []
    assert whole.books is not None
    assert whole.books.objects == 7


def test_what_was_booked_a_moment_before_its_objects_day_began_is_read(morning: World) -> None:
    morning.later(DAY - 2)
    made = morning.sandbox._world.tables["charge"].get(charge(morning, 1_900))
    assert made is not None
    made["created"] += 5
    morning.later(NIGHT)
    assert found(morning.run()) == []
    days = morning.run(since=timedelta(days=1)).books
    assert days is not None
    assert (days.since, days.until, days.differences) == (SECOND, SECOND, [])


def test_what_came_back_since_midnight_counts_on_the_day_that_it_left(morning: World) -> None:
    """The refund is not gone from the books of its day, and not here either."""
    back = refund(morning, charge(morning, 1_900), 400)
    morning.later(NIGHT)
    morning.sandbox.settle_refund(back, status="failed")
    morning.later(HOUR)
    report = morning.run()
    assert report.books is not None
    assert (found(report), report.books.unsettled) == ([], 0)


def test_what_may_still_fail_is_not_compared_until_it_is_settled(morning: World) -> None:
    morning.sandbox.next_refunds("pending")
    back = refund(morning, charge(morning, 1_900), 400)
    morning.later(NIGHT)
    report = morning.run()
    assert report.books is not None
    assert (found(report), report.books.unsettled) == ([], 1)
    morning.sandbox.settle_refund(back, status="succeeded")
    settled = morning.run(full=True)
    assert settled.books is not None
    assert (found(settled), settled.books.unsettled) == ([], 0)
    unbooked(morning, back)
    assert found(morning.run(full=True)) == [(FIRST, "USD", "refunded", 0, 400)]


def test_what_is_booked_in_another_currency_is_not_compared_and_said_so(morning: World) -> None:
    morning.sandbox.settle_in("eur", "usd", "1.075")
    paid = charge(morning, 1_000, "eur")
    refund(morning, paid, 300)
    failed = refund(morning, paid, 200)
    morning.sandbox.settle_refund(failed, status="failed")
    charge(morning, 1_900)
    unbooked(morning, charge(morning, 500, "eur"))
    morning.later(NIGHT)
    report = morning.run()
    assert report.books is not None
    assert report.books.exchanged == [Exchanged(currency="EUR", booked_in="USD", objects=3, amount=700)]
    assert found(report) == [(FIRST, "EUR", "charged", 0, 500)]
    told = "3 objects are booked in USD, not EUR: 700 EUR (minor units, net) not compared with the books."
    assert told in printed(report)
    assert told in html.page(Report(accounts=[report]))


def test_a_nightly_run_compares_the_days_since_the_last_one_and_two_before(morning: World) -> None:
    unbooked(morning, charge(morning, 1_900))
    warned = []
    for _ in range(5):
        morning.later(NIGHT)
        charge(morning, 500)
        warned.append(bool(found(morning.run())))
    assert warned == [True, True, True, False, False]
    assert found(morning.run(full=True)) == [(FIRST, "USD", "charged", 0, 1_900)]
    assert asked(morning) == 6


def test_a_run_that_is_not_whole_moves_nothing_and_compares_what_it_was_asked(morning: World) -> None:
    unbooked(morning, charge(morning, 1_900))
    morning.later(NIGHT)
    wrong = [(FIRST, "USD", "charged", 0, 1_900)]
    assert found(morning.run(dry_run=True)) == []
    assert morning.sql("SELECT * FROM watermark WHERE kind = 'books'") == []
    assert found(morning.run()) == wrong
    (mark,) = morning.sql("SELECT complete_until FROM watermark WHERE kind = 'books'")
    assert str(mark.complete_until).startswith(SECOND)
    morning.later(5 * DAY)
    assert found(morning.run(since=timedelta(days=2))) == []
    assert found(morning.run(since=timedelta(days=6), dry_run=True)) == wrong
    assert books_of(morning.run(since=timedelta(minutes=1))).reason == (
        "not compared: no UTC day of the chosen time is over"
    )
    assert [
        str(each.complete_until)[:10]
        for each in morning.sql("SELECT complete_until FROM watermark WHERE kind = 'books'")
    ] == [SECOND]
    only = morning.run(kind="books")
    assert [each.source for each in only.kinds] == ["events", "books"]
    assert found(only) == wrong
    assert [each.source for each in morning.run(kind="refund").kinds if each.source == "books"] == []


def test_books_are_read_page_by_page(morning: World) -> None:
    for _ in range(5):
        refund(morning, charge(morning, 1_900), 100)
    morning.later(NIGHT)
    morning.sandbox.settings.page_cap = 3
    report = morning.run()
    assert (found(report), books_of(report).pages, books_of(report).objects) == ([], 4, 10)


def test_every_report_shows_the_warning_and_the_log_one_line_a_difference(morning: World) -> None:
    unbooked(morning, charge(morning, 1_234_500))
    unbooked(morning, charge(morning, 5_000, "jpy"))
    morning.later(NIGHT)
    with structlog.testing.capture_logs() as lines:
        report = morning.run()
    told = [line for line in lines if line["event"] == "reconcile.books_differed"]
    shared = {"event": "reconcile.books_differed", "log_level": "warning", "run_id": report.run_id, "account": "stripe"}
    day = {"day": FIRST, "part": "charged", "booked": 0}
    assert told == [
        {**shared, **day, "currency": "JPY", "here": 5_000, "difference": -5_000},
        {**shared, **day, "currency": "USD", "here": 1_234_500, "difference": -1_234_500},
    ]
    shown = printed(report)
    assert "2026-09-22 USD charged 0 1,234,500 -1,234,500" in shown
    assert "Warning: 2 sums are not as the provider has booked them." in shown
    page = html.page(Report(accounts=[report]))
    assert "Warning: not as the provider has booked it" in page
    assert "-1,234,500" in page
    document = json.loads(Report(accounts=[report]).json())
    assert document["exit_code"] == 0
    (plain,) = document["accounts"]
    assert plain["books"]["differences"][1] == {
        "day": FIRST, "currency": "USD", "part": "charged", "booked": 0, "here": 1_234_500, "difference": -1_234_500
    }  # fmt: skip
    (stored,) = morning.sql("SELECT report FROM reconcile_run WHERE id = :id", id=report.run_id)
    assert [Difference(**each) for each in json.loads(stored.report)["books"]["differences"]] == (
        report.books.differences if report.books else []
    )


def test_what_is_booked_of_an_object_is_one_sum_from_its_first_movement_to_its_last() -> None:
    def entry(source_id: str, amount: int, hour: int, kind: BookedKind = "refund", currency: str = "USD") -> Booked:
        at = datetime(2026, 9, 22, hour, tzinfo=UTC)
        return Booked(id=f"txn_{hour}", kind=kind, source_id=source_id, amount=amount, currency=currency, created_at=at)

    sources = Sources()
    sources.add([entry("b", 300, 8), entry("a", -1, 5), entry("b", -400, 7)])
    sources.add([entry("b", 10, 9), entry("b", 6, 4, currency="EUR"), entry("b", 5, 3, kind="dispute")])
    batches = list(sources.batches("refund", 1))
    assert [
        [(each.source_id, each.currency, each.amount, each.first_at.hour, each.last_at.hour) for each in batch]
        for batch in batches
    ] == [[("a", "USD", -1, 5, 5)], [("b", "EUR", 6, 4, 4)], [("b", "USD", -90, 7, 9)]]
    assert [len(batch) for batch in sources.batches("refund", 10)] == [3]
    sources.close()
