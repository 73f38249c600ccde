"""Runs as the command and the ledger see them: one at a time, resumable, and honest in their exit code."""

from __future__ import annotations

import io
import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile import __main__ as command
from reconcile.heal import braked
from reconcile.plan import NIGHTS, Options, due, parse_since
from reconcile.progress import Bars, Lines, watched
from reconcile.report import AccountReport, Report
from reconcile.run import reconcile
from service.errors import ConfigError, RunRefused
from service.provider import Page
from service.status import gather
from service.store import runs
from service.store.drift import Local
from tests.reconcile.world import World


def begin(world: World, holder: str = "other", **options: Any) -> runs.Run:
    text = Options(**options).text()
    with world.system.database.write() as connection:
        return runs.start(connection, "stripe", holder, world.now, options=text, dry_run=False, full=False, whole=True)


def test_two_runs_of_one_account_never_overlap(shop: World) -> None:
    active = begin(shop)
    report = shop.run()
    assert (report.status, report.exit_code) == ("refused", 2)
    assert report.error is not None
    assert f"run {active.id} of account 'stripe' is active" in report.error
    with pytest.raises(RunRefused):
        begin(shop)


def test_a_run_that_was_taken_over_stops(shop: World) -> None:
    stalled = begin(shop, "stalled")
    shop.now += timedelta(seconds=runs.ALIVE_SECONDS + 1)
    taken = begin(shop, "fresh")
    assert (taken.id, taken.resumed) == (stalled.id, True)
    with shop.system.database.write() as connection, pytest.raises(RunRefused, match="taken over"):
        runs.beat(connection, stalled, shop.now)


def test_a_dead_run_with_other_options_is_closed_as_failed(shop: World) -> None:
    dead = begin(shop, dry_run=True)
    shop.now += timedelta(seconds=runs.ALIVE_SECONDS + 1)
    report = shop.run()
    assert (report.resumed, report.status) == (False, "complete")
    assert shop.sql("SELECT status FROM reconcile_run WHERE id = :id", id=dead.id)[0].status == "failed"


@pytest.mark.parametrize("limit", [{"kind": "customer"}, {"kind": "events"}, {"since": timedelta(days=2)}])
def test_a_run_limited_by_kind_or_time_is_not_the_last_complete_run(shop: World, limit: dict[str, Any]) -> None:
    """`status` would call a copy proven that was only looked at in part."""
    shop.later(27 * 3600)
    assert shop.run(**limit).status == "complete"
    assert overdue(shop)
    assert shop.run().status == "complete"
    assert not overdue(shop)


def overdue(world: World) -> bool:
    """What `status` says of the account."""
    return gather(world.system.database, world.system.accounts).accounts[0].overdue


class Killed(BaseException):
    """The process is gone: nothing is cleaned up."""


