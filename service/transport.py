"""Requests to a provider's API: budgeted, retried, and every failure an error of the port."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import httpx
import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from service.errors import BadRequest, ConfigError, NotDone, ProviderUnavailable, RateLimited
from service.provider import Connection
from service.refusals import NETWORK_ERRORS, Words, broken, http_date, lost, refused

ATTEMPTS: Final = 5
_LONGEST_ID: Final = 255

Params: TypeAlias = Mapping[str, str | int | Sequence[str]]
Sleep: TypeAlias = Callable[[float], None]


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """One provider's API: its name for messages, where it is, what every request carries beside the key, and how it tells
    of an error.
    """

    name: str
    base: str
    headers: Mapping[str, str]
    words: Words


class Answer(msgspec.Struct, frozen=True):
    """A 2xx answer. `as_of` is its `Date`: the provider's time when it answered, in whole seconds.

    `replayed` says that the body is a stored one, from when the idempotency key was first used.
    """

    operation: str
    body: bytes
    as_of: datetime
    replayed: bool = False

    def decoded(self, kind: Any) -> Any:
        """The body as `kind`, a msgspec type; raise `ProviderUnavailable` where it is something else."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise broken(self.operation, f"not the JSON that was asked for ({type(error).__name__})") from error


class Transport:
    """One account's way to the API. Reads change nothing, so they are retried; a write only where it carries a key that
    makes the provider act once.

    A failure is tried again up to four times after a random, growing wait. A 429 that names its time holds back
    everyone who shares the budget.
    """

    def __init__(self, api: Api, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._api = api
        self._budget = connection.budget
        self._client = _client(api, connection)
        self._retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            retry=retry_if_exception_type((ProviderUnavailable, RateLimited)),
            sleep=sleep,
            reraise=True,
        )

    def get(self, path: str, params: Params | None = None, *, reserve: bool) -> Answer:
        """Read; `reserve` draws on the workers' share of the budget. Raises `ProviderError`."""
        request = self._client.build_request("GET", path, params=params)
        return self._retrying(self._once, request, reserve)

    def post(self, path: str, form: Params, idempotency_key: str) -> Answer:
        """Write a form; all attempts carry the same key, so that the provider acts once. Raises `ProviderError`."""
        headers = {"Idempotency-Key": idempotency_key}
        request = self._client.build_request("POST", path, data=form, headers=headers)
        return self._retrying(self._once, request, True)

    def write(self, method: str, path: str, body: Any = None, *, deadline: float | None = None) -> Answer:
        """Write JSON, once: a provider without idempotency keys might act twice.

        Raises:
            NotDone: `deadline` (of `time.monotonic`) passed while the budget held the request back.
            ProviderError: the request failed.
        """
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": self._api.headers.get("Content-Type", "application/json")}
        request = self._client.build_request(method, path, content=content, headers=headers)
        return self._once(request, True, deadline)

    def write_form(
        self, method: str, path: str, form: Params, *, idempotency_key: str, deadline: float | None = None
    ) -> Answer:
        """Write a form, once, under a key that makes the provider act once however often it comes. Raises as `write`."""
        headers = {"Idempotency-Key": idempotency_key}
        return self._once(self._client.build_request(method, path, data=form, headers=headers), True, deadline)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def _once(self, request: httpx.Request, reserve: bool, deadline: float | None = None) -> Answer:
        operation = f"{request.method} {request.url.path}"
        self._budget.take(reserve=reserve)
        if deadline is not None and time.monotonic() > deadline:
            raise NotDone(f"{operation}: the account's budget had no room in time; nothing was sent, so try again")
        try:
            response = self._client.send(request)
        except NETWORK_ERRORS as error:
            raise lost(operation, error) from error
        if not response.is_success:
            raise self._refusal(operation, response)
        as_of = http_date(response.headers.get("date", ""))
        if as_of is None:
            raise broken(operation, "no readable Date header, so nothing tells how new it is")
        replayed = response.headers.get("idempotent-replayed", "").lower() == "true"
        return Answer(operation, response.content, as_of.astimezone(UTC), replayed)

    def _refusal(self, operation: str, response: httpx.Response) -> Exception:
        error = refused(operation, response, self._api.words)
        if isinstance(error, RateLimited) and error.retry_after is not None:
            self._budget.pause(error.retry_after)
        return error


def segment(object_id: str) -> str:
    """An id as one segment of a path. Ids come from webhook bodies and must not lead to another path.

    Raises:
        BadRequest: the id is empty, too long, or a relative path.
    """
    if not 0 < len(object_id) <= _LONGEST_ID or object_id in (".", "..") or not object_id.isprintable():
        raise BadRequest("an id that is empty, longer than 255 characters or unprintable can't be asked for")
    return quote(object_id, safe="")


def _client(api: Api, connection: Connection) -> httpx.Client:
    key, base = connection.api_key, connection.api_base or api.base
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"the {api.name} API key is empty or holds characters that no key has; copy it again")
    if not base.startswith(("https://", "http://")):
        raise ConfigError(f"the {api.name} API base must begin with https:// (or http:// for a stand-in)")
    headers = {"Authorization": f"Bearer {key}", "User-Agent": "tallyhook", **api.headers}
    return httpx.Client(
        base_url=base, headers=headers, timeout=connection.timeout, follow_redirects=False, verify=_trusted()
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The system's certificates, or those that the environment names, loaded once for all clients."""
    return httpx.create_ssl_context()


_backoff = wait_random_exponential(multiplier=0.5, max=8)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    # The budget already holds us back for as long as the provider asked.
    return 0.0 if isinstance(error, RateLimited) and error.retry_after is not None else _backoff(state)
