"""The small sweep: it finds what was lost without any outage, within a bound of calls, and calls nothing gone."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reconcile.catchup import CatchUp
from reconcile.plan import Few, Window, few_of, moved
from reconcile.report import AccountReport
from service.status import gather
from service.store.runs import Mark
from tests.reconcile.lemons import DAY, HOUR, Lemons

NOTHING = 10**9


def small(lemons: Lemons, *, pages: int = 1, reads: int = 20, turn: int = 1) -> AccountReport:
    """One small sweep that may read so much."""
    return lemons.run(few=Few(pages=pages, reads=reads, turn=turn), origin="sweep")


def grown(lemons: Lemons, subscribers: int) -> None:
    """So many subscribers more, known here, at a provider whose pages show two objects each."""
    lemons.sandbox.settings.page_cap = 2
    for number in range(subscribers):
        lemons.buy(100 + number)
    lemons.deliver()
    assert lemons.run().exit_code == 0


def test_what_a_small_shop_lost_is_found_within_the_hour(lemons: Lemons, tmp_path: Path) -> None:
    """The load balancer was dead: no process noticed anything. Whatever fits into the first pages is compared whole."""
    bought = lemons.buy(7)
    lemons.deliver()
    lemons.step()
    lemons.act(bought)
    lemons.buy(8)
    assert lemons.lose() > 3
    lemons.sandbox.advance(HOUR)
    with lemons.calls() as made:
        assert lemons.step() == 1
    assert (lemons.runs("sweep"), lemons.state()) == (["complete"], lemons.truth(tmp_path))
    # Whose key, the time, six listings, the stores and products behind the prices; and each that differs once more.
    assert len(made) <= 10 + 5


def test_a_sweep_in_which_nothing_differs_costs_a_page_for_each_listing(lemons: Lemons) -> None:
    lemons.step()
    lemons.sandbox.advance(HOUR)
    with lemons.calls() as made:
        assert lemons.step() == 1
    assert sorted(made) == sorted(
        ["GET /v1/users/me"] + ["GET /v1/customers"] * 2
        + [f"GET /v1/{kind}" for kind in ("products", "prices", "subscriptions", "orders", "subscription-invoices")]
    )  # fmt: skip


def test_in_a_large_shop_the_newest_and_the_renewals_that_were_lost_are_found(lemons: Lemons) -> None:
    """The first page of each list, and the rows whose period ended without a word of the next."""
    grown(lemons, 12)
    lemons.sandbox.advance(32 * DAY)
    assert lemons.lose() > 12
    lost = lemons.buy(7)
    lemons.lose()
    with lemons.calls() as made:
        report = small(lemons, pages=1, reads=20)
    assert (report.status, report.overrun) == ("complete", True)  # the list of orders goes on with what is unknown
    assert len(made) <= 3 + 6 + 20
    assert ("subscription", lost["subscription"]) in lemons.state()
    # Of fifteen one was on the page and read again; of the nineteen reads left half went into those that are overdue.
    assert overdue(lemons) == 15 - 1 - 9
    small(lemons, pages=1, reads=20, turn=2)
    assert overdue(lemons) == 0


def overdue(lemons: Lemons) -> int:
    """Subscriptions whose period has ended without a word of the next one."""
    now = lemons.system.database.now()
    given = now if lemons.system.database.postgres else now.isoformat(sep=" ", timespec="microseconds")
    return int(lemons.sql("SELECT count(*) FROM subscription WHERE current_period_end <= :now", now=given)[0][0])


def test_no_sweep_makes_more_calls_than_it_may_and_says_that_more_is_wrong(lemons: Lemons, tmp_path: Path) -> None:
    """Everything differs; a whole run follows by itself."""
    lemons.settings["sweep_calls"] = 21
    system = lemons.other()
    grown(lemons, 12)
    lemons.step(system)
    lemons.sandbox.advance(32 * DAY)
    lemons.sql("UPDATE subscription SET status = 'ended'")
    lemons.sandbox.settings.page_cap = 20
    for _ in range(4):
        lemons.buy(NOTHING)
    lemons.lose()
    with lemons.calls() as made:
        assert lemons.step(system) == 1
    assert len([each for each in made if "stores" not in each and each != "GET /v1/products"]) <= 21
    assert [row[0] for row in lemons.sql("SELECT cause FROM outage WHERE done_at IS NULL")] == ["sweep"]
    lemons.step(system)
    assert (lemons.runs("outage"), lemons.state()) == (["complete"], lemons.truth(tmp_path))


def test_what_a_sweep_left_is_caught_up_though_outages_are_not(lemons: Lemons, tmp_path: Path) -> None:
    """`catchup_after` is about silences; a sweep that is on has somebody to follow it."""
    lemons.settings |= {"catchup_after": 0.0, "sweep_calls": 10}
    system = lemons.other()
    grown(lemons, 12)
    lemons.step(system)
    lemons.sandbox.advance(HOUR)
    lemons.sql("UPDATE subscription SET status = 'ended'")
    lemons.sandbox.settings.page_cap = 5
    assert lemons.step(system) == 1
    lemons.step(system)
    assert (lemons.runs("outage"), lemons.state()) == (["complete"], lemons.truth(tmp_path))


def test_each_sweep_that_is_too_small_is_followed_also_after_one_that_failed(lemons: Lemons, tmp_path: Path) -> None:
    """Sweeps that end partial move no mark: each that is too small is an outage of its own all the same."""
    lemons.settings["sweep_calls"] = 10
    system = lemons.other()
    grown(lemons, 12)
    lemons.sandbox.settings.page_cap = 5
    lemons.step(system)
    lemons.sandbox.advance(HOUR)
    assert (lemons.step(system), lemons.runs("sweep")) == (1, ["complete"])
    for times in (1, 2):
        lemons.sandbox.advance(HOUR)
        lemons.sql("UPDATE subscription SET status = 'ended'")
        lemons.sandbox.faults.forbidden = {"orders"}
        assert (lemons.step(system), lemons.runs("sweep")[times:]) == (1, ["partial"])
        lemons.sandbox.faults.reset()
        lemons.step(system)
        assert (lemons.runs("outage"), lemons.state()) == (["complete"] * times, lemons.truth(tmp_path))


def test_a_partial_list_makes_nothing_missing_and_moves_no_watermark(lemons: Lemons) -> None:
    """Not even a row that is read by id and that the provider does not know: that waits for a whole run."""
    grown(lemons, 6)
    lemons.sql(
        "UPDATE subscription SET id = '999999', sources = REPLACE(sources, :old, 'subscriptions:999999'), status = 'past_due'"
        " WHERE id = '1'",
        old="subscriptions:1",
    )
    before = lemons.sql("SELECT kind, complete_until, confirmed_as_of, run_id FROM watermark ORDER BY kind")
    with lemons.calls() as made:
        report = small(lemons, pages=2)
    assert "GET /v1/subscriptions/999999" in made
    assert (report.status, report.by_class.get("missing_remote", 0)) == ("complete", 0)
    assert lemons.sql("SELECT kind, complete_until, confirmed_as_of, run_id FROM watermark ORDER BY kind") == before
    assert lemons.run().by_class["missing_remote"] == 1


def test_a_window_of_few_pages_never_moves_a_watermark() -> None:
    """However far the watermark lies back, and where there is none."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    few = Window(since=None, end=now, pages=5)
    assert [moved(mark, few, now) for mark in (None, Mark(complete_until=now, confirmed_as_of=now))] == [None, None]


