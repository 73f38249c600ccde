"""What happens when virtual time reaches a moment."""

import heapq
from collections.abc import Callable
from itertools import count

Job = Callable[[], None]


class Schedule:
    """Jobs by virtual moment, run in order of moment and then of being planned.

    A job looks at the state it finds when it runs and does nothing if that has moved on: nothing is ever unplanned.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Job]] = []
        self._order = count()

    def at(self, moment: int, job: Job) -> None:
        """Run `job` at `moment` (unix seconds), or as soon as time moves if that is past."""
        heapq.heappush(self._heap, (moment, next(self._order), job))

    def next_due(self, until: int) -> tuple[int, Job] | None:
        """Take the earliest job that is due by `until`, with its moment."""
        if not self._heap or self._heap[0][0] > until:
            return None
        moment, _, job = heapq.heappop(self._heap)
        return moment, job
