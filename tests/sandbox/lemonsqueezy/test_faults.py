"""Faults and limits, as a client meets them."""

import time

import httpx
import pytest

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from tests.sandbox.lemonsqueezy.shop import MONTH, Shop, get

_ADA = {
    "data": {
        "type": "customers",
        "attributes": {"name": "Ada", "email": "ada@example.com"},
        "relationships": {"store": {"data": {"type": "stores", "id": "1"}}},
    }
}


def test_every_answer_has_the_virtual_date_and_the_limit(client: httpx.Client, sandbox: LemonSqueezySandbox) -> None:
    answer = client.get("/v1/orders/9")
    assert answer.headers["date"] == "Mon, 21 Sep 2026 14:13:20 GMT"
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == ("300", "299")
    assert answer.headers["content-type"] == "application/vnd.api+json"
    sandbox.advance(60)
    assert client.get("/v1/orders").headers["date"] == "Mon, 21 Sep 2026 14:14:20 GMT"


def test_the_limit_is_of_a_virtual_minute(sandbox: LemonSqueezySandbox) -> None:
    answers = [sandbox.exchange(get("/v1/orders")) for _ in range(301)]
    assert [answer.status for answer in answers[-2:]] == [200, 429]
    assert answers[-1].headers["X-Ratelimit-Remaining"] == "0"
    assert "Retry-After" not in answers[-1].headers
    sandbox.advance(60)
    assert sandbox.exchange(get("/v1/orders")).status == 200


def test_without_a_limit_nothing_is_counted(sandbox: LemonSqueezySandbox) -> None:
    sandbox.settings.rate_limit = None
    answers = [sandbox.exchange(get("/v1/orders")) for _ in range(400)]
    assert {answer.status for answer in answers} == {200}
    assert answers[-1].headers["X-Ratelimit-Remaining"] == "300"


def test_429_strikes_as_often_as_asked(client: httpx.Client, sandbox: LemonSqueezySandbox) -> None:
    sandbox.faults.rate_limited = 2
    assert [client.get("/v1/orders").status_code for _ in range(3)] == [429, 429, 200]


@pytest.mark.parametrize(("fault", "made"), [("server_error", 0), ("server_error_after", 1)])
def test_a_500_hides_whether_it_had_an_effect(
    client: httpx.Client, sandbox: LemonSqueezySandbox, fault: str, made: int
) -> None:
    setattr(sandbox.faults, fault, 1)
    answer = client.post("/v1/customers", json=_ADA)
    assert (answer.status_code, answer.json()["errors"][0]["title"]) == (500, "Server Error")
    assert len(sandbox.objects("customers")) == made


@pytest.mark.parametrize(("fault", "made"), [("connection_reset", 0), ("connection_reset_after", 1)])
def test_a_reset_connection_tells_nothing(
    client: httpx.Client, sandbox: LemonSqueezySandbox, fault: str, made: int
) -> None:
    setattr(sandbox.faults, fault, 1)
    with pytest.raises(httpx.TransportError):
        client.post("/v1/customers", json=_ADA)
    assert len(sandbox.objects("customers")) == made
    assert client.get("/v1/customers").status_code == 200


def test_a_post_that_is_repeated_makes_a_second_object(client: httpx.Client, sandbox: LemonSqueezySandbox) -> None:
    for _ in range(2):
        assert client.post("/v1/customers", json=_ADA, headers={"Idempotency-Key": "one"}).status_code == 201
    assert len(sandbox.objects("customers")) == 2


def test_a_slow_answer_is_late_by_what_was_asked(client: httpx.Client, sandbox: LemonSqueezySandbox) -> None:
    sandbox.faults.slow, sandbox.faults.slow_seconds = 1, 0.1
    before = time.monotonic()
    client.get("/v1/orders")
    assert time.monotonic() - before >= 0.1


def test_a_forbidden_type_is_403_until_allowed(client: httpx.Client, sandbox: LemonSqueezySandbox) -> None:
    sandbox.faults.forbidden = {"subscription-invoices"}
    assert client.get("/v1/subscription-invoices").status_code == 403
    assert client.get("/v1/subscriptions").status_code == 200
    sandbox.faults.forbidden.clear()
    assert client.get("/v1/subscription-invoices").status_code == 200


def test_a_fault_can_be_aimed_at_some_requests(client: httpx.Client, sandbox: LemonSqueezySandbox) -> None:
    sandbox.faults.match, sandbox.faults.server_error = "GET /v1/orders", 1
    assert client.get("/v1/customers").status_code == 200
    assert client.get("/v1/orders").status_code == 500


def test_in_process_calls_are_spared(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.faults.server_error = sandbox.faults.rate_limited = 1
    assert shop.walk("/v1/customers") == []
    assert sandbox.requests == [("GET", "/v1/customers")]


def test_stamps_may_be_coarser_than_a_second(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.faults.stamp_seconds = 3_600
    made = shop.subscribe()
    sandbox.advance(60)
    before = shop.get("subscriptions", made["subscription"])["updated_at"]
    shop.change("subscriptions", made["subscription"], cancelled=True)
    assert shop.get("subscriptions", made["subscription"])["updated_at"] == before == "2026-09-21T14:00:00.000000Z"
    sandbox.advance(MONTH)
    assert shop.get("subscriptions", made["subscription"])["updated_at"] > before


def test_changes_within_a_second_share_their_stamp(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe()["subscription"]
    for cancelled in (True, False, True):
        shop.change("subscriptions", subscription, cancelled=cancelled)
    stamps = {each["data"]["attributes"]["updated_at"] for each in sandbox.events}
    assert stamps == {"2026-09-21T14:13:20.000000Z"}
