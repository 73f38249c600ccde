"""The story of a customer over HTTP, at each provider that can be written to: one effect for each key, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.billing.cases.base import discover
from tests.http.api.conftest import problem
from tests.http.api.shop import Shop, opened

ADA = {"user_id": "42", "email": "ada@example.com", "name": "Ada"}


@pytest.fixture(params=sorted(discover()))
def shop(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Shop]:
    """A shop at each provider in turn."""
    with opened(discover()[request.param](), sqlite_url) as shop:
        yield shop


@pytest.fixture
def stripe_shop(database_url: str) -> Iterator[Shop]:
    """A shop at one provider, on either database."""
    with opened(discover()["stripe"](), database_url) as shop:
        yield shop


def done(answer: httpx.Response) -> bool:
    """True where it was done; False where the provider honestly can't."""
    if answer.status_code == 422:
        document = answer.json()
        assert (document["cause"], bool(document["reason"]), bool(document["alternative"])) == (
            "not_supported",
            True,
            True,
        )
        return False
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "done"
    return True


def bought(shop: Shop, what: str, customer: str) -> dict[str, Any]:
    """The customer's first invoice or payment that is not only a receipt of another."""
    rows = shop.get(f"/v1/{what}?customer={customer}")["data"]
    found: dict[str, Any] = min(
        (each for each in rows if each["receipt_of"] is None and each["status"] in ("paid", "succeeded")),
        key=lambda each: str(each["created_at"]),
    )
    return found


def test_a_key_acts_once_and_gives_one_answer(shop: Shop) -> None:
    first = shop.post("/v1/customers", ADA, "key-1")
    again = shop.post("/v1/customers", ADA, "key-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    made = first.json()
    assert (made["state"], made["operation"], made["object"]["id"]) == ("done", "create_customer", made["object_id"])
    assert shop.get(first.headers["location"])["user_id"] == "42"
    assert shop.case.customers("42") == [made["object_id"]]
    assert shop.get(f"/v1/calls/{made['call_id']}")["status"] == "done"


def test_a_key_of_another_request_is_refused(shop: Shop) -> None:
    customer = shop.customer()
    other = {
        "/v1/customers": ADA | {"email": "bob@example.com"},
        "/v1/subscriptions": {"customer_id": customer, "plan_id": "pro"},
    }
    for address, body in other.items():
        assert problem(shop.post(address, body, "customer")) == (422, "key_reused")
    assert len(shop.case.customers("42")) == 1
    assert shop.case.started(customer) == 0


def test_racing_copies_of_one_request_act_once(stripe_shop: Shop) -> None:
    shop = stripe_shop
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: shop.post("/v1/customers", ADA, "key-1"), range(6)))
    for answer in answers:
        assert answer.status_code == 201 or problem(answer) == (409, "key_in_use")
    assert len(shop.case.customers("42")) == 1
    assert shop.post("/v1/customers", ADA, "key-1").status_code == 201


def test_a_customer_subscribes_moves_cancels_stays_and_is_refunded(shop: Shop) -> None:
    customer = shop.customer()
    subscription = shop.subscription(customer)
    address = f"/v1/subscriptions/{subscription}"
    assert shop.get(address)["status"] == "active"
    if done(shop.post(f"{address}/change-plan", {"plan_id": "team"}, "change")):
        shop.deliver()
    if done(shop.post(f"{address}/cancel", {}, "cancel")):
        shop.deliver()
        assert shop.get(address)["cancels_at"] is not None
        if done(shop.post(f"{address}/resume", {}, "resume")):
            shop.deliver()
            assert shop.get(address)["cancels_at"] is None
    payment = bought(shop, "payments", customer)
    refund = f"/v1/payments/{payment['id']}/refund"
    for _ in range(2):
        given = shop.post(refund, {"amount": 500, "reason": "requested_by_customer"}, "refund")
        if not done(given):
            return
    assert sum(shop.case.refunds(payment["id"])) == 500
    shop.deliver()
    shown = shop.get(f"/v1/payments/{payment['id']}")
    assert [each["amount"] for each in shown["refunds"]] == [500]  # which the provider may yet have to approve


def test_what_our_own_rules_refuse_is_explained(shop: Shop) -> None:
    customer = shop.customer()
    unknown = shop.post("/v1/subscriptions", {"customer_id": customer, "plan_id": "gold"}, "gold")
    assert problem(unknown) == (422, "refused")
    assert "gold" in unknown.json()["detail"]
    shop.subscription(customer)
    payment = bought(shop, "payments", customer)
    much = shop.post(f"/v1/payments/{payment['id']}/refund", {"amount": 10**9}, "much")
    assert problem(much) == (422, "refused")
    missing = shop.post("/v1/subscriptions/sub_none/cancel", {}, "none")
    assert problem(missing)[1] in ("not_found", "refused")


def test_the_portal_and_the_pdf_are_links_that_no_cache_keeps(shop: Shop) -> None:
    customer = shop.customer()
    shop.subscription(customer)
    invoice = bought(shop, "invoices", customer)
    portal = shop.client.post(f"/v1/customers/{customer}/portal")
    for answer in (portal, shop.client.get(f"/v1/invoices/{invoice['id']}/pdf")):
        if answer.status_code == 422:
            assert problem(answer) == (422, "not_supported")
            continue
        assert answer.json()["url"].startswith("http")
        assert answer.headers["cache-control"] == "no-store"


def test_a_lost_answer_is_502_with_the_call_and_the_key_finds_out(shop: Shop) -> None:
    """Every request of this one takes effect and is not answered, so nothing can be looked up either."""
    faults = shop.case.sandbox.faults
    faults.connection_reset_after = 10
    lost = shop.post("/v1/customers", ADA, "key-1")
    faults.reset()
    if not shop.case.keyed and lost.status_code == 503:
        assert problem(lost) == (503, "provider_unavailable")  # it reads before it writes, so nothing was sent
        assert shop.case.customers("42") == []
        return
    assert problem(lost) == (502, "outcome_unknown")
    assert lost.headers["retry-after"]
    call = lost.json()["call"]
    assert shop.get(call["href"])["status"] == "unknown"
    shop.settle()
    again = shop.post("/v1/customers", ADA, "key-1")
    if shop.get(call["href"])["status"] == "needs_review":
        assert problem(again) == (502, "outcome_unknown")
        assert again.json()["call"]["needs_review"] is True
        assert not shop.case.keyed
    else:
        assert again.status_code == 201, again.text
        assert again.json()["call_id"] == call["id"]
    assert len(shop.case.customers("42")) == 1


def test_a_provider_that_does_not_answer_reads_is_503(shop: Shop) -> None:
    customer = shop.customer()
    shop.case.sandbox.faults.connection_reset = 50
    refused = shop.client.post(f"/v1/customers/{customer}/portal")
    assert problem(refused) in ((503, "provider_unavailable"), (422, "not_supported"))
