"""What an application holds: one interface for every provider. `service.billing` is how it is done.

Everything is synchronous.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from service.model import Fields, Invoice
from service.write_port import User

__all__ = ["BillingProvider", "IssuedInvoice", "Recorded", "Result", "User"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an operation. `state` is `pending_checkout` where a person has to finish it at `url`.

    `value` is the object as the copy holds it after the operation; `call_id` names the row of `provider_call`. `explanation`
    says why a refund is of this amount.
    """

    call_id: str
    account: str
    operation: str
    state: Literal["done", "pending_checkout"]
    kind: str | None = None
    object_id: str | None = None
    url: str | None = None
    value: Fields | None = None
    explanation: str | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A report of usage that is stored; `duplicate` says that it had been before, and was not counted again."""

    id: int
    status: Literal["recorded", "duplicate"]
    account: str
    customer_id: str
    meter: str
    quantity: int
    at: datetime
    idempotency_key: str


class IssuedInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice with the id of its row."""

    account: str
    id: str
    invoice: Invoice


class BillingProvider(Protocol):
    """One account of any provider, as an application uses it.

    Writes take an `idempotency_key`: the same key with the same request gives the same result and acts once, over restarts
    too. Without one, each call is a new request.

    Raises:
        NotSupported: the provider can't do this; the message says why and what to do instead.
        NotDone: it was not sent in time, or is proven not to have been done; the same key may be tried again.
        OutcomeUnknown: it may have been done; it is being settled, and the same key asks for the outcome.
        KeyConflict: the key was used for another request.
        CallInProgress: another process is sending the same request now.
        ProviderError: the provider refused; nothing was done.
    """

    def create_customer(self, user: User, *, idempotency_key: str | None = None) -> Result:
        """A customer for this user."""
        ...

    def create_subscription(
        self,
        customer_id: str,
        plan_id: str,
        *,
        quantity: int = 1,
        currency: str | None = None,
        trial_days: int | None = None,
        collection: Literal["automatic", "invoice"] = "automatic",
        net_days: int = 30,
        purchase_order: str | None = None,
        address_id: str | None = None,
        return_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Result:
        """A subscription to a plan, or the checkout that starts one."""
        ...

    def cancel_subscription(
        self, subscription_id: str, *, at_period_end: bool = True, idempotency_key: str | None = None
    ) -> Result:
        """End a subscription now, or when what is paid for ends."""
        ...

    def resume_subscription(self, subscription_id: str, *, idempotency_key: str | None = None) -> Result:
        """Take a scheduled end back, or wake what is paused."""
        ...

    def change_plan(
        self,
        subscription_id: str,
        plan_id: str,
        *,
        proration: Literal["prorate", "invoice_now", "none"] = "prorate",
        quantity: int | None = None,
        idempotency_key: str | None = None,
    ) -> Result:
        """Move a subscription to another plan."""
        ...

    def refund(
        self,
        payment_id: str,
        *,
        amount: int | None = None,
        reason: str | None = None,
        override_policy: bool = False,
        idempotency_key: str | None = None,
    ) -> Result:
        """Give money back: `amount` minor units, or what the refund policy says. The result explains the amount, a repeated one too."""
        ...

    def report_usage(
        self, customer_id: str, meter_id: str, quantity: int, *, idempotency_key: str, at: datetime | None = None
    ) -> Recorded:
        """Record usage, durably and once for each key; it is sent to the provider later."""
        ...

    def get_invoices(self, customer_id: str) -> Sequence[IssuedInvoice]:
        """Every invoice of the customer, read from the provider now."""
        ...

    def customer_portal_url(self, customer_id: str, *, return_url: str | None = None) -> str:
        """Where the customer manages payment methods and subscriptions."""
        ...

    def invoice_pdf_url(self, invoice_id: str) -> str:
        """Where the invoice's PDF is, for a short time."""
        ...
