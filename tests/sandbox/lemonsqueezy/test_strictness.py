"""What the API refuses, and how."""

from typing import Any

import httpx
import msgspec
import pytest

from service.sandbox.lemonsqueezy import Call, LemonSqueezySandbox
from tests.sandbox.lemonsqueezy.shop import Shop, get, headers, pointers, refusal

Json = dict[str, Any]

_STORE = {"store": {"data": {"type": "stores", "id": "1"}}}
_ADA = {"name": "Ada", "email": "ada@example.com"}


def _customer(**members: Any) -> Json:
    return {"data": {"type": "customers", "attributes": _ADA, "relationships": _STORE} | members}


def _errors(body: bytes) -> list[Json]:
    document = msgspec.json.decode(body)
    assert document["jsonapi"] == {"version": "1.0"}
    found: list[Json] = document["errors"]
    return found


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"accept": "application/json"}, 406),
        ({"accept": "*/*"}, 406),
        ({"accept": ""}, 406),
        ({"content_type": "application/json"}, 415),
        ({"content_type": ""}, 415),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic lsq_sandbox_key"}, 401),
        ({"authorization": ""}, 401),
    ],
)
def test_headers_that_are_wrong_are_refused(sandbox: LemonSqueezySandbox, wrong: dict[str, str], status: int) -> None:
    body = msgspec.json.encode(_customer())
    answer = sandbox.exchange(Call("POST", "/v1/customers", "", headers(**wrong), body))
    assert answer.status == status
    assert _errors(answer.body)[0].keys() >= {"detail", "status", "title"}
    assert _errors(answer.body)[0]["status"] == str(status)
    assert sandbox.objects("customers") == {}


def test_a_get_needs_no_content_type(sandbox: LemonSqueezySandbox) -> None:
    assert sandbox.exchange(get("/v1/customers", content_type="")).status == 200


def test_the_key_can_change(sandbox: LemonSqueezySandbox) -> None:
    sandbox.api_key = "other"
    assert sandbox.exchange(get("/v1/users/me")).status == 401
    assert sandbox.exchange(get("/v1/users/me", authorization="Bearer other")).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b'{"data":[]}', 400),
        (b"[" * 5_000, 400),
        (msgspec.json.encode(_customer(type="orders")), 400),
        (msgspec.json.encode(_customer(id="7")), 400),
        (msgspec.json.encode(_customer(meta={})), 400),
        (msgspec.json.encode(_customer(relationships=[])), 400),
        (msgspec.json.encode(_customer(relationships={"store": {"data": "1"}})), 400),
        (msgspec.json.encode(_customer(relationships={"store": {"data": {"type": "stores", "id": 1}}})), 422),
        (msgspec.json.encode(_customer(relationships={"store": {"data": {"type": "orders", "id": "1"}}})), 422),
        (msgspec.json.encode(_customer(relationships={"store": {"data": {"type": "stores", "id": "9"}}})), 422),
        (msgspec.json.encode(_customer(relationships={})), 422),
        (msgspec.json.encode(_customer(relationships=_STORE | {"order": {}})), 422),
        (msgspec.json.encode(_customer(attributes=[])), 422),
    ],
)
def test_a_document_that_is_wrong_is_refused(sandbox: LemonSqueezySandbox, body: bytes, status: int) -> None:
    answer = sandbox.exchange(Call("POST", "/v1/customers", "", headers(), body))
    assert (answer.status, len(_errors(answer.body))) == (status, 1)
    assert sandbox.objects("customers") == {}


def test_every_attribute_that_is_wrong_is_named(shop: Shop) -> None:
    wrong = {"name": 7, "colour": "red", "city": "x" * 256}
    error = refusal(lambda: shop.create("customers", wrong, store=("stores", "1")))
    assert error.status == 422
    assert set(pointers(error)) == {f"/data/attributes/{name}" for name in ("name", "colour", "city", "email")}


@pytest.mark.parametrize(
    "wrong", [{"email": "ada"}, {"email": ""}, {"email": None}, {"name": " "}, {"country": 7}, {"status": "archived"}]
)
def test_a_customer_needs_a_name_and_an_address(shop: Shop, wrong: Json) -> None:
    error = refusal(lambda: shop.create("customers", _ADA | wrong, store=("stores", "1")))
    assert pointers(error) == [f"/data/attributes/{next(iter(wrong))}"]


def test_a_customer_is_archived_and_never_deleted(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    customer = shop.customer()["id"]
    sandbox.advance(1)
    changed = shop.change("customers", customer, status="archived", city="Taipei")["attributes"]
    assert (changed["status"], changed["city"], changed["updated_at"] > changed["created_at"]) == (
        "archived",
        "Taipei",
        True,
    )
    assert refusal(lambda: shop.change("customers", customer, status="subscribed")).status == 422
    assert refusal(lambda: sandbox.call("DELETE", f"/v1/customers/{customer}")).status == 405
    assert shop.walk("/v1/customers") == [customer]
    assert sandbox.events == []


def test_the_same_customer_twice_is_two_customers(shop: Shop) -> None:
    assert shop.customer()["id"] != shop.customer()["id"]


@pytest.mark.parametrize(
    "path", ["/v1/orders/9", "/v1/orders/x", "/v1/orders/01", "/v1/users/1", "/v1/nothing", "/v2/orders"]
)
def test_what_is_not_there_is_404(sandbox: LemonSqueezySandbox, path: str) -> None:
    assert refusal(lambda: sandbox.call("GET", path)).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/orders"), ("POST", "/v1/subscriptions"), ("PUT", "/v1/customers"), ("POST", "/v1/products")],
)
def test_what_can_only_be_read_is_405(sandbox: LemonSqueezySandbox, method: str, path: str) -> None:
    assert refusal(lambda: sandbox.call(method, path, {"data": {}})).status == 405


