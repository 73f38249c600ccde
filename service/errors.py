"""The error tree.

TallyhookError
├── ConfigError           a setting is missing or wrong; nothing was started
├── SchemaError           the database schema is behind the code
├── Rejected              a delivery was refused; carries its named cause
├── NotDurable            the inbox could not promise durability; the provider must deliver again
├── MappingError          an event or object has a shape that can't be translated
├── LeaseLost             a worker outlived its lease; its transaction was rolled back
├── RunRefused            a reconcile run must not start (another runs, or the key changed hands)
└── ProviderError         a call to a provider failed
    ├── ProviderUnavailable   timeout, connection lost, 5xx, broken answer: try again
    ├── RateLimited           429: try again after `retry_after`
    ├── Forbidden             401 or 403: the key may not; says nothing about the object
    ├── NotFound              a bare 404: the id is unknown to this key
    └── BadRequest            the provider refused the request itself
"""

from __future__ import annotations

from typing import Literal

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


class NotFound(ProviderError):
    """The provider knows no object of this id under this key."""


class BadRequest(ProviderError):
    """The provider refused the request itself (400): our parameters are wrong."""
