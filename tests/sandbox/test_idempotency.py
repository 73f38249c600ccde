"""Idempotency keys."""

import pytest
import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import DAY, refusal


def _create(client: stripe.StripeClient, name: str = "Ada", key: str = "k1") -> stripe.Customer:
    return client.v1.customers.create({"name": name}, {"idempotency_key": key})


def test_the_same_key_and_parameters_replay_the_answer(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    first, second = _create(client), _create(client)
    assert first.id == second.id
    assert len(sandbox.objects("customer")) == 1
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"


def test_the_same_key_with_other_parameters_is_stripes_error(client: stripe.StripeClient) -> None:
    _create(client)
    error = refusal(lambda: _create(client, name="Grace"))
    assert isinstance(error, stripe.IdempotencyError)
    assert error.http_status == 400


def test_a_key_is_forgotten_after_a_day(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    first = _create(client)
    sandbox.advance(DAY)
    assert _create(client).id != first.id


@pytest.mark.parametrize("fault", ["server_error", "server_error_after"])
def test_even_a_500_is_replayed(client: stripe.StripeClient, sandbox: StripeSandbox, fault: str) -> None:
    setattr(sandbox.faults, fault, 1)
    assert refusal(lambda: _create(client)).http_status == 500
    assert refusal(lambda: _create(client)).http_status == 500
    assert _create(client, key="k2").name == "Ada"


def test_a_rejected_request_leaves_its_key_unused(client: stripe.StripeClient) -> None:
    sent = {"name": "Ada", "balance": "much"}
    error = refusal(lambda: client.v1.customers.create(sent, {"idempotency_key": "k1"}))  # type: ignore[arg-type]
    assert error.http_status == 400
    assert _create(client).name == "Ada"


def test_a_rate_limited_request_leaves_its_key_unused(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    sandbox.faults.rate_limited = 1
    assert refusal(lambda: _create(client)).http_status == 429
    assert _create(client).name == "Ada"


def test_a_declined_payment_is_replayed(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    sent = {"amount": 100, "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    for _ in range(2):
        error = refusal(lambda: client.v1.payment_intents.create(sent, {"idempotency_key": "p"}))  # type: ignore[arg-type]
        assert error.http_status == 402
    assert len(sandbox.objects("charge")) == 1


def test_a_retry_after_a_lost_answer_finds_what_was_made(url: str, sandbox: StripeSandbox) -> None:
    retrying = stripe.StripeClient(sandbox.api_key, base_addresses={"api": url}, max_network_retries=2)
    sandbox.faults.connection_reset_after = 1
    made = retrying.v1.customers.create({"name": "Ada"})
    assert list(sandbox.objects("customer")) == [made.id]
