"""Refusals of a provider's API and failures of the network, as the errors of the port.

    httpx.HTTPError, StreamError, InvalidURL, CookieConflict   ProviderUnavailable
    an answer that can't be read, a redirect, 5xx              ProviderUnavailable
    401, 403                                                   Forbidden
    404                                                        NotFound
    429                                                        RateLimited
    any other 4xx                                              BadRequest

A message names the operation, the status, and what the provider's own error code and request id are; never the key or
the body.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias

import httpx
import msgspec

from service.errors import BadRequest, Forbidden, NotFound, ProviderError, ProviderUnavailable, RateLimited

NETWORK_ERRORS: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict)
"""Every error that httpx 0.28 raises on purpose; a test holds this against httpx's own list."""
_LONGEST_PAUSE: Final = 300.0
Words: TypeAlias = Callable[[httpx.Response], Sequence[object]]
"""What of a refusal may be told: a provider's error code, its request id. Anything but short plain words is left out."""
_WORD: Final = re.compile(r"[A-Za-z0-9_]{1,80}")


def lost(operation: str, error: Exception) -> ProviderUnavailable:
    """A request that got no answer. httpx's own message is left out: it may quote the request."""
    return ProviderUnavailable(f"{operation}: no answer ({type(error).__name__})")


def broken(operation: str, what: str) -> ProviderUnavailable:
    """An answer that can't be what the provider meant to send."""
    return ProviderUnavailable(f"{operation}: broken answer, {what}")


def refused(operation: str, response: httpx.Response, words: Words) -> ProviderError:
    """The error that stands for an answer other than 2xx."""
    status = response.status_code
    message = f"{operation}: {status}{_reason(response, words)}"
    if status in (401, 403):
        return Forbidden(message)
    if status == 404:
        return NotFound(message)
    if status == 429:
        return RateLimited(message, retry_after(response.headers))
    return BadRequest(message, status) if 400 <= status < 500 else ProviderUnavailable(message)


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that the answer asks us to wait, at most 300; None where it doesn't say, or not in a way to be trusted.

    RFC 9110 allows seconds or a date; the date is read against the answer's own `Date`.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _LONGEST_PAUSE)
    until, now = http_date(value), http_date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_PAUSE)


def http_date(value: str) -> datetime | None:
    """The aware datetime of an HTTP date; None for anything else."""
    try:
        found = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return found if found.tzinfo else None


def body_of(content: bytes) -> dict[str, Any]:
    """The JSON object of an error body; empty where it is anything else."""
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _reason(response: httpx.Response, words: Words) -> str:
    known = [each for each in words(response) if isinstance(each, str) and _WORD.fullmatch(each)]
    return f" ({', '.join(known)})" if known else ""
