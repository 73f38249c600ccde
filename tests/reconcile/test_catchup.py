"""After an outage a whole run catches up by itself: once, whoever else runs, and however often the provider refuses."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.catchup import LEASE, CatchUp, delay, few
from reconcile.plan import covers
from reconcile.report import AccountReport, KindReport, unsettled
from service.provider import Listing
from service.providers.lemonsqueezy import provider
from service.status import gather
from service.store import runs
from tests.reconcile.lemons import HOUR, Lemons


def open_outages(lemons: Lemons) -> list[tuple[str, int]]:
    """(cause, attempts) of each that nobody has caught up on."""
    return [
        (row[0], row[1]) for row in lemons.sql("SELECT cause, attempts FROM outage WHERE done_at IS NULL ORDER BY id")
    ]


def broken_off(lemons: Lemons, *, pages: int) -> None:
    """A catch-up that SIGTERM breaks off once the provider has shown so many pages."""
    stop, shown = threading.Event(), list[int]()

    def after_a_page() -> None:
        shown.append(1)
        if len(shown) == pages:
            stop.set()

    lemons.sandbox.settings.between_pages = after_a_page
    assert CatchUp(lemons.system, stop).step() == 1
    lemons.sandbox.settings.between_pages = 0


def lose_much(lemons: Lemons) -> None:
    """In four minutes: a purchase, a cancellation and a refund, all lost."""
    bought = lemons.buy(7)
    lemons.deliver()
    lemons.beat()
    lemons.act(bought)
    lemons.buy(8)
    lemons.sandbox.advance(240)
    assert lemons.lose() > 3
    lemons.beat()


def test_what_an_outage_lost_is_caught_up_by_itself(lemons: Lemons, tmp_path: Path) -> None:
    lose_much(lemons)
    truth = lemons.truth(tmp_path)
    assert lemons.state() != truth
    assert lemons.step() == 1
    assert lemons.state() == truth
    assert (lemons.runs("outage"), open_outages(lemons), lemons.step()) == (["complete"], [], 0)


def test_without_an_outage_nothing_runs_and_nothing_is_called(lemons: Lemons) -> None:
    with lemons.calls() as made:
        for _ in range(30):
            lemons.sandbox.advance(10)
            lemons.beat()
            assert lemons.step() == 0
    assert (made, lemons.runs("outage")) == ([], [])


def test_of_several_workers_one_catches_up(lemons: Lemons) -> None:
    """They look at the same moment; the others find nothing due."""
    lemons.outage()
    done = lemons.at_once([lemons.system, lemons.other(), lemons.other(), lemons.other()])
    assert (done, lemons.runs("outage")) == ([0, 0, 0, 1], ["complete"])


def test_several_outages_are_caught_up_by_one_run(lemons: Lemons) -> None:
    lemons.outage()
    lemons.outage()
    assert open_outages(lemons) == [("silence", 0), ("silence", 0)]
    assert (lemons.step(), lemons.runs("outage"), open_outages(lemons)) == (1, ["complete"], [])


def test_it_waits_for_another_run_of_the_account(lemons: Lemons) -> None:
    """And that run, had it begun before the outage was over, does not count for it."""
    lemons.outage()
    before = lemons.system.database.now() - timedelta(seconds=1)
    with lemons.system.database.write() as connection:
        other = runs.start(connection, "lemonsqueezy", "x", before, options="{}", dry_run=False, full=True, whole=True)
    assert (lemons.step(), lemons.runs("outage"), open_outages(lemons)) == (1, [], [("silence", 1)])
    with lemons.system.database.write() as connection:
        runs.finish(connection, other, "complete", "{}", lemons.system.database.now())
    assert lemons.step() == 0
    lemons.sandbox.advance(30)
    assert (lemons.step(), lemons.runs("outage"), open_outages(lemons)) == (1, ["complete"], [])


def test_a_run_by_hand_after_the_outage_has_caught_up(lemons: Lemons) -> None:
    lemons.outage()
    assert lemons.run().status == "complete"
    with lemons.calls() as made:
        assert lemons.step() == 0
    assert (made, open_outages(lemons)) == ([], [])


def test_a_run_by_hand_counts_where_no_worker_ever_looks(lemons: Lemons) -> None:
    """The catch-up is switched off now; status would ask for the run for ever."""
    lemons.outage()
    lemons.sandbox.advance(2 * HOUR)
    lemons.settings |= {"sweep_seconds": 0.0, "catchup_after": 0.0}
    system = lemons.other()
    assert any("may be missing" in each for each in gather(system.database, system.accounts).attention)
    lemons.run()
    found = gather(system.database, system.accounts)
    assert (found.outages, [each for each in found.attention if "may be missing" in each]) == ((), [])


def test_a_run_by_hand_whose_changes_the_brake_holds_does_not_count(lemons: Lemons) -> None:
    lemons.outage()
    lemons.sql("UPDATE subscription SET status = 'ended'")
    report = lemons.run(full=True, max_changes=1)
    assert (report.status, report.by_action["held"] > 0) == ("complete", True)
    assert open_outages(lemons) == [("silence", 0)]


def test_a_resumed_run_does_not_count_for_an_outage_after_it_began(lemons: Lemons, tmp_path: Path) -> None:
    """It died behind a listing that it had read; what was lost there since then it will not see."""
    lemons.sandbox.settings.page_cap = 1
    lemons.outage()
    broken_off(lemons, pages=6)
    lemons.sandbox.settings.page_cap = 100
    lemons.sandbox.advance(10)
    lemons.buy(8)
    lemons.sandbox.advance(240)
    assert lemons.lose() > 0
    lemons.beat()
    for _ in range(3):
        lemons.step()
    assert (open_outages(lemons), lemons.state()) == ([], lemons.truth(tmp_path))
    assert lemons.runs("outage") == ["complete", "complete"]


@pytest.mark.parametrize("limited", [{"kind": "invoice"}, {"dry_run": True}])
def test_a_run_by_hand_that_proves_only_a_part_does_not_count(lemons: Lemons, limited: dict[str, Any]) -> None:
    lemons.outage()
    lemons.run(**limited)
    assert (lemons.step(), lemons.runs("outage")) == (1, ["complete"])


def test_it_is_tried_again_while_the_provider_refuses(lemons: Lemons, tmp_path: Path) -> None:
    """Later each time; nothing is lost by waiting."""
    lose_much(lemons)
    right, lemons.sandbox.api_key = lemons.sandbox.api_key, "another key"
    for attempt, wait in ((1, 30), (2, 60), (3, 120)):
        assert (lemons.step(), lemons.step()) == (1, 0)
        assert open_outages(lemons) == [("silence", attempt)]
        lemons.sandbox.advance(wait)
    lemons.sandbox.api_key = right
    assert lemons.sql("SELECT error FROM outage")[0][0]
    assert lemons.step() == 1
    assert (open_outages(lemons), lemons.state()) == ([], lemons.truth(tmp_path))


def test_a_worker_that_dies_is_followed_by_another(lemons: Lemons) -> None:
    """It took the outage and never came back."""
    lemons.outage()
    lemons.sql("UPDATE outage SET attempts = 1, next_attempt_at = :at", at=_stored(lemons, LEASE))
    assert lemons.step() == 0
    lemons.sandbox.advance(int(LEASE.total_seconds()))
    assert (lemons.step(), lemons.runs("outage")) == (1, ["complete"])


def _stored(lemons: Lemons, later: timedelta) -> object:
    moment = lemons.system.database.now() + later
    return moment if lemons.system.database.postgres else moment.isoformat(sep=" ", timespec="microseconds")


def test_a_stopped_catch_up_goes_on_where_it_was(lemons: Lemons) -> None:
    """SIGTERM in the middle of a listing; the next process reads only what was not read yet."""
    lemons.sandbox.settings.page_cap = 1
    lemons.outage()
    broken_off(lemons, pages=3)
    assert (lemons.runs("outage"), open_outages(lemons)) == (["running"], [("silence", 0)])
    with lemons.calls() as rest:
        assert lemons.step() == 1
    assert (lemons.runs("outage"), open_outages(lemons)) == (["complete"], [])
    # Three customers, a page each, after one page for the provider's time: the second of them was not kept.
    assert sum(each.startswith("GET /v1/customers") for each in rest) == 1 + 2


def test_a_database_that_fails_does_not_end_it(lemons: Lemons) -> None:
    """The next look finds the same outage."""
    lemons.outage()
    lemons.sql("ALTER TABLE outage RENAME TO away")
    assert lemons.step() == 0
    lemons.sql("ALTER TABLE away RENAME TO outage")
    assert (lemons.step(), lemons.runs("outage")) == (1, ["complete"])


def test_a_paused_account_is_left_alone(lemons: Lemons) -> None:
    lemons.outage()
    paused = lemons.open(lemons.database_url, paused=True)
    assert lemons.step(paused) == 0
    assert open_outages(lemons) == [("silence", 0)]
    lemons.sandbox.advance(2 * HOUR)
    found = gather(paused.database, paused.accounts)
    assert [each.hindered for each in found.outages] == ["the account is paused"]
    assert not any("may be missing" in each for each in found.attention)
    paused.close()


def test_only_a_run_that_finished_and_healed_has_caught_up() -> None:
    """What the brake holds is still wrong."""
    assert unsettled(AccountReport(account="a", status="complete", by_action={"healed": 3, "needs_review": 1})) is None
    partial = AccountReport(account="a", status="partial", kinds=[KindReport(source="x", kind="x", reason="timeout")])
    assert unsettled(partial) == "timeout"
    assert unsettled(AccountReport(account="a", status="refused", error="run 3 is active")) == "run 3 is active"
    assert "--max-changes" in (unsettled(AccountReport(account="a", status="complete", by_action={"held": 60})) or "")


def test_a_run_covers_an_outage_only_if_it_read_every_listing_whole() -> None:
    """The default plan reads a part of a list that can be limited by time."""
    limited = [*provider.listings, Listing(source="x", kind="invoice", filter="created")]
    assert covers(provider.listings, full=False)
    assert (covers(limited, full=False), covers(limited, full=True)) == (False, True)


@given(attempts=st.integers(1, 10**9))
def test_the_wait_grows_up_to_an_hour(attempts: int) -> None:
    assert timedelta(seconds=30) <= delay(attempts) <= delay(attempts + 1) <= timedelta(seconds=HOUR)


@given(calls=st.integers(-5, 100_000), kinds=st.integers(1, 40))
def test_a_small_sweep_is_planned_within_its_calls(calls: int, kinds: int) -> None:
    """One page of each listing is the least; three calls go before it."""
    listings = [Listing(source=f"s{number}", kind="invoice", filter=None) for number in range(kinds)]
    plan = few(calls, listings, datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1))
    assert plan.pages >= 1
    assert plan.reads >= 0
    assert 3 + plan.pages * kinds + plan.reads <= max(calls, 3 + kinds)
