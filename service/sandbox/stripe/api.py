"""One request to the Stripe API, from its bytes to its answer."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from service.sandbox.edge import Answer, Call
from service.sandbox.stripe import errors
from service.sandbox.stripe.endpoints import ROUTES
from service.sandbox.stripe.errors import SandboxError
from service.sandbox.stripe.expand import expanded
from service.sandbox.stripe.idempotency import Keys
from service.sandbox.stripe.paging import Page
from service.sandbox.stripe.params import from_form, from_python
from service.sandbox.stripe.render import view
from service.sandbox.stripe.routes import Router
from service.sandbox.stripe.search import Found
from service.sandbox.stripe.world import AUTOMATIC, Cause, World

Json = dict[str, Any]

_ROUTER = Router(ROUTES)


class Api:
    """Answers requests as Stripe's API does, one at a time."""

    def __init__(self, world: World, api_key: str) -> None:
        self._world, self.api_key = world, api_key
        self._keys = Keys()
        self._window = (0, 0)
        self.requests: list[tuple[str, str]] = []

    def exchange(self, call: Call) -> Answer:
        """The answer to a request that came over HTTP. Answer faults strike here, in the order of their listing."""
        world = self._world
        with world.lock:
            self.requests.append((call.method, call.path))
            strikes = world.faults.strikes if world.faults.match in f"{call.method} {call.path}" else _never
            wait = world.faults.slow_seconds if strikes("slow") else 0.0
            request_id = world.ids.new("req", 14)
            if strikes("rate_limited") or self._over_limit():
                answer = _of_error(errors.too_many_requests())
            elif strikes("connection_reset"):
                answer = Answer(dropped=True)
            else:
                answer = self._kept_or_new(call, request_id, broken=strikes("server_error"))
                if strikes("server_error_after"):
                    answer = self._spoiled(call, answer)
                elif strikes("connection_reset_after"):
                    answer = Answer(dropped=True)
            return self._finished(answer, call, request_id, wait)

    def call(self, method: str, path: str, params: Json | None = None) -> Json:
        """The decoded answer to a request made in-process with this account's key; faults do not strike.

        Raises:
            SandboxError: the answer is an error.
        """
        world = self._world
        with world.lock:
            self.requests.append((method, path))
            world.cause = Cause(world.ids.new("req", 14))
            try:
                shown = self._run(method, path, from_python(params or {}), world.settings.api_version)
                answer: Json = msgspec.json.decode(msgspec.json.encode(shown))
            finally:
                world.cause = AUTOMATIC
        return answer

    def _kept_or_new(self, call: Call, request_id: str, *, broken: bool) -> Answer:
        """The stored answer to an idempotency key, or a new one, stored if the request began to execute."""
        key = call.headers.get("idempotency-key") if call.method == "POST" else None
        request = _fingerprint(call)
        now = self._world.now
        try:
            self._authorise(call)
            if key and (kept := self._keys.replay(key, request, now)):
                return kept
            if broken:
                raise errors.server_error()
            answer = _of_json(200, self._executed(call, Cause(request_id, key)))
        except SandboxError as error:
            answer = _of_error(error)
            if not error.kept:
                return answer
        if key:
            self._keys.keep(key, request, answer, now)
        return answer

    def _executed(self, call: Call, cause: Cause) -> Json:
        world = self._world
        params = from_form(call.query) | from_form(call.body.decode("utf-8", "replace"))
        version = call.headers.get("stripe-version") or world.settings.api_version
        world.cause = cause
        try:
            return self._run(call.method, call.path, params, version)
        finally:
            world.cause = AUTOMATIC

    def _run(self, method: str, path: str, sent: Json, version: str) -> Json:
        found = _ROUTER.find(method, path)
        if found is None:
            raise errors.unrecognised_url(method, path)
        route, ids = found
        if route.resource in self._world.faults.forbidden:
            raise errors.forbidden(self.api_key, self._world.settings.account_id, route.resource, method)
        params = route.fields.read(sent)
        paths = params.pop("expand", [])
        return self._rendered(route.handler(self._world, params, *ids), paths, version)

    def _rendered(self, answer: Json | Page | Found, paths: list[str], version: str) -> Json:
        if isinstance(answer, Page | Found):
            inner = [path.removeprefix("data.") for path in paths if path.startswith("data.")]
            if len(inner) < len(paths):
                raise errors.refused("This property cannot be expanded. You may want to try 'data.'.", param="expand")
            rows = [self._shown(row, inner, version) for row in answer.rows]
            return answer.envelope() | {"data": rows}
        return self._shown(answer, paths, version)

    def _shown(self, thing: Json, paths: list[str], version: str) -> Json:
        shown = view(self._world, thing, version) if "object" in thing else thing
        return shown if thing.get("deleted") else expanded(self._world, shown, paths, version)

    def _authorise(self, call: Call) -> None:
        scheme, _, credentials = call.headers.get("authorization", "").partition(" ")
        key = credentials.strip()
        if scheme.lower() == "basic":
            key = base64.b64decode(key).decode("utf-8", "replace").partition(":")[0]
        if not key:
            raise errors.no_key()
        if key != self.api_key:
            raise errors.wrong_key(key)

    def _over_limit(self) -> bool:
        limit, now = self._world.settings.rate_limit, self._world.now
        second, count = self._window
        self._window = (now, count + 1 if second == now else 1)
        return limit is not None and self._window[1] > limit

    def _spoiled(self, call: Call, answer: Answer) -> Answer:
        """A 500 in place of the answer to a request that took effect, and under its key as well."""
        broken = _of_error(errors.server_error())
        key = call.headers.get("idempotency-key")
        first = answer.status < 400 and "Idempotent-Replayed" not in answer.headers
        if key and call.method == "POST" and first:
            self._keys.keep(key, _fingerprint(call), broken, self._world.now)
        return broken

    def _finished(self, answer: Answer, call: Call, request_id: str, wait: float) -> Answer:
        version = call.headers.get("stripe-version") or self._world.settings.api_version
        headers = {
            "Content-Type": "application/json",
            "Date": self._world.clock.http_date(),
            "Request-Id": request_id,
            "Stripe-Version": version,
            **answer.headers,
        }
        if key := call.headers.get("idempotency-key"):
            headers["Idempotency-Key"] = key
        body = answer.body
        if answer.status >= 400:
            body = body.replace(b"$request", request_id.encode()).replace(b"$account", self._account())
        return Answer(answer.status, body, headers, wait, answer.dropped)

    def _account(self) -> bytes:
        return self._world.settings.account_id.encode()


def _never(_name: str) -> bool:
    return False


def _fingerprint(call: Call) -> str:
    """The same for the same path and parameters, in whatever order they were sent."""
    return f"{call.path} {sorted(parse_qsl(call.body.decode('utf-8', 'replace'), keep_blank_values=True))}"


def _of_json(status: int, body: Json) -> Answer:
    return Answer(status, msgspec.json.encode(body))


def _of_error(error: SandboxError) -> Answer:
    log_url = "https://dashboard.stripe.com/$account/test/workbench/logs?object=$request"
    return _of_json(error.status, {"error": error.body["error"] | {"request_log_url": log_url}})
