"""Money that moved, by currency and UTC day: what was charged, went back and was disputed, and what is left. Pure.

charged    payments that succeeded, on the day on which they were paid
refunded   refunds that succeeded, on the day on which they were created
disputed   what banks have taken back and not returned, on the day on which the dispute was opened
credited   credits issued, on the day of issue; they move no money (what they lower is charged lower)
net        charged less refunded less disputed
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from service.model import Change, Content, Kind

_FIELDS: Final = ("amount", "amount_paid", "amount_due", "amount_remaining")
PARTS: Final[Mapping[str, str]] = {
    "payment": "charged",
    "refund": "refunded",
    "dispute": "disputed",
    "credit_note": "credited",
}
"""The part that rows of a kind count in; rows of other kinds move no money."""
# A warning has taken nothing yet; what was won or closed has been given back, or was never taken.
STANDING: Final[Mapping[str, frozenset[str]]] = {
    "payment": frozenset({"succeeded"}),
    "refund": frozenset({"succeeded"}),
    "dispute": frozenset({"needs_response", "under_review", "lost"}),
    "credit_note": frozenset({"issued"}),
}
"""The statuses in which a row of a kind counts."""
NO_DAY: Final = "unknown"
Contents: TypeAlias = Mapping[tuple[Kind, str], Content | None]


class Movement(NamedTuple):
    """Money of one part, day and currency, in minor units."""

    part: str
    day: str
    currency: str
    amount: int


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """One part's money of one day and currency in one pass: at the provider, here before the run, and here after it."""

    part: str
    day: str
    currency: str
    remote: int
    local: int
    healed: int


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """One sum at the provider, here before the run and here after it; `difference` is what is still missing here."""

    provider: int = 0
    before: int = 0
    now: int = 0
    difference: int = 0

    @property
    def equal(self) -> bool:
        """True where the copy was right already."""
        return self.provider == self.before == self.now

    def __add__(self, other: Sides) -> Sides:
        return sides(self.provider + other.provider, self.before + other.before, self.now + other.now)

    def __neg__(self) -> Sides:
        return sides(-self.provider, -self.before, -self.now)


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """The money of one currency and UTC day (of all days: None) as far as a run has compared it; see the module."""

    day: str | None
    currency: str
    charged: Sides = Sides()
    refunded: Sides = Sides()
    disputed: Sides = Sides()
    net: Sides = Sides()
    credited: Sides = Sides()

    @property
    def equal(self) -> bool:
        """True where the copy was right already, in each part."""
        return all(each.equal for _, each in self.parts())

    def parts(self) -> list[tuple[str, Sides]]:
        """The parts by name, in the order in which people read them."""
        return [(name, getattr(self, name)) for name in ("charged", "refunded", "disputed", "net", "credited")]


def sides(provider: int, before: int, now: int) -> Sides:
    """The three sums and their difference."""
    return Sides(provider=provider, before=before, now=now, difference=provider - now)


def by_day(sums: Iterable[Sum]) -> list[Money]:
    """The days of these passes, each currency by itself, oldest first."""
    days: dict[tuple[str, str], dict[str, Sides]] = {}
    for each in sums:
        parts = days.setdefault((each.day, each.currency), {})
        parts[each.part] = parts.get(each.part, Sides()) + sides(each.remote, each.local, each.healed)
    return [_money(day, currency, parts) for (day, currency), parts in sorted(days.items())]


def totals(days: Iterable[Money]) -> list[Money]:
    """All days of each currency."""
    found: dict[str, dict[str, Sides]] = {}
    for each in days:
        parts = found.setdefault(each.currency, {})
        for name in PARTS.values():
            parts[name] = parts.get(name, Sides()) + getattr(each, name)
    return [_money(None, currency, parts) for currency, parts in sorted(found.items())]


def moved_there(group: Sequence[Change], *, alone: bool, receipts: frozenset[str]) -> list[Movement]:
    """The money that a provider object itself says has moved. `alone`: no other source tells of the same payment.

    `receipts` are rows whose money is counted elsewhere.
    """
    living = (each for each in group if _moves(each, receipts) and not each.snapshot.deleted)
    told = {_key(each): each.snapshot.content() for each in living}
    return _movements([key for key, content in told.items() if _counts(content, alone)], told)


def moved_here(group: Sequence[Change], held: Contents, *, alone: bool, receipts: frozenset[str]) -> list[Movement]:
    """The money that the rows of the same object say has moved; `held` are their contents."""
    moving = [each for each in group if held.get(_key(each)) is not None and _moves(each, receipts)]
    return _movements([_key(each) for each in moving if alone or _tells(each, held[_key(each)])], held)


def moved_alone(kind: Kind, id_: str, content: Content | None) -> list[Movement]:
    """The money that one row says has moved."""
    return _movements([(kind, id_)], {(kind, id_): content})


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


def _money(day: str | None, currency: str, parts: Mapping[str, Sides]) -> Money:
    known = {name: parts.get(name, Sides()) for name in PARTS.values()}
    net = known["charged"] + -known["refunded"] + -known["disputed"]
    return Money(day=day, currency=currency, net=net, **known)


def _counts(content: Content, alone: bool) -> bool:
    # Where several sources tell of one payment, money is counted once: by the one that made the movement and timed it.
    return alone or bool(content.get("charge_id") and content.get("paid_at"))


def _tells(change: Change, held: Content | None) -> bool:
    content = change.snapshot.content()
    known = (held or {}).get("charge_id")
    return _counts(content, alone=False) and known in (None, content["charge_id"])


def _moves(change: Change, receipts: frozenset[str]) -> bool:
    return change.snapshot.kind in PARTS and change.snapshot.id not in receipts


def _key(change: Change) -> tuple[Kind, str]:
    return change.snapshot.kind, change.snapshot.id


def _movements(keys: Iterable[tuple[Kind, str]], contents: Contents) -> list[Movement]:
    found = (_movement(key, contents) for key in keys)
    return [each for each in found if each is not None]


def _movement(key: tuple[Kind, str], contents: Contents) -> Movement | None:
    kind, content = key[0], contents.get(key)
    if content is None or content.get("status") not in STANDING.get(kind, ()):
        return None
    paid = kind == "payment"
    amount, currency = content["amount_paid" if paid else "amount"], content["currency"]
    moment = content["paid_at"] if paid else content["created_at"] or _paid_at(content, contents)
    if not amount or currency is None or (paid and moment is None):
        return None
    return Movement(PARTS[kind], NO_DAY if moment is None else day_of(moment), currency, amount)


def _paid_at(content: Content, contents: Contents) -> datetime | None:
    """When the payment beside it was paid: for refunds whose provider tells no time."""
    payment: Mapping[str, Any] | None = contents.get(("payment", str(content.get("payment_id"))))
    return payment.get("paid_at") if payment is not None else None


def _difference(local: Content, remote: Content) -> int:
    if local.get("currency") != remote.get("currency"):
        return _gap(None, remote.get("amount"))
    return max(_gap(local.get(name), remote.get(name)) for name in _FIELDS)


def _gap(one: int | None, other: int | None) -> int:
    return abs((other or 0) - (one or 0))
