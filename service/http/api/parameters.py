"""The query parameters that operations take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from service.http.api.asking import Text
from service.http.api.operation import Parameters

Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=100, description="Rows a page.")]
Cursor: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, description="From a `next` link.")]
_ACCOUNT = "An account's name; needed where an id is known to several."
Account: TypeAlias = Annotated[Text, msgspec.Meta(description=_ACCOUNT)]
Since: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True, description="`as_of` at or after this time.")]
Before: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True, description="`as_of` before this time.")]
Deleted: TypeAlias = Annotated[bool, msgspec.Meta(description="Also rows that were deleted at the provider.")]


class Listed(Parameters, frozen=True, kw_only=True):
    """What every list takes."""

    account: Account | UnsetType = UNSET
    status: Text | UnsetType = UNSET
    user_id: Text | UnsetType = UNSET
    updated_since: Since | UnsetType = UNSET
    updated_before: Before | UnsetType = UNSET
    include_deleted: Deleted = False
    limit: Limit = 20
    cursor: Cursor | UnsetType = UNSET


class ListedCustomers(Listed, frozen=True, kw_only=True):
    """Customers, also by e-mail address."""

    email: Text | UnsetType = UNSET


class ListedSubscriptions(Listed, frozen=True, kw_only=True):
    """Subscriptions, also of one customer or e-mail address."""

    customer: Text | UnsetType = UNSET
    email: Text | UnsetType = UNSET


class ListedInvoices(Listed, frozen=True, kw_only=True):
    """Invoices, also of one customer or subscription."""

    customer: Text | UnsetType = UNSET
    subscription: Text | UnsetType = UNSET


class ListedPayments(Listed, frozen=True, kw_only=True):
    """Payments, also of one customer, subscription or invoice."""

    customer: Text | UnsetType = UNSET
    subscription: Text | UnsetType = UNSET
    invoice: Text | UnsetType = UNSET


class OfAccount(Parameters, frozen=True, kw_only=True):
    """At which account."""

    account: Account | UnsetType = UNSET


class OfPeriod(Parameters, frozen=True, kw_only=True):
    """Whose usage, and of which periods: those that begin in a month (UTC), or those that run now."""

    customer: Text
    account: Account | UnsetType = UNSET
    period: Annotated[str, msgspec.Meta(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$")] | UnsetType = UNSET


class OfUser(Parameters, frozen=True, kw_only=True):
    """Of which user of the application."""

    user_id: Text


class One(Parameters, frozen=True, kw_only=True):
    """A single object."""

    account: Account | UnsetType = UNSET
    include: Literal["raw"] | UnsetType = UNSET


class Fed(Parameters, frozen=True, kw_only=True):
    """The feed: changes after an id, of one account, kind or object."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1, description="The `after` of the last answer.")] = 0
    account: Account | UnsetType = UNSET
    kind: Text | UnsetType = UNSET
    object_id: Text | UnsetType = UNSET
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000, description="Changes a page.")] = 100
