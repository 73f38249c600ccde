"""Durable ingest: the service beside a bare endpoint and a plain handler, interleaved."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import create_engine, text

from tests.bench import machine
from tests.bench.processes import ROOT, Databases, environment, free_port, reachable, running

CONNECTIONS = (1, 16, 64)
# More than any of them does in a second; what is left over when the time is up is not sent.
_MOST = {"bare": 2_000, "service": 14_000, "plain": 1_500}


class Target(msgspec.Struct):
    """One running server. `table` is where what it acknowledges must be found."""

    name: str
    role: str
    port: int
    pid: int
    url: str | None = None
    table: str | None = None


def measure(databases: Databases, seconds: float) -> list[dict[str, Any]]:
    """Each server at each number of connections; every acknowledged id is then looked for."""
    cells = []
    with contextlib.ExitStack() as stack:
        targets = _start(stack, databases)
        for target in targets:
            load(target, 4, 0.3, f"evt_warm_{target.port}_")
        for connections in CONNECTIONS:
            cells += [_cell(target, connections, seconds) for target in targets]
    _compare(cells)
    return cells


def _start(stack: contextlib.ExitStack, databases: Databases) -> list[Target]:
    wanted: Sequence[tuple[str, str, str | None]] = (
        ("bare Starlette", "bare", None), ("tallyhook PostgreSQL", "service", "postgresql"),
        ("tallyhook SQLite", "service", "sqlite"), ("plain PostgreSQL", "plain", "postgresql"),
        ("plain SQLite", "plain", "sqlite"),
    )  # fmt: skip
    targets = []
    for name, role, kind in wanted:
        port = free_port()
        url = databases.fresh(kind, f"{role}_ingest", migrated=role == "service") if kind else None
        command = {
            "service": ["-m", "service", "serve", "--port", str(port), "--no-worker"],
        }.get(role, ["-m", "tests.bench.servers", role, str(port)])
        log: Path = databases.directory / f"{role}-{kind}.log"
        child = stack.enter_context(running(command, environment(url or ""), log))
        reachable(port, child)
        table = {"service": "webhook_event", "plain": "plain_event"}.get(role)
        targets.append(Target(name, role, port, child.pid, url, table))
    return targets


def load(target: Target, connections: int, seconds: float, prefix: str, rate: int | None = None) -> dict[str, Any]:
    """What the client found. With a `rate` (a second) requests go out at their moments, otherwise as fast as they can."""
    count = max(int((rate or _MOST[target.role]) * seconds), 100)
    command = [sys.executable, "-m", "tests.bench.client", str(target.port), str(connections), str(seconds), prefix]
    command += [str(count), *(["again"] if target.role == "bare" else [])]
    command += [str(rate)] if rate is not None else []
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=seconds + 20)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _cell(target: Target, connections: int, seconds: float) -> dict[str, Any]:
    prefix = f"evt_c{connections}_"
    before = machine.cpu_seconds(target.pid)
    found = load(target, connections, seconds, prefix)
    used = machine.cpu_seconds(target.pid) - before
    acknowledged = found.pop("acknowledged")
    lost = len({f"{prefix}{number:07d}" for number in acknowledged} - _stored(target, prefix)) if target.table else 0
    return {
        "server": target.name, "connections": connections, **found, "lost": lost,
        "cpu_us": used / max(len(acknowledged), 1) * 1e6,
    }  # fmt: skip


def _stored(target: Target, prefix: str) -> set[str]:
    assert target.url is not None
    engine = create_engine(target.url)
    try:
        with engine.connect() as connection:
            query = text(f"SELECT event_id FROM {target.table} WHERE substr(event_id, 1, :size) = :prefix")
            return set(connection.execute(query, {"size": len(prefix), "prefix": prefix}).scalars())
    finally:
        engine.dispose()


def _compare(cells: list[dict[str, Any]]) -> None:
    limit = {cell["connections"]: cell["per_second"] for cell in cells if cell["server"] == "bare Starlette"}
    for cell in cells:
        cell["of_bare"] = cell["per_second"] / limit[cell["connections"]]
