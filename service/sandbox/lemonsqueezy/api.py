"""One request to the Lemon Squeezy API, from its bytes to its answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from service.sandbox.edge import Answer, Call
from service.sandbox.lemonsqueezy import documents, errors, reads
from service.sandbox.lemonsqueezy.endpoints import OPERATIONS
from service.sandbox.lemonsqueezy.errors import SandboxError
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.shapes import SHAPES
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

MEDIA = "application/vnd.api+json"
_MINUTE = 60
_DOCUMENTED_LIMIT = 300


@dataclass(frozen=True, slots=True)
class _Asked:
    """An admitted request; `base` begins the links of its answer."""

    method: str
    path: str
    body: bytes
    query: dict[str, str]
    base: str


class Api:
    """Answers requests as Lemon Squeezy's API does, one at a time. `after_list` is called when a list was answered."""

    def __init__(self, world: World, api_key: str, after_list: Callable[[], None]) -> None:
        self._world, self.api_key, self._after_list = world, api_key, after_list
        self._window = (0, 0)
        self.requests: list[tuple[str, str]] = []

    def exchange(self, call: Call) -> Answer:
        """The answer to a request that came over HTTP. Answer faults strike here, in the order of their listing."""
        world = self._world
        with world.lock:
            self.requests.append((call.method, call.path))
            strikes = world.faults.strikes if world.faults.match in f"{call.method} {call.path}" else _never
            wait = world.faults.slow_seconds if strikes("slow") else 0.0
            if strikes("rate_limited") or self._over_limit():
                answer = _of_error(errors.error(429, "Too Many Attempts."))
            elif strikes("connection_reset"):
                answer = Answer(dropped=True)
            else:
                answer = self._answered(call, broken=strikes("server_error"))
                if strikes("server_error_after"):
                    answer = _of_error(errors.server_error())
                elif strikes("connection_reset_after"):
                    answer = Answer(dropped=True)
            return self._finished(answer, wait)

    def call(self, method: str, path: str, sent: Json | None, query: dict[str, str]) -> Json:
        """The decoded answer to a request made in-process with this account's key; faults do not strike.

        Raises:
            SandboxError: the answer is an error.
        """
        with self._world.lock:
            self.requests.append((method, path))
            body = b"" if sent is None else msgspec.json.encode(sent)
            bare, _, rest = path.partition("?")
            asked = _Asked(method, bare, body, _query(rest) | query, self._world.settings.base_url)
            _, shown = self._run(asked)
            found: Json = msgspec.json.decode(msgspec.json.encode(shown or {}))
        return found

    def _answered(self, call: Call, *, broken: bool) -> Answer:
        try:
            self._admit(call)
            if broken:
                raise errors.server_error()
            host = call.headers.get("host")
            base = f"http://{host}" if host else self._world.settings.base_url
            status, shown = self._run(_Asked(call.method, call.path, call.body, _query(call.query), base))
        except SandboxError as error:
            return _of_error(error)
        return Answer(status, b"" if shown is None else msgspec.json.encode(shown))

    def _admit(self, call: Call) -> None:
        """Both media types, and then the key."""
        accepted = [each.strip() for each in call.headers.get("accept", "").split(",")]
        if MEDIA not in accepted:
            raise errors.error(406, f"The requested resource is only available as {MEDIA}.")
        if call.body and call.headers.get("content-type", "").strip() != MEDIA:
            raise errors.error(415, f"The request entity must be {MEDIA}.")
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key.strip() != self.api_key:
            raise errors.error(401, "Unauthenticated.")

    def _run(self, asked: _Asked) -> tuple[int, Json | None]:
        """Status and document of the answer."""
        version, _, rest = asked.path.strip("/").partition("/")
        kind, *steps = rest.split("/")
        if version != "v1" or kind not in SHAPES or "" in steps:
            raise errors.no_route()
        if kind in self._world.faults.forbidden:
            raise errors.error(403, "This action is unauthorized.")
        operation = OPERATIONS.get((asked.method, kind, "/".join(["*", *steps[1:]]) if steps else ""))
        if operation is not None:
            return self._operate(operation, steps[0] if steps else None, asked)
        if asked.method != "GET":
            raise errors.error(405, f"The {asked.method} method is not supported for this route.")
        document = documents.answer(reads.read(self._world, kind, steps, asked.query, asked.base))
        if isinstance(document["data"], list):
            self._after_list()
        return 200, document

    def _operate(self, operation: Operation, row_id: str | None, asked: _Asked) -> tuple[int, Json | None]:
        world = self._world
        if row_id is not None:
            world.get(operation.kind, row_id)  # an unknown id is 404, whatever else the request says
        result = operation.handler(world, self._read(operation, row_id, asked))
        if result is None:
            return 204, None
        members = reads.one(world, result, {}, asked.base) if isinstance(result, Row) else result
        return operation.status, documents.answer(members)

    def _read(self, operation: Operation, row_id: str | None, asked: _Asked) -> Sent:
        parameters = documents.read(operation.parameters, asked.query, "")
        if operation.fields is None:
            return Sent(row_id or "", parameters=parameters)
        data = documents.parsed(asked.body)
        documents.check_identity(data, operation.kind, row_id)
        attributes = documents.attributes_of(data, operation.fields)
        related = documents.relationships_of(self._world, data, operation.relationships)
        return Sent(row_id or "", attributes, related, parameters)

    def _over_limit(self) -> bool:
        limit, minute = self._world.settings.rate_limit, self._world.now // _MINUTE
        seen, count = self._window
        self._window = (minute, count + 1 if seen == minute else 1)
        return limit is not None and self._window[1] > limit

    def _finished(self, answer: Answer, wait: float) -> Answer:
        limit = self._world.settings.rate_limit
        left = _DOCUMENTED_LIMIT if limit is None else max(limit - self._window[1], 0)
        headers = {
            **({} if answer.status == 204 else {"Content-Type": MEDIA}),
            "Date": self._world.clock.http_date(),
            "X-Ratelimit-Limit": str(_DOCUMENTED_LIMIT if limit is None else limit),
            "X-Ratelimit-Remaining": str(left),
        }
        return Answer(answer.status, answer.body, headers, wait, answer.dropped)


def _never(_name: str) -> bool:
    return False


def _query(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def _of_error(error: SandboxError) -> Answer:
    return Answer(error.status, msgspec.json.encode(error.body))
