"""What several commands check of their options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, TypeAlias

import typer

from service.errors import ConfigError

MOST_ID: Final = 2**63 - 1
"""The largest number that a row can have."""
Newest: TypeAlias = Annotated[int, typer.Option(min=1, max=MOST_ID, help="At most so many, the newest.")]
Oldest: TypeAlias = Annotated[int, typer.Option(min=1, max=MOST_ID, help="At most so many, the oldest first.")]


def require_known(option: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Return unless an option was given a word that nothing has; raises `ConfigError` that lists the known ones."""
    for word in given:
        if word not in known:
            raise ConfigError(f"{option} {word!r}: use one of {', '.join(known)}")
