"""`tallyhook` as a process of its own, asked to end by SIGTERM."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
_PATIENCE = 30.0
# In a log line of `serve`, or in what `sandbox` says.
_PORT = re.compile(r'"port": ?(\d+)|http://127\.0\.0\.1:(\d+)')


class Child:
    """One process that serves HTTP at `url`, once it has said so. `code` and `out` are known once it has ended."""

    def __init__(self, folder: Path, arguments: tuple[str, ...]) -> None:
        self._log = folder / f"{arguments[0]}.err"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command(*arguments, "--port", "0"), env=environment(), stderr=log, stdout=subprocess.PIPE, cwd=folder
            )
        self.url = ""
        self.code: int | None = None
        self.out = b""

    def said(self) -> str:
        """Its standard error so far."""
        return self._log.read_text()

    def wait_for(self, path: str) -> None:
        """Until it answers 200 there."""
        until = time.monotonic() + _PATIENCE
        with httpx.Client() as client:
            while time.monotonic() < until and self._process.poll() is None:
                if self._answers(client, path):
                    return
                time.sleep(0.02)
        raise AssertionError(f"it never became ready: {self.said()}")

    def _answers(self, client: httpx.Client, path: str) -> bool:
        port = _PORT.search(self.said())
        if port is None:
            return False
        self.url = f"http://127.0.0.1:{port[1] or port[2]}"
        try:
            return client.get(f"{self.url}{path}").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not end it; nothing where it has ended."""
        if self.code is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self.out, _ = self._process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.out, _ = self._process.communicate()
        self.code = self._process.returncode


@contextmanager
def running(folder: Path, *arguments: str, ready: str) -> Iterator[Child]:
    """A process while the block runs; it has answered at the path `ready` when the block begins."""
    child = Child(folder, arguments)
    try:
        child.wait_for(ready)
        yield child
    finally:
        child.stop()


def command(*arguments: str) -> list[str]:
    """What starts `tallyhook`."""
    return [sys.executable, "-m", "service", *arguments]


def environment(**more: str) -> dict[str, str]:
    """The tests' own environment, in which this code is the code that is run."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "*", **more}
