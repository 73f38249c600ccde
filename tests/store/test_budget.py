"""The read budget never gives more than its rate, and all processes share it."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from service.budget import Bucket, SharedBudget, draw
from service.store.engine import Database
from tests.store.samples import T0, after, together

_draws = st.lists(st.tuples(st.floats(0, 5), st.booleans(), st.integers(1, 20)), max_size=40)


@given(rate=st.floats(0.5, 100), draws=_draws)
def test_never_more_than_the_rate_and_one_second_on_top(rate: float, draws: list[tuple[float, bool, int]]) -> None:
    """Whatever is drawn, and whenever; callers' clocks may even stand behind each other's."""
    bucket, taken, latest = Bucket(max(rate, 1.0), T0, None), 0, 0.0
    for at, reserve, want in draws:
        bucket, got, wait = draw(bucket, rate=rate, now=after(at), reserve=reserve, want=want)
        taken, latest = taken + got, max(latest, at)
        assert got <= want
        assert (wait > 0) == (got == 0)
    assert taken <= rate * latest + max(rate, 1.0) + 0.001


@given(rate=st.floats(5, 100), tokens=st.floats(0, 1), want=st.integers(1, 200))
def test_bulk_readers_leave_the_last_fifth(rate: float, tokens: float, want: int) -> None:
    """Workers may use it."""
    full = Bucket(tokens * rate, T0, None)
    rest, got, _ = draw(full, rate=rate, now=T0, reserve=False, want=want)
    assert got == 0 or rest.tokens >= rate * 0.2 - 1e-9
    assert draw(full, rate=rate, now=T0, reserve=True, want=want)[1] == min(want, int(full.tokens))


def test_a_paused_bucket_gives_nothing_until_then() -> None:
    """And says how long to wait."""
    paused = Bucket(10.0, T0, after(7))
    assert draw(paused, rate=10, now=after(2), reserve=True, want=1)[1:] == (0, 5.0)
    assert draw(paused, rate=10, now=after(7), reserve=True, want=1)[1] == 1


class _Clock:
    """Stands still but for those who wait."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        """Moves the clock at once."""
        with self._lock:
            self.seconds += seconds


def test_two_readers_share_one_bucket(database_url: str) -> None:
    """Together they take no more than the rate allows in the time that they waited."""
    clock = _Clock()
    database = Database(database_url, clock=lambda: after(clock.seconds))
    readers = [SharedBudget(database, "stripe", 4.0, sleep=clock.sleep) for _ in range(2)]
    together([lambda r=reader: [r.take(reserve=True) for _ in range(20)] for reader in readers])  # type: ignore[misc]
    assert 4 * clock.seconds + 4 + 0.01 >= 40 - 2
    database.close()


def test_threads_that_share_a_reader_spend_no_token_twice(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that ask at once for the one token that is left of a draw, one draws again."""

    def slow() -> float:
        time.sleep(0.02)
        return time.monotonic()

    monkeypatch.setattr("service.budget.time", SimpleNamespace(monotonic=slow, sleep=time.sleep))
    database = Database(database_url, clock=lambda: after(0))
    reader = SharedBudget(database, "stripe", 4.0)
    reader.take(reserve=True)  # draws two of four
    together([lambda: reader.take(reserve=True)] * 2)
    with database.read() as connection:
        assert connection.execute(text("SELECT tokens FROM read_budget")).scalar() == 0
    database.close()


def test_a_pause_holds_the_other_reader_too(database_url: str) -> None:
    """The provider's Retry-After is for the whole account."""
    clock = _Clock()
    database = Database(database_url, clock=lambda: after(clock.seconds))
    first, second = (SharedBudget(database, "stripe", 10.0, sleep=clock.sleep) for _ in range(2))
    first.pause(3)
    second.take()
    assert clock.seconds >= 3
    database.close()
