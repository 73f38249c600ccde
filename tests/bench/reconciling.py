"""Reconcile: objects that are missing here, then the same objects unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from typing import Any

from tests.bench.processes import ROOT, Databases, environment, free_port, reachable, running

_COMMAND = [sys.executable, "-m", "reconcile", "--full", "--json", "--quiet", "--kind"]
# What has children costs more to write: measured too, but not a million times.
_KINDS = ("customer", "invoice")
_MOST_WITH_CHILDREN = 20_000
# The provider's read budget is lifted: what is measured is this side of the wire.
_CONFIG = """
[accounts.stripe]
provider = "stripe"
mode = "test"
webhook_secrets = ["whsec_bench"]
api_key = "sk_test_bench"
api_base = "http://127.0.0.1:{port}"
reads_per_second = 1000000.0
"""


def measure(databases: Databases, sizes: list[int]) -> list[dict[str, Any]]:
    """Both databases at each size. CPU per object is what a run over nothing doesn't use."""
    return [row for database in ("postgresql", "sqlite") for row in _kind(databases, database, sizes)]


def _kind(databases: Databases, database: str, sizes: list[int]) -> list[dict[str, Any]]:
    empty = _run(databases, databases.fresh(database, "reconcile_0"), 0, _KINDS[0])
    rows = []
    for size, kind in [(size, kind) for size in sizes for kind in _KINDS]:
        if kind != _KINDS[0] and size > _MOST_WITH_CHILDREN:
            continue
        url = databases.fresh(database, f"reconcile_{kind}_{size}")
        for what in ("missing here", "unchanged"):
            found = _run(databases, url, size, kind)
            rows.append(
                {
                    "database": database, "objects": size, "kind": kind, "what": what, "drift": found["drift"],
                    "per_second": size / found["seconds"], "peak_mb": found["peak_mb"],
                    "cpu_us": (found["cpu"] - empty["cpu"]) / size * 1e6,
                }
            )  # fmt: skip
    return rows


def _run(databases: Databases, url: str, objects: int, kind: str) -> dict[str, Any]:
    port = free_port()
    config = databases.directory / "reconcile.toml"
    config.write_text(_CONFIG.format(port=port))
    env = environment(url) | {"TALLYHOOK_CONFIG": str(config)}
    with running(
        ["-m", "tests.bench.listing", str(port), str(objects), kind], env, databases.directory / "listing.log"
    ) as api:
        reachable(port, api)
        with (databases.directory / "reconcile.log").open("wb") as log:
            child = subprocess.Popen([*_COMMAND, kind], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=log)
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"reconcile ended with {child.returncode}: {output[-2000:]!r}")
    account = json.loads(output)["accounts"][0]
    lasted = datetime.fromisoformat(account["finished_at"]) - datetime.fromisoformat(account["started_at"])
    return {
        "seconds": max(lasted.total_seconds(), 1e-6), "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024, "drift": sum(account["by_class"].values()),
    }  # fmt: skip
