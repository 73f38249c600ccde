"""A few JSON:API collections behind a socket: what the read side's own tests need, and lists that shift under a walk."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from service.sandbox.edge import Answer, Call
from tests.providers.lemonsqueezy.given import CREATED, Json, whole

DATE = "Mon, 21 Sep 2026 14:13:20 GMT"


class Shelf:
    """Objects by type, each list in its own order. `between` is called after each list answer with the page's number."""

    def __init__(self, page_cap: int = 100, *, oldest_first: bool = False) -> None:
        self.page_cap, self.oldest_first = page_cap, oldest_first
        self.tables: dict[str, list[Json]] = {}
        self.between: Callable[[int], object] = lambda _number: None
        self.test_mode = True

    def put(self, type_: str, id_: object, **attributes: Any) -> Json:
        """A new object, at the front of its list, or at its end where the oldest come first."""
        obj = {
            "type": type_,
            "id": str(id_),
            "attributes": {"created_at": CREATED, "updated_at": CREATED, **attributes},
        }
        table = self.tables.setdefault(type_, [])
        table.insert(len(table) if self.oldest_first else 0, obj)
        return obj

    def add(self, name: str) -> Json:
        """The object of a fixture's event."""
        obj: Json = whole(name)["data"]
        self.tables.setdefault(obj["type"], []).insert(0, obj)
        return obj

    def remove(self, type_: str, *ids: object) -> None:
        """Take objects off their list."""
        gone = {str(each) for each in ids}
        self.tables[type_] = [each for each in self.tables[type_] if each["id"] not in gone]

    def __call__(self, call: Call) -> Answer:
        """Answer one request."""
        parts = call.path.strip("/").split("/")[1:]
        if call.method in ("POST", "PATCH"):
            return self._write(call, parts)
        query = dict(parse_qsl(call.query))
        if parts == ["users", "me"]:
            user = {"type": "users", "id": "77", "attributes": {"email": "a@b.test"}}
            return answer({"meta": {"test_mode": self.test_mode}, "data": user})
        return self._list(parts[0], query) if len(parts) == 1 else self._one(parts[0], parts[1], query)

    def _write(self, call: Call, parts: list[str]) -> Answer:
        data = json.loads(call.body)["data"]
        if call.method == "POST":
            store = int(data["relationships"]["store"]["data"]["id"])
            obj = self.put(data["type"], len(self.tables.get(data["type"], ())) + 1, store_id=store)
        else:
            obj = next(each for each in self.tables[parts[0]] if each["id"] == parts[1])
        obj["attributes"] |= {name: value for name, value in data["attributes"].items() if name != "secret"}
        return answer({"data": obj})

    def _list(self, type_: str, query: dict[str, str]) -> Answer:
        wanted = query.get("filter[store_id]")
        rows = [
            each
            for each in self.tables.get(type_, [])
            if wanted is None or str(each["attributes"]["store_id"]) == wanted
        ]
        size = min(int(query["page[size]"]), self.page_cap)
        number = int(query["page[number]"])
        data = rows[(number - 1) * size : number * size]
        page = {"currentPage": number, "perPage": size, "lastPage": max(-(-len(rows) // size), 1), "total": len(rows)}
        told = answer({"meta": {"page": page}, "data": data, **self._included(data, query)})
        self.between(number)
        return told

    def _one(self, type_: str, id_: str, query: dict[str, str]) -> Answer:
        obj = next((each for each in self.tables.get(type_, []) if each["id"] == id_), None)
        if obj is None:
            error = {"detail": "No such thing.", "status": "404", "title": "Not Found"}
            return Answer(404, json.dumps({"errors": [error]}).encode(), {"Date": DATE})
        return answer({"data": obj, **self._included([obj], query)})

    def _included(self, data: list[Json], query: dict[str, str]) -> Json:
        if query.get("include") != "variant":
            return {}
        wanted = {str(each["attributes"]["variant_id"]) for each in data}
        return {"included": [each for each in self.tables.get("variants", []) if each["id"] in wanted]}


def answer(body: Any, status: int = 200) -> Answer:
    """A dated answer."""
    return Answer(status, json.dumps(body).encode(), {"Date": DATE})


def stocked(page_cap: int = 100) -> Shelf:
    """Two stores, the first in dollars and the second in yen, with something of every type in both."""
    shelf = Shelf(page_cap)
    shelf.put("stores", 1, currency="USD")
    shelf.put("stores", 2, currency="JPY")
    for store in (1, 2):
        shelf.put("products", 40 + store, store_id=store, name="Pro", status="published")
        shelf.put("variants", 60 + store, product_id=40 + store, status="published")
        for number in range(3):
            price = {"scheme": "standard", "unit_price": 100_000, "package_size": 1, "usage_aggregation": None}
            shelf.put("prices", 80 + 10 * store + number, variant_id=60 + store, **price)
            shelf.put(
                "customers", 30 + 10 * store + number, store_id=store, email="ann@example.com", status="subscribed"
            )
    for name in ("subscription_created__active", "order_created__paid", "subscription_payment_refunded__partly"):
        shelf.add(name)
    return shelf
