"""Paddle's error bodies: type, code, detail and HTTP status, as developer.paddle.com/errors lists them."""

from collections.abc import Iterable
from typing import Any

DOCS = "https://developer.paddle.com/errors"
_GROUPS = ("adjustment", "customer", "notification", "price", "product", "subscription", "transaction")


class SandboxError(Exception):
    """An answer of the API that is an error: its HTTP status and its JSON body, without `meta`."""

    def __init__(self, status: int, body: dict[str, Any], *, retry_after: int | None = None) -> None:
        super().__init__(f"{status}: {body['error']['code']}: {body['error']['detail']}")
        self.status, self.body, self.retry_after = status, body, retry_after


def error(
    status: int, code: str, detail: str, *, kind: str = "request_error", retry_after: int | None = None
) -> SandboxError:
    """An error with Paddle's body."""
    group = next((f"{each}s" for each in _GROUPS if code.startswith(each)), "shared")
    described = {"type": kind, "code": code, "detail": detail, "documentation_url": f"{DOCS}/{group}/{code}"}
    return SandboxError(status, {"error": described}, retry_after=retry_after)


def refused(code: str, detail: str) -> SandboxError:
    """A request that is well formed and that the object's state does not allow."""
    return error(400, code, detail)


def invalid(problems: Iterable[tuple[str, str]]) -> SandboxError:
    """Fields or parameters that do not pass validation, all of them named."""
    found = error(400, "invalid_field", "Request does not pass validation.")
    found.body["error"]["errors"] = [{"field": field, "message": message} for field, message in problems]
    return found


def not_found(noun: str, object_id: str) -> SandboxError:
    """No such object."""
    return error(404, "not_found", f"{noun} {object_id} not found.")


def no_route(method: str, path: str) -> SandboxError:
    """No such endpoint."""
    return error(404, "invalid_url", f"Path {path} does not exist for {method}.")


def forbidden() -> SandboxError:
    """A key that lacks the permission for a resource."""
    return error(403, "forbidden", "You aren't permitted to perform this request.")


def server_error() -> SandboxError:
    """A fault on Paddle's side."""
    return error(500, "internal_error", "Unexpected error.", kind="api_error")


def too_many_requests(retry_after: int) -> SandboxError:
    """The rate limit was reached; `retry_after` is in seconds."""
    detail = "IP address exceeded the allowed rate limit. Retry after the number of seconds in the Retry-After header."
    return error(429, "too_many_requests", detail, retry_after=retry_after)
