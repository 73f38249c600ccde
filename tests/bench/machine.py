"""What the figures were measured on, and what a process used."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

import psycopg

_TICKS = os.sysconf("SC_CLK_TCK")


def described(postgres: str) -> dict[str, str]:
    """The machine and the versions; `postgres` is the URL of the server that is measured."""
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
    }


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used so far; 0 where the system doesn't tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
