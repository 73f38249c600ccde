"""What a write must look like before anything is done."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from service.app import build
from service.model import Customer, Subscription
from service.sandbox.server import serving
from service.system import System
from tests.http.api.conftest import READER, WRITER, Copy, bearer, problem, settings

ADA = {"user_id": "u1", "email": "ada@example.com"}
CREATE = "/v1/customers?account=stripe"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: nothing here depends on it."""
    return sqlite_url


def post(client: httpx.Client, address: str, body: Any, **headers: str) -> httpx.Response:
    """A write with a key of its own; `body` is JSON already where it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"idempotency-key": "key-1", "content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return client.post(address, content=content, headers={name: value for name, value in given.items() if value})


def test_a_token_that_may_only_read_writes_nothing(client: httpx.Client) -> None:
    for address in ("/v1/customers", "/v1/subscriptions/sub_1/cancel", "/v1/customers/cus_1/portal"):
        assert problem(post(client, address, ADA, **bearer(READER))) == (403, "read_only_token")


def test_a_write_needs_a_key(client: httpx.Client) -> None:
    for key in ("", "a b", "a,b", "x" * 256):
        refused = post(client, CREATE, ADA, idempotency_key=key)
        assert problem(refused) == (400, "missing_key")
        assert refused.json()["errors"][0]["header"] == "Idempotency-Key"
    twice = [("idempotency-key", "a"), ("idempotency-key", "b")]
    assert problem(client.post(CREATE, json=ADA, headers=twice)) == (400, "missing_key")


def test_a_wrong_field_is_pointed_at(client: httpx.Client) -> None:
    wrong: dict[str, tuple[str, Any]] = {
        "#/email": (CREATE, {"user_id": "u1"}),
        "#/user_id": (CREATE, ADA | {"user_id": ""}),
        "#/name": (CREATE, ADA | {"name": "a\0b"}),
        "#/country": (CREATE, ADA | {"country": "Germany"}),
        "#/nmae": (CREATE, ADA | {"nmae": "Ada"}),
        "#": (CREATE, [ADA]),
        "#/quantity": ("/v1/subscriptions", {"customer_id": "c", "plan_id": "pro", "quantity": "2"}),
        "#/collection": ("/v1/subscriptions", {"customer_id": "c", "plan_id": "pro", "collection": "cash"}),
        "#/at_period_end": ("/v1/subscriptions/sub_1/cancel", {"at_period_end": "yes"}),
        "#/amount": ("/v1/payments/pi_1/refund", {"amount": 0}),
        "#/return_url": ("/v1/customers/cus_1/portal", {"return_url": "javascript:alert(1)"}),
        "#/anything": ("/v1/subscriptions/sub_1/resume", {"anything": 1}),
    }
    for pointer, (address, body) in wrong.items():
        refused = post(client, address, body)
        assert problem(refused) == (422, "invalid_body"), pointer
        (fault,) = refused.json()["errors"]
        assert fault["pointer"] == pointer
        assert fault["detail"]


def test_what_is_no_json_is_refused(client: httpx.Client) -> None:
    traps = [
        b"{", b'{"user_id": NaN}', b'{"user_id": "a", "user_id": "b"}', b"[" * 60_000, b'{"user_id": "\\ud800"}', b"\xff",
        b'{"user_id": "\xff"}', b'{"user_id": 1e999}', b'{"user_id": 1' + b"0" * 5_000 + b"}", b"null null", b"\x00",
    ]  # fmt: skip
    for trap in traps:
        assert problem(post(client, CREATE, trap)) == (400, "bad_payload"), trap[:40]


def test_a_whole_number_may_be_written_with_a_point(client: httpx.Client) -> None:
    order = b'{"customer_id": "cus_1", "plan_id": "pro", "quantity": %s}'
    assert problem(post(client, "/v1/subscriptions", order % b"2.0")) == (404, "not_found")
    assert problem(post(client, "/v1/subscriptions", order % b"2.5")) == (422, "invalid_body")


def test_the_content_type_is_checked(client: httpx.Client) -> None:
    for given in ("", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        assert problem(post(client, CREATE, ADA, content_type=given)) == (415, "unsupported_media_type")
    for good in ("application/json", "Application/JSON; charset=UTF-8"):
        assert problem(post(client, CREATE, {}, content_type=good)) == (422, "invalid_body")


def test_the_size_of_a_body_is_bounded(client: httpx.Client) -> None:
    assert problem(post(client, CREATE, b" " * 70_000)) == (413, "too_large")
    assert client.get("/v1/customers").status_code == 200


def test_a_new_object_needs_an_account_and_a_known_one_has_it(client: httpx.Client, copy: Copy) -> None:
    refused = post(client, "/v1/customers", ADA)
    assert problem(refused) == (409, "ambiguous_account")
    assert refused.json()["accounts"] == ["paddle", "stripe"]
    assert problem(post(client, "/v1/customers?account=shop", ADA)) == (404, "unknown_account")
    order = {"customer_id": "same", "plan_id": "pro"}
    assert problem(post(client, "/v1/subscriptions", order)) == (404, "not_found")
    for account in ("stripe", "paddle"):
        copy.put("customer", "same", Customer(), account=account)
        copy.put("subscription", "same", Subscription(), account=account)
    assert problem(post(client, "/v1/subscriptions", order)) == (409, "ambiguous_id")
    assert problem(post(client, "/v1/subscriptions/same/cancel", {})) == (409, "ambiguous_id")


def test_an_account_without_a_key_can_not_be_written_to(client: httpx.Client) -> None:
    for account in ("stripe", "paddle"):
        refused = post(client, f"/v1/customers?account={account}", ADA, idempotency_key=account)
        assert problem(refused) == (409, "not_configured")
        assert f"{account.upper()}_API_KEY" in refused.json()["detail"]


def test_a_bug_is_a_problem_document_too(sqlite_url: str) -> None:
    """An application whose plans are gone fails in the middle of a write."""
    system = System(settings(sqlite_url))
    app = build(system)
    del system.plans
    with serving(app) as url, httpx.Client(base_url=url, headers=bearer(WRITER)) as client:
        assert problem(post(client, CREATE, ADA)) == (500, "internal")
        assert client.get("/livez").status_code == 200
    system.close()
