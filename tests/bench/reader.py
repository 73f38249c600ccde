"""The load on the API, in a process of its own: `python -m tests.bench.reader PORT CONNECTIONS SECONDS CUSTOMERS [RATE]`.

Each request asks what one customer may use; with a rate each has its moment, as in `tests.bench.client`.
"""

from __future__ import annotations

import json
import sys
import time

import uvloop

from tests.bench.client import Run, load

TOKEN = "bench-token-0123456789"


def requests(customers: int) -> list[bytes]:
    """One request a customer, in an order that no cache likes."""
    step = 7_919 % customers or 1
    paths = [f"/v1/customers/cus_{number * step % customers}/entitlements" for number in range(customers)]
    head = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    return [f"GET {path} HTTP/1.1\r\n{head}".encode() for path in paths]


def main() -> None:
    """Run once, print what was measured."""
    port, connections, customers = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[4])
    rate = float(sys.argv[5]) if len(sys.argv) > 5 else None
    run = Run(requests(customers), float(sys.argv[3]), again=True, rate=rate)
    begun = time.perf_counter()
    uvloop.run(load(port, connections, run))
    lasted = time.perf_counter() - begun
    took = sorted(run.took)
    answer = {
        "per_second": len(run.acknowledged) / lasted, "failed": run.failed,
        **{f"p{p}_ms": took[min(len(took) - 1, len(took) * p // 100)] * 1000 if took else 0.0 for p in (50, 95, 99)},
    }  # fmt: skip
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
