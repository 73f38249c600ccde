"""The demo as a process of its own: three providers at once, what was lost is found and healed, a second run finds nothing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from service.demo.child import DemoFailed, service
from service.sandbox.run import names
from tests.cli.children import command, environment

# For a machine with much else to do.
PATIENCE = 400


@pytest.mark.long
def test_the_demo_ends_well_and_shows_what_it_promises(tmp_path: Path) -> None:
    """One run for all claims. An account of the machine's own takes no part, and nothing is left behind."""
    own = environment(
        STRIPE_API_KEY="sk_live_of_somebody", DATABASE_URL="sqlite:///mine.db", TALLYHOOK_CONFIG="mine.toml"
    )
    ran = subprocess.run(
        command("demo"), env=own, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    lines = ran.stdout.splitlines()
    _plain_and_short(lines)
    _lost_and_doubled(lines)
    _found_healed_and_then_nothing(lines)
    _one_table(lines)
    _one_timeline(lines)


def test_a_service_that_died_is_said_to_have_died(tmp_path: Path) -> None:
    """With its exit code and its last words, and at once."""
    died = pytest.raises(DemoFailed, match=r"the service ended with 2 before it was ready")
    with died, service(tmp_path, environment(DATABASE_URL="oracle://nowhere")):
        pass


def _plain_and_short(lines: list[str]) -> None:
    """Off a terminal there is no colour, and no line that needs a wide one."""
    assert not [line for line in lines if "\x1b" in line or len(line) > 120]
    assert len(lines) < 90
    assert lines[-1].startswith("The copy equals all 3 providers.")


def _lost_and_doubled(lines: list[str]) -> None:
    counted = re.findall(r"\((\d+)\s+events,\s+(\d+)\s+sent\s+twice,\s+(\d+)\s+lost\)", " ".join(lines))
    assert len(counted) == len([line for line in lines if line.startswith("day ")]) == 8
    events, twice, lost = (sum(map(int, column)) for column in zip(*counted, strict=True))
    assert (events > 300, twice > 50, lost > 20) == (True, True, True), counted


def _found_healed_and_then_nothing(lines: list[str]) -> None:
    for account in names():
        run = rf"  {account}: complete, \d+ objects and events compared, (\d+) differ"
        first, second = (int(found[1]) for each in lines if (found := re.fullmatch(run, each)))
        assert (first > 0, second) == (True, 0)
    stakes = [line.partition("at stake: ")[2] for line in lines if "found and healed:" in line]
    assert [bool(re.match(r"[\d.]+ [A-Z]{3}", each)) for each in stakes] == [True] * len(names())


def _one_table(lines: list[str]) -> None:
    """All providers in one vocabulary, the sums of each below its customers."""
    rows = _rows(lines, "Every customer")
    people = [row for row in rows if row[0]]
    assert list(dict.fromkeys(row[0] for row in people)) == names()
    assert {row[3].partition(" until")[0] for row in people} == {"active", "ended"}
    assert {row[2] for row in people} == {"Pro", "Team"}
    assert {row[4].split()[1] for row in people} == {"USD", "EUR", "JPY"}
    assert [row[1] for row in rows if "customers" in row[1]] == ["5 customers"] * len(names())


def _one_timeline(lines: list[str]) -> None:
    """The customer who moved, by address and by the application's user id."""
    rows = _rows(lines, "tallyhook explain sophie@example.com  (sophie@example.com, user 4711)")
    days = [row[0] for row in rows if row[0]]
    assert days == sorted(days)
    assert [row[1] for row in rows if re.match(r"subscription \S+ .*is active$", row[2])] == names()
    assert {row[1] for row in rows if " paid, payment" in row[2]} == set(names())


def _rows(lines: list[str], title: str) -> list[list[str]]:
    """The cells of the table under a title."""
    begin = next(at for at, line in enumerate(lines) if line.startswith(title))
    end = next(at for at, line in enumerate(lines) if at > begin and line.startswith("└"))
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines[begin:end] if line.startswith("│")]
