"""Problem documents of `/v1` (RFC 9457), in the webhooks' vocabulary: each refusal has a named cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from service.errors import TallyhookError
from service.http.problem import TITLES

Cause = Literal[
    "api_off",
    "missing_token",
    "bad_token",
    "read_only_token",
    "not_found",
    "method_not_allowed",
    "bad_parameter",
    "bad_payload",
    "invalid_body",
    "too_large",
    "unsupported_media_type",
    "unknown_account",
    "ambiguous_id",
    "ambiguous_account",
    "missing_key",
    "key_reused",
    "key_in_use",
    "not_supported",
    "refused",
    "unknown_meter",
    "unknown_customer",
    "not_configured",
    "not_done",
    "outcome_unknown",
    "provider_unavailable",
    "provider_forbids",
    "rate_limited",
    "busy",
    "unavailable",
    "internal",
]
STATUS: Final[dict[Cause, int]] = {
    "api_off": 404,
    "missing_token": 401,
    "bad_token": 401,
    "read_only_token": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "bad_parameter": 400,
    "bad_payload": 400,
    "invalid_body": 422,
    "too_large": 413,
    "unsupported_media_type": 415,
    "unknown_account": 404,
    "ambiguous_id": 409,
    "ambiguous_account": 409,
    "missing_key": 400,
    "key_reused": 422,
    "key_in_use": 409,
    "not_supported": 422,
    "refused": 422,
    "unknown_meter": 422,
    "unknown_customer": 422,
    "not_configured": 409,
    "not_done": 503,
    "outcome_unknown": 502,
    "provider_unavailable": 503,
    "provider_forbids": 502,
    "rate_limited": 503,
    "busy": 503,
    "unavailable": 503,
    "internal": 500,
}
_RETRY_SECONDS: Final = {
    "busy": "1", "unavailable": "5", "key_in_use": "2", "not_done": "5", "outcome_unknown": "10",
    "provider_unavailable": "5", "rate_limited": "5",
}  # fmt: skip


class Fault(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One value that was refused: where it stood (a JSON pointer, a query parameter or a header) and what was expected."""

    detail: str
    pointer: str | msgspec.UnsetType = msgspec.UNSET
    parameter: str | msgspec.UnsetType = msgspec.UNSET
    header: str | msgspec.UnsetType = msgspec.UNSET


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """The call whose outcome is unknown: ask `href`, or send the same request with the same key again."""

    id: str
    href: str
    needs_review: bool


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a request was refused. `cause` is for machines, `detail` for people; `request_id` is in the log line too."""

    title: str
    status: int
    cause: str
    detail: str
    request_id: str
    type: str = "about:blank"
    errors: list[Fault] | msgspec.UnsetType = msgspec.UNSET
    accounts: list[str] | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET
    alternative: str | msgspec.UnsetType = msgspec.UNSET
    call: Call | msgspec.UnsetType = msgspec.UNSET


class Refused(TallyhookError):
    """A request that is answered with a problem document. `detail` never holds a token."""

    def __init__(
        self,
        cause: Cause,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        accounts: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        """`more` are further fields of the `Problem`."""
        super().__init__(f"{cause}: {detail}")
        self.cause: Cause = cause
        self.status = STATUS[cause]
        self.detail = detail
        self.errors = list(errors)
        retry = {"retry-after": _RETRY_SECONDS[cause]} if cause in _RETRY_SECONDS else {}
        self.headers = retry | dict(headers or {})
        lists = {"errors": self.errors, "accounts": list(accounts)}
        self._more: dict[str, Any] = more | {name: value for name, value in lists.items() if value}

    def document(self, request_id: str) -> Problem:
        """The body of the answer."""
        return Problem(
            title=TITLES[self.status], status=self.status, cause=self.cause, detail=self.detail,
            request_id=request_id, **self._more,
        )  # fmt: skip