def test_a_killed_run_resumes_at_its_cursor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten pages go into one transaction; the process dies two pages after the first of them."""
    world.sandbox.settings.page_cap = 1
    for number in range(13):
        world.customer(name=f"c{number}")
    world.later()
    world.run()
    world.sql("UPDATE customer SET name = 'edited' WHERE name IN ('c0', 'c12')")
    reader = world.system.account("stripe").reader()
    real, asked = reader.page, list[str | None]()

    def dying(source: str, **where: Any) -> Page:
        if source == "customer" and where["cursor"] is not None and len(asked) == 12:
            raise Killed
        if source == "customer":
            asked.append(where["cursor"])
        return real(source, **where)

    monkeypatch.setattr(reader, "page", dying)
    with pytest.raises(Killed):
        world.run(full=True)
    monkeypatch.undo()
    world.now += timedelta(seconds=runs.ALIVE_SECONDS + 1)
    world.sandbox.requests.clear()
    report = world.run(full=True)
    customers = next(kind for kind in report.kinds if kind.source == "customer")
    assert (report.resumed, report.status, customers.objects, customers.pages) == (True, "complete", 13, 13)
    assert sum(path == "/v1/customers" for _, path in world.sandbox.requests) == 1 + 3, "ten pages were not read again"
    assert sorted(line.remote or "" for line in report.findings) == ["c0", "c12"]
    assert {line.action for line in report.findings} == {"healed"}
    assert world.run(full=True).findings == []


def test_a_run_that_was_killed_while_it_healed_begins_its_listing_again_and_leaves_no_file(
    shop: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was planned is days old by then, for all that the next run knows."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shop.sql("UPDATE customer SET name = 'edited'")

    def dying(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("reconcile.run.heal.heal", dying)
        with pytest.raises(Killed):
            shop.run(full=True)
    assert list(tmp_path.glob("tallyhook-*.sqlite"))
    shop.now += timedelta(seconds=runs.ALIVE_SECONDS + 1)
    report = shop.run(full=True)
    assert (report.resumed, report.status, report.by_action.get("healed", 0) > 0) == (True, "complete", True)
    assert list(tmp_path.glob("tallyhook-*.sqlite")) == []
    assert shop.run(full=True).findings == []


def test_the_key_of_another_provider_account_is_refused(shop: World) -> None:
    shop.sandbox.settings.account_id = "acct_other"
    before = shop.written()
    report = shop.run()
    assert (report.status, report.exit_code) == ("refused", 2)
    assert report.error is not None
    assert "acct_other" in report.error
    assert "acct_sandbox" in report.error
    assert shop.written() == before


def test_a_provider_that_does_not_answer_is_exit_code_2(shop: World) -> None:
    shop.sandbox.api_key = "sk_test_revoked"
    report = shop.run()
    assert (report.status, report.exit_code) == ("failed", 2)


@pytest.mark.parametrize("options", [{"kind": "invoices"}, {"account": "nobody"}])
def test_what_is_not_there_is_named_before_anything_runs(shop: World, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options.values()))):
        reconcile(shop.system, Options(**options))


def test_one_kind_alone_leaves_the_others_alone(shop: World) -> None:
    shop.sql("UPDATE customer SET name = 'edited'")
    shop.sql("UPDATE subscription SET collection_method = 'edited'")
    report = shop.run(kind="customer", full=True)
    assert {line.kind for line in report.findings} == {"customer"}
    assert shop.sql("SELECT DISTINCT collection_method AS found FROM subscription")[0].found == "edited"


def arranged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "start", world.open)


def test_the_command_prints_one_json_document_and_writes_the_page(
    shop: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arranged(shop, monkeypatch)
    shop.sql("UPDATE customer SET name = '<b>&\"x'")
    shop.sql("UPDATE invoice SET amount = amount + 1")
    page = tmp_path / "report.html"
    assert command.main(["--full", "--json", "--html", str(page)]) == 1
    document = json.loads(capsys.readouterr().out)
    findings = document["accounts"][0]["findings"]
    assert document["exit_code"] == 1
    assert {each["class"] for each in findings} == {"mismatch"}
    text = page.read_text()
    assert all(each["object_id"] in text for each in findings)
    assert "&lt;b&gt;&amp;&quot;x" in text
    assert "<b>&" not in text
    assert "https://dashboard.stripe.com/test/invoices/in_" in text


@pytest.mark.parametrize(
    "arguments", [["--since", "soon"], ["--kind", "nothing"], ["--full", "--since", "2d"], ["--html", "/none/x.html"]]
)
def test_the_command_says_2_to_what_it_cannot_run(
    shop: World, monkeypatch: pytest.MonkeyPatch, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arranged(shop, monkeypatch)
    assert command.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err != ""


def test_the_command_says_0_when_all_is_healed_and_prints_a_summary(
    shop: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arranged(shop, monkeypatch)
    shop.sql("UPDATE customer SET name = 'edited'")
    assert command.main(["--since", "2d"]) == 0
    assert "2 findings: 2 healed" in capsys.readouterr().out
    assert command.main(["--quiet"]) == 0
    assert capsys.readouterr().out == ""


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_brake_needs_both_a_share_and_a_number(changes: int, rows: int) -> None:
    assert braked(changes, rows, None) == (changes > 50 and changes * 5 > rows)
    assert braked(changes, rows, 7) == (changes > 7)


@given(st.text(min_size=1, max_size=30))
def test_each_row_has_exactly_one_night_in_a_fortnight(id_: str) -> None:
    row = Local(id_, "paid", None, (id_,))
    assert sum(due("invoice", row, night) for night in range(NIGHTS)) == 1
    assert all(due("invoice", Local(id_, "open", None, (id_,)), night) for night in range(NIGHTS))
    assert not due("invoice", row, None)


def test_durations_are_read_and_nonsense_is_refused() -> None:
    assert [parse_since(each) for each in ("2d", "36h", "90m", "1w")] == [
        timedelta(days=2), timedelta(hours=36), timedelta(minutes=90), timedelta(weeks=1)
    ]  # fmt: skip
    for nonsense in ("2", "d", "-1d", "0d", "2 days"):
        with pytest.raises(ConfigError):
            parse_since(nonsense)


def test_progress_is_a_bar_on_a_terminal_lines_elsewhere_and_silence_when_quiet() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    bars = watched(quiet=False, stream=terminal)
    assert isinstance(bars, Bars)
    bars.page("invoice", 3, 300)
    bars.done("invoice", "complete")
    bars.close()
    assert "invoice" in terminal.getvalue()
    assert isinstance(watched(quiet=False, stream=io.StringIO()), Lines)
    assert type(watched(quiet=True, stream=terminal)).__name__ == "Progress"


def test_a_report_survives_json() -> None:
    report = AccountReport(account="stripe", status="partial", error="x")
    assert msgspec.json.decode(msgspec.json.encode(report), type=AccountReport) == report
    assert Report(accounts=[]).exit_code == 0


def test_an_unchanged_copy_costs_no_more_calls_than_pages(shop: World) -> None:
    shop.sandbox.requests.clear()
    report = shop.run(full=True)
    pages = sum(kind.pages for kind in report.kinds)
    assert sum(kind.reads for kind in report.kinds) == 0
    assert len(shop.sandbox.requests) == pages + 2, "whose key it is, and what time it is there"
