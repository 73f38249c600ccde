"""The load, in a process of its own: `python -m tests.bench.client PORT CONNECTIONS SECONDS PREFIX COUNT [again | RATE]`.

Raw sockets on uvloop; every request is signed before the clock starts. With `again` the requests are sent over and over (a
server that stores nothing doesn't mind), otherwise each once. With a rate each has its moment, and what it took is counted
from then on, whether or not the server was ready for it. One JSON document on standard output.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

from tests.bench.events import requests


class Run:
    """What all connections share."""

    def __init__(self, made: list[bytes], seconds: float, *, again: bool, rate: float | None = None) -> None:
        self._made = made
        self._again = again
        self._rate = rate
        self._began = time.perf_counter()
        self._next = 0
        self.deadline = time.perf_counter() + seconds
        self.took: list[float] = []
        self.acknowledged: list[int] = []
        self.failed = 0

    def take(self) -> int | None:
        """The number of the next request; None when time or requests are up."""
        if time.perf_counter() >= self.deadline or (self._next >= len(self._made) and not self._again):
            return None
        self._next += 1
        return (self._next - 1) % len(self._made)

    def due(self, number: int) -> float:
        """When to send it (performance counter): its own moment, or now."""
        now = time.perf_counter()
        return now if self._rate is None else self._began + number / self._rate

    def request(self, number: int) -> bytes:
        """Its bytes."""
        return self._made[number]


class Connection(asyncio.Protocol):
    """One connection: the next request goes out when the answer is whole."""

    def __init__(self, run: Run, done: asyncio.Future[None]) -> None:
        self._run = run
        self._done = done
        self._buffer = b""
        self._number = 0
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not derived from it
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count a whole answer, and go on."""
        if self._buffer:
            data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _content_length(data[:end]):
            self._buffer = data
            return
        self._run.took.append(time.perf_counter() - self._begun)
        if data.startswith(b"HTTP/1.1 200"):
            self._run.acknowledged.append(self._number)
        else:
            self._run.failed += 1
        self._buffer = b""
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        """End."""
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        number = self._run.take()
        if number is None:
            self._transport.close()
            return
        self._number = number
        self._begun = self._run.due(number)
        wait = self._begun - time.perf_counter()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._write)
        else:
            self._write()

    def _write(self) -> None:
        self._transport.write(self._run.request(self._number))


def _content_length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + 15
    return int(head[start:].split(b"\r\n", 1)[0])


async def load(port: int, connections: int, run: Run) -> None:
    """Keep this many connections busy until the run is over."""
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    made = [loop.create_connection(lambda end=end: Connection(run, end), "127.0.0.1", port) for end in ends]  # type: ignore[misc]
    await asyncio.gather(*made)
    await asyncio.gather(*ends)


def main() -> None:
    """Run once, print what was measured."""
    port, connections, seconds, prefix, count = sys.argv[1:6]
    made = requests(prefix, int(count))
    mode = sys.argv[6] if len(sys.argv) > 6 else ""
    rate = float(mode) if mode not in ("", "again") else None
    run = Run(made, float(seconds), again=mode == "again", rate=rate)
    begun = time.perf_counter()
    uvloop.run(load(int(port), int(connections), run))
    lasted = time.perf_counter() - begun
    took = sorted(run.took)
    answer = {
        "per_second": len(run.acknowledged) / lasted, "failed": run.failed, "acknowledged": run.acknowledged,
        **{f"p{p}_ms": took[min(len(took) - 1, len(took) * p // 100)] * 1000 if took else 0.0 for p in (50, 95, 99)},
    }  # fmt: skip
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
