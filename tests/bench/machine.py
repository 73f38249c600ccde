"""What the figures were measured on, and what a process used."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import time
from pathlib import Path

import psycopg

_TICKS = os.sysconf("SC_CLK_TCK")


def described(postgres: str, directory: Path) -> dict[str, str]:
    """The machine and the versions. `postgres` is the URL of the server that is measured, `directory` where both write."""
    with psycopg.connect(postgres) as connection:
        found = connection.execute("SHOW server_version").fetchone(), connection.execute("SHOW fsync").fetchone()
    version, fsync = (row[0] if row is not None else "?" for row in found)
    return {
        "cores": str(os.cpu_count()),
        "CPU": _model(),
        "load at start": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "PostgreSQL": f"{version}, fsync {fsync}",
        "SQLite": sqlite3.sqlite_version,
        "disk": f"4 KB are durable after {_durable(directory / 'disk') * 1e6:,.0f} us (median of 200)",
    }


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used so far; 0 where the system doesn't tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _durable(file: Path) -> float:
    """Seconds that `fdatasync` takes after 4 KB were written into a file that has its size: the least a commit can take."""
    with file.open("wb", buffering=0) as stream:
        stream.write(bytes(1 << 20))
        os.fsync(stream.fileno())
        times = []
        for number in range(200):
            stream.seek(number * 4096)
            stream.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(stream.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
