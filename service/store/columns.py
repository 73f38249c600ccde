"""How the columns of the tables are declared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Text, text
from sqlmodel import Field

from service.store.types import BigInt, UtcDateTime


def time(**options: Any) -> Any:
    """A time that is always known."""
    return Field(sa_type=UtcDateTime, **options)


def maybe_time(**options: Any) -> Any:
    """A time that may be unknown."""
    return Field(default=None, nullable=True, sa_type=UtcDateTime, **options)


def big(**options: Any) -> Any:
    """A 64-bit number that may be unknown."""
    return Field(default=None, sa_type=BigInt, **options)


def long_text(**options: Any) -> Any:
    """Text of any length that may be missing."""
    return Field(default=None, sa_type=Text, **options)


def partial(name: str, where: str, *columns: str) -> Index:
    """An index over the few rows that queries look for: finished rows must not slow the queue."""
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))
