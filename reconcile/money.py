"""Money that moved, by currency and UTC day. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

from service.model import Content

Movement: TypeAlias = tuple[str, str, int]
"""(UTC day, currency, amount in minor units)."""
_FIELDS: Final = ("amount", "amount_paid", "amount_due", "amount_remaining")


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """One kind's money of one day and currency: at the provider, here before, and here after healing."""

    kind: str
    day: str
    currency: str
    remote: int
    local: int
    healed: int

    @property
    def difference(self) -> int:
        """What is still missing here (negative: too much), in minor units."""
        return self.remote - self.healed


def movement(kind: str, content: Mapping[str, Any] | None) -> Movement | None:
    """The money that a content says has moved: paid invoices, succeeded payments and refunds."""
    if content is None:
        return None
    if kind == "invoice":
        return _moved(content, content["paid_at"], content["amount_paid"])
    if content.get("status") != "succeeded":
        return None
    if kind == "payment":
        return _moved(content, content["paid_at"], content["amount_paid"])
    if kind == "refund":
        return _moved(content, content["created_at"], content["amount"])
    return None


def stake(local: Content | None, remote: Content | None) -> tuple[int | None, str | None, str | None]:
    """Money at stake in an object that differs: (amount, currency, day); the difference, or the whole where one is missing."""
    present = remote if remote is not None and remote.get("currency") else local
    if present is None:
        return None, None, None
    moment = present.get("paid_at") or present.get("created_at") or (local or {}).get("created_at")
    day = day_of(moment) if moment is not None else None
    if local is None or remote is None:
        whole = present.get("amount")
        return (None if whole is None else abs(whole)), present.get("currency"), day
    return _difference(local, remote), present.get("currency"), day


def day_of(moment: datetime) -> str:
    """The UTC day of a time."""
    return moment.astimezone(UTC).date().isoformat()


def _difference(local: Content, remote: Content) -> int:
    if local.get("currency") != remote.get("currency"):
        return _gap(None, remote.get("amount"))
    return max(_gap(local.get(name), remote.get(name)) for name in _FIELDS)


def _gap(one: int | None, other: int | None) -> int:
    return abs((other or 0) - (one or 0))


def _moved(content: Mapping[str, Any], at: datetime | None, amount: int | None) -> Movement | None:
    if at is None or not amount or content["currency"] is None:
        return None
    return day_of(at), content["currency"], amount
