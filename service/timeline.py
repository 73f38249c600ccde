"""Timeline: the events, the changes of state and the money of some rows, of all accounts, in the order of time. Pure.

An event stands at the time at which it occurred at the provider, and so does what it changed. What a reconcile run or a call
of ours changed stands at the time at which it was written here: when it happened at the provider nothing tells. Money stands at
the time at which it was paid, went back or was disputed, whichever way its row came here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Literal

import msgspec

from service import iso4217
from service.model import Kind
from service.moments import clock

Record = dict[str, Any]
Rows = Mapping[tuple[str, Kind, str], tuple[Kind, Record]]
Stamped = tuple[datetime, str]
"""When, and because of what."""

_OPEN: Final = ("received", "processing", "retry", "dead")
# A change of an item, as `service.store.state.compare` names it.
_ITEM: Final = "items["
_ORDER: Final = {"event": 0, "change": 1, "money": 2}
_TELLING: Final = frozenset({"status", "deleted_at", "cancels_at", "collection_paused", "email"})
# Invoices and payments pass through many states; where the money came in, the entry about the money says so.
_QUIET: Final = frozenset({None, "draft", "open", "paid", "pending", "authorized", "succeeded", "active"})
_TOLD_BY_MONEY: Final = frozenset({"invoice", "payment", "refund", "dispute", "product", "price"})
# What has moved money, in which status, as `reconcile.money` counts it.
_MOVED: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "payment": ("paid", frozenset({"succeeded"})),
    "refund": ("refunded", frozenset({"succeeded"})),
    "dispute": ("disputed", frozenset({"needs_response", "under_review", "lost"})),
}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One field that changed."""

    field: str
    old: str | None
    new: str | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `kind` and `object_id` name the row, `event_id` is the provider's, `amount` in minor units.

    `minor`: a person who wants to know how the customer fared can do without it.
    """

    at: datetime
    account: str
    what: Literal["event", "change", "money"]
    told: str
    because: str | None = None
    kind: str | None = None
    object_id: str | None = None
    event_id: str | None = None
    steps: tuple[Step, ...] = ()
    amount: int | None = None
    currency: str | None = None
    minor: bool = False


def timeline(rows: Rows, changes: Iterable[Record], events: Iterable[Record]) -> list[Entry]:
    """Everything on record about these rows, oldest first; `changes` in the order in which they were written."""
    told, written = list(events), list(changes)
    by_id = {event["id"]: event for event in told}
    entries = [_event(event) for event in told]
    entries += _changes(written, by_id)
    entries += _money(rows, _first_seen(written, by_id))
    return sorted(entries, key=lambda each: (each.at, each.account, _ORDER[each.what]))


def balance(entries: Iterable[Entry]) -> dict[str, dict[str, int]]:
    """By currency and kind (`paid`, `refunded`, `disputed`) the sum of the money in a timeline."""
    sums: dict[str, dict[str, int]] = {}
    for each in entries:
        if each.what == "money" and each.kind is not None and each.currency is not None:
            word = _MOVED[each.kind][0]
            of = sums.setdefault(each.currency, dict.fromkeys((name for name, _ in _MOVED.values()), 0))
            of[word] += each.amount or 0
    return dict(sorted(sums.items()))


def _event(event: Record) -> Entry:
    settled = event["status"] not in _OPEN
    why = (event["verdict"] or event["reason"]) if settled else (event["error"] or event["reason"])
    outcome = f"{event['status']} ({why or 'waits'})"
    return Entry(
        at=event["occurred_at"],
        account=event["account"],
        what="event",
        told=f"{event['type']}: {outcome}",
        because=f"event {event['event_id']}",
        event_id=event["event_id"],
        minor=settled,
    )


def _changes(changes: Iterable[Record], events: Mapping[int, Record]) -> Iterator[Entry]:
    """One entry for all that one cause changed in one row."""
    for (account, kind, id_, cause), group in groupby(changes, key=_same):
        found = list(group)
        steps = tuple(Step(field=each["field"], old=each["old"], new=each["new"]) for each in found)
        telling = [each for each in steps if _tells(each, steps)]
        at, because = _stamp(found[0], events)
        event = _event_of(cause, events)
        yield Entry(
            at=at,
            account=account,
            what="change",
            told=f"{kind} {id_} {', '.join(_step(each) for each in telling or steps)}",
            because=because,
            kind=kind,
            object_id=id_,
            event_id=event["event_id"] if event else None,
            steps=steps,
            minor=not telling or (kind in _TOLD_BY_MONEY and all(each.new in _QUIET for each in telling)),
        )


def _tells(step: Step, steps: tuple[Step, ...]) -> bool:
    """True for a step that says how the customer fares: not each renewal's new dates, nor what another step says as well."""
    if step.field.startswith(_ITEM):
        return _item(step.old) != _item(step.new)
    if step.field == "cancels_at" and step.new is None:
        return all(each.field != "status" for each in steps)
    return step.field in _TELLING


