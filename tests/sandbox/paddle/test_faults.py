"""Faults, as an HTTP client meets them on a real socket."""

import time
from collections.abc import Callable

import httpx
import pytest

from service.sandbox.paddle import PaddleSandbox

ADA = {"email": "ada@example.com"}


def test_429_strikes_as_often_as_asked(web: httpx.Client, sandbox: PaddleSandbox) -> None:
    sandbox.faults.rate_limited = 2
    answers = [web.get("/customers") for _ in range(3)]
    assert [each.status_code for each in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "1"


@pytest.mark.parametrize(("fault", "made"), [("server_error", 0), ("server_error_after", 1)])
def test_a_500_tells_nothing_of_its_effect(web: httpx.Client, sandbox: PaddleSandbox, fault: str, made: int) -> None:
    setattr(sandbox.faults, fault, 1)
    answer = web.post("/customers", json=ADA)
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "api_error")
    assert len(sandbox.objects("customer")) == made


@pytest.mark.parametrize(("fault", "made"), [("connection_reset", 0), ("connection_reset_after", 1)])
def test_a_reset_connection_tells_nothing(web: httpx.Client, sandbox: PaddleSandbox, fault: str, made: int) -> None:
    setattr(sandbox.faults, fault, 1)
    with pytest.raises(httpx.TransportError):
        web.post("/customers", json=ADA)
    assert len(sandbox.objects("customer")) == made
    assert web.get("/customers").status_code == 200


def test_a_request_that_took_effect_unseen_is_a_conflict_or_a_second_object(
    web: httpx.Client, sandbox: PaddleSandbox
) -> None:
    sandbox.faults.server_error_after = 2
    web.post("/customers", json=ADA)
    web.post("/products", json={"name": "Pro", "tax_category": "saas"})
    assert web.post("/customers", json=ADA).status_code == 409
    assert web.post("/products", json={"name": "Pro", "tax_category": "saas"}).status_code == 201
    assert len(sandbox.objects("product")) == 2


def test_a_slow_answer_is_late_by_what_was_asked(web: httpx.Client, sandbox: PaddleSandbox) -> None:
    sandbox.faults.slow, sandbox.faults.slow_seconds = 1, 0.1
    before = time.monotonic()
    web.get("/customers")
    assert time.monotonic() - before >= 0.1


def test_a_fault_can_be_aimed_at_some_requests(web: httpx.Client, sandbox: PaddleSandbox) -> None:
    sandbox.faults.match, sandbox.faults.server_error = "GET /transactions", 1
    assert web.get("/customers").status_code == 200
    assert web.get("/transactions").status_code == 500


def test_a_key_may_lack_a_permission(web: httpx.Client, sandbox: PaddleSandbox) -> None:
    sandbox.faults.forbidden = {"transaction"}
    answer = web.get("/transactions")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert web.get("/customers").status_code == 200


def test_the_date_is_virtual(web: httpx.Client, sandbox: PaddleSandbox) -> None:
    assert web.get("/customers").headers["Date"] == "Mon, 21 Sep 2026 14:13:20 GMT"
    sandbox.advance(1)
    assert web.get("/customers").headers["Date"] == "Mon, 21 Sep 2026 14:13:21 GMT"


def test_every_request_is_counted(web: httpx.Client, sandbox: PaddleSandbox) -> None:
    sandbox.faults.rate_limited = 1
    acts: list[Callable[[], object]] = [lambda: web.get("/customers"), lambda: web.post("/customers", json=ADA)]
    for act in acts:
        act()
    assert sandbox.requests == [("GET", "/customers"), ("POST", "/customers")]
