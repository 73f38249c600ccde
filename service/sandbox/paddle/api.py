"""One request to the Paddle API, from its bytes to its answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from service.sandbox.edge import Answer, Call
from service.sandbox.paddle import errors
from service.sandbox.paddle.endpoints import ROUTES
from service.sandbox.paddle.errors import SandboxError
from service.sandbox.paddle.paging import Page
from service.sandbox.paddle.render import view
from service.sandbox.paddle.routes import Route, Router
from service.sandbox.paddle.ulids import Ulids
from service.sandbox.paddle.world import World

Json = dict[str, Any]

_ROUTER = Router(ROUTES)
_QUERY_METHODS = ("GET", "DELETE")
_MINUTE = 60


class Api:
    """Answers requests as Paddle's API does, one at a time."""

    def __init__(self, world: World, api_key: str, seed: int) -> None:
        self._world, self.api_key = world, api_key
        # Reading must not change the ids of what is made later.
        self._request_ids = Ulids(seed + 2)
        self._window = (0, 0)
        self.requests: list[tuple[str, str]] = []

    def exchange(self, call: Call) -> Answer:
        """The answer to a request that came over HTTP. Answer faults strike here, in the order of their listing."""
        world = self._world
        with world.lock:
            self.requests.append((call.method, call.path))
            strikes = world.faults.strikes if world.faults.match in f"{call.method} {call.path}" else _never
            wait = world.faults.slow_seconds if strikes("slow") else 0.0
            if strikes("rate_limited"):
                answer = self._of_error(errors.too_many_requests(1))
            elif self._over_limit():
                answer = self._of_error(errors.too_many_requests(_MINUTE - world.now % _MINUTE))
            elif strikes("connection_reset"):
                answer = Answer(dropped=True)
            else:
                answer = self._answered(call, broken=strikes("server_error"))
                if strikes("server_error_after"):
                    answer = self._of_error(errors.server_error())
                elif strikes("connection_reset_after"):
                    answer = Answer(dropped=True)
            return self._finished(answer, wait)

    def call(self, method: str, path: str, sent: Json | None = None) -> Json:
        """The decoded answer to a request made in-process with this account's key; faults do not strike.

        Raises:
            SandboxError: the answer is an error.
        """
        with self._world.lock:
            self.requests.append((method, path))
            query = _as_query(sent or {}) if method in _QUERY_METHODS else {}
            _, shown = self._run(method, path, query, sent or {}, self._world.settings.base_url)
            found: Json = msgspec.json.decode(msgspec.json.encode(shown or {}))
        return found

    def _answered(self, call: Call, *, broken: bool) -> Answer:
        try:
            self._authorise(call)
            if broken:
                raise errors.server_error()
            host = call.headers.get("host")
            base = f"http://{host}" if host else self._world.settings.base_url
            status, shown = self._run(call.method, call.path, _query(call), _body(call), base)
        except SandboxError as error:
            return self._of_error(error)
        return Answer(status, b"" if shown is None else msgspec.json.encode(shown))

    def _authorise(self, call: Call) -> None:
        header = call.headers.get("authorization")
        if header is None:
            raise errors.error(403, "authentication_missing", "Authentication header is missing.")
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise errors.error(403, "authentication_malformed", "Authentication header included, but incorrectly.")
        if key.strip() != self.api_key:
            raise errors.forbidden()
        if call.headers.get("paddle-version", "1") != "1":
            raise errors.error(400, "unsupported_api_version", "The API version is not supported.")

    def _run(self, method: str, path: str, query: Json, body: Any, base: str) -> tuple[int, Json | None]:
        """Status and document of the answer."""
        found = _ROUTER.find(method, path)
        if found is None:
            raise errors.no_route(method, path)
        route, ids = found
        if route.resource in self._world.faults.forbidden:
            raise errors.forbidden()
        params = self._params(route, query, body)
        result = route.handler(self._world, params, *ids)
        return route.status, None if result is None else self._document(result, query, base + path)

    def _params(self, route: Route, query: Json, body: Any) -> Json:
        if route.method in _QUERY_METHODS:
            return route.fields.read(query)
        if query:
            raise errors.invalid((name, "is not allowed") for name in query)
        return route.fields.read(body)

    def _document(self, result: Json | list[Json] | Page, query: Json, url: str) -> Json:
        meta: Json = {"request_id": self._request_ids.uuid()}
        if isinstance(result, Page):
            follows = query | ({"after": result.after} if result.after else {})
            meta["pagination"] = {
                "per_page": result.size,
                "next": f"{url}?{urlencode(follows)}" if follows else url,
                "has_more": result.has_more,
                "estimated_total": result.total,
            }
            return {"data": [view(self._world, row) for row in result.rows], "meta": meta}
        if isinstance(result, list):
            return {"data": result, "meta": meta}
        return {"data": view(self._world, result), "meta": meta}

    def _over_limit(self) -> bool:
        limit, minute = self._world.settings.rate_limit, self._world.now // _MINUTE
        seen, count = self._window
        self._window = (minute, count + 1 if seen == minute else 1)
        return limit is not None and self._window[1] > limit

    def _of_error(self, error: SandboxError) -> Answer:
        body = error.body | {"meta": {"request_id": self._request_ids.uuid()}}
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return Answer(error.status, msgspec.json.encode(body), headers)

    def _finished(self, answer: Answer, wait: float) -> Answer:
        kind = {} if answer.status == 204 else {"Content-Type": "application/json"}
        headers = {**kind, "Date": self._world.clock.http_date(), **answer.headers}
        return Answer(answer.status, answer.body, headers, wait, answer.dropped)


def _never(_name: str) -> bool:
    return False


def _query(call: Call) -> Json:
    return dict(parse_qsl(call.query, keep_blank_values=True))


def _as_query(sent: Json) -> Json:
    """Python values as a query carries them: lists are separated by commas."""
    return {name: _text(value) for name, value in sent.items()}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(call: Call) -> Any:
    if not call.body or call.method in _QUERY_METHODS:
        return {}
    try:
        return msgspec.json.decode(call.body)
    except (ValueError, RecursionError):
        raise errors.error(400, "bad_request", "The request body is not valid JSON.") from None
