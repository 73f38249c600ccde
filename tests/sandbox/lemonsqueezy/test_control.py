"""The control plane."""

import httpx
import pytest

from service.sandbox.lemonsqueezy import LemonSqueezySandbox, make
from tests.sandbox.lemonsqueezy.shop import DAY, Shop


def _post(url: str, name: str, body: dict[str, object] | None = None) -> httpx.Response:
    return httpx.post(f"{url}/_sandbox/{name}", json=body or {})


def test_a_whole_life_can_be_driven_from_outside(sandbox: LemonSqueezySandbox, url: str) -> None:
    store = _post(url, "store", {"name": "Second"}).json()["id"]
    product = _post(url, "product", {"name": "Pro", "store_id": store}).json()["id"]
    variant = _post(url, "variant", {"product_id": product, "unit_price": 1_900, "trial_days": 0}).json()["id"]
    _post(url, "price", {"variant_id": variant, "unit_price": 2_900})
    made = _post(url, "buy", {"variant_id": variant, "email": "a@b.co", "custom": {"user_id": 1}}).json()
    _post(url, "fail_next", {"customer_id": made["customer"]})
    _post(url, "advance", {"seconds": 30 * DAY})
    assert sandbox.objects("subscriptions")["1"]["attributes"]["status"] == "past_due"
    assert _post(url, "pay_open_invoice", {"subscription_id": "1"}).status_code == 200
    assert sandbox.objects("subscriptions")["1"]["attributes"]["status"] == "active"
    _post(url, "refund", {"resource_type": "orders", "resource_id": made["order"], "amount": 100})
    assert sandbox.objects("orders")["1"]["attributes"]["refunded_amount"] == 100
    _post(url, "mark_fraudulent", {"order_id": made["order"]})
    assert sandbox.objects("orders")["1"]["attributes"]["status"] == "fraudulent"


def test_a_checkout_made_by_the_api_is_paid_from_outside(sandbox: LemonSqueezySandbox, url: str, shop: Shop) -> None:
    ends = {"store": ("stores", "1"), "variant": ("variants", shop.variant())}
    made = shop.create("checkouts", {"checkout_data": {"email": "a@b.co"}}, **ends)
    paid = _post(url, "complete_checkout", {"checkout_id": made["id"]}).json()
    assert paid["subscription"] in sandbox.objects("subscriptions")


def test_an_event_is_resent_from_outside(sandbox: LemonSqueezySandbox, url: str, shop: Shop) -> None:
    shop.subscribe()
    again = _post(url, "resend", {"event": 0, "keep_id": False, "fresh_render": True}).json()
    assert again["meta"]["webhook_id"] != sandbox.events[0]["meta"]["webhook_id"]
    assert sandbox.events[-1] == again


def test_settings_and_faults_are_set_from_outside(sandbox: LemonSqueezySandbox, url: str) -> None:
    _post(url, "settings", {"between_pages": 2, "retry_days": [1, 2], "rate_limit": None})
    assert (sandbox.settings.between_pages, sandbox.settings.retry_days) == (2, (1, 2))
    assert _post(url, "faults", {"drop": 2, "forbidden": ["orders"]}).json()["forbidden"] == ["orders"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("settings", {"colour": 1}),
        ("faults", {"dorp": 1}),
        ("buy", {"variant_id": "9"}),
        ("variant", {"product_id": "9"}),
        ("resend", {"event": "none"}),
        ("complete_checkout", {}),
        ("refund", {"resource_type": "stores", "resource_id": "1"}),
    ],
)
def test_a_command_that_makes_no_sense_is_400(
    sandbox: LemonSqueezySandbox, url: str, name: str, body: dict[str, object]
) -> None:
    answer = _post(url, name, body)
    assert answer.status_code == 400
    assert {"error", "errors"} & answer.json().keys()
    assert sandbox.events == []


def test_deliveries_are_shown_and_pumped(sandbox: LemonSqueezySandbox, url: str, shop: Shop) -> None:
    _post(url, "endpoint", {"url": "http://127.0.0.1:9/hook", "secret": "whatever"})
    sandbox.buy(shop.variant(interval=None))
    waiting = httpx.get(f"{url}/_sandbox/deliveries").json()["deliveries"]
    assert [each["event_id"] for each in waiting] == [sandbox.events[0]["meta"]["webhook_id"]]
    assert _post(url, "pump").json()["attempts"][0]["status"] is None


def test_a_reset_account_is_as_at_first_and_keeps_its_registered_endpoints(
    sandbox: LemonSqueezySandbox, url: str, shop: Shop
) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook", "whatever")
    hook = {"url": "http://127.0.0.1:9/other", "events": ["order_created"], "secret": "long-enough"}
    shop.create("webhooks", hook, store=("stores", "1"))
    shop.subscribe()
    state = _post(url, "reset").json()
    assert (state["objects"], state["pending"], sandbox.events) == ({"stores": 1, "users": 1, "webhooks": 1}, 0, [])
    sandbox.buy(shop.variant(interval=None))
    assert [each.endpoint_url for each in sandbox.deliveries.pending()] == ["http://127.0.0.1:9/hook"]


def test_the_state_counts(sandbox: LemonSqueezySandbox, url: str, shop: Shop) -> None:
    shop.customer()
    state = httpx.get(f"{url}/_sandbox/state").json()
    assert (state["objects"]["customers"], state["now"], state["requests"]) == (1, sandbox.clock.now(), 1)


def test_without_a_key_the_stand_in_expects_its_own() -> None:
    assert make(seed=1, now=1_790_000_000, api_key=None).api_key == "lsq_sandbox_key"
    assert make(seed=1, now=1_790_000_000, api_key="mine").api_key == "mine"
