"""The control plane, and the stand-in as the command line runs it."""

import httpx
import pytest

from service.sandbox.paddle import API_KEY, PaddleSandbox, make
from service.sandbox.run import names
from tests.sandbox.paddle.shop import DAY, MONTH, Json, Shop


def _post(web: httpx.Client, command: str, body: Json | None = None) -> httpx.Response:
    return web.post(f"/_sandbox/{command}", json=body or {})


def test_a_buyer_can_be_played_from_outside(web: httpx.Client, sandbox: PaddleSandbox, shop: Shop) -> None:
    opened = _post(web, "open_checkout", {"price_id": shop.price()}).json()
    bought = _post(web, "complete_checkout", {"transaction_id": opened["id"], "email": "eve@example.com"}).json()
    assert bought["status"] == "completed"
    assert _post(web, "advance", {"seconds": MONTH}).json()["objects"]["transaction"] == 2
    _post(web, "fail_next", {"customer_id": bought["customer_id"], "times": 1})
    _post(web, "advance", {"seconds": MONTH - DAY})
    subscription = sandbox.objects("subscription")[bought["subscription_id"]]
    assert subscription["status"] == "past_due"
    paid = _post(web, "change_payment_method", {"subscription_id": subscription["id"]}).json()
    assert paid["status"] == "completed"


def test_money_can_be_taken_back_from_outside(web: httpx.Client, shop: Shop) -> None:
    refund = shop.refund(shop.purchase())
    assert _post(web, "settle_adjustment", {"adjustment_id": refund["id"]}).json()["status"] == "approved"
    for command in ("chargeback", "chargeback_warning"):
        made = _post(web, command, {"transaction_id": shop.purchase()["id"]}).json()
        reversed_ = _post(web, "reverse_chargeback", {"adjustment_id": made["id"]}).json()
        assert reversed_["action"] == f"{command}_reverse"
    assert _post(web, "pay_invoice", {"transaction_id": shop.invoice()["id"]}).json()["status"] == "completed"


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("complete_checkout", {"transaction_id": "txn_0"}),
        ("chargeback", {}),
        ("settle_adjustment", {"adjustment_id": "adj_0"}),
        ("settings", {"auto_aprove": True}),
        ("settings", {"auto_approve": "yes"}),
        ("faults", {"dorp": 1}),
    ],
)
def test_a_command_that_makes_no_sense_is_400(web: httpx.Client, command: str, body: Json) -> None:
    answer = _post(web, command, body)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_settings_can_be_changed_from_outside(web: httpx.Client, sandbox: PaddleSandbox) -> None:
    assert _post(web, "settings", {"auto_approve": True, "tax_percent": 0}).json()["auto_approve"] is True
    assert (sandbox.settings.auto_approve, sandbox.settings.tax_percent) == (True, 0)
    _post(web, "settings", {"rate_limit": 9, "retry_days": [2, 4]})
    assert (sandbox.settings.rate_limit, sandbox.settings.retry_days) == (9, (2, 4))


def test_an_endpoint_can_be_added_and_its_secret_rotated(web: httpx.Client, sandbox: PaddleSandbox, shop: Shop) -> None:
    body = {"url": "http://127.0.0.1:9/hook", "secret": "pdl_ntfset_x", "types": ["customer.created"]}
    setting = _post(web, "endpoint", body).json()["id"]
    shop.price()
    shop.customer()
    waiting = web.get("/_sandbox/deliveries").json()["deliveries"]
    assert [each["event_id"] for each in waiting] == [sandbox.events[-1]["event_id"]]
    assert _post(web, "rotate_secret", {"setting_id": setting}).json()["endpoint_secret_key"] != "pdl_ntfset_x"
    assert _post(web, "pump").json()["attempts"][0]["status"] is None


def test_a_reset_account_is_empty_and_keeps_its_registered_endpoints(
    web: httpx.Client, sandbox: PaddleSandbox, shop: Shop
) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook", "pdl_ntfset_x")
    shop.customer()
    state = _post(web, "reset").json()
    assert (state["objects"]["customer"], sandbox.events) == (0, [])
    shop.customer()
    assert len(sandbox.deliveries.pending()) == 1


def test_it_can_be_run_by_name() -> None:
    assert "paddle" in names()
    made = make(seed=1, now=1_790_000_000, api_key=None)
    assert made.api_key == API_KEY == "pdl_sdbx_apikey_sandbox"
    assert make(seed=1, now=0, api_key="pdl_other").api_key == "pdl_other"
    made.api_key = "pdl_new"
    assert made.api_key == "pdl_new"
