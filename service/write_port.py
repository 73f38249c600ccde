"""The port's write side: what is asked of a provider, and what an adapter has to do for it.

A `Writer` is what an adapter gives: single requests, each sent once, whose intent the caller has recorded before (see
`service.calls`). What an application holds is `service.billing_provider`. Everything is synchronous.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from service.model import Kind, Snapshot
from service.provider import Connection, Read


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user of the application. `id` is the application's own and travels to the provider where it can."""

    id: str
    email: str
    name: str | None = None
    country: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What is subscribed to. `price_id` is what a plan names at the account: a price, or what the provider sells in its place.

    `quantity` is None for metered prices.
    """

    price_id: str
    quantity: int | None = 1


class _Operation(msgspec.Struct, frozen=True, kw_only=True):
    """`prepared` is what the adapter looked up before the intent was recorded (see `Writer.prepare`).

    `explanation` says why it is as it is; it is kept with the call for every answer, and not sent.
    """

    prepared: dict[str, Any] = {}
    explanation: str | None = None


class CreateCustomer(_Operation, frozen=True, kw_only=True, tag="create_customer"):
    """Make a customer of this user."""

    user: User


class CreateSubscription(_Operation, frozen=True, kw_only=True, tag="create_subscription"):
    """Subscribe a customer. `invoice` collection is by manual invoice, due in `net_days`, with a purchase order number."""

    customer_id: str
    items: tuple[Item, ...]
    plan_id: str | None = None
    user_id: str | None = None
    email: str | None = None
    currency: str | None = None
    trial_days: int | None = None
    collection: Literal["automatic", "invoice"] = "automatic"
    net_days: int = 30
    purchase_order: str | None = None
    address_id: str | None = None
    return_url: str | None = None


class CancelSubscription(_Operation, frozen=True, kw_only=True, tag="cancel_subscription"):
    """End a subscription now, or when what is paid for ends."""

    subscription_id: str
    at_period_end: bool


class ResumeSubscription(_Operation, frozen=True, kw_only=True, tag="resume_subscription"):
    """Take a scheduled end back, or wake what is paused."""

    subscription_id: str


class ChangePlan(_Operation, frozen=True, kw_only=True, tag="change_plan"):
    """Put a subscription's licensed items at other prices.

    `replaces` are the prices that go: add-ons beside the plan stay. `prorate` bills the difference with the next invoice,
    `invoice_now` at once, `none` not at all.
    """

    subscription_id: str
    items: tuple[Item, ...]
    plan_id: str | None = None
    replaces: tuple[str, ...] = ()
    proration: Literal["prorate", "invoice_now", "none"] = "prorate"


class RefundPayment(_Operation, frozen=True, kw_only=True, tag="refund"):
    """Give back `amount` minor units of a payment, of which `refunded_before` were given back already when this was asked."""

    payment_id: str
    amount: int
    currency: str
    refunded_before: int
    paid: int
    reason: str | None = None


Operation: TypeAlias = (
    CreateCustomer | CreateSubscription | CancelSubscription | ResumeSubscription | ChangePlan | RefundPayment
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One write as recorded before it is sent.

    `id` is ours: it travels in metadata or custom data where the provider has them, so that the object can be found
    again. `key` is the idempotency key, for providers that have them. `sent_at` is when it was first sent; `attempt` counts
    from 1. `deadline` is when, by `time.monotonic`, it must not be sent any more, since nobody would wait for its outcome.
    """

    id: str
    key: str
    operation: Operation
    sent_at: datetime
    attempt: int = 1
    deadline: float | None = None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a write did.

    `kind` and `object_id` name the row that it made or changed. `snapshots` are what the answer showed, as of `as_of`; they
    are empty where the answer may be a stored one (an idempotent replay), and then `read` names the object to be read.
    `state` is `pending_checkout` where a person has to finish it at `url`.
    """

    kind: Kind | None = None
    object_id: str | None = None
    snapshots: tuple[Snapshot, ...] = ()
    as_of: datetime | None = None
    read: tuple[str, str] | None = None
    state: Literal["done", "pending_checkout"] = "done"
    url: str | None = None


class Writer(Protocol):
    """The write side of one account. Every request goes through the account's budget and is sent once.

    `keys_last` is how long the provider acts once on an idempotency key; None where it has no such keys. `absence_after` is
    how long after a request its effect must show in the provider's lists, if it had one.
    """

    keys_last: timedelta | None
    absence_after: timedelta

    def prepare(self, operation: Operation) -> Operation:
        """The operation with all that its request depends on, so that a repetition sends the same; changes nothing.

        Raises `NotSupported`, or `ProviderError` where what it is about can't be read or can't be done to it.
        """
        ...

    def perform(self, call: Call) -> Written:
        """Send it, once. A repetition (`attempt` above 1) comes only while the provider remembers the key.

        Raises:
            NotSupported: the provider can't; nothing was sent.
            NotDone: the deadline passed before it could be sent.
            BadRequest, NotFound, Forbidden, RateLimited: the provider refused, so nothing was done.
            ProviderUnavailable: it may have been done or not.
        """
        ...

    def find(self, call: Call) -> Written | None:
        """What it did, if it did; None where complete lists show nothing of it. Changes nothing.

        Raises:
            Undecided: neither can be shown.
            ProviderError: the provider could not be asked.
        """
        ...

    def invoices(self, customer_id: str) -> Iterator[Read]:
        """Every invoice of a customer, as the provider shows it now, however many pages that takes."""
        ...

    def portal_url(self, customer_id: str, return_url: str | None) -> str:
        """Where the customer manages payment methods and subscriptions. The URL is a secret and lives for a short time."""
        ...

    def invoice_pdf_url(self, invoice_id: str) -> str:
        """Where the invoice's PDF is. The URL is a secret and may live for a short time."""
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...


@runtime_checkable
class Writes(Protocol):
    """A provider that has a write side; one without can still be received from and reconciled."""

    def write(self, connection: Connection) -> Writer:
        """A write side for one account."""
        ...


def with_user(snapshots: Sequence[Snapshot], user_id: str | None) -> tuple[Snapshot, ...]:
    """The snapshots with the application's user id, for providers whose objects can't carry it. Pure."""
    return tuple(_with_user(each, user_id) for each in snapshots)


def _with_user(snapshot: Snapshot, user_id: str | None) -> Snapshot:
    if user_id is None or getattr(snapshot.fields, "user_id", user_id) is not None:
        return snapshot
    return msgspec.structs.replace(snapshot, fields=msgspec.structs.replace(snapshot.fields, user_id=user_id))


def prepared(operation: Operation, **values: Any) -> Operation:
    """The operation with what was looked up for it. Pure."""
    found: Operation = msgspec.structs.replace(operation, prepared=values)
    return found
