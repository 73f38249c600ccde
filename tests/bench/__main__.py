"""`python -m tests.bench`: measures the service on this machine and prints what it found. Loopback only."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import applying, entitlements, ingest, machine, reconciling, reporting, serving
from tests.bench.processes import databases

_PARTS = ("ingest", "serving", "apply", "reconcile", "usage", "entitlements")


def main() -> int:
    """Measure; 1 when an acknowledged event was not stored."""
    given = _parser().parse_args()
    console = Console(width=130)
    seconds = min(given.seconds, 1.0) if given.quick else given.seconds
    found: dict[str, Any] = {}
    with databases() as both:
        found["machine"] = machine.described(both.postgres, both.directory)
        for name, value in found["machine"].items():
            console.print(f"{name}: {value}", highlight=False)
        if "ingest" in given.only:
            found["ingest"] = ingest.measure(both, seconds)
            _show(console, f"durable ingest of 4 KB events, {seconds:g} s a cell", found["ingest"])
        for part, measured in (("serving", serving.measure), ("entitlements", entitlements.measure)):
            if part in given.only:
                found[part] = measured(both, seconds)
                for title, rows in found[part].items():
                    _show(console, title, rows)
        if "apply" in given.only:
            found["apply"] = applying.measure(both, 5_000 if given.quick else 20_000)
            _show(console, "apply, one worker process, history written", found["apply"])
        if "reconcile" in given.only:
            sizes = [10_000, *([1_000_000] if given.million else [])]
            found["reconcile"] = reconciling.measure(both, sizes)
            _show(console, "reconcile --full over pages of 100 objects of 4 KB", found["reconcile"])
        if "usage" in given.only:
            found["usage"] = reporting.measure(both, 20_000 if given.quick else 100_000)
            _show(console, "usage, one caller", found["usage"])
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    lost = sum(cell["lost"] for cell in found.get("ingest", ()))
    console.print(f"acknowledged but not stored: {lost}")
    return 1 if lost else 0


def _show(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
    for row in rows:
        table.add_row(*(_text(name, value) for name, value in row.items()))
    console.print(table)


def _text(name: str, value: Any) -> str:
    if name in ("of_bare", "of_one"):
        return f"{value:.1%}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the service on this machine.")
    add = parser.add_argument
    add(
        "--seconds",
        type=float,
        default=3.0,
        help="seconds a cell under load, serving while applying twice that (default 3)",
    )
    add("--quick", action="store_true", help="at most one second a cell, 5,000 events, 20,000 records of usage")
    add("--million", action="store_true", help="reconcile a million objects too (minutes)")
    add("--only", nargs="+", choices=_PARTS, default=_PARTS, help="only these parts")
    add("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
