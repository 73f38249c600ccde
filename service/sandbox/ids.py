"""Identifiers that a seed fixes."""

import random
import string
from hashlib import blake2b

_ALPHABET = string.ascii_letters + string.digits


class Ids:
    """A seeded source of identifiers: the same seed and the same calls give the same identifiers."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def new(self, prefix: str, length: int = 18) -> str:
        """A fresh identifier, `prefix_` and `length` letters and digits."""
        return f"{prefix}_{self.token(length)}"

    def token(self, length: int) -> str:
        """`length` random letters and digits."""
        return "".join(self._random.choices(_ALPHABET, k=length))


def derived(prefix: str, source: str) -> str:
    """An identifier that is a function of `source` alone, so that it needs no place to be kept."""
    return f"{prefix}_{blake2b(source.encode(), digest_size=12).hexdigest()}"
