"""Lists: pages, cursors and order."""

import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import Shop, param_of, refusal


def test_tiny_pages_lose_and_repeat_nothing(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    sandbox.settings.page_cap = 2
    made = [shop.customer() for _ in range(7)]
    seen = [customer.id for customer in client.v1.customers.list({"limit": 100}).auto_paging_iter()]
    assert seen == made[::-1]


def test_a_page_is_ten_long_unless_asked_otherwise(client: stripe.StripeClient, shop: Shop) -> None:
    for _ in range(11):
        shop.customer()
    page = client.v1.customers.list()
    assert (len(page.data), page.has_more) == (10, True)


def test_a_walk_upwards_returns_its_pages_in_list_order(client: stripe.StripeClient, shop: Shop) -> None:
    made = [shop.customer() for _ in range(4)]
    page = client.v1.customers.list({"ending_before": made[0], "limit": 2})
    assert [customer.id for customer in page.data] == [made[2], made[1]]
    assert page.has_more is True


def test_what_is_created_during_a_walk_does_not_disturb_it(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    sandbox.settings.page_cap = 2
    made = [shop.customer() for _ in range(4)]
    walk = client.v1.customers.list().auto_paging_iter()
    first = next(walk).id
    shop.customer()
    assert [first, *(customer.id for customer in walk)] == made[::-1]


def test_a_cursor_that_was_deleted_still_holds_its_place(client: stripe.StripeClient, shop: Shop) -> None:
    made = [shop.customer() for _ in range(3)]
    client.v1.customers.delete(made[1])
    assert [each.id for each in client.v1.customers.list({"starting_after": made[1]}).data] == [made[0]]


def test_an_unknown_cursor_is_an_error(client: stripe.StripeClient) -> None:
    error = refusal(lambda: client.v1.customers.list({"starting_after": "cus_none"}))
    assert (error.http_status, error.code, param_of(error)) == (400, "resource_missing", "starting_after")


def test_two_cursors_are_an_error(client: stripe.StripeClient, shop: Shop) -> None:
    at = shop.customer()
    both = {"starting_after": at, "ending_before": at}
    assert refusal(lambda: client.v1.customers.list(both)).http_status == 400  # type: ignore[arg-type]


def test_a_page_of_zero_or_of_more_than_a_hundred_is_an_error(client: stripe.StripeClient) -> None:
    for limit in (0, 101):
        assert param_of(refusal(lambda limit=limit: client.v1.customers.list({"limit": limit}))) == "limit"  # type: ignore[misc]


def test_more_items_than_fit_are_behind_their_list(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    sandbox.settings.nested_cap = 2
    prices = [shop.price(amount) for amount in (1, 2, 3)]
    made = sandbox.call(
        "POST", "/v1/subscriptions", {"customer": shop.customer(), "items": [{"price": price} for price in prices]}
    )
    assert (len(made["items"]["data"]), made["items"]["has_more"]) == (2, True)
    listed = client.v1.subscription_items.list({"subscription": made["id"], "limit": 2}).auto_paging_iter()
    assert [item.price.id for item in listed] == prices


def test_a_search_finds_by_metadata(client: stripe.StripeClient) -> None:
    wanted = client.v1.customers.create({"metadata": {"user": "42"}, "email": "ada@example.com"})
    client.v1.customers.create({"metadata": {"user": "43"}})
    for query in ("metadata['user']:'42'", 'email~\'ada\' AND metadata["user"]:"42"', "-metadata['user']:'43'"):
        assert [each.id for each in client.v1.customers.search({"query": query}).data] == [wanted.id]


def test_a_search_pages_to_its_end(sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    sandbox.settings.page_cap = 2
    for _ in range(5):
        client.v1.customers.create({"metadata": {"team": "a"}})
    found = client.v1.customers.search({"query": "metadata['team']:'a'"}).auto_paging_iter()
    assert len(list(found)) == 5


def test_a_search_may_lag_behind(sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.search_lag_seconds = 60
    client.v1.customers.create({"metadata": {"team": "a"}})
    assert client.v1.customers.search({"query": "metadata['team']:'a'"}).data == []
    sandbox.advance(60)
    assert len(client.v1.customers.search({"query": "metadata['team']:'a'"}).data) == 1


def test_a_search_that_cannot_be_read_is_an_error(client: stripe.StripeClient) -> None:
    assert param_of(refusal(lambda: client.v1.customers.search({"query": "metadata['a'] is b"}))) == "query"
