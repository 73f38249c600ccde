"""Faults, as the SDK meets them on a real socket."""

import time

import pytest
import stripe

from service.sandbox.faults import Faults
from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import Shop, refusal


def test_429_strikes_as_often_as_asked(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    sandbox.faults.rate_limited = 2
    for _ in range(2):
        assert isinstance(refusal(client.v1.customers.list), stripe.RateLimitError)
    assert client.v1.customers.list().data == []


def test_a_rate_limit_counts_requests_within_a_virtual_second(url: str, sandbox: StripeSandbox) -> None:
    sandbox.settings.rate_limit = 2
    client = stripe.StripeClient(sandbox.api_key, base_addresses={"api": url})
    client.v1.customers.list()
    client.v1.customers.list()
    assert refusal(client.v1.customers.list).http_status == 429
    sandbox.advance(1)
    assert client.v1.customers.list().data == []


def test_a_500_has_no_effect(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    sandbox.faults.server_error = 1
    assert refusal(lambda: client.v1.customers.create({})).http_status == 500
    assert sandbox.objects("customer") == {}


def test_a_500_afterwards_hides_an_effect(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    sandbox.faults.server_error_after = 1
    assert refusal(lambda: client.v1.customers.create({})).http_status == 500
    assert len(sandbox.objects("customer")) == 1


@pytest.mark.parametrize(("fault", "made"), [("connection_reset", 0), ("connection_reset_after", 1)])
def test_a_reset_connection_tells_nothing(
    client: stripe.StripeClient, sandbox: StripeSandbox, fault: str, made: int
) -> None:
    setattr(sandbox.faults, fault, 1)
    error = refusal(lambda: client.v1.customers.create({}))
    assert isinstance(error, stripe.APIConnectionError)
    assert len(sandbox.objects("customer")) == made
    assert client.v1.customers.list() is not None


def test_a_slow_answer_is_late_by_what_was_asked(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    sandbox.faults.slow, sandbox.faults.slow_seconds = 1, 0.1
    before = time.monotonic()
    client.v1.customers.list()
    assert time.monotonic() - before >= 0.1


def test_a_fault_can_be_aimed_at_some_requests(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    sandbox.faults.match, sandbox.faults.server_error = "GET /v1/invoices", 1
    assert client.v1.customers.list().data == []
    assert refusal(client.v1.invoices.list).http_status == 500


def test_chance_is_decided_by_the_seed() -> None:
    def strikes() -> list[bool]:
        faults = Faults(seed=3, rates={"drop": 0.5})
        return [faults.strikes("drop") for _ in range(20)]

    assert strikes() == strikes()
    assert {True, False} == set(strikes())


def test_reset_puts_every_fault_back(sandbox: StripeSandbox) -> None:
    sandbox.faults.change({"drop": 3, "forbidden": ["invoice"], "reorder": True, "api_version": "2024-06-20"})
    sandbox.faults.reset()
    assert sandbox.faults == Faults(seed=7)


@pytest.mark.parametrize("change", [{"dorp": 1}, {"drop": "many"}, {"reorder": 1}])
def test_a_fault_that_makes_no_sense_is_refused(sandbox: StripeSandbox, change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        sandbox.faults.change(change)


def test_every_request_is_counted(client: stripe.StripeClient, sandbox: StripeSandbox, shop: Shop) -> None:
    del sandbox.requests[:]
    sandbox.faults.rate_limited = 1
    refusal(client.v1.customers.list)
    client.v1.customers.retrieve(shop.customer())
    assert [method for method, _ in sandbox.requests] == ["GET", "POST", "GET"]
