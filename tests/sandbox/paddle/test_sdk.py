"""The official SDK reads what the stand-in answers and sends."""

from types import SimpleNamespace
from typing import Any

import pytest
from paddle_billing import Client, Options  # type: ignore[import-untyped]
from paddle_billing.Entities.Events.EventTypeName import EventTypeName  # type: ignore[import-untyped]
from paddle_billing.Exceptions.ApiError import ApiError  # type: ignore[import-untyped]
from paddle_billing.Notifications.Entities.Entity import Entity  # type: ignore[import-untyped]
from paddle_billing.Notifications.Entities.UndefinedEntity import UndefinedEntity  # type: ignore[import-untyped]
from paddle_billing.Resources.Customers.Operations import CreateCustomer, ListCustomers  # type: ignore[import-untyped]
from paddle_billing.Resources.Shared.Operations import Pager  # type: ignore[import-untyped]

from service.sandbox.paddle import PaddleSandbox
from tests.sandbox.paddle.conftest import PaddleStage
from tests.sandbox.paddle.shop import DAY, MONTH, Shop


@pytest.fixture
def client(sandbox: PaddleSandbox, paddle_stage: PaddleStage) -> Any:
    options = Options(SimpleNamespace(base_url=paddle_stage.url))
    return Client(sandbox.api_key, options=options)


def test_the_sdk_walks_pages(client: Any, shop: Shop) -> None:
    made = [shop.customer() for _ in range(5)]
    found = [each.id for each in client.customers.list(ListCustomers(Pager(per_page=2)))]
    assert found == made


def test_the_sdk_reads_every_resource(client: Any, shop: Shop) -> None:
    bought = shop.purchase()
    shop.refund(bought)
    invoice = shop.invoice()
    setting = shop.sandbox.register_endpoint("http://127.0.0.1:9/hook", "pdl_ntfset_x")
    shop.customer()
    assert client.transactions.get(bought["id"]).details.totals.grand_total == "1100"
    assert client.transactions.get(invoice["id"]).billing_details.payment_terms.frequency == 14
    assert client.subscriptions.get(bought["subscription_id"]).management_urls.cancel
    for resource in ("customers", "products", "prices", "transactions", "subscriptions", "adjustments", "events"):
        assert list(getattr(client, resource).list())
    assert client.notification_settings.get(setting.id).endpoint_secret_key == "pdl_ntfset_x"
    assert next(iter(client.notifications.list())).notification_setting_id == setting.id
    assert {each.code.value: each.decimal_places for each in client.currencies.list()}["JPY"] == 0
    assert list(client.event_types.list())
    assert client.ip_addresses.get_ip_addresses().ipv4_cidrs
    assert client.transactions.get_invoice_pdf(bought["id"]).url
    assert list(client.addresses.list(bought["customer_id"]))


def test_the_sdk_reads_errors(client: Any) -> None:
    customer = client.customers.create(CreateCustomer(email="ada@example.com"))
    with pytest.raises(ApiError) as caught:
        client.customers.create(CreateCustomer(email="ada@example.com"))
    assert caught.value.error_code == "customer_already_exists"
    assert customer.id in caught.value.detail


def test_the_sdk_knows_every_event_and_its_data(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    subscription = shop.subscription()
    shop.sandbox.payments.fail_next(subscription["customer_id"], times=9)
    shop.sandbox.advance(MONTH + 7 * DAY)
    invoice = shop.invoice()
    shop.sandbox.pay_invoice(invoice["id"])
    shop.sandbox.chargeback(invoice["id"])
    known = {getattr(EventTypeName, name).value for name in vars(EventTypeName) if not name.startswith("_")}
    for event in shop.sandbox.events:
        assert event["event_type"] in known
        parsed = Entity.from_dict_for_event_type(event["data"], event["event_type"])
        assert not isinstance(parsed, UndefinedEntity)
    assert capsys.readouterr().out == ""
