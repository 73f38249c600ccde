"""The error tree.

TallyhookError
├── ConfigError           a setting is missing or wrong; nothing was started
├── SchemaError           the database schema is behind the code
├── Rejected              a delivery was refused; carries its named cause
├── NotDurable            the inbox could not promise durability; the provider must deliver again
├── MappingError          an event or object has a shape that can't be translated
├── LeaseLost             a worker outlived its lease; its transaction was rolled back
├── RunRefused            a reconcile run must not start (another one runs)
│   └── RunStopped            it was told to stop, and the next one goes on from there
├── WriteError            a write to a provider has no result
│   ├── NotSupported          the provider can't do this; nothing was sent
│   ├── NotDone               it was not sent, or is proven to have done nothing
│   ├── Undecided             whether it was done can't be shown
│   ├── OutcomeUnknown        it may have been done; it is being settled, or a person has to look
│   ├── KeyConflict           the idempotency key belongs to another request
│   └── CallInProgress        the same request is being sent by another process
├── UsageError            usage that can't be recorded or billed as asked
│   ├── UnknownMeter          no meter of this id is configured
│   ├── UnknownCustomer       the copy has no such customer or user, or several
│   ├── UsageRefused          a quantity, time or key that can't be right
│   ├── UsageConflict         the idempotency key stands for other usage
│   └── NoPrice               the meter has no price in this currency
└── ProviderError         a call to a provider failed
    ├── ProviderUnavailable   timeout, connection lost, 5xx, broken answer: try again
    ├── RateLimited           429: try again after `retry_after`
    ├── Forbidden             401 or 403: the key may not; says nothing about the object
    │   └── OtherAccount          the key opens another provider account than the one our rows came from
    ├── NotFound              a bare 404: the id is unknown to this key
    └── BadRequest            the provider refused the request itself
"""

from __future__ import annotations

from typing import Final, Literal

Cause = Literal[
    "missing_signature",
    "malformed_signature",
    "bad_signature",
    "stale_timestamp",
    "future_timestamp",
    "too_large",
    "bad_payload",
    "unknown_account",
    "not_durable",
    "method_not_allowed",
]


class TallyhookError(Exception):
    """Root of every error that this project raises on purpose."""


class ConfigError(TallyhookError):
    """A setting is missing or wrong. The message says which, where it was read from, and what to do."""


class SchemaError(TallyhookError):
    """The database schema is not the one this code needs; `tallyhook migrate` brings it up."""


class Rejected(TallyhookError):
    """A delivery was refused before it was stored. `cause` is one of a closed list; `detail` never holds input bytes."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause: Cause = cause
        self.detail = detail


class NotDurable(TallyhookError):
    """The event could not be made durable. The answer is 503 and the provider delivers again."""


class MappingError(TallyhookError):
    """An event or object has a shape that can't be translated; the raw bytes are kept and the event can be replayed."""


class LeaseLost(TallyhookError):
    """The claim expired or was taken over while its holder worked; nothing of the transaction was kept."""


class RunRefused(TallyhookError):
    """A reconcile run must not start. The message says why and what to do."""


class RunStopped(RunRefused):
    """A reconcile run was told to stop. What it has read is kept; the next run of the same options goes on from there."""


class WriteError(TallyhookError):
    """A write to a provider has no result. The subclass says what that means for trying again."""


class NotSupported(WriteError):
    """The provider can't do this. Nothing was sent. `alternative` says what to do instead."""

    def __init__(self, reason: str, alternative: str) -> None:
        super().__init__(f"{reason}; {alternative}")
        self.reason = reason
        self.alternative = alternative


class NotDone(WriteError):
    """Nothing was done: the request was never sent, or complete lists show nothing of it. The same key may be tried again."""


class Undecided(WriteError):
    """Neither that a write was done nor that it was not can be shown. The message says what was looked at."""


class OutcomeUnknown(WriteError):
    """A write may have been done or not. `call_id` names its row of `provider_call`; the same idempotency key asks again.

    `needs_review` is true where a person has to look, since the provider's lists can't tell.
    """

    def __init__(self, call_id: str, detail: str, *, needs_review: bool = False) -> None:
        super().__init__(f"call {call_id}: {detail}")
        self.call_id = call_id
        self.detail = detail
        self.needs_review = needs_review


class KeyConflict(WriteError):
    """The idempotency key was used for another request before; use a new key for a new request."""


class CallInProgress(WriteError):
    """The same request, by the same idempotency key, is being sent right now; ask again in a moment."""


class UsageError(TallyhookError):
    """Usage that can't be recorded or billed as asked. Nothing was changed."""


class UnknownMeter(UsageError):
    """No meter of this id is configured. The message names it and the known ones."""


class UnknownCustomer(UsageError):
    """The copy has no customer of this id, or no user, or several and none was chosen. The message says which."""


class UsageRefused(UsageError):
    """A quantity, time or key that can't be right. `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class UsageConflict(UsageError):
    """The idempotency key stands for other usage already; use a new key for new usage."""


class NoPrice(UsageError):
    """The meter has no price in this currency. The message names both, and the currencies that it has."""


class ProviderError(TallyhookError):
    """A call to a provider failed. The message names the operation, never a key or a body."""


class ProviderUnavailable(ProviderError):
    """Timeout, lost connection, 5xx or a broken answer. Trying again later is safe for reads."""


class RateLimited(ProviderError):
    """The provider answered 429. `retry_after` is in seconds, None where the provider did not say."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Forbidden(ProviderError):
    """401 or 403: the key is wrong or lacks a permission. Never evidence that an object is gone."""


class OtherAccount(Forbidden):
    """The key opens another provider account, or the other mode, than the account's rows came from. Nothing was read."""


class NotFound(ProviderError):
    """The provider knows no object of this id under this key."""


class BadRequest(ProviderError):
    """The request itself is refused: our parameters are wrong. `status` is the provider's, None where nothing was sent."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


REFUSED: Final = (NotSupported, BadRequest, NotFound)
"""What ended a request that did nothing, and would do nothing another time."""
NOT_THIS_TIME: Final = (NotDone, Forbidden, RateLimited)
"""What ended a request that did nothing, and may do it another time."""
