"""The service as processes of their own, to be ended in every way there is."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.contract.specimen import specimens
from tests.signing import SECRET

ROOT = Path(__file__).parents[2]
SPECIMENS = {provider.name: specimen for provider, specimen in specimens()}
_PATIENCE = 30.0


class Child:
    """One process of the service. Its log goes to a file; `kill` is SIGKILL, `stop` is SIGTERM."""

    def __init__(self, nursery: Nursery, arguments: list[str], log: Path) -> None:
        self._nursery = nursery
        self._log = log
        log.touch()
        self._pid = nursery.ask({"run": arguments, "log": str(log)})
        self._ended = False

    def kill(self) -> None:
        """End it at once, wherever it is."""
        if not self._ended:
            os.kill(self._pid, signal.SIGKILL)
            self._wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        os.kill(self._pid, signal.SIGTERM)
        return self._wait()

    def said(self, fact: str) -> bool:
        """Whether the fact is in its log yet."""
        return fact in self._log.read_text()

    def _wait(self) -> int:
        # Nobody else reaps it, so until here the pid can't have become another process's.
        self._ended = True
        return self._nursery.ask({"wait": self._pid})


class Nursery:
    """The process whose forks are the service's processes."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, request: dict[str, object]) -> int:
        """The answer to one request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], _PATIENCE)
        assert ready, f"no answer to {request}"
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it; its forks must have ended."""
        self._process.communicate(timeout=_PATIENCE)


class Service:
    """Starts web processes and workers over one database; `port` is the same for every web process."""

    def __init__(self, database_url: str, logs: Path, **environment: str) -> None:
        self.port = free_port()
        self._logs = logs
        self._children: list[Child] = []
        # Every provider that this process finds is an account of the service, the made-up one too.
        secrets = {f"{name.upper()}_WEBHOOK_SECRET": SECRET for name in SPECIMENS}
        given = {"DATABASE_URL": database_url, **secrets, "STRIPE_MODE": "test", "PYTHONPATH": _path(), **environment}
        self._nursery = Nursery({**os.environ, **given})

    def server(self) -> Child:
        """A web process that only receives."""
        return self._start(["serve", "--port", str(self.port), "--no-worker"])

    def whole(self) -> Child:
        """A web process with its worker inside."""
        return self._start(["serve", "--port", str(self.port)])

    def worker(self) -> Child:
        """A worker."""
        return self._start(["worker"])

    def end(self) -> None:
        """Kill whatever still runs."""
        for child in self._children:
            child.kill()
        self._nursery.close()

    def _start(self, arguments: list[str]) -> Child:
        child = Child(self._nursery, arguments, self._logs / f"{uuid.uuid4().hex}.log")
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


def _path() -> str:
    """Where children look for modules: where this process does, in the same order."""
    return os.pathsep.join(each for each in sys.path if each)


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
