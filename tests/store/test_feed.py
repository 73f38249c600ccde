"""The feed of changes under concurrent writers: each committed change once, in the order of ids, and none behind the reader."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import service
from service.store import feed
from service.store.engine import Database
from service.store.tables import CHANGES

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    """An open PostgreSQL database: SQLite has one writer at a time."""
    opened = Database(postgres_url, pool_size=10)
    yield opened
    opened.close()


def change(object_id: str, *, account: str = "stripe", field: str = "status") -> dict[str, Any]:
    """One entry of the history."""
    entry = {"account": account, "kind": "customer", "object_id": object_id, "field": field, "old": None, "new": "x"}
    return entry | {"cause": "event:1", "at": AT}


def read(database: Database, after: int = 0, limit: int = 100, **matching: Any) -> tuple[list[str], int, bool]:
    """The objects of one page, the id to go on from, and whether there was more."""
    with database.read() as connection:
        page = feed.since(connection, after, limit, matching)
    return [row["object_id"] for row in page.rows], page.after, page.more


def test_a_transaction_that_commits_last_is_not_stepped_over(postgres: Database) -> None:
    with postgres.write() as slow:
        feed.append(slow, [change("first")])
        with postgres.write() as connection:
            feed.append(connection, [change("second")])
        assert read(postgres) == ([], 0, False)
    assert read(postgres) == (["first", "second"], 2, False)


def test_ids_of_two_transactions_may_interleave(postgres: Database) -> None:
    """The reader waits for the smallest mark, not for the largest id that it saw."""
    with ExitStack() as outer:
        one = outer.enter_context(postgres.write())
        feed.append(one, [change("a1")])
        with postgres.write() as two:
            feed.append(two, [change("b2")])
            feed.append(one, [change("a3")])
            feed.append(two, [change("b4")])
        assert read(postgres) == ([], 0, False)
        with postgres.write() as three:
            feed.append(three, [change("c5")])
        assert read(postgres) == ([], 0, False)
    assert read(postgres)[0] == ["a1", "b2", "a3", "b4", "c5"]


def test_a_mark_holds_the_feed_back_before_its_first_id_is_drawn(postgres: Database) -> None:
    with postgres.write() as connection:
        feed.append(connection, [change("before")])
    with postgres.write() as writer:
        writer.execute(feed._MARK)
        with postgres.write() as connection:
            feed.append(connection, [change("while")])
        assert read(postgres) == (["before"], 1, False)
    assert read(postgres, 1) == (["while"], 2, False)


def test_what_was_rolled_back_leaves_a_gap_that_holds_nothing_up(postgres: Database) -> None:
    with suppress(ZeroDivisionError), postgres.write() as connection:
        feed.append(connection, [change("never")])
        raise ZeroDivisionError
    with postgres.write() as connection:
        feed.append(connection, [change("kept")])
    assert read(postgres) == (["kept"], 2, False)


def test_writers_of_another_database_hold_nothing_up(
    postgres: Database, create_postgres: Callable[[str], str], postgres_template: str
) -> None:
    """Locks are listed for the whole server; only those of our own database count."""
    other = Database(create_postgres(postgres_template))
    with other.write() as elsewhere:
        feed.append(elsewhere, [change("elsewhere")])
        with postgres.write() as connection:
            feed.append(connection, [change("here")])
        assert read(postgres)[0] == ["here"]
    other.close()


@pytest.mark.parametrize("mark", [0, 1, 2**31 - 1, 2**31, 2**31 + 5, 3 * 2**31 - 1])
@pytest.mark.parametrize("ahead", [0, 1, 1000])
def test_a_mark_keeps_its_value_when_ids_outgrow_a_lock_number(mark: int, ahead: int) -> None:
    assert feed._unwrapped(mark % 2**31, mark + ahead) == mark
    assert feed._unwrapped((mark + ahead) % 2**31, mark) == mark


def test_no_reader_misses_a_change_under_concurrent_writers(postgres: Database) -> None:
    """Writers that overlap, stall between drawing and committing, and roll back; a reader that polls all the while."""
    writers = [threading.Thread(target=_write, args=(postgres, number)) for number in range(6)]
    for writer in writers:
        writer.start()
    seen: list[int] = []
    while any(writer.is_alive() for writer in writers):
        seen += _poll(postgres, seen)
    early = len(seen)
    while found := _poll(postgres, seen):
        seen += found
    with postgres.read() as connection:
        committed = list(connection.execute(select(CHANGES.c.id).order_by(CHANGES.c.id)).scalars())
    assert seen == committed
    assert early


def _write(database: Database, number: int) -> None:
    rng = random.Random(number)
    for turn in range(40):
        with suppress(ZeroDivisionError), database.write() as connection:
            for part in range(rng.randrange(1, 4)):
                feed.append(connection, [change(f"{number}.{turn}.{part}.{n}") for n in range(rng.randrange(1, 4))])
                time.sleep(rng.random() * 0.004)
            if rng.random() < 0.15:
                raise ZeroDivisionError


def _poll(database: Database, seen: list[int]) -> list[int]:
    with database.read() as connection:
        page = feed.since(connection, seen[-1] if seen else 0, 7, {})
    return [row["id"] for row in page.rows]


def test_filters_page_without_losing_their_place(database: Database) -> None:
    with database.write() as connection:
        entries = [change(f"c{n}", account="stripe" if n % 2 else "paddle") for n in range(10)]
        feed.append(connection, entries)
    assert read(database, 0, 3, account="paddle") == (["c0", "c2", "c4"], 5, True)
    assert read(database, 5, 3, account=["paddle", "other"]) == (["c6", "c8"], 10, False)
    assert read(database, 10, 3) == ([], 10, False)
    assert read(database, 99, 3) == ([], 99, False)


def test_a_filter_looks_at_a_bounded_number_of_changes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_WINDOW", 4)
    with database.write() as connection:
        feed.append(connection, [change(f"c{n}") for n in range(9)] + [change("last", account="paddle")])
    assert read(database, 0, 3, account="paddle") == ([], 4, True)
    assert read(database, 8, 3, account="paddle") == (["last"], 10, False)


def test_nothing_else_inserts_into_the_history() -> None:
    files = sorted(Path(service.__file__).parent.rglob("*.py"))
    inserts = ("INSERT INTO state_change", "insert(CHANGES", "connection, CHANGES")
    found = [file.name for file in files if any(each in file.read_text(encoding="utf-8") for each in inserts)]
    assert found == ["feed.py"]
