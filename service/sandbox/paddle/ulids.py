"""Identifiers as Paddle makes them: a prefix and a lower-case ULID, so that their order is that of creation."""

import random
import uuid

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_TAIL_BITS = 80


class Ulids:
    """A seeded source of identifiers that only grow: the same seed and the same calls give the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._millis, self._tail = 0, 0

    def new(self, prefix: str, micros: int) -> str:
        """A fresh identifier of the moment `micros`; within a millisecond the tail counts upwards."""
        millis = micros // 1_000
        if millis > self._millis:
            # The highest bit stays free, so that counting upwards never runs over.
            self._millis, self._tail = millis, self._random.getrandbits(_TAIL_BITS - 1)
        else:
            self._tail += self._random.randint(1, 2**32)
        return f"{prefix}_{_written(self._millis, 10)}{_written(self._tail, 16)}"

    def token(self, length: int) -> str:
        """`length` random letters and digits."""
        return "".join(self._random.choices(_DIGITS, k=length))

    def uuid(self) -> str:
        """A fresh UUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _written(number: int, length: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(length)))


def first(prefix: str, micros: int) -> str:
    """The least identifier that a moment can have."""
    return f"{prefix}_{_written(max(micros, 0) // 1_000, 10)}{'0' * 16}"
