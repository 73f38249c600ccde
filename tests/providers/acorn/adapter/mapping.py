"""Acorn's objects in neutral fields. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from service.errors import MappingError
from service.model import (
    UNKNOWN,
    Customer,
    Fields,
    Invoice,
    Kind,
    Payment,
    Refund,
    Snapshot,
    Subscription,
    SubscriptionItem,
)
from service.provider import Listing
from service.reading import Object, currency, flag, key, text, usable, whole, wrong

LISTINGS = (
    Listing(source="patron", kind="customer", filter="updated"),
    Listing(source="membership", kind="subscription", filter="updated"),
    Listing(source="bill", kind="invoice", filter="updated", feeds=("payment",)),
    Listing(source="giveback", kind="refund", filter="updated"),
)
MEMBERSHIP = {"trial": "trialing", "running": "active", "late": "past_due", "stopped": "ended"}
BILL = {"open": "open", "settled": "paid", "dropped": "void"}
PAID = {"open": "pending", "settled": "succeeded", "dropped": "canceled"}
GIVEBACK = {"done": "succeeded"}
RANKS: Mapping[str, Mapping[str, int]] = {"bill": {"open": 0, "settled": 1, "dropped": 1}}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WITHOUT_CENTS = {"JPY", "KRW"}


def snapshots(source: str, obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """The rows of one object; raise `MappingError`, naming it."""
    try:
        ref = text(obj, "ref")
        if ref is None or not usable(ref):
            raise MappingError("ref is no usable id")
        return tuple(_seen(source, ref, kind, fields, obj, raw) for kind, fields in _ROWS[source](obj, ref))
    except MappingError as error:
        raise MappingError(f"{source} {str(obj.get('ref'))[:80]!r}: {error}") from error


def _seen(source: str, ref: str, kind: Kind, fields: Fields, obj: Object, raw: str | None) -> Snapshot:
    changed, gone = _instant(obj, "changed"), flag(obj, "gone") or False
    return Snapshot(
        source=source, source_id=ref, kind=kind, id=ref, fields=fields, deleted=gone, raw=raw, as_of=changed
    )


def _patron(obj: Object, _ref: str) -> list[tuple[Kind, Fields]]:
    joined = _instant(obj, "joined")
    mail, called, yours = text(obj, "mail"), text(obj, "called"), text(obj, "yours")
    return [("customer", Customer(email=mail, name=called, user_id=yours, created_at=joined))]


def _membership(obj: Object, ref: str) -> list[tuple[Kind, Fields]]:
    state, coin = text(obj, "state"), currency(obj, "coin")
    each, seats = _money(obj, "each", coin), whole(obj, "seats")
    until = _instant(obj, "paid_until")
    item = SubscriptionItem(
        id=f"{ref}:seat", price_id=key(obj, "tariff"), quantity=seats, currency=coin, unit_amount=each,
        current_period_end=until,
    )  # fmt: skip
    return [("subscription", Subscription(
        customer_id=key(obj, "patron"), status=MEMBERSHIP.get(state or "", UNKNOWN), provider_status=state, currency=coin,
        amount=None if each is None or seats is None else each * seats, created_at=_instant(obj, "begun"),
        cancels_at=_instant(obj, "stops_at"), ended_at=_instant(obj, "stopped"), current_period_end=until, items=(item,),
    ))]  # fmt: skip


def _bill(obj: Object, ref: str) -> list[tuple[Kind, Fields]]:
    state, coin = text(obj, "state"), currency(obj, "coin")
    amount, sent, settled = _money(obj, "sum", coin), _instant(obj, "sent"), _instant(obj, "settled")
    paid = amount if state == "settled" else 0
    who, membership = key(obj, "patron"), key(obj, "membership")
    invoice = Invoice(
        customer_id=who, subscription_id=membership, status=BILL.get(state or "", UNKNOWN), provider_status=state,
        currency=coin, amount=amount, amount_due=amount, amount_paid=paid, created_at=sent, issued_at=sent, paid_at=settled,
    )  # fmt: skip
    payment = Payment(
        customer_id=who, invoice_id=ref, status=PAID.get(state or "", UNKNOWN), provider_status=state, currency=coin,
        amount=amount, amount_paid=paid, created_at=sent, paid_at=settled,
    )  # fmt: skip
    return [("invoice", invoice), ("payment", payment)]


def _giveback(obj: Object, _ref: str) -> list[tuple[Kind, Fields]]:
    state, coin = text(obj, "state"), currency(obj, "coin")
    return [("refund", Refund(
        payment_id=key(obj, "bill"), customer_id=key(obj, "patron"), status=GIVEBACK.get(state or "", UNKNOWN),
        provider_status=state, currency=coin, amount=_money(obj, "sum", coin), created_at=_instant(obj, "made"),
    ))]  # fmt: skip


_ROWS: Mapping[str, Callable[[Object, str], list[tuple[Kind, Fields]]]] = {
    "patron": _patron,
    "membership": _membership,
    "bill": _bill,
    "giveback": _giveback,
}


def _instant(obj: Object, name: str) -> datetime | None:
    value: Any = whole(obj, name)
    if value is None:
        return None
    if not 0 <= value < 4_102_444_800_000:
        raise wrong(name, "Unix milliseconds of this century", value)
    return _EPOCH + timedelta(milliseconds=value)


def _money(obj: Object, name: str, coin: str | None) -> int | None:
    """Decimal text in whole minor units, without loss."""
    value = text(obj, name)
    if value is None or coin is None:
        return None
    try:
        minor = Decimal(value) * (1 if coin in _WITHOUT_CENTS else 100)
        if abs(minor) < 10**18 and minor == int(minor):
            return int(minor)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    raise wrong(name, "a decimal amount of whole minor units", value)
