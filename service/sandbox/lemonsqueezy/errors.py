"""Lemon Squeezy's error documents: JSON:API errors with `detail`, `status` and `title`."""

from typing import Any

Json = dict[str, Any]
Problem = tuple[str, str]
"""Where in the request, as a JSON pointer, and what is wrong there."""

VERSION: Json = {"version": "1.0"}
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Server Error",
}


class SandboxError(Exception):
    """An answer of the API that is an error: its HTTP status and its JSON body."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{status}: {'; '.join(each['detail'] for each in body['errors'])}")
        self.status, self.body = status, body


def error(status: int, detail: str, source: Json | None = None) -> SandboxError:
    """One error; `source` names the part of the request that it is about."""
    return _errors(status, [_one(status, detail, source)])


def bad_document(detail: str, pointer: str = "/") -> SandboxError:
    """A body that is not the JSON:API document that the operation takes."""
    return error(400, detail, {"pointer": pointer})


def bad_parameter(name: str, detail: str) -> SandboxError:
    """A query parameter that the endpoint does not take, or not with this value."""
    return error(400, detail, {"parameter": name})


def unfit(problems: list[Problem]) -> SandboxError:
    """Fields that are missing, unknown or of the wrong kind: one error for each."""
    return _errors(422, [_one(422, detail, {"pointer": pointer}) for pointer, detail in problems])


def refused(detail: str) -> SandboxError:
    """A request that is well formed and that the object's state does not allow."""
    return error(422, detail)


def missing() -> SandboxError:
    """No such object."""
    return error(404, "The related resource does not exist.")


def no_route() -> SandboxError:
    """No such endpoint."""
    return error(404, "The route could not be found.")


def server_error() -> SandboxError:
    """A fault on Lemon Squeezy's side."""
    return error(500, "Server Error")


def _errors(status: int, errors: list[Json]) -> SandboxError:
    return SandboxError(status, {"jsonapi": VERSION, "errors": errors})


def _one(status: int, detail: str, source: Json | None) -> Json:
    about = {"source": source} if source else {}
    return {"detail": detail, **about, "status": str(status), "title": TITLES[status]}
