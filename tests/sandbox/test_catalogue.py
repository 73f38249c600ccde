"""Products and prices."""

import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import Shop, param_of, refusal


def test_a_product_without_prices_can_be_deleted(client: stripe.StripeClient, shop: Shop) -> None:
    product = client.v1.products.create({"name": "Pro"})
    assert shop.during(lambda: client.v1.products.delete(product.id)) == ["product.deleted"]
    assert client.v1.products.list().data == []


def test_a_product_with_prices_cannot_be_deleted(client: stripe.StripeClient, shop: Shop) -> None:
    price = client.v1.prices.retrieve(shop.price())
    error = refusal(lambda: client.v1.products.delete(str(price.product)))
    assert error.http_status == 400


def test_a_product_can_bring_its_default_price(client: stripe.StripeClient) -> None:
    described = {"currency": "usd", "unit_amount": 500}
    product = client.v1.products.create({"name": "Pro", "default_price_data": described})  # type: ignore[typeddict-item]
    assert client.v1.prices.retrieve(str(product.default_price)).unit_amount == 500


def test_a_fraction_of_a_cent_is_kept_as_text(sandbox: StripeSandbox) -> None:
    sent = {"currency": "usd", "unit_amount_decimal": "0.25", "product_data": {"name": "Calls"}}
    price = sandbox.call("POST", "/v1/prices", sent)
    assert (price["unit_amount"], price["unit_amount_decimal"]) == (None, "0.25")


def test_a_price_needs_a_product_and_an_amount(client: stripe.StripeClient) -> None:
    no_amount = refusal(lambda: client.v1.prices.create({"currency": "usd", "product": "prod_none"}))
    assert (no_amount.code, no_amount.user_message) == ("parameter_missing", "Missing required param: unit_amount.")
    no_product = refusal(lambda: client.v1.prices.create({"currency": "usd", "unit_amount": 1}))
    assert no_product.code == "parameter_missing"


def test_prices_are_listed_by_product_and_by_lookup_key(client: stripe.StripeClient, shop: Shop) -> None:
    wanted = shop.price(lookup_key="pro")
    shop.price()
    product = str(client.v1.prices.retrieve(wanted).product)
    assert [price.id for price in client.v1.prices.list({"product": product}).data] == [wanted]
    assert [price.id for price in client.v1.prices.list({"lookup_keys": ["pro"]}).data] == [wanted]


def test_one_lookup_key_names_one_price(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    shop.price(lookup_key="pro")
    sent = {"currency": "usd", "unit_amount": 1, "lookup_key": "pro", "product_data": {"name": "Other"}}
    error = refusal(lambda: client.v1.prices.create(sent))  # type: ignore[arg-type]
    assert param_of(error) == "lookup_key"
    assert len(sandbox.objects("price")) == 1


def test_an_inactive_price_cannot_be_subscribed_to(client: stripe.StripeClient, shop: Shop) -> None:
    price = shop.price()
    client.v1.prices.update(price, {"active": False})
    sent = {"customer": shop.customer(), "items": [{"price": price}]}
    error = refusal(lambda: client.v1.subscriptions.create(sent))  # type: ignore[arg-type]
    assert param_of(error) == "items[0][price]"
