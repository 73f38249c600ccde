"""What several commands check of their options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from service.errors import ConfigError


def require_known(option: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Return unless an option was given a word that nothing has; raises `ConfigError` that lists the known ones."""
    for word in given:
        if word not in known:
            raise ConfigError(f"{option} {word!r}: use one of {', '.join(known)}")