def test_an_unknown_id_is_404_before_anything_else(sandbox: LemonSqueezySandbox) -> None:
    assert refusal(lambda: sandbox.call("PATCH", "/v1/subscriptions/9", {"nonsense": 1})).status == 404


def test_a_patch_names_its_object(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    customer = shop.customer()["id"]
    for named in ("2", 1, None):
        data = {"type": "customers", "id": named, "attributes": {"name": "B"}}
        error = refusal(lambda sent=data: sandbox.call("PATCH", f"/v1/customers/{customer}", {"data": sent}))  # type: ignore[misc]
        assert (error.status, pointers(error)) == (400, ["/data/id"])


@pytest.mark.parametrize(
    "attributes",
    [
        {"cancelled": "yes"},
        {"cancelled": None},
        {"pause": {}},
        {"pause": {"mode": "nap"}},
        {"pause": {"mode": "free", "resumes_at": "tomorrow"}},
        {"pause": {"mode": "free", "resumes_at": "0001-01-01T00:00:00+14:00"}},
        {"variant_id": "1"},
        {"variant_id": True},
        {"billing_anchor": 32},
        {"status": "active"},
    ],
)
def test_a_subscription_takes_no_nonsense(shop: Shop, attributes: Json) -> None:
    subscription = shop.subscribe()["subscription"]
    error = refusal(lambda: shop.change("subscriptions", subscription, **attributes))
    assert error.status == 422
    assert pointers(error)[0].startswith(f"/data/attributes/{next(iter(attributes))}")


def test_a_single_object_has_links_and_its_relationships_are_links(client: httpx.Client, shop: Shop, url: str) -> None:
    shop.subscribe()
    document = client.get("/v1/subscriptions/1").json()
    assert document["links"] == {"self": f"{url}/v1/subscriptions/1"}
    related = document["data"]["relationships"]["order-item"]
    assert related == {
        "links": {
            "related": f"{url}/v1/subscriptions/1/order-item",
            "self": f"{url}/v1/subscriptions/1/relationships/order-item",
        }
    }
    assert document["data"]["id"] == "1"
    assert document["data"]["attributes"]["customer_id"] == 1


def test_relationships_can_be_followed_and_included(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe()
    shop.subscribe()
    assert shop.data(sandbox.call("GET", "/v1/subscriptions/2/order"))["id"] == "2"
    assert [each["id"] for each in sandbox.call("GET", "/v1/orders/2/subscriptions")["data"]] == ["2"]
    assert sandbox.call("GET", "/v1/orders/2/license-keys")["meta"]["page"]["total"] == 0
    assert refusal(lambda: sandbox.call("GET", "/v1/orders/2/webhooks")).status == 404
    found = sandbox.call("GET", "/v1/subscriptions/2", include="customer,order")
    assert [(each["type"], each["id"]) for each in found["included"]] == [("customers", "1"), ("orders", "2")]
    assert found["data"]["relationships"]["order"]["data"] == {"type": "orders", "id": "2"}
    listed = sandbox.call("GET", "/v1/subscriptions", include="customer")
    assert len(listed["included"]) == 1
    assert refusal(lambda: sandbox.call("GET", "/v1/subscriptions", include="files")).status == 400


def test_urls_differ_at_each_rendering(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe()
    for path, name in (
        ("/v1/subscriptions/1", "customer_portal"),
        ("/v1/orders/1", "receipt"),
        ("/v1/customers/1", "customer_portal"),
    ):
        first, second = (shop.data(sandbox.call("GET", path))["attributes"]["urls"][name] for _ in range(2))
        assert first != second
        assert "expires=" in first
        assert "signature=" in first
    assert sandbox.objects("orders") == sandbox.objects("orders")
    assert "urls" not in sandbox.objects("subscriptions")["1"]["attributes"]


def test_a_customer_without_a_subscription_has_no_portal(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.customer()
    assert shop.data(sandbox.call("GET", "/v1/customers/1"))["attributes"]["urls"] == {"customer_portal": None}


def test_the_catalogue_is_read_like_anything_else(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    product = sandbox.add_product("Team")
    cheap, dear = (sandbox.add_variant(product, name, unit_price=price) for name, price in (("A", 500), ("B", 900)))
    shown = shop.data(sandbox.call("GET", f"/v1/products/{product}"))["attributes"]
    assert (shown["price"], shown["from_price"], shown["to_price"]) == (500, 500, 900)
    sandbox.add_price(cheap, unit_price=600)
    assert shop.walk(f"/v1/prices?filter[variant_id]={cheap}") == ["3", "1"]
    assert shop.data(sandbox.call("GET", f"/v1/variants/{cheap}/price-model"))["id"] == "3"
    assert shop.get("variants", dear)["interval"] == "month"
    assert shop.data(sandbox.call("GET", "/v1/users/me"))["attributes"]["name"]
    assert shop.walk("/v1/stores") == ["1"]
