"""What the provider books in its own way, or has not booked yet, is no warning."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconcile.plan import Options
from reconcile.progress import Progress
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service.sandbox.stripe.billing import booking, charging
from tests.reconcile.bookkeeping import (
    FIRST,
    NIGHT,
    books_of,
    bounced,
    charge,
    debited,
    found,
    gone_back,
    refund,
    unbooked,
)
from tests.reconcile.lemons import Lemons
from tests.reconcile.world import DAY, HOUR, World


class Interrupted(Progress):
    """Progress that lets something happen once, when the run has come so far."""

    def __init__(self, moment: str, act: Callable[[], object]) -> None:
        self._moment, self._act = moment, act

    def page(self, source: str, pages: int, objects: int) -> None:  # noqa: ARG002
        """A page of this listing has been read."""
        self._reached(f"read {source}")

    def done(self, source: str, status: str) -> None:  # noqa: ARG002
        """This listing has ended."""
        self._reached(f"{source} done")

    def _reached(self, moment: str) -> None:
        if moment == self._moment:
            self._moment = ""
            self._act()


def interrupted(world: World, moment: str, act: Callable[[], object]) -> AccountReport:
    """A run in which something happens on the way."""
    return reconcile(world.system, Options(full=True), Interrupted(moment, act)).accounts[0]


def nights(world: World, number: int) -> list[AccountReport]:
    """So many nightly runs."""
    reports = []
    for _ in range(number):
        world.later(DAY)
        reports.append(world.run())
    return reports


@pytest.mark.parametrize("by_refund", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_a_bank_debit_that_fails_nights_after_it_was_booked_is_no_warning(
    morning: World, *, by_refund: bool, again: bool
) -> None:
    """Whether it is booked back under its charge or a refund, and whether another attempt has taken its place."""
    intent = debited(morning, 1_900)
    morning.later(2 * HOUR)
    reports = nights(morning, 5)
    bounced(morning, intent, by_refund=by_refund)
    if again:
        charging.charge(morning.sandbox._world, intent, None, "pm_card_visa")
    reports += nights(morning, 4)
    assert [found(each) for each in reports] == [[]] * 9
    assert found(morning.run(full=True)) == []
    (row,) = morning.sql("SELECT status FROM payment")
    assert row.status == ("succeeded" if again else "failed")


def test_what_was_paid_outside_the_provider_is_in_no_books(morning: World) -> None:
    morning.sandbox._world.add(
        "invoice_payment", "inpay", ["invoice_payment.paid"], invoice="in_1", amount_requested=5_000, amount_paid=5_000,
        currency="usd", payment={"type": "payment_record", "payment_record": "pr_1"}, status="paid",
        status_transitions={"paid_at": morning.sandbox.clock.now(), "canceled_at": None},
    )  # fmt: skip
    morning.later(NIGHT)
    report = morning.run()
    assert [tuple(row) for row in morning.sql("SELECT id, status, amount_paid FROM payment")] == [
        ("pr_1", "succeeded", 5_000)
    ]
    assert found(report) == []


def test_a_hold_that_was_let_go_moves_nothing_though_it_made_a_refund(morning: World) -> None:
    held = morning.sandbox._world.get("charge", charge(morning, 5_000, capture_method="manual"))
    morning.sandbox.call("POST", f"/v1/payment_intents/{held['payment_intent']}/cancel")
    gone_back(morning, held, 5_000)
    morning.later(NIGHT)
    assert found(morning.run()) == []
    assert [row.status for row in morning.sql("SELECT status FROM refund")] == ["succeeded"]


def test_a_part_that_was_not_captured_counts_with_its_charge_under_whatever_it_is_booked(morning: World) -> None:
    """Held before midnight, captured after it: on the day of the charge, and no refund on any day."""
    shop = morning.sandbox._world
    morning.later(23 * HOUR)
    held = shop.get("charge", charge(morning, 5_000, capture_method="manual"))
    morning.later(3 * HOUR)
    morning.sandbox.call("POST", f"/v1/payment_intents/{held['payment_intent']}/capture", {"amount_to_capture": 3_000})
    made = gone_back(morning, held, 2_000)
    (booked,) = [each for each in shop.tables["balance_transaction"].oldest() if each["amount"] == -2_000]
    booked["source"] = made["id"]
    assert [found(each) for each in nights(morning, 5)] == [[]] * 5
    whole = morning.run(full=True)
    assert found(whole) == []
    unbooked(morning, made["id"])
    assert found(morning.run(full=True)) == [
        (FIRST, "USD", "charged", 5_000, 3_000),
        ("2026-09-23", "USD", "refunded", 0, 2_000),
    ]


def test_a_day_is_judged_when_its_last_charge_must_be_booked(morning: World) -> None:
    """Stripe captures in the background, within an hour, and lists lag behind: 75 minutes."""
    morning.later(DAY - 60)
    shop = morning.sandbox._world
    made = shop.get("charge", charge(morning, 1_900))
    unbooked(morning, made["id"])
    morning.later(60 + HOUR)
    assert found(morning.run()) == []
    made["balance_transaction"] = shop.ids.new("txn")
    booking.charged(shop, made)
    morning.later(900)
    report = morning.run()
    assert report.books is not None
    assert (found(report), report.books.until) == ([], FIRST)


def test_what_moved_after_its_listing_was_read_waits_for_another_night(morning: World) -> None:
    """The row doesn't say so yet: its event comes with the next audit."""
    back = refund(morning, charge(morning, 1_900), 400)
    morning.later(NIGHT)
    report = interrupted(morning, "refund done", lambda: morning.sandbox.settle_refund(back, status="failed"))
    assert report.books is not None
    assert (found(report), report.books.unsettled) == ([], 1)
    assert [row.status for row in morning.sql("SELECT status FROM refund")] == ["succeeded"]
    morning.later(HOUR)
    after = morning.run(full=True)
    assert after.books is not None
    assert (found(after), after.books.unsettled) == ([], 0)