def _same(change: Record) -> tuple[str, str, str, str]:
    return change["account"], change["kind"], change["object_id"], change["cause"]


def _step(step: Step) -> str:
    if step.field == "status":
        return f"is {step.new}" if step.old is None else f"was {step.old}, is {step.new}"
    if step.field == "deleted_at":
        return "is deleted" if step.new else "is back"
    if step.field == "cancels_at":
        return f"will end at {_brief(step.new)}" if step.new else "will go on after all"
    if step.field.startswith(_ITEM):
        return f"had {_item(step.old) or 'nothing'}, has {_item(step.new) or 'nothing'}"
    return f"{step.field} {_brief(step.old)} -> {_brief(step.new)}"


def _item(value: str | None) -> str:
    """`3 x price`: an item of a subscription, from the text in which a change keeps it; empty where there is none."""
    if value is None:
        return ""
    try:
        item = msgspec.json.decode(value, type=_Item)
    except msgspec.MsgspecError:
        return _brief(value)
    return f"{item.quantity or 1} x {item.price_id}"


class _Item(msgspec.Struct):
    price_id: str | None = None
    quantity: int | None = None


def _brief(value: str | None) -> str:
    """A time as a person reads it; anything long cut short."""
    if value is None:
        return "none"
    try:
        return clock(datetime.fromisoformat(value)) if len(value) > len("2026-01-01") else value
    except ValueError:
        return value if len(value) <= 60 else f"{value[:57]}..."


def _money(rows: Rows, seen: Mapping[tuple[str, str, str], Stamped]) -> Iterator[Entry]:
    for (account, kind, id_), (_, row) in rows.items():
        word, moving = _MOVED.get(kind, ("", frozenset()))
        payment = (
            row if kind == "payment" else rows.get((account, "payment", str(row.get("payment_id"))), (kind, {}))[1]
        )
        amount = row.get("amount_paid") if kind == "payment" else row.get("amount")
        if row["status"] not in moving or not amount or row["currency"] is None or payment.get("receipt_of"):
            continue
        at, because = seen.get((account, kind, id_), (row["as_of"], None))
        yield Entry(
            at=(row["paid_at"] if kind == "payment" else row["created_at"]) or at,
            account=account,
            what="money",
            told=f"{iso4217.shown(amount, row['currency'])} {word}, {kind} {id_}",
            because=because,
            kind=kind,
            object_id=id_,
            amount=amount,
            currency=row["currency"],
        )


def _first_seen(changes: Iterable[Record], events: Mapping[int, Record]) -> dict[tuple[str, str, str], Stamped]:
    """When each row first reached a state in which it moves money, and because of what."""
    found: dict[tuple[str, str, str], Stamped] = {}
    for each in changes:
        if each["field"] == "status" and each["new"] in _MOVED.get(each["kind"], ("", ()))[1]:
            found.setdefault((each["account"], each["kind"], each["object_id"]), _stamp(each, events))
    return found


def _stamp(change: Record, events: Mapping[int, Record]) -> Stamped:
    event = _event_of(change["cause"], events)
    if event is not None:
        return event["occurred_at"], f"event {event['event_id']} ({event['type']})"
    word, _, id_ = change["cause"].partition(":")
    told = {"run": f"reconcile run {id_}", "call": f"our own call {id_}"}
    return change["at"], told.get(word, str(change["cause"]))


def _event_of(cause: str, events: Mapping[int, Record]) -> Record | None:
    word, _, id_ = cause.partition(":")
    return events.get(int(id_)) if word == "event" and id_.isdigit() else None
