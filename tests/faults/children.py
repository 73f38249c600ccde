"""The service as processes of their own, to be ended in every way there is."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.signing import SECRET

ROOT = Path(__file__).parents[2]
_PATIENCE = 30.0


class Child:
    """One process of the service. Its log goes to a file; `kill` is SIGKILL, `stop` is SIGTERM."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service", *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=stream,
            )  # fmt: skip

    def kill(self) -> None:
        """End it at once, wherever it is."""
        self._process.kill()
        self._process.wait(_PATIENCE)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_PATIENCE)

    def said(self, fact: str) -> bool:
        """Whether the fact is in its log yet. Fails where the process ended by itself."""
        text = self.log.read_text()
        assert self._process.poll() is None, f"ended with {self._process.returncode}: {text[-2000:]}"
        return fact in text


class Service:
    """Starts web processes and workers over one database; `port` is the same for every web process."""

    def __init__(self, database_url: str, logs: Path, **environment: str) -> None:
        self.port = free_port()
        self._logs = logs
        self._children: list[Child] = []
        self._environment = {
            **os.environ, "DATABASE_URL": database_url, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_MODE": "test",
            **environment,
        }  # fmt: skip

    def server(self) -> Child:
        """A web process that only receives."""
        return self._start(["serve", "--port", str(self.port), "--no-worker"])

    def worker(self) -> Child:
        """A worker."""
        return self._start(["worker"])

    def end(self) -> None:
        """Kill whatever still runs."""
        for child in self._children:
            child.kill()

    def _start(self, arguments: list[str]) -> Child:
        child = Child(arguments, self._environment, self._logs / f"child-{len(self._children)}.log")
        self._children.append(child)
        return child


@contextlib.contextmanager
def service(database_url: str, logs: Path, **environment: str) -> Iterator[Service]:
    """A service whose processes don't outlive the block."""
    made = Service(database_url, logs, **environment)
    try:
        yield made
    finally:
        made.end()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return once `condition` holds; fails when it doesn't within half a minute."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)
