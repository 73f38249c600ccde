"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

# SQLite gives only INTEGER PRIMARY KEY an automatic id; its integers are 64 bits wide anyway.
BigInt = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime with microseconds: `timestamptz` on PostgreSQL, sortable ISO 8601 text on SQLite.

    A naive datetime is refused: it would be somebody's local time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> object:  # type: ignore[override]
        """Text on SQLite, which has no time type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        """What the driver is given."""
        if value is None or dialect.name != "sqlite":
            return _aware(value)
        return to_text(value)

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """What the driver gave, as UTC."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        assert isinstance(value, datetime)
        return value if value.tzinfo is UTC else value.astimezone(UTC)


def to_text(value: datetime) -> str:
    """The sortable text of a time, as SQLite keeps it: always UTC, always microseconds."""
    if value.tzinfo is UTC:
        return value.isoformat(" ", "microseconds")
    aware = _aware(value)
    assert aware is not None
    return aware.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"naive datetime {value!r}: times are timezone-aware UTC")
    return value
