"""What the API refuses, and how it says so."""

import asyncio

import httpx
import pytest

from service.sandbox.paddle import PaddleSandbox
from tests.sandbox.paddle.shop import Json, Shop, code_of, fields_of, refusal


def test_a_wrong_a_malformed_and_a_missing_key_are_403(web: httpx.Client) -> None:
    codes = []
    for header in ("Bearer pdl_sdbx_apikey_other", "Basic abc"):
        answer = web.get("/customers", headers={"Authorization": header})
        assert answer.status_code == 403
        codes.append(answer.json()["error"]["code"])
    del web.headers["Authorization"]
    codes.append(web.get("/customers").json()["error"]["code"])
    assert codes == ["forbidden", "authentication_malformed", "authentication_missing"]


def test_an_error_has_paddles_body(web: httpx.Client) -> None:
    body = web.get("/customers/ctm_00000000000000000000000000").json()
    assert set(body) == {"error", "meta"}
    assert body["error"] == {
        "type": "request_error",
        "code": "not_found",
        "detail": "Customer ctm_00000000000000000000000000 not found.",
        "documentation_url": "https://developer.paddle.com/errors/shared/not_found",
    }
    assert body["meta"]["request_id"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/customers", {"created_at[GT]": "2026-01-01T00:00:00Z"}),
        ("/subscriptions", {"updated_at[GT]": "2026-01-01T00:00:00Z"}),
        ("/subscriptions", {"created_at": "2026-01-01T00:00:00Z"}),
        ("/adjustments", {"updated_at": "2026-01-01T00:00:00Z"}),
        ("/products", {"updated_at[LT]": "2026-01-01T00:00:00Z"}),
        ("/transactions", {"updated_at[gt]": "2026-01-01T00:00:00Z"}),
        ("/transactions", {"updated_at[GT]": "2026-01-01T00:00:00"}),
        ("/transactions", {"updated_at[GT]": "yesterday"}),
        ("/transactions", {"status": "open"}),
        ("/customers", {"page": "1"}),
        ("/customers", {"per_page": "0"}),
        ("/customers", {"per_page": "many"}),
        ("/customers", {"per_page": "9" * 5_000}),
        ("/transactions", {"updated_at[GT]": "0001-01-01T00:00:00+23:59"}),
        ("/customers", {"order_by": "created_at[ASC]"}),
        ("/customers", {"after": "sub_01h8bzakzx3hm2fmen703n5q45"}),
        ("/events", {"event_type": "invoice.paid"}),
        ("/events", {"created_at[GT]": "2026-01-01T00:00:00Z"}),
    ],
)
def test_an_unknown_parameter_or_value_is_400(sandbox: PaddleSandbox, path: str, query: Json) -> None:
    error = refusal(lambda: sandbox.call("GET", path, query))
    assert (error.status, code_of(error)) == (400, "invalid_field")
    assert fields_of(error) == set(query)


def test_every_wrong_field_is_named(shop: Shop) -> None:
    sent = {"email": "nobody", "nick": "ada", "locale": 3}
    error = refusal(lambda: shop.post("/customers", sent))
    assert (error.status, fields_of(error)) == (400, {"email", "nick", "locale"})
    assert fields_of(refusal(lambda: shop.post("/customers", {"name": "Ada"}))) == {"email"}


@pytest.mark.parametrize("amount", ["10.00", "10,00", "", "-5", "1e3", 1000])
def test_an_amount_is_text_of_digits(shop: Shop, amount: object) -> None:
    money = {"amount": amount, "currency_code": "USD"}
    sent = {"description": "x", "product_id": shop.product(), "unit_price": money}
    assert fields_of(refusal(lambda: shop.post("/prices", sent))) == {"unit_price.amount"}


def test_a_field_deep_inside_is_named_by_its_path(shop: Shop) -> None:
    sent = {"items": [{"price_id": shop.price(), "quantity": 1}, {"price_id": "pri_1", "quantity": 0, "x": 1}]}
    error = refusal(lambda: shop.post("/transactions", sent))
    assert fields_of(error) == {"items.1.price_id", "items.1.quantity", "items.1.x"}


@pytest.mark.parametrize("path", ["/refunds", "/adjustments/adj_01h8bzakzx3hm2fmen703n5q45", "/customers/x/y/z", "/"])
def test_what_is_no_endpoint_is_404(sandbox: PaddleSandbox, path: str) -> None:
    error = refusal(lambda: sandbox.call("GET", path))
    assert (error.status, code_of(error)) == (404, "invalid_url")


def test_a_subscription_cannot_be_created(shop: Shop) -> None:
    assert refusal(lambda: shop.post("/subscriptions", {})).status == 404


@pytest.mark.parametrize("custom", [[], "x", {"n": "\ud800"}])
def test_custom_data_is_an_object_that_can_be_told_again(shop: Shop, custom: object) -> None:
    assert fields_of(refusal(lambda: shop.customer(custom_data=custom))) == {"custom_data"}
    customer = shop.customer(custom_data={"deep": [{"er": None}], "n": 2**70, "x": float("inf")})
    assert shop.get("customer", customer) == shop.sandbox.events[-1]["data"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"', b"[" * 5_000])
def test_a_body_that_is_no_object_is_400(web: httpx.Client, body: bytes) -> None:
    assert web.post("/customers", content=body).status_code == 400


def test_a_query_does_not_belong_to_a_post(web: httpx.Client) -> None:
    assert web.post("/customers?include=x", json={"email": "a@example.com"}).status_code == 400


def test_an_unknown_version_is_refused(web: httpx.Client) -> None:
    assert web.get("/customers", headers={"Paddle-Version": "2"}).status_code == 400


def test_an_id_that_names_nothing_is_404(shop: Shop) -> None:
    nowhere = "01h8bzakzx3hm2fmen703n5q45"
    assert refusal(lambda: shop.transaction(f"ctm_{nowhere}")).status == 404
    assert refusal(lambda: shop.transaction(None, f"pri_{nowhere}")).status == 404
    assert refusal(lambda: shop.post(f"/subscriptions/sub_{nowhere}/cancel", {})).status == 404


def test_too_many_requests_in_a_minute_are_429() -> None:
    sandbox = PaddleSandbox(rate_limit=2, now=1_790_000_000 - 1_790_000_000 % 60 + 20)
    transport = httpx.ASGITransport(sandbox.app)

    async def statuses() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
            first = [await client.get("/customers") for _ in range(3)]
            sandbox.advance(40)
            return [*first, await client.get("/customers")]

    answers = asyncio.run(statuses())
    assert [each.status_code for each in answers] == [200, 200, 429, 200]
    assert answers[2].headers["Retry-After"] == "40"
    assert answers[2].json()["error"]["code"] == "too_many_requests"
