"""Usage over HTTP: recorded once for each key, one at a time or many, and a wrong record spoils no other."""

from __future__ import annotations

from typing import Any

import httpx

from service.model import Customer
from tests.http.api.conftest import Copy, problem

ONE = {"meter": "inferences", "quantity": 1_000, "customer_id": "cus_1"}


def post(client: httpx.Client, body: Any, key: str | None = None, query: str = "") -> httpx.Response:
    """A report."""
    headers = {} if key is None else {"idempotency-key": key}
    return client.post(f"/v1/usage{query}", json=body, headers=headers)


def test_a_report_counts_once_for_its_key(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer())
    first, again = post(client, ONE, "key-1"), post(client, ONE, "key-1")
    assert (first.status_code, first.json()["status"]) == (201, "recorded")
    assert again.json() == first.json() | {"status": "duplicate"}
    assert problem(post(client, ONE | {"quantity": 2}, "key-1")) == (422, "key_reused")
    assert post(client, ONE | {"idempotency_key": "key-1"}).json()["status"] == "duplicate"


def test_a_report_without_any_key_is_refused(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer())
    assert problem(post(client, ONE)) == (400, "missing_key")
    assert problem(post(client, [ONE])) == (400, "missing_key")


def test_a_batch_under_one_key_is_recorded_once(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer())
    batch = [ONE, ONE | {"quantity": 7}, ONE | {"idempotency_key": "own"}]
    first, again = post(client, batch, "batch").json(), post(client, batch, "batch").json()
    assert (first["recorded"], first["duplicate"], first["refused"]) == (3, 0, 0)
    assert (again["recorded"], again["duplicate"], again["refused"]) == (0, 3, 0)
    assert [each["record"]["id"] for each in again["data"]] == [each["record"]["id"] for each in first["data"]]
    assert [each["record"]["idempotency_key"] for each in first["data"]] == ["batch:0", "batch:1", "own"]


def test_a_wrong_record_spoils_no_other(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer())
    wrong = [
        ONE | {"meter": "nothing"},
        ONE | {"customer_id": "cus_none"},
        ONE | {"at": "2001-01-01T00:00:00Z"},
        ONE | {"user_id": "u1"},
    ]
    answer = post(client, [*wrong, ONE], "batch").json()
    assert (answer["recorded"], answer["refused"]) == (1, 4)
    found = [(each.get("cause"), each.get("pointer")) for each in answer["data"]]
    assert found == [
        ("unknown_meter", "#/0/meter"),
        ("unknown_customer", "#/1/customer_id"),
        ("refused", "#/2/at"),
        ("unknown_customer", "#/3/customer_id"),
        (None, None),
    ]
    single = post(client, wrong[1], "single")
    assert problem(single) == (422, "unknown_customer")
    assert single.json()["errors"][0]["pointer"] == "#/customer_id"


def test_a_wrong_shape_refuses_the_whole_batch(client: httpx.Client) -> None:
    refused = post(client, [ONE, ONE | {"quantity": "many"}], "batch")
    assert problem(refused) == (422, "invalid_body")
    assert refused.json()["errors"][0]["pointer"] == "#/1/quantity"
    assert problem(post(client, [], "batch")) == (422, "invalid_body")


def test_an_account_chooses_among_customers_of_one_id(client: httpx.Client, copy: Copy) -> None:
    for account in ("stripe", "paddle"):
        copy.put("customer", "cus_1", Customer(), account=account)
    assert problem(post(client, ONE, "a")) == (422, "unknown_customer")
    assert post(client, ONE, "b", "?account=paddle").json()["account"] == "paddle"
    assert post(client, ONE | {"account": "stripe"}, "c", "?account=paddle").json()["account"] == "stripe"
    assert problem(post(client, ONE, "d", "?account=shop")) == (404, "unknown_account")


def test_the_bill_to_come_is_told_line_by_line(client: httpx.Client, copy: Copy) -> None:
    copy.put("customer", "cus_1", Customer(currency="USD"))
    post(client, ONE | {"quantity": 1_100_000}, "key-1")
    shown = client.get("/v1/usage?customer=cus_1").json()
    (meter,) = shown["meters"]
    (bill,) = meter["bills"]
    assert (meter["meter"], meter["quantity"], shown["totals"]) == ("inferences", 1_100_000, {"USD": 200})
    assert [(line["quantity"], line["price"]) for line in bill["lines"]] == [(100_000, None), (1_000_000, "2.00")]
    assert meter["period_start"].endswith("Z")
    assert client.get("/v1/usage?customer=cus_1&period=2020-01").json()["meters"] == []


def test_a_bill_needs_a_customer_and_a_month_that_is_one(client: httpx.Client, copy: Copy) -> None:
    assert problem(client.get("/v1/usage")) == (400, "bad_parameter")
    assert problem(client.get("/v1/usage?customer=cus_1&period=2026-13")) == (400, "bad_parameter")
    assert problem(client.get("/v1/usage?customer=cus_1")) == (404, "not_found")
    for account in ("stripe", "paddle"):
        copy.put("customer", "cus_1", Customer(), account=account)
    assert problem(client.get("/v1/usage?customer=cus_1")) == (409, "ambiguous_id")
