"""The database: one object that opens transactions, on SQLite or PostgreSQL, and tells the time that all processes share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, Pool, QueuePool

from service.errors import ConfigError
from service.store.arrays import teach
from service.store.native import Bare, bare

_CLOCK_CHECK_SECONDS = 60.0
_TRANSIENT = ("40001", "40P01")
_DATA_ERRORS = ("IntegrityError", "DataError", "InterfaceError")
# A pooler in transaction mode hands each transaction another connection: no prepared statements, no session state.
# A network that swallows everything is noticed within half a minute, or the committing thread would wait for hours.
_POSTGRES: dict[str, Any] = {
    "prepare_threshold": None, "connect_timeout": 5, "application_name": "tallyhook", "keepalives_idle": 10,
    "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000,
}  # fmt: skip


class Database:
    """Opens transactions. Safe to share between threads; `now` is the same clock for every process of one database."""

    def __init__(self, url: str, *, pool_size: int = 5, clock: Callable[[], datetime] | None = None) -> None:
        self.url = parse_url(url)
        self.engine = _engine(self.url, QueuePool, pool_size=pool_size, max_overflow=5)
        self._unpooled = _engine(self.url, NullPool)
        self._clock = clock
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        self._checked: float | None = None

    @property
    def postgres(self) -> bool:
        """True on PostgreSQL, False on SQLite."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: committed durably when the block is left cleanly, rolled back otherwise.

        On SQLite it takes the write lock at once (`BEGIN IMMEDIATE`), so that it can't fail half-way for want of it.
        """
        with self.engine.connect().execution_options(tallyhook_write=True) as connection, connection.begin():
            yield connection

    def hold(self) -> Any:
        """A new connection of the driver's own, outside the pool, in autocommit; the caller closes it."""
        connection = self._unpooled.raw_connection()
        held: Any = connection.driver_connection
        connection.detach()
        if self.postgres:
            held.autocommit = True
        return held

    def bare(self) -> AbstractContextManager[Bare]:
        """A pooled connection for statements whose plans PostgreSQL keeps, outside any transaction; only there."""
        return bare(self.engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees everything as it was at its first read."""
        with self.read() as connection:
            if self.postgres:
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            yield connection

    def now(self) -> datetime:
        """The database's clock (UTC): the machine's own on SQLite, the server's on PostgreSQL, checked once a minute.

        Machines disagree about the time; leases and the order of receipts must not.
        """
        if self._clock is not None:
            return self._clock()
        if self.postgres and (self._checked is None or time.monotonic() - self._checked > _CLOCK_CHECK_SECONDS):
            self._measure()
        return datetime.now(UTC) + self._offset

    def ping(self) -> None:
        """Return if the database answers; otherwise raise SQLAlchemy's `DBAPIError`."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    def _measure(self) -> None:
        with self._lock:
            with self.read() as connection:
                before = datetime.now(UTC)
                server: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
                after = datetime.now(UTC)
            self._offset = server - (before + (after - before) / 2)
            self._checked = time.monotonic()


def parse_url(url: str) -> URL:
    """The SQLAlchemy URL of `DATABASE_URL`; `postgres://` and `postgresql://` mean psycopg. Raises `ConfigError`."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("DATABASE_URL is not a database URL; use sqlite:///file.db or postgresql://...") from error
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "postgresql+psycopg"):
        return parsed
    raise ConfigError(f"DATABASE_URL names {parsed.drivername!r}; Tallyhook runs on sqlite:// and postgresql://")


def is_transient(error: Exception) -> bool:
    """True for a deadlock or serialization failure: the same transaction may be run again at once."""
    return sqlstate(error) in _TRANSIENT


def sqlstate(error: Exception) -> str | None:
    """The SQLSTATE of a PostgreSQL error, SQLAlchemy's or the driver's own; None elsewhere."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def is_data_error(error: Exception) -> bool:
    """True where the rows themselves are at fault (SQLSTATE 22, 23, 54), not the connection or the server."""
    cause = getattr(error, "orig", error)
    state = sqlstate(error)
    if state is not None:
        return state[:2] in ("22", "23", "54")
    # Text that is no valid Unicode never reaches the driver.
    return isinstance(cause, UnicodeEncodeError) or type(cause).__name__ in _DATA_ERRORS


def _engine(url: URL, pool: type[Pool], **options: Any) -> Engine:
    if url.drivername == "sqlite":
        return _sqlite(url, pool, options)
    engine = create_engine(url, poolclass=pool, pool_pre_ping=False, connect_args=_POSTGRES, **options)
    event.listen(engine, "connect", lambda connection, _record: teach(connection.adapters))
    return engine


def _sqlite(url: URL, pool: type[Pool], options: dict[str, Any]) -> Engine:
    if url.database and url.database != ":memory:":
        parent = Path(url.database).expanduser().parent
        if not parent.is_dir():
            raise ConfigError(f"DATABASE_URL: the folder {parent} does not exist")
    engine = create_engine(url, poolclass=pool, connect_args={"check_same_thread": False, "timeout": 30}, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by us, see _begin_sqlite
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 30000", "cache_size = -16000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("tallyhook_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
