"""A small store at the stand-in, so that a test states only what it is about."""

from collections.abc import Callable
from typing import Any

import pytest

from service.sandbox.lemonsqueezy import Call, LemonSqueezySandbox, SandboxError
from service.sandbox.lemonsqueezy.api import MEDIA

Json = dict[str, Any]

HOUR, DAY = 3_600, 86_400
MONTH, YEAR = 31 * DAY, 366 * DAY
"""No month and no year is longer, so one period has passed when they are over."""


class Shop:
    """Variants, purchases and requests, made in-process."""

    def __init__(self, sandbox: LemonSqueezySandbox) -> None:
        self.sandbox = sandbox

    def variant(self, unit_price: int | str = 1_900, **price: Any) -> str:
        """The id of a new variant of a new product."""
        return self.sandbox.add_variant(self.sandbox.add_product(), unit_price=unit_price, **price)

    def subscribe(self, **price: Any) -> Json:
        """The ids of a new purchase of a subscription."""
        return self.sandbox.buy(self.variant(**price))

    def get(self, kind: str, object_id: object) -> Json:
        """The attributes of an object as they are now."""
        found: Json = self.sandbox.objects(kind)[str(object_id)]["attributes"]
        return found

    def invoices(self, subscription_id: str) -> list[Json]:
        """The attributes of a subscription's invoices, oldest first."""
        every = (each["attributes"] for each in self.sandbox.objects("subscription-invoices").values())
        return [each for each in every if str(each["subscription_id"]) == subscription_id]

    def create(self, kind: str, attributes: Json | None = None, /, **ends: tuple[str, str]) -> Json:
        """POST an object; `ends` are type and id by relationship, `_` standing for `-`."""
        related = {name.replace("_", "-"): {"data": {"type": end[0], "id": end[1]}} for name, end in ends.items()}
        data = {"type": kind, "attributes": attributes or {}, "relationships": related}
        return self.data(self.sandbox.call("POST", f"/v1/{kind}", {"data": data}))

    def customer(self, name: str = "Ada", email: str = "ada@example.com", **more: Any) -> Json:
        """A customer made by the API."""
        return self.create("customers", {"name": name, "email": email, **more}, store=("stores", "1"))

    def change(self, kind: str, object_id: str, **attributes: Any) -> Json:
        """PATCH an object."""
        data = {"type": kind, "id": object_id, "attributes": attributes}
        return self.data(self.sandbox.call("PATCH", f"/v1/{kind}/{object_id}", {"data": data}))

    def refund(self, kind: str, object_id: str, amount: int) -> Json:
        """Refund a payment by the API."""
        data = {"type": kind, "id": object_id, "attributes": {"amount": amount}}
        return self.data(self.sandbox.call("POST", f"/v1/{kind}/{object_id}/refund", {"data": data}))

    def data(self, document: Json) -> Json:
        """The object that a document is about."""
        found: Json = document["data"]
        return found

    def during(self, act: Callable[[], object]) -> list[str]:
        """Names of the events that `act` causes, in order."""
        before = len(self.sandbox.events)
        act()
        return [event["meta"]["event_name"] for event in self.sandbox.events[before:]]

    def walk(self, path: str, size: int = 100) -> list[str]:
        """The ids on all pages of a list, as a client that follows page numbers meets them."""
        ids, number = [], 1
        while True:
            page = self.sandbox.call("GET", path, **{"page[number]": number, "page[size]": size})
            ids += [each["id"] for each in page["data"]]
            if "next" not in page["links"]:
                return ids
            number += 1


def refusal(act: Callable[[], object]) -> SandboxError:
    """The error that a request must end in."""
    with pytest.raises(SandboxError) as caught:
        act()
    return caught.value


def pointers(error: SandboxError) -> list[str]:
    """What the errors of an answer point to."""
    return [each["source"]["pointer"] for each in error.body["errors"]]


def headers(key: str = "lsq_sandbox_key", **other: str) -> dict[str, str]:
    """The headers of a correct request; `other` replaces some of them, `_` standing for `-`."""
    correct = {"accept": MEDIA, "content-type": MEDIA, "authorization": f"Bearer {key}"}
    return correct | {name.replace("_", "-"): value for name, value in other.items()}


def get(path: str, query: str = "", **other: str) -> Call:
    """A correct GET."""
    return Call("GET", path, query, headers(**other))