def test_what_changed_here_after_the_books_were_read_waits_for_another_night(morning: World) -> None:
    paid = charge(morning, 1_900)
    back = refund(morning, paid, 400)
    lost = morning.sandbox.open_dispute(charge(morning, 700))
    held = morning.sandbox._world.get("charge", charge(morning, 5_000, capture_method="manual"))
    morning.later(NIGHT)
    assert found(morning.run()) == []
    heard = len(morning.sandbox.events)

    def meanwhile() -> None:
        morning.later(1)
        morning.sandbox.settle_refund(back, status="failed")
        morning.sandbox.close_dispute(lost["id"], status="won")
        morning.sandbox.call("POST", f"/v1/payment_intents/{held['payment_intent']}/capture")
        morning.deliver(morning.sandbox.events[heard:])

    report = interrupted(morning, "read books", meanwhile)
    assert found(report) == []
    assert [row.status for row in morning.sql("SELECT status FROM payment ORDER BY amount")] == ["succeeded"] * 3
    morning.later(HOUR)
    after = morning.run(full=True)
    assert after.books is not None
    assert (found(after), after.books.unsettled) == ([], 0)


def test_a_run_that_does_not_know_all_events_compares_no_books(morning: World) -> None:
    """What became of a refund of last week is known by its event alone."""
    charge(morning, 1_900)
    morning.later(NIGHT)
    morning.sandbox.faults.forbidden.add("event")
    report = morning.run()
    assert (report.status, report.books) == ("partial", None)
    assert books_of(report).reason == "not compared: events could not be read whole"


def test_a_dispute_that_was_prevented_is_not_judged(morning: World) -> None:
    """Whether the bank takes the money under the dispute or as a refund is not known."""
    dispute = morning.sandbox.open_dispute(charge(morning, 1_900))
    morning.sandbox._world.get("dispute", dispute["id"])["status"] = "prevented"
    morning.later(NIGHT)
    report = morning.run()
    assert report.books is not None
    assert (found(report), report.books.unsettled) == ([], 1)


def test_a_run_that_was_killed_before_it_could_report_compares_the_same_days_again(morning: World) -> None:
    unbooked(morning, charge(morning, 1_900))
    morning.later(5 * DAY)

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconcile(morning.system, Options(), Interrupted("books done", killed))
    assert len(morning.sql("SELECT * FROM watermark WHERE kind = 'books'")) == 1
    morning.later(120)
    report = morning.run()
    assert (report.resumed, found(report)) == (True, [(FIRST, "USD", "charged", 0, 1_900)])
    assert found(morning.run()) == []


def test_a_run_that_goes_on_a_day_later_judges_the_days_that_it_has_read(morning: World) -> None:
    """What its listings and its audit were read too early for is not known here."""
    charge(morning, 1_900)
    morning.later(NIGHT)

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconcile(morning.system, Options(), Interrupted("dispute done", killed))
    charge(morning, 700)
    morning.later(DAY)
    report = morning.run()
    assert report.books is not None
    assert (report.resumed, found(report), report.books.until) == (True, [], FIRST)
    (after,) = nights(morning, 1)
    assert after.books is not None
    assert (found(after), after.books.until) == ([], "2026-09-24")


def test_a_provider_without_books_says_so_where_they_were_asked_for(lemons: Lemons) -> None:
    report = lemons.run(kind="books")
    assert (report.status, report.exit_code, report.books) == ("complete", 0, None)
    assert (books_of(report).status, books_of(report).reason) == (
        "skipped", "not compared: lemonsqueezy keeps no books that could be read"
    )  # fmt: skip
    assert [each for each in lemons.run().kinds if each.source == "books"] == []
