"""What may be used, over HTTP: an answer with its evidence, and never Free where nothing is proven."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from service import catalogue
from service.app import build
from service.model import Customer, Invoice, Subscription, SubscriptionItem
from service.sandbox.server import serving
from service.system import System
from tests.http.api.conftest import NOW, WRITER, Copy, bearer, problem, settings

TOML = """
[plans.free]
name = "Free"
price = { USD = 0 }
limits = { devices = 1 }
[plans.pro]
name = "Pro"
price = { USD = 19 }
limits = { devices = "unlimited" }
features = { cluster = true }
prices = { stripe = "price_pro", paddle = "pri_pro" }
[entitlements]
webhook_only = ["stripe"%s]
"""


@pytest.fixture
def trusted() -> list[str]:
    """Further accounts whose webhooks are all there is."""
    return ["paddle"]


@pytest.fixture
def system(database_url: str, trusted: list[str]) -> Iterator[System]:
    """A system with two plans, one day after the copy's time."""
    document = catalogue.parse(TOML % "".join(f', "{name}"' for name in trusted), "plans.toml")
    made = System(settings(database_url, document=document), clock=lambda: NOW + timedelta(days=1))
    yield made
    made.close()


@pytest.fixture
def client(system: System) -> Iterator[httpx.Client]:
    """A client of the served application."""
    with serving(build(system)) as url, httpx.Client(base_url=url, timeout=20, headers=bearer(WRITER)) as client:
        yield client


def pro(copy: Copy, account: str, customer: str, user_id: str | None = None) -> None:
    """An active subscription to Pro."""
    price = "price_pro" if account == "stripe" else "pri_pro"
    item = SubscriptionItem(id=f"si_{customer}", price_id=price, quantity=1)
    row = Subscription(customer_id=customer, status="active", items=(item,), created_at=NOW, user_id=user_id)
    copy.put("subscription", f"sub_{customer}", row, account=account)


def test_a_subscriber_is_told_plan_limits_and_why(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer(user_id="u1"))
    pro(copy, "stripe", "cus_1")
    for address in ("/v1/customers/cus_1/entitlements?account=stripe", "/v1/customers/cus_1/entitlements",
                    "/v1/entitlements?user_id=u1"):  # fmt: skip
        answer = client.get(address).json()
        assert (answer["state"], answer["plan"], answer["features"]) == ("subscribed", "pro", {"cluster": True})
        assert answer["limits"] == {"devices": {"amount": "unlimited", "unit": None}}
        assert (answer["why"]["subscription_id"], answer["why"]["cause"]["type"]) == ("sub_cus_1", "event")
        assert answer["freshness"]["as_of"].endswith("Z")


def test_a_users_subscription_elsewhere_counts(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer(user_id="u1"))
    pro(copy, "paddle", "ctm_1", user_id="u1")
    assert client.get("/v1/customers/cus_1/entitlements").json()["plan"] == "pro"


def test_a_customer_without_a_subscription_is_free_and_an_unknown_one_is_404(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer())
    copy.put("invoice", "in_2", Invoice(customer_id="cus_2"))
    for customer in ("cus_1", "cus_2"):
        assert client.get(f"/v1/customers/{customer}/entitlements").json()["plan"] == "free"
    for query in ("", "?account=stripe"):
        assert problem(client.get(f"/v1/customers/cus_none/entitlements{query}")) == (404, "not_found")


@pytest.mark.parametrize("trusted", [[]])
def test_before_the_copy_is_complete_an_unknown_customer_is_not_synced(client: httpx.Client) -> None:
    for query in ("", "?account=stripe"):
        answer = client.get(f"/v1/customers/cus_none/entitlements{query}").json()
        assert (answer["state"], answer["plan"]) == ("not_synced", None)


def test_an_id_of_two_accounts_asks_which(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "same", Customer())
    copy.put("customer", "same", Customer(), account="paddle")
    assert problem(client.get("/v1/customers/same/entitlements")) == (409, "ambiguous_id")
    pro(copy, "paddle", "same")
    assert client.get("/v1/customers/same/entitlements?account=paddle").json()["plan"] == "pro"
    assert client.get("/v1/customers/same/entitlements?account=stripe").json()["plan"] == "free"


def test_a_user_must_be_named(client: httpx.Client) -> None:
    refused = client.get("/v1/entitlements")
    assert problem(refused) == (400, "bad_parameter")
    assert refused.json()["errors"][0]["parameter"] == "user_id"
