"""Counters that every process keeps; `/metrics` shows them in Prometheus' text format."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES: Final = Counter(
    "tallyhook_deliveries", "Deliveries by account and what was answered", ["account", "outcome"]
)
EVENTS: Final = Counter("tallyhook_events", "Attempts to apply by account and how they ended", ["account", "status"])
UNKNOWN: Final = Counter("tallyhook_unknown_values", "Values that a provider added without notice", ["account", "kind"])
COMMIT_BATCH: Final = Histogram(
    "tallyhook_commit_batch_size",
    "Deliveries that shared one durable commit",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
WAITING_AGE: Final = Gauge("tallyhook_oldest_waiting_seconds", "Age of the event that has been due the longest")
DEAD: Final = Gauge("tallyhook_dead_events", "Dead letters, counted up to 1000")
API: Final = Counter("tallyhook_api_requests", "Requests of the API by operation and status", ["operation", "status"])
API_SECONDS: Final = Histogram(
    "tallyhook_api_seconds",
    "From a request of the API to its answer",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
