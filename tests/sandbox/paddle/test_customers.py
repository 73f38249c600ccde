"""Customers, addresses and the catalogue."""

from functools import partial

from tests.sandbox.paddle.shop import Shop, code_of, refusal


def test_one_address_is_one_customer_and_the_conflict_names_it(shop: Shop) -> None:
    first = shop.customer(email="ada@example.com")
    error = refusal(lambda: shop.customer(email="Ada@Example.com"))
    assert (error.status, code_of(error)) == (409, "customer_already_exists")
    assert f"conflicts with customer of id {first}" in error.body["error"]["detail"]
    other = shop.customer(email="bob@example.com")
    assert refusal(lambda: shop.patch(f"/customers/{other}", {"email": "ada@example.com"})).status == 409


def test_an_archived_customer_keeps_its_address_and_comes_back(shop: Shop) -> None:
    customer = shop.customer(email="ada@example.com")
    archive = partial(shop.patch, f"/customers/{customer}", {"status": "archived"})
    assert shop.during(archive) == ["customer.updated"]
    assert refusal(lambda: shop.customer(email="ada@example.com")).status == 409
    assert shop.patch(f"/customers/{customer}", {"status": "active"})["status"] == "active"


def test_a_changed_address_is_free_again(shop: Shop) -> None:
    customer = shop.customer(email="ada@example.com")
    shop.patch(f"/customers/{customer}", {"email": "ada@example.org"})
    assert shop.customer(email="ada@example.com") != customer
    assert [row["id"] for row in shop.rows("/customers", email="ada@example.org")] == [customer]


def test_customers_are_found_by_a_part_of_what_they_are(shop: Shop) -> None:
    customer = shop.customer(name="Ada Lovelace")
    shop.customer(name="Bob")
    assert [row["id"] for row in shop.rows("/customers", search="lovel")] == [customer]


def test_an_identical_request_makes_a_second_object(shop: Shop) -> None:
    sent = {"name": "Pro", "tax_category": "saas"}
    assert shop.post("/products", sent)["id"] != shop.post("/products", sent)["id"]


def test_an_address_belongs_to_its_customer(shop: Shop) -> None:
    one, other = shop.customer(), shop.customer()
    address = shop.address(one)
    assert refusal(lambda: shop.rows(f"/customers/{other}/addresses/{address}")).status == 404
    assert refusal(lambda: shop.transaction(one, address_id=shop.address(other))).status == 404
    changed = shop.patch(f"/customers/{one}/addresses/{address}", {"city": "Berlin"})
    assert (changed["city"], changed["country_code"]) == ("Berlin", "US")


def test_prices_and_products_include_each_other(shop: Shop) -> None:
    price = shop.price()
    assert shop.rows("/prices", include="product")[0]["product"]["name"] == "Pro"
    assert shop.rows("/products", include="prices")[0]["prices"][0]["id"] == price


def test_an_archived_price_is_not_sold(shop: Shop) -> None:
    price = shop.price()
    shop.patch(f"/prices/{price}", {"status": "archived"})
    assert refusal(lambda: shop.transaction(None, price)).status == 400


def test_a_subscription_keeps_the_price_that_it_began_with(shop: Shop) -> None:
    price = shop.price(1_000)
    subscription = shop.subscription(None, price)
    shop.patch(f"/prices/{price}", {"unit_price": {"amount": "5000", "currency_code": "USD"}})
    assert shop.now(subscription)["items"][0]["price"]["unit_price"]["amount"] == "1000"


def test_currencies_tell_their_decimals(shop: Shop) -> None:
    places = {row["code"]: row["decimal_places"] for row in shop.rows("/currencies")}
    assert {code for code, digits in places.items() if digits == 0} == {"JPY", "KRW", "VND", "CLP"}
    assert set(places.values()) == {0, 2}


def test_a_portal_session_links_to_the_buyers_pages(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/customers/{subscription['customer_id']}/portal-sessions"
    urls = shop.post(path, {"subscription_ids": [subscription["id"]]})["urls"]
    assert urls["general"]["overview"].startswith("https://")
    assert subscription["id"] in urls["subscriptions"][0]["cancel_subscription"]
    assert shop.post(path)["urls"]["subscriptions"] == []
