"""Customers."""

import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import Shop, body_of, refusal


def test_a_customer_needs_nothing(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({})
    assert customer.id.startswith("cus_")
    assert customer.email is None


def test_two_customers_may_have_one_email(client: stripe.StripeClient) -> None:
    for _ in range(2):
        client.v1.customers.create({"email": "ada@example.com"})
    assert len(client.v1.customers.list({"email": "ada@example.com"}).data) == 2


def test_an_update_says_what_changed_and_only_that(client: stripe.StripeClient, shop: Shop) -> None:
    customer = client.v1.customers.create({"name": "Ada", "metadata": {"plan": "free", "keep": "1"}})
    client.v1.customers.update(customer.id, {"name": "Ada L", "metadata": {"plan": "pro", "new": "x"}})
    event = shop.last("customer.updated")
    assert event["data"]["previous_attributes"] == {"name": "Ada", "metadata": {"plan": "free", "new": None}}


def test_an_update_that_changes_nothing_is_no_event(client: stripe.StripeClient, shop: Shop) -> None:
    customer = client.v1.customers.create({"name": "Ada"})
    assert shop.during(lambda: client.v1.customers.update(customer.id, {"name": "Ada"})) == []


def test_an_empty_value_unsets(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Ada", "metadata": {"a": "1", "b": "2"}})
    changed = client.v1.customers.update(customer.id, {"name": "", "metadata": {"a": ""}})
    assert changed.name is None
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2"}


def test_a_deleted_customer_leaves_the_list(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({})
    client.v1.customers.delete(customer.id)
    assert client.v1.customers.list().data == []


def test_a_deleted_customer_can_be_read_as_a_stub(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com"})
    client.v1.customers.delete(customer.id)
    stub = client.v1.customers.retrieve(customer.id)
    assert stub.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}


def test_a_deleted_customer_cannot_be_changed(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({})
    client.v1.customers.delete(customer.id)
    error = refusal(lambda: client.v1.customers.update(customer.id, {"name": "x"}))
    assert (error.http_status, error.code) == (404, "resource_missing")


def test_deleting_a_customer_cancels_its_subscriptions_first(sandbox: StripeSandbox, shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscription(customer)
    types = shop.during(lambda: sandbox.call("DELETE", f"/v1/customers/{customer}"))
    assert types == ["customer.subscription.deleted", "customer.deleted"]
    assert shop.get("subscription", subscription["id"])["status"] == "canceled"


def test_an_unknown_customer_is_stripes_own_error(client: stripe.StripeClient) -> None:
    error = refusal(lambda: client.v1.customers.retrieve("cus_none"))
    body = body_of(error)
    assert body["message"] == "No such customer: 'cus_none'"
    assert (body["type"], body["code"], body["param"]) == ("invalid_request_error", "resource_missing", "id")
    assert body["doc_url"] == "https://stripe.com/docs/error-codes/resource-missing"
    assert str(error.request_id) in body["request_log_url"]
