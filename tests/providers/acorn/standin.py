"""A small stand-in of Acorn: objects with a clock of milliseconds, pages by cursor, a log, hooks, and its own `Date`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

from service.sandbox.edge import Answer, Call, Edge

Json = dict[str, Any]
PAGE = 2


@dataclass
class House:
    """One Acorn account. `now` is in milliseconds; every write moves it, and leaves an event in `log`."""

    key: str = "acorn-test-key"
    region: str = "north"
    name: str = "house-1"
    now: int = 1_790_000_000_000
    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    log: list[Json] = field(default_factory=list)
    hooks: list[Json] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @property
    def app(self) -> Edge:
        """The API."""
        return Edge(self.answer)

    def write(self, what: str, ref: str, **changes: Any) -> bytes:
        """Make or change an object; the event of it, as it would be delivered."""
        self.now += 250
        shelf = self.objects.setdefault(what.partition(".")[0], {})
        shelf[ref] = {**shelf.get(ref, {"ref": ref}), **changes, "changed": self.now}
        event = {
            "uid": f"ev-{len(self.log)}",
            "what": what,
            "when": self.now,
            "test": True,
            "subject": dict(shelf[ref]),
        }
        self.log.append(event)
        return json.dumps(event).encode()

    def answer(self, call: Call) -> Answer:
        """One request."""
        self.calls.append(call.path)
        if call.headers.get("authorization") != f"Bearer {self.key}":
            return self._said({"problem": "wrong_key"}, 401)
        region, _, path = call.path.removeprefix("/").partition("/")
        if region != self.region:
            return self._said({"problem": "wrong_region"}, 404)
        first, _, rest = path.partition("/")
        query = {name: values[0] for name, values in parse_qs(call.query).items()}
        if first == "self":
            return self._said({"house": self.name})
        if first == "hooks":
            return self._hooks(call, rest)
        return self._log(query) if first == "log" else self._objects(first, rest, query)

    def _objects(self, first: str, rest: str, query: dict[str, str]) -> Answer:
        source, _, ref = rest.partition("/")
        shelf = self.objects.get(source, {})
        if first == "all":
            return self._page([each for each in shelf.values() if _within(each["changed"], query)], "ref", query)
        return self._said(shelf[ref]) if ref in shelf else self._said({"problem": "unknown_ref"}, 404)

    def _log(self, query: dict[str, str]) -> Answer:
        return self._page([each for each in reversed(self.log) if _within(each["when"], query)], "uid", query)

    def _page(self, rows: list[Json], name: str, query: dict[str, str]) -> Answer:
        """A cursor names the last row of the page before."""
        start = next((at + 1 for at, each in enumerate(rows) if each[name] == query.get("after")), 0)
        page = rows[start : start + PAGE]
        more = start + PAGE < len(rows)
        return self._said({"rows": page, "after": page[-1][name] if more else None})

    def _hooks(self, call: Call, hook_id: str) -> Answer:
        if call.method == "GET":
            return self._said(self.hooks)
        hook = {"id": f"h-{len(self.hooks)}", "on": True} | json.loads(call.body)
        self.hooks = [each for each in self.hooks if each["id"] != hook_id] + [hook]
        return self._said(hook | {"secret": "acorn-hook-secret-9"})

    def _said(self, value: Any, status: int = 200) -> Answer:
        headers = {"Date": formatdate(self.now / 1000, usegmt=True), "Content-Type": "application/json"}
        return Answer(status, json.dumps(value).encode(), headers)


def _within(moment: int, query: dict[str, str]) -> bool:
    return int(query.get("from", 0)) <= moment <= int(query.get("to", 2**60))
