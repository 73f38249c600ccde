"""Ids of requests: what stands in an answer stands in the log line too."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator


def request_ids() -> Iterator[str]:
    """A new id each time, without end.

    From a random start: ids of two processes don't meet, and none needs the system's randomness of its own.
    """
    first = int.from_bytes(os.urandom(8)) >> 1
    return (f"{number:016x}" for number in itertools.count(first))
