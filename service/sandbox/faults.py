"""Faults that a test or an operator can ask for."""

import random
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Faults:
    """What goes wrong next. Every counter is "the next n", and each fault that strikes takes one off.

    `rates` adds chance to any counter: `rates["drop"] = 0.1` strikes one time in ten, decided by the seed.
    """

    # --- answers of the API, in the order in which they are considered
    match: str = ""
    """Answer faults strike only requests whose "METHOD /path" contains this text."""
    slow: int = 0
    """Requests that are answered late."""
    slow_seconds: float = 1.0
    """How late, in real seconds."""
    rate_limited: int = 0
    """Requests answered 429, without effect."""
    server_error: int = 0
    """Requests answered 500, without effect; the answer is kept under the request's idempotency key."""
    server_error_after: int = 0
    """Requests that take effect and are answered 500 all the same; kept under the idempotency key."""
    connection_reset: int = 0
    """Requests whose connection is reset before they take effect."""
    connection_reset_after: int = 0
    """Requests that take effect and whose connection is then reset, so that the caller cannot know."""
    forbidden: set[str] = field(default_factory=set)
    """Resources (`customer`, `invoice`, `billing.meter`) whose endpoints answer 403 until removed."""

    # --- what the events say
    api_version: str | None = None
    """Version that new events are rendered in, for instance "2024-06-20"; None is the account's version."""
    stamp_seconds: int = 1
    """`created` of new events is rounded down to a multiple of this, so that more of them share a stamp."""
    event_days: int = 30
    """Days after which an event can no longer be listed or read."""
    search_lag_seconds: int = 0
    """Search does not see what was created within the last so many seconds."""

    # --- deliveries
    drop: int = 0
    """Deliveries that are lost: never sent, never retried, and never counted as answered."""
    duplicate: int = 0
    """Deliveries that are sent twice."""
    delay: int = 0
    """Deliveries that leave late."""
    delay_seconds: int = 3600
    """How late, in virtual seconds."""
    reorder: bool = False
    """While true, the deliveries of one pump leave in a random order."""
    wrong_signature: int = 0
    """Attempts that are signed with another secret."""
    stale_signature: int = 0
    """Attempts whose signature carries a time ten minutes old."""
    rates: dict[str, float] = field(default_factory=dict)
    """Chance, 0 to 1, that a counter's fault strikes beyond its count."""
    seed: int = 0
    """Decides the chances."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def reset(self) -> None:
        """Put every fault back to its default; the seed stays."""
        fresh = type(self)(seed=self.seed)
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

    def strikes(self, name: str) -> bool:
        """True if the counter `name` strikes now, which uses one up."""
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
            return True
        rate = self.rates.get(name, 0.0)
        return rate > 0 and self._random.random() < rate

    def shuffle(self, things: list[Any]) -> None:
        """Put `things` into a seeded random order, in place."""
        self._random.shuffle(things)

    def shown(self) -> dict[str, Any]:
        """Every fault by name, as JSON can carry it."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return values | {"forbidden": sorted(self.forbidden)}

    def change(self, changes: dict[str, Any]) -> None:
        """Set faults by name, as the control plane does.

        Raises:
            ValueError: an unknown name, or a value of another kind.
        """
        known = {each.name: getattr(self, each.name) for each in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown fault: {name}")
            setattr(self, name, _as_kind(name, known[name], value))


def _as_kind(name: str, current: object, value: Any) -> Any:
    if isinstance(current, set):
        return set(value)
    if name == "api_version" or (isinstance(current, float) and isinstance(value, int)):
        return value
    if type(value) is not type(current):
        raise ValueError(f"{name} is {type(current).__name__}, not {type(value).__name__}")
    return value
