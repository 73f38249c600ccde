"""Idempotency keys: the first outcome of a key is the outcome of each later request with it."""

from dataclasses import dataclass, replace

from service.sandbox.edge import Answer
from service.sandbox.stripe.errors import key_reused

KEPT_SECONDS = 24 * 3_600


@dataclass(frozen=True, slots=True)
class _Kept:
    request: str
    answer: Answer
    created: int


class Keys:
    """Outcomes by idempotency key, for 24 hours of virtual time."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def replay(self, key: str, request: str, now: int) -> Answer | None:
        """The stored answer to this key, marked as replayed; None if the key is new or forgotten.

        Raises:
            SandboxError: the key came with another request before.
        """
        kept = self._kept.get(key)
        if kept is None or now - kept.created >= KEPT_SECONDS:
            return None
        if kept.request != request:
            raise key_reused(key)
        return replace(kept.answer, headers={**kept.answer.headers, "Idempotent-Replayed": "true"})

    def keep(self, key: str, request: str, answer: Answer, now: int) -> None:
        """Store the outcome of a key."""
        self._kept[key] = _Kept(request, answer, now)
