"""Paddle's lists and single objects over plain dictionaries: just enough of the API to page, filter and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from service.sandbox.edge import Answer, Call

Json = dict[str, Any]
DATE = "Mon, 21 Sep 2026 14:13:20 GMT"


def answer(status: int, body: Any) -> Answer:
    """An answer with the date that all answers of these tests have."""
    return Answer(status, json.dumps(body).encode(), {"Date": DATE})


def refusal(status: int, code: str) -> Answer:
    """An answer as Paddle refuses."""
    error = {"type": "request_error", "code": code, "detail": "the secret is hunter2", "documentation_url": "https://x"}
    return answer(status, {"error": error, "meta": {"request_id": "0daa7c59-f2eb-41b6-bf2e-bb3b070873a5"}})


@dataclass
class Shelf:
    """Objects by path. `cap` is the most that a page holds; `filters_events` says if the log takes `from` and `to`."""

    lists: dict[str, list[Json]] = field(default_factory=dict)
    cap: int = 2
    filters_events: bool = True

    def __call__(self, call: Call) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(call.query).items()}
        path, _, object_id = call.path[1:].partition("/")
        if object_id:
            found = [each for each in self.lists.get(path, []) if each["id"] == object_id]
            return answer(200, {"data": found[0], "meta": {}}) if found else refusal(404, "not_found")
        if path == "events" and not self.filters_events and "from" in asked:
            return refusal(400, "bad_request")
        return self._page(path, asked)

    def _page(self, path: str, asked: Json) -> Answer:
        own = "event_id" if path == "events" else "id"
        descending = asked["order_by"] == "id[DESC]"
        chosen = sorted(self._chosen(path, asked), key=lambda each: str(each[own]), reverse=descending)
        after = asked.get("after")
        if after is not None:
            chosen = [each for each in chosen if (each[own] < after if descending else each[own] > after)]
        size = min(int(asked["per_page"]), self.cap)
        page = chosen[:size]
        following = urlencode({**asked, "after": page[-1][own]}) if page else ""
        pagination = {
            "per_page": size,
            "next": f"https://elsewhere.example.com/{path}?{following}",
            "has_more": len(chosen) > size,
            "estimated_total": len(chosen),
        }
        return answer(200, {"data": page, "meta": {"request_id": "x", "pagination": pagination}})

    def _chosen(self, path: str, asked: Json) -> list[Json]:
        tests: dict[str, Callable[[Json, str], bool]] = {
            "id": lambda each, wanted: each["id"] in wanted.split(","),
            "updated_at[GTE]": lambda each, wanted: each["updated_at"] >= wanted,
            "updated_at[LTE]": lambda each, wanted: each["updated_at"] <= wanted,
            "from": lambda each, wanted: each["occurred_at"] >= wanted,
            "to": lambda each, wanted: each["occurred_at"] <= wanted,
        }
        # Archived objects are left out unless asked for.
        statuses = asked.get("status", "active").split(",") if path in ("customers", "products", "prices") else None
        return [
            each
            for each in self.lists.get(path, [])
            if all(test(each, asked[name]) for name, test in tests.items() if name in asked)
            and (statuses is None or each["status"] in statuses)
        ]
