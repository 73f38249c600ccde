"""Lists: numbered pages, filters, and the rows that shift under a walk."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from tests.sandbox.lemonsqueezy.shop import DAY, Shop, refusal


def test_tiny_pages_lose_and_repeat_nothing(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.settings.page_cap = 2
    made = [shop.customer()["id"] for _ in range(5)]
    assert shop.walk("/v1/customers") == made[::-1]


def test_a_page_is_ten_long_unless_asked_otherwise(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    for _ in range(25):
        shop.customer()
    first = sandbox.call("GET", "/v1/customers")
    page = {"currentPage": 1, "from": 1, "lastPage": 3, "perPage": 10, "to": 10, "total": 25}
    assert first["meta"] == {"page": page}
    assert first["links"].keys() == {"first", "last", "next"}
    last = sandbox.call("GET", "/v1/customers", **{"page[number]": 3})
    assert (len(last["data"]), last["meta"]["page"]["from"], last["meta"]["page"]["to"]) == (5, 21, 25)
    assert last["links"].keys() == {"first", "last", "prev"}


def test_a_page_beyond_the_last_is_empty(sandbox: LemonSqueezySandbox) -> None:
    found = sandbox.call("GET", "/v1/customers", **{"page[number]": 7})
    assert (found["data"], found["meta"]["page"]["from"], found["meta"]["page"]["lastPage"]) == ([], None, 1)
    assert "next" not in found["links"]


def test_links_lead_back_to_where_the_client_called(client: httpx.Client, shop: Shop, url: str) -> None:
    made = [shop.customer()["id"] for _ in range(3)]
    here, seen = f"{url}/v1/customers?page[size]=1&filter[email]=ada@example.com", []
    while here:
        assert here.startswith(url)
        page = client.get(here).json()
        seen += [each["id"] for each in page["data"]]
        here = page["links"].get("next")
    assert seen == made[::-1]


def test_a_link_keeps_filter_and_size(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    for _ in range(3):
        shop.customer()
    found = sandbox.call("GET", "/v1/customers?filter[store_id]=1", **{"page[size]": 2})
    query = parse_qs(urlsplit(found["links"]["next"]).query)
    assert query == {"filter[store_id]": ["1"], "page[number]": ["2"], "page[size]": ["2"]}


@pytest.mark.parametrize(
    "query", ["page[size]=0", "page[size]=101", "page[number]=0", "page[number]=x", "page[number]=-1"]
)
def test_a_page_that_cannot_be_is_an_error(sandbox: LemonSqueezySandbox, query: str) -> None:
    error = refusal(lambda: sandbox.call("GET", f"/v1/customers?{query}"))
    assert error.status == 400
    assert error.body["errors"][0]["source"] == {"parameter": query.partition("=")[0]}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers?filter[name]=x",
        "/v1/customers?filter[updated_at]=x",
        "/v1/subscriptions?filter[customer_id]=1",
        "/v1/orders?filter[status]=paid",
        "/v1/customers?limit=5",
        "/v1/customers?sort=name",
        "/v1/stores/1?page[size]=1",
    ],
)
def test_a_parameter_that_does_not_exist_is_an_error(sandbox: LemonSqueezySandbox, path: str) -> None:
    assert refusal(lambda: sandbox.call("GET", path)).status == 400


def test_subscriptions_are_filtered(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    first, second = shop.variant(), shop.variant()
    sandbox.buy(first, "a@example.com")
    sandbox.buy(second, "b@example.com")
    shop.change("subscriptions", "2", cancelled=True)
    wanted = {
        "order_id": "2",
        "variant_id": second,
        "user_email": "b@example.com",
        "status": "cancelled",
        "product_id": "2",
    }
    for name, value in wanted.items():
        assert shop.walk(f"/v1/subscriptions?filter[{name}]={value}") == ["2"]
    assert shop.walk("/v1/subscriptions?filter[status]=active&filter[order_id]=2") == []
    assert shop.walk("/v1/orders?filter[user_email]=a@example.com") == ["1"]
    assert shop.walk("/v1/order-items?filter[variant_id]=2") == ["2"]
    assert shop.walk("/v1/subscription-items?filter[subscription_id]=2") == ["2"]


def test_the_status_filter_of_invoices_finds_nothing(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe()
    assert shop.walk("/v1/subscription-invoices?filter[status]=paid") == []
    sandbox.settings.status_filter_broken = False
    assert shop.walk("/v1/subscription-invoices?filter[status]=paid") == ["1"]


def test_invoices_are_filtered_by_refund_and_subscription(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe()
    sandbox.advance(30 * DAY)
    sandbox.refund("subscription-invoices", 2)
    assert shop.walk("/v1/subscription-invoices?filter[refunded]=true") == ["2"]
    assert shop.walk("/v1/subscription-invoices?filter[refunded]=0&filter[subscription_id]=1") == ["1"]
    assert refusal(lambda: sandbox.call("GET", "/v1/subscription-invoices?filter[refunded]=maybe")).status == 400


def test_oldest_first_is_a_setting_and_a_sort(shop: Shop) -> None:
    made = [shop.customer()["id"] for _ in range(3)]
    assert shop.walk("/v1/customers?sort=createdAt") == made
    shop.sandbox.settings.newest_first = False
    assert shop.walk("/v1/customers") == made
    assert shop.walk("/v1/customers?sort=-createdAt") == made[::-1]


def test_what_is_created_during_a_walk_repeats_a_row(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = [shop.customer()["id"] for _ in range(6)]
    sandbox.settings.between_pages = 1
    seen = shop.walk("/v1/customers", size=3)
    assert set(made) <= set(seen)
    assert len(seen) > len(set(seen))


def test_oldest_first_meets_what_is_created_at_the_end() -> None:
    sandbox = LemonSqueezySandbox(newest_first=False, between_pages=1)
    shop = Shop(sandbox)
    for _ in range(6):
        shop.customer()
    seen = shop.walk("/v1/customers", size=3)
    assert seen == [str(number) for number in range(1, len(seen) + 1)]


def test_anything_may_happen_between_pages(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    calls: list[int] = []

    def between() -> None:
        calls.append(len(shop.walk("/v1/orders")))  # lists as well, and does not go round in circles

    sandbox.settings.between_pages = between
    shop.walk("/v1/customers")
    assert calls == [0]
    sandbox.call("GET", "/v1/users/me")
    assert len(calls) == 1
