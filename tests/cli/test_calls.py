"""`tallyhook calls`: what was written to providers, and a person's word for what can't be known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.store import calls
from service.store.engine import Database
from tests.cli.conftest import Run

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def _reviewed(database: Database) -> None:
    with database.write() as connection:
        calls.begin(
            connection, call_id="c1", account="stripe", key="k", operation="refund", request="[]", parameters="{}",
            holder="h", now=NOW,
        )  # fmt: skip
        calls.close(connection, "c1", "h", "needs_review", NOW, "grown by another amount")


def test_a_call_under_review_is_listed_and_makes_status_fail(run: Run, database: Database) -> None:
    """Status names the command that shows it."""
    _reviewed(database)
    listed = run("calls", "list", "--status", "needs_review", "--json").json()
    assert [(each["id"], each["error"]) for each in listed] == [("c1", "grown by another amount")]
    status = run("status", "--json")
    assert status.code == 1
    assert [line for line in status.json()["attention"] if "tallyhook calls list" in line]


@pytest.mark.parametrize("command", [("calls", "list"), ("batches", "list"), ("events", "list")])
def test_a_status_that_nothing_has_is_refused(command: tuple[str, str], run: Run, database: Database) -> None:
    """An empty list would be taken for good news."""
    _reviewed(database)
    done = run(*command, "--status", "nonsense")
    assert (done.code, "--status 'nonsense': use one of " in done.err) == (2, True)


def test_a_person_decides(run: Run, database: Database) -> None:
    """Done or not done, once; both at once, or an unknown id, is refused with exit 2."""
    _reviewed(database)
    assert run("calls", "settle", "c1", "--done", "re_1", "--not-done").code == 2
    assert run("calls", "settle", "c0", "--not-done").code == 2
    assert run("calls", "settle", "c1", "--not-done", "--json").json()["status"] == "not_done"
    assert run("calls", "settle", "c1", "--done", "re_1").code == 2
