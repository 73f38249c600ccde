"""The control plane."""

import httpx
import pytest

from service.sandbox.run import run
from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import Shop


def _post(url: str, name: str, body: dict[str, object] | None = None) -> httpx.Response:
    return httpx.post(f"{url}/_sandbox/{name}", json=body or {})


def test_time_moves_on_command(sandbox: StripeSandbox, url: str) -> None:
    before = sandbox.clock.now()
    assert _post(url, "advance", {"seconds": 60}).json()["now"] == before + 60


def test_faults_are_set_and_shown(sandbox: StripeSandbox, url: str) -> None:
    shown = _post(url, "faults", {"drop": 2, "rates": {"duplicate": 0.5}, "forbidden": ["invoice"]}).json()
    assert (shown["drop"], shown["forbidden"]) == (2, ["invoice"])
    assert sandbox.faults.drop == 2


@pytest.mark.parametrize(
    ("name", "body"), [("faults", {"dorp": 1}), ("advance", {}), ("dispute", {"charge_id": "ch_0"})]
)
def test_a_command_that_makes_no_sense_is_400(
    sandbox: StripeSandbox, url: str, name: str, body: dict[str, object]
) -> None:
    answer = _post(url, name, body)
    assert answer.status_code == 400
    assert "error" in answer.json()
    assert sandbox.events == []


def test_disputes_and_refunds_can_be_driven(sandbox: StripeSandbox, url: str, shop: Shop) -> None:
    charge = shop.charge()["id"]
    dispute = _post(url, "dispute", {"charge_id": charge}).json()["id"]
    assert _post(url, "close_dispute", {"dispute_id": dispute, "status": "lost"}).json()["status"] == "lost"
    assert _post(url, "next_refunds", {"status": "pending"}).status_code == 200
    refund = sandbox.call("POST", "/v1/refunds", {"charge": shop.charge()["id"]})
    settled = _post(url, "settle_refund", {"refund_id": refund["id"], "status": "failed"}).json()
    assert settled["status"] == "failed"


def test_a_failing_payment_can_be_ordered(sandbox: StripeSandbox, url: str, shop: Shop) -> None:
    assert sandbox.events == []
    customer = shop.customer()
    _post(url, "fail_next", {"customer_id": customer, "times": 1})
    assert shop.subscription(customer)["status"] == "incomplete"


def test_deliveries_are_shown_and_pumped(sandbox: StripeSandbox, url: str, shop: Shop) -> None:
    _post(url, "endpoint", {"url": "http://127.0.0.1:9/hook", "secret": "whsec_x"})
    shop.customer()
    waiting = httpx.get(f"{url}/_sandbox/deliveries").json()["deliveries"]
    assert [each["event_id"] for each in waiting] == [sandbox.events[0]["id"]]
    assert _post(url, "pump").json()["attempts"][0]["status"] is None


def test_a_reset_account_is_empty_and_keeps_its_registered_endpoints(
    sandbox: StripeSandbox, url: str, shop: Shop
) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook", "whsec_x")
    shop.customer()
    state = _post(url, "reset").json()
    assert (state["objects"].get("customer", 0), sandbox.events) == (0, [])
    shop.customer()
    assert len(sandbox.deliveries.pending()) == 1


def test_the_state_counts(sandbox: StripeSandbox, url: str, shop: Shop) -> None:
    shop.customer()
    state = httpx.get(f"{url}/_sandbox/state").json()
    assert (state["objects"]["customer"], state["now"]) == (1, sandbox.clock.now())


@pytest.mark.parametrize(
    "wrong", [{"provider": "paypal"}, {"webhook_url": "http://127.0.0.1:9/hook"}, {"webhook_secret": "whsec_x"}]
)
def test_a_run_that_cannot_work_is_refused(wrong: dict[str, str]) -> None:
    settings: dict[str, str | None] = {"provider": "stripe", "webhook_url": None, "webhook_secret": None, **wrong}
    with pytest.raises(ValueError):
        run(host="127.0.0.1", port=0, seed=0, api_key="sk_test", speed=1, **settings)  # type: ignore[arg-type]
