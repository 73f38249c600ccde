"""What one operation of the API is: declared once, routed, checked and documented from the declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from service.http.api.problem import Cause
from service.http.api.tokens import Scope
from service.system import System

Q = TypeVar("Q")
B = TypeVar("B")


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query parameters of an operation; a subclass has one field for each, UNSET where it may be left out."""


class Asked(msgspec.Struct, Generic[Q, B], frozen=True, kw_only=True):
    """A checked request. `address` is its path and query as they came; `key` its idempotency key."""

    id: str
    query: Q
    body: B
    address: str
    key: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """An answer: a value to encode as JSON, or bytes that are JSON already."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path. `answers` maps each status to the type of its body; `causes` are refusals of its own.

    `remote` operations call a provider and may take seconds. `key` says whether an idempotency key is taken.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    summary: str
    run: Callable[[System, Asked[Any, Any]], Reply]
    answers: Mapping[int, Any]
    query: type[Parameters] = Parameters
    body: Any = None
    causes: tuple[Cause, ...] = ()
    scope: Scope = "read"
    key: Literal["none", "optional", "needed"] = "none"
    remote: bool = False

    @property
    def refusals(self) -> tuple[Cause, ...]:
        """Every cause with which this operation may refuse."""
        found: list[Cause] = [*_ALWAYS, *self.causes]
        if "{id}" in self.path:
            found.append("not_found")
        if self.scope == "write":
            found.append("read_only_token")
        for applies, more in (
            (self.body is not None, _WITH_BODY),
            (self.remote, _REMOTE),
            (self.key != "none", _KEYED),
            (self.key != "none" and self.remote, _SENT_ONCE),
        ):
            found += more if applies else ()
        return tuple(dict.fromkeys(found))


_ALWAYS: Final[tuple[Cause, ...]] = ("missing_token", "bad_token", "bad_parameter", "busy", "unavailable")
_WITH_BODY: Final[tuple[Cause, ...]] = ("bad_payload", "invalid_body", "too_large", "unsupported_media_type")
_REMOTE: Final[tuple[Cause, ...]] = (
    "refused", "not_found", "not_supported", "provider_forbids", "provider_unavailable", "rate_limited", "not_configured",
)  # fmt: skip
_KEYED: Final[tuple[Cause, ...]] = ("missing_key", "key_reused")
_SENT_ONCE: Final[tuple[Cause, ...]] = ("key_in_use", "not_done", "outcome_unknown")
