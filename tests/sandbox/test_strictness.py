"""What the stand-in refuses, in Stripe's own words."""

import httpx
import pytest
import stripe

from service.sandbox.stripe import SandboxError, StripeSandbox
from tests.sandbox.shop import Shop, param_of, refusal


def test_an_unknown_parameter_is_named(sandbox: StripeSandbox) -> None:
    with pytest.raises(SandboxError) as caught:
        sandbox.call("POST", "/v1/customers", {"emial": "ada@example.com"})
    error = caught.value.body["error"]
    assert (caught.value.status, error["code"], error["param"]) == (400, "parameter_unknown", "emial")
    assert error["message"] == "Received unknown parameter: emial"


def test_an_unknown_parameter_inside_a_list_is_named_with_its_path(client: stripe.StripeClient, shop: Shop) -> None:
    sent = {"customer": shop.customer(), "items": [{"price": shop.price(), "prize": "x"}]}
    error = refusal(lambda: client.v1.subscriptions.create(sent))  # type: ignore[arg-type]
    assert param_of(error) == "items[0][prize]"


def test_a_missing_parameter_is_named(client: stripe.StripeClient) -> None:
    error = refusal(lambda: client.v1.products.create({}))  # type: ignore[typeddict-item]
    assert (error.code, param_of(error)) == ("parameter_missing", "name")
    assert error.user_message == "Missing required param: name."


@pytest.mark.parametrize(
    ("path", "params", "param"),
    [
        ("/v1/customers", {"balance": "much"}, "balance"),
        ("/v1/customers", {"tax_exempt": "maybe"}, "tax_exempt"),
        ("/v1/customers", {"metadata": "x"}, "metadata"),
        ("/v1/customers", {"metadata": {str(n): "x" for n in range(51)}}, "metadata"),
        ("/v1/products", {"name": ""}, "name"),
        ("/v1/products", {"name": "x", "active": "yes"}, "active"),
        ("/v1/prices", {"currency": "dollar", "unit_amount": 1, "product": "x"}, "currency"),
        ("/v1/prices", {"currency": "usd", "unit_amount_decimal": "1,5", "product": "x"}, "unit_amount_decimal"),
        ("/v1/webhook_endpoints", {"url": "example.com", "enabled_events": ["*"]}, "url"),
        ("/v1/customers", {"address": {"city": "x"}, "preferred_locales": "de"}, "preferred_locales"),
    ],
)
def test_a_value_of_the_wrong_kind_is_400_and_named(
    sandbox: StripeSandbox, path: str, params: dict[str, object], param: str
) -> None:
    with pytest.raises(SandboxError) as caught:
        sandbox.call("POST", path, params)
    assert caught.value.status == 400
    assert caught.value.body["error"]["param"] == param


def test_an_unknown_id_in_a_parameter_is_400(client: stripe.StripeClient, shop: Shop) -> None:
    sent = {"customer": "cus_none", "items": [{"price": shop.price()}]}
    error = refusal(lambda: client.v1.subscriptions.create(sent))  # type: ignore[arg-type]
    assert (error.http_status, error.code, param_of(error)) == (400, "resource_missing", "customer")


def test_a_wrong_key_is_401_and_is_not_repeated_in_full(sandbox: StripeSandbox, url: str) -> None:
    assert sandbox.api_key != "sk_test_somebody_else"
    client = stripe.StripeClient("sk_test_somebody_else", base_addresses={"api": url})
    error = refusal(client.v1.customers.list)
    assert isinstance(error, stripe.AuthenticationError)
    assert "sk_test_somebody_else" not in str(error)
    assert str(error.user_message).endswith("else")


def test_no_key_is_401(sandbox: StripeSandbox, url: str) -> None:
    assert sandbox.events == []
    assert httpx.get(f"{url}/v1/customers").status_code == 401


def test_an_endpoint_that_is_not_there_is_404(sandbox: StripeSandbox, url: str) -> None:
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    answer = httpx.get(f"{url}/v1/custommers", headers=headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("Unrecognized request URL (GET: /v1/custommers)")


def test_a_missing_permission_is_403_for_its_resource_only(sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.forbidden.add("invoice")
    error = refusal(client.v1.invoices.list)
    assert isinstance(error, stripe.PermissionError)
    assert "rak_invoice_read" in str(error)
    assert client.v1.customers.list().data == []


def test_a_request_of_another_account_can_be_told(url: str, sandbox: StripeSandbox) -> None:
    sandbox.settings.account_id = "acct_other"
    client = stripe.StripeClient(sandbox.api_key, base_addresses={"api": url})
    assert client.v1.accounts.retrieve_current().id == "acct_other"


def test_the_date_header_is_virtual_time_and_the_only_one(sandbox: StripeSandbox, url: str) -> None:
    sandbox.advance(100)
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    answer = httpx.get(f"{url}/v1/customers", headers=headers)
    assert answer.headers.get_list("date") == ["Mon, 21 Sep 2026 14:15:00 GMT"]
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", ["customer.customer", "email", "nothing", "subscription.a.b.c.d"])
def test_what_cannot_be_expanded_is_an_error(sandbox: StripeSandbox, shop: Shop, path: str) -> None:
    customer = shop.customer()
    with pytest.raises(SandboxError) as caught:
        sandbox.call("GET", f"/v1/customers/{customer}", {"expand": [path]})
    assert caught.value.status == 400


def test_a_list_is_expanded_below_data(client: stripe.StripeClient, shop: Shop) -> None:
    shop.subscription()
    invoice = client.v1.invoices.list({"expand": ["data.payments", "data.customer"]}).data[0]
    assert invoice.payments is not None
    assert isinstance(invoice.customer, stripe.Customer)
    assert refusal(lambda: client.v1.invoices.list({"expand": ["payments"]})).http_status == 400
