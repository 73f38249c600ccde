"""How long a worker waits before it looks again."""

from __future__ import annotations

from service.worker import next_wait


def test_a_worker_looks_at_once_while_there_is_work_and_ever_more_rarely_when_there_is_none() -> None:
    assert next_wait(1.0, 5) == 0.0
    waits = [next_wait(0.0, 0)]
    for _ in range(6):
        waits.append(next_wait(waits[-1], 0))
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
