"""The bodies of the writes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

from service.http.api.asking import Text
from service.usage import MOST_AT_ONCE

Currency: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", description="ISO 4217, upper case.")]
Country: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$", description="ISO 3166, upper case.")]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Minor: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**53, description="Minor units of the payment's currency.")]
Days: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=730)]
Url: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\x00-\x20\x7f]+$", max_length=2000)]
Email: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+$", max_length=255)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON object without other fields than those named."""


class NewCustomer(Body, frozen=True, kw_only=True):
    """A user of the application; `user_id` is the application's own id and travels to the provider where it can."""

    user_id: Text
    email: Email
    name: Text | None = None
    country: Country | None = None


class NewSubscription(Body, frozen=True, kw_only=True):
    """A plan of the catalogue. `invoice` collection is by manual invoice, due in `net_days`, with a purchase order number."""

    customer_id: Text
    plan_id: Text
    quantity: Count = 1
    currency: Currency | None = None
    trial_days: Days | None = None
    collection: Literal["automatic", "invoice"] = "automatic"
    net_days: Days = 30
    purchase_order: Text | None = None
    address_id: Text | None = None
    return_url: Url | None = None


class Cancellation(Body, frozen=True, kw_only=True):
    """When: at the end of what is paid for, or now."""

    at_period_end: bool = True


class Nothing(Body, frozen=True, kw_only=True):
    """No body, or an empty object."""


class PlanChange(Body, frozen=True, kw_only=True):
    """To which plan. `prorate` bills the difference with the next invoice, `invoice_now` at once, `none` not at all."""

    plan_id: Text
    proration: Literal["prorate", "invoice_now", "none"] = "prorate"
    quantity: Count | None = None


class NewRefund(Body, frozen=True, kw_only=True):
    """How much; what the refund policy says, if left out. `override_policy` allows more than the policy does."""

    amount: Minor | None = None
    reason: Text | None = None
    override_policy: bool = False


class PortalVisit(Body, frozen=True, kw_only=True):
    """Where the portal sends the customer back to."""

    return_url: Url | None = None


class UsageRecord(Body, frozen=True, kw_only=True):
    """Usage of one customer: named by the provider's id, or by the application's `user_id`.

    `quantity` counts 10^-`scale` of the meter's unit. `at` is now, if left out.
    """

    meter: Text
    quantity: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    customer_id: Text | None = None
    user_id: Text | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    idempotency_key: Text | None = None
    account: Text | None = None


UsageRecords: TypeAlias = Annotated[list[UsageRecord], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]
