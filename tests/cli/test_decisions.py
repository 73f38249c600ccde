"""The question of `replay`: asked on a terminal, and never where nobody could answer."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest
from sqlalchemy import select

from service.store.engine import Database
from service.store.tables import EVENTS
from tests.cli.children import command, environment
from tests.cli.conftest import store


def _status(database: Database, id_: int) -> str:
    with database.read() as connection:
        found: str = connection.execute(select(EVENTS.c.status).where(EVENTS.c.id == id_)).scalar_one()
    return found


def _answered(word: str) -> subprocess.CompletedProcess[bytes]:
    """`tallyhook replay evt_1` in a process whose standard input is a terminal, at which a person types a word."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{word}\n".encode())
        ran = subprocess.run(
            command("replay", "evt_1"), env=environment(), stdin=theirs, capture_output=True, timeout=120, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"replay 1 events?" in ran.stderr
    return ran


@pytest.mark.parametrize(
    ("word", "status", "said"), [("y", "received", b"1 events put back"), ("n", "dead", b"nothing was changed")]
)
def test_on_a_terminal_replay_asks_and_does_what_it_is_told(
    database: Database, word: str, status: str, said: bytes
) -> None:
    id_ = store(database, "evt_1", "invoice.paid", status="dead")
    ran = _answered(word)
    assert (ran.returncode, said in ran.stdout) == (0, True), ran
    assert _status(database, id_) == status


def test_without_a_terminal_replay_does_not_wait_for_an_answer(database: Database) -> None:
    id_ = store(database, "evt_1", "invoice.paid", status="dead")
    ran = subprocess.run(
        command("replay", "evt_1"), env=environment(), input=b"y\n", capture_output=True, timeout=120, check=False
    )
    assert (ran.returncode, b"--yes" in ran.stderr) == (2, True), ran
    assert _status(database, id_) == "dead"
