"""The read budget: one token bucket a provider limit, kept in the database so that all processes share it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from service.store.engine import Database
from service.store.types import to_text

_CHUNK_SECONDS: Final = 0.5
# Share of the bucket that bulk readers (the reconciler) leave to the workers, which wait for a customer's event.
_RESERVE: Final = 0.2


class Bucket(msgspec.Struct, frozen=True):
    """State of a bucket at a moment."""

    tokens: float
    refilled_at: datetime
    paused_until: datetime | None


def draw(bucket: Bucket, *, rate: float, now: datetime, reserve: bool, want: int) -> tuple[Bucket, int, float]:
    """Take up to `want` tokens: the bucket after, how many were got, and how long to wait if none. Pure.

    Holds at most one second's worth. Only workers (`reserve`) may use the last fifth.
    """
    if bucket.paused_until is not None and now < bucket.paused_until:
        return bucket, 0, (bucket.paused_until - now).total_seconds()
    capacity = max(rate, 1.0)
    elapsed = max((now - bucket.refilled_at).total_seconds(), 0.0)
    tokens = min(bucket.tokens + elapsed * rate, capacity)
    floor = 0.0 if reserve else min(capacity * _RESERVE, capacity - 1.0)
    got = min(want, int(tokens - floor))
    # Never back: a caller that waited for the row holds an older time, and would count the same seconds twice.
    refilled_at = max(now, bucket.refilled_at)
    if got >= 1:
        return Bucket(tokens - got, refilled_at, None), got, 0.0
    return Bucket(tokens, refilled_at, None), 0, max((1.0 + floor - tokens) / rate, 0.001)


class SharedBudget:
    """Permission for one account's read calls, shared by every process and thread. Tokens are drawn a few at a time."""

    def __init__(
        self, database: Database, bucket: str, rate: float, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._database = database
        self._bucket = bucket
        self._rate = rate
        self._sleep = sleep
        self._lock = threading.Lock()
        self._held = 0
        self._held_until = 0.0

    def take(self, *, reserve: bool = False) -> None:
        """Return once a call may be made."""
        while (wait := self._wait(reserve)) > 0:
            self._sleep(min(wait, 5.0))

    def _wait(self, reserve: bool) -> float:
        """Spend a token, 0; or how long to wait for one. Of all threads one draws, and what it got is for all of them."""
        with self._lock:
            if self._held > 0 and time.monotonic() < self._held_until:
                self._held -= 1
                return 0.0
            got, wait = self._draw(reserve)
            if got:
                self._held, self._held_until = got - 1, time.monotonic() + _CHUNK_SECONDS
            return wait

    def pause(self, seconds: float) -> None:
        """Hold every process's calls back for `seconds` (the provider said Retry-After)."""
        with self._lock:
            self._held = 0
        until = self._database.now() + timedelta(seconds=seconds)
        with self._database.write() as connection:
            self._load(connection)
            self._save(connection, "paused_until = :paused", {"paused": self._time(until)})

    def _draw(self, reserve: bool) -> tuple[int, float]:
        now = self._database.now()
        want = max(int(self._rate * _CHUNK_SECONDS), 1)
        with self._database.write() as connection:
            bucket, got, wait = draw(self._load(connection), rate=self._rate, now=now, reserve=reserve, want=want)
            values = {"tokens": bucket.tokens, "at": self._time(bucket.refilled_at)}
            self._save(connection, "tokens = :tokens, refilled_at = :at", values)
        return got, wait

    def _load(self, connection: Connection) -> Bucket:
        now = self._time(self._database.now())
        start = "INSERT INTO read_budget (bucket, tokens, refilled_at) VALUES (:bucket, :tokens, :at) ON CONFLICT DO NOTHING"
        connection.execute(text(start), {"bucket": self._bucket, "tokens": max(self._rate, 1.0), "at": now})
        query = "SELECT tokens, refilled_at, paused_until FROM read_budget WHERE bucket = :bucket"
        query += " FOR UPDATE" if self._database.postgres else ""
        row = connection.execute(text(query), {"bucket": self._bucket}).one()
        return Bucket(row[0], _moment(row[1]), _moment(row[2]) if row[2] is not None else None)

    def _save(self, connection: Connection, assigned: str, values: dict[str, object]) -> None:
        statement = f"UPDATE read_budget SET {assigned} WHERE bucket = :bucket"
        connection.execute(text(statement), values | {"bucket": self._bucket})

    def _time(self, value: datetime) -> object:
        return value if self._database.postgres else to_text(value)


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
