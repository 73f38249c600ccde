"""The service as it is run: from start to ready, idle, with its worker under a steady and under a full load, two processes."""

from __future__ import annotations

import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from tests.bench import machine
from tests.bench.ingest import Target, load
from tests.bench.processes import Databases, environment, free_port, running

RATE = 500
_KINDS = ("postgresql", "sqlite")


def measure(databases: Databases, seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Each table by its title. About a minute with the default."""
    return {
        "start and idle, worker inside serve": [_idle(databases, kind) for kind in _KINDS],
        f"{RATE} events/s offered, worker inside serve": [_steady(databases, kind, seconds * 2) for kind in _KINDS],
        "full load, worker inside serve": [_full(databases, kind, seconds * 2) for kind in _KINDS],
        "web processes, PostgreSQL, 64 connections": _processes(databases, seconds),
    }


@contextmanager
def _served(databases: Databases, kind: str, name: str, *options: str) -> Iterator[tuple[Target, float]]:
    """A running service, and the seconds that it took to be ready."""
    url, port = databases.fresh(kind, f"serve_{name}"), free_port()
    command = ["-m", "service", "serve", "--port", str(port), *options]
    begun = time.perf_counter()
    with running(command, environment(url), databases.directory / f"serve-{kind}-{name}.log") as child:
        _ready(port, child)
        yield Target(kind, "service", port, child.pid, url, "webhook_event"), time.perf_counter() - begun


def _ready(port: int, child: subprocess.Popen[bytes]) -> None:
    for _ in range(6000):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.01)
        if child.poll() is not None:
            raise RuntimeError(f"the service ended with {child.returncode}")
    raise RuntimeError("the service was not ready within a minute")


def _idle(databases: Databases, kind: str) -> dict[str, Any]:
    """The first start compiles nothing any more: a benchmark has run the code before."""
    with _served(databases, kind, "idle") as (target, ready):
        load(target, 1, 0.3, "evt_idle_")
        time.sleep(3)
        before, lasted = machine.cpu_seconds(target.pid), 10.0
        time.sleep(lasted)
        used = machine.cpu_seconds(target.pid) - before
        return {"database": kind, "ready_s": ready, "rss_mb": _resident(target.pid), "cpu_percent": used / lasted * 100}


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _steady(databases: Databases, kind: str, seconds: float) -> dict[str, Any]:
    """Latency of ingest as the sender sees it; from received to applied as the rows say."""
    with _served(databases, kind, "steady") as (target, _):
        load(target, 16, 1, "evt_warm_", RATE)
        found = load(target, 16, seconds, "evt_steady_", RATE)
        time.sleep(2)
        applied = sorted(_delays(target, "evt_steady_"))
    return {
        "database": kind, "offered": int(RATE * seconds), "acknowledged": len(found["acknowledged"]),
        "applied": len(applied), "ingest_p50_ms": found["p50_ms"], "ingest_p99_ms": found["p99_ms"],
        "applied_p50_ms": statistics.median(applied) * 1000, "applied_p99_ms": applied[len(applied) * 99 // 100] * 1000,
    }  # fmt: skip


def _delays(target: Target, prefix: str) -> list[float]:
    query = "SELECT received_at, applied_at FROM webhook_event WHERE applied_at IS NOT NULL AND substr(event_id, 1, :n) = :p"
    assert target.url is not None
    engine = create_engine(target.url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text(query), {"n": len(prefix), "p": prefix}).all()
    finally:
        engine.dispose()
    return [(_time(applied) - _time(received)).total_seconds() for received, applied in rows]


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _full(databases: Databases, kind: str, seconds: float) -> dict[str, Any]:
    """As much as can be acknowledged, and what is applied of it meanwhile, history written."""
    with _served(databases, kind, "full") as (target, _):
        load(target, 16, 0.5, "evt_warm_")
        before = len(_delays(target, "evt_full_"))
        found = load(target, 64, seconds, "evt_full_")
        applied = len(_delays(target, "evt_full_")) - before
    return {
        "database": kind, "acknowledged_per_second": found["per_second"], "applied_per_second": applied / seconds,
        "ingest_p99_ms": found["p99_ms"],
    }  # fmt: skip


def _processes(databases: Databases, seconds: float) -> list[dict[str, Any]]:
    """One and two processes in turn, three times; the medians."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    one = _served(databases, "postgresql", "one", "--no-worker")
    two = _served(databases, "postgresql", "two", "--no-worker", "--workers", "2")
    with one as (single, _), two as (double, _):
        for turn in range(4):
            for workers, target in ((1, single), (2, double)):
                found = load(target, 64, seconds if turn else 0.5, f"evt_turn{turn}_")
                rates[workers] += [found["per_second"]] if turn else []
    middle = {workers: statistics.median(each) for workers, each in rates.items()}
    return [{"processes": n, "per_second": rate, "of_one": rate / middle[1]} for n, rate in middle.items()]
