"""An outage on which nobody has caught up is shown, and needs a person once it should have been done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tenacity import wait_none

from service import transport
from service.store import outages
from service.store.engine import Database
from tests.cli.conftest import Run


def note(database: Database, ago: timedelta) -> None:
    """Nothing was received for four minutes, until so long ago."""
    ended = database.now() - ago
    with database.write() as connection:
        assert outages.record(connection, "stripe", outages.SILENCE, ended - timedelta(minutes=4), ended)


def test_a_fresh_outage_is_shown_and_needs_nobody(run: Run, database: Database) -> None:
    note(database, timedelta(minutes=1))
    shown = run("status")
    assert shown.code == 0
    assert "may be missing, and no catch-up has begun" in shown.out
    (found,) = run("status", "--json").json()["outages"]
    assert (found["account"], found["cause"], found["attempts"]) == ("stripe", "silence", 0)


def test_an_outage_that_nobody_caught_up_on_for_an_hour_makes_status_1(run: Run, database: Database) -> None:
    note(database, timedelta(minutes=61))
    with database.write() as connection:
        (taken,) = outages.claim(connection, "stripe", database.now(), timedelta(minutes=5))
        outages.postpone(connection, [taken.id], "401: the key is wrong", database.now())
    shown = run("status", "--json")
    assert shown.code == 1
    (line,) = shown.json()["attention"]
    assert "after 1 attempts to catch up: 401: the key is wrong" in line
    assert "tallyhook reconcile --account stripe --full" in line


@pytest.mark.parametrize(("minutes", "ok"), [(1, None), (61, False)])
def test_doctor_shows_it(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch, minutes: int, ok: bool | None
) -> None:
    monkeypatch.setenv("STRIPE_API_BASE", "http://127.0.0.1:9")
    monkeypatch.setattr(transport, "_backoff", wait_none())
    note(database, timedelta(minutes=minutes))
    assert [each["ok"] for each in run("doctor", "--json").json() if each["name"] == "stripe: catch-up"] == [ok]


def test_an_outage_of_an_account_that_is_configured_no_more_is_nobodys(run: Run, database: Database) -> None:
    """Nobody could ever take it away."""
    with database.write() as connection:
        ended = database.now() - timedelta(days=2)
        assert outages.record(connection, "sold", outages.SILENCE, ended - timedelta(minutes=4), ended)
    shown = run("status", "--json")
    assert (shown.code, shown.json()["outages"]) == (0, [])


def test_what_was_caught_up_on_is_shown_no_more(run: Run, database: Database) -> None:
    note(database, timedelta(minutes=61))
    with database.write() as connection:
        assert outages.caught_up(connection, "stripe", 7, database.now(), database.now()) == 1
    shown = run("status", "--json")
    assert (shown.code, shown.json()["outages"]) == (0, [])