def test_what_waits_for_a_person_goes_on_waiting_once(lemons: Lemons) -> None:
    """Each hour's sweep meets it again: it is neither closed nor found anew."""
    lemons.sql("UPDATE invoice SET amount = amount + 1 WHERE status = 'paid' AND receipt_of IS NULL")
    assert lemons.run().exit_code == 1
    waiting = "SELECT count(*) FROM drift WHERE action = 'needs_review'"
    found = lemons.sql(waiting)[0][0]
    for turn in range(3):
        assert small(lemons, turn=turn).by_action == {}
    assert (found > 0, lemons.sql(waiting)[0][0]) == (True, found)


def test_a_small_sweep_is_no_complete_run(lemons: Lemons) -> None:
    """`status` goes on asking for one."""
    lemons.sandbox.advance(2 * DAY)
    assert small(lemons, pages=5).status == "complete"
    assert [row[0] for row in lemons.sql("SELECT whole FROM reconcile_run WHERE origin = 'sweep'")] in ([0], [False])
    (account,) = gather(lemons.system.database, lemons.system.accounts).accounts
    assert account.overdue


def test_of_several_workers_one_sweeps_each_hour(lemons: Lemons) -> None:
    systems = [lemons.system, lemons.other(), lemons.other()]
    assert [lemons.step(each) for each in systems] == [0, 0, 0]
    for hour in (1, 2):
        lemons.sandbox.advance(HOUR)
        assert lemons.at_once(systems) == [0, 0, 1]
        assert lemons.runs("sweep") == ["complete"] * hour


def test_a_whole_run_within_the_hour_takes_the_place_of_the_sweep(lemons: Lemons) -> None:
    lemons.step()
    lemons.sandbox.advance(HOUR)
    assert lemons.run().status == "complete"
    with lemons.calls() as made:
        assert lemons.step() == 0
    assert made == []


def test_before_the_first_whole_run_there_is_nothing_to_keep_up(lemons: Lemons) -> None:
    """The first import is a decision."""
    lemons.sql("DELETE FROM reconcile_run")
    lemons.step()
    lemons.sandbox.advance(HOUR)
    assert (lemons.step(), lemons.runs("sweep")) == (0, [])


def test_it_can_be_switched_off(lemons: Lemons) -> None:
    lemons.settings |= {"sweep_seconds": 0.0, "catchup_after": 0.0}
    system = lemons.other()
    lemons.sandbox.advance(10 * DAY)
    lemons.beat(system)
    lemons.sandbox.advance(DAY)
    lemons.beat(system)
    assert not CatchUp(system, threading.Event()).needed
    assert lemons.sql("SELECT count(*) FROM outage")[0][0] == 0


rows = st.dictionaries(st.text("abcdef0123", min_size=1, max_size=6), st.booleans(), max_size=40)


@given(moving=rows, turn=st.integers(0, 10**6), most=st.integers(0, 50))
def test_rows_whose_time_has_come_go_first(moving: dict[str, bool], turn: int, most: int) -> None:
    chosen = few_of(list(moving.items()), turn, most)
    assert len(chosen) == min(most, len(moving)) == len(set(chosen))
    left = set(moving) - set(chosen)
    assert not any(moving[each] for each in left) or all(moving[each] for each in chosen)


@given(names=st.sets(st.text("abcdef0123", min_size=1, max_size=6), min_size=2, max_size=20))
def test_rows_that_do_not_fit_take_turns(names: set[str]) -> None:
    """A row that is always left out would never be looked at."""
    moving = [(name, False) for name in names]
    assert {id_ for turn in range(400) for id_ in few_of(moving, turn, 1)} == names
