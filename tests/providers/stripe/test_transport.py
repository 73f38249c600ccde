"""Failures of the API and of the network, as the port's errors."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable, Iterator
from itertools import chain, repeat

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import (
    BadRequest,
    ConfigError,
    Forbidden,
    NotFound,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)
from service.provider import Connection
from service.providers.stripe.client import StripeReader
from service.providers.stripe.wire import API
from service.refusals import NETWORK_ERRORS, http_date, lost, refused, retry_after
from service.sandbox.edge import Answer, Call
from service.sandbox.stripe import StripeSandbox
from service.transport import ATTEMPTS, segment
from tests.providers.stripe.conftest import Budget, Wire
from tests.providers.stripe.given import KEY, at

DATE = "Mon, 21 Sep 2026 14:13:20 GMT"
ACCOUNT = Answer(200, b'{"id":"acct_1","object":"account"}', {"Date": DATE})


def script(*answers: Answer) -> Callable[[Call], Answer]:
    """Answers in turn, the last one for ever."""
    coming: Iterator[Answer] = chain(answers[:-1], repeat(answers[-1]))
    return lambda _call: next(coming)


def refusal(reader: StripeReader) -> ProviderError:
    """What a read ends in."""
    with pytest.raises(ProviderError) as caught:
        reader.identity()
    return caught.value


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, ProviderUnavailable),
        (400, BadRequest),
        (401, Forbidden),
        (402, BadRequest),
        (403, Forbidden),
        (404, NotFound),
        (409, BadRequest),
        (429, RateLimited),
        (500, ProviderUnavailable),
        (502, ProviderUnavailable),
        (503, ProviderUnavailable),
    ],
)
def test_each_status_is_one_error(wire: Wire, reader: StripeReader, status: int, error: type[ProviderError]) -> None:
    wire.answer = script(Answer(status, b'{"error":{"code":"some_code"}}', {"Request-Id": "req_9", "Location": "/x"}))
    raised = refusal(reader)
    assert type(raised) is error
    assert str(raised) == f"GET /v1/account: {status} (some_code, req_9)"


@given(st.integers(min_value=300, max_value=599), st.binary(), st.binary())
def test_no_refusal_falls_outside_of_the_ports_errors(status: int, body: bytes, text: bytes) -> None:
    headers = [(name, text) for name in (b"retry-after", b"request-id", b"date")]
    error = refused("GET /v1/account", httpx.Response(status, content=body, headers=headers), API.words)
    assert type(error) in {ProviderUnavailable, RateLimited, Forbidden, NotFound, BadRequest}
    assert (type(error) is RateLimited) == (status == 429)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff", b'{"error":[]}', b'{"error":{"code":"sk_live_1 2"}}', b"[" * 9999]
)
def test_a_refusal_without_readable_reason_is_still_that_refusal(wire: Wire, reader: StripeReader, body: bytes) -> None:
    wire.answer = script(Answer(404, body))
    assert str(refusal(reader)) == "GET /v1/account: 404"


def test_every_error_of_httpx_is_translated() -> None:
    raised = [each for _, each in inspect.getmembers(httpx, inspect.isclass) if issubclass(each, Exception)]
    assert [each for each in raised if not issubclass(each, NETWORK_ERRORS)] == []
    assert len(raised) > 20


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectTimeout("key"), httpx.InvalidURL("key"), httpx.StreamClosed(), httpx.DecodingError("key")],
)
def test_whatever_fails_on_the_way_is_unavailable_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, reader: StripeReader, wire: Wire, error: Exception
) -> None:
    def fail(_client: httpx.Client, _request: httpx.Request) -> httpx.Response:
        raise error

    monkeypatch.setattr(httpx.Client, "send", fail)
    raised = refusal(reader)
    assert type(raised) is ProviderUnavailable
    assert str(raised) == f"GET /v1/account: no answer ({type(error).__name__})"
    assert wire.calls == []


def test_a_lost_connection_is_unavailable(wire: Wire, reader: StripeReader) -> None:
    wire.answer = script(Answer(dropped=True))
    assert type(refusal(reader)) is ProviderUnavailable
    assert len(wire.calls) == ATTEMPTS


def test_a_port_that_nobody_listens_on_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    connection = Connection(api_key=KEY, api_base=f"http://127.0.0.1:{port}", budget=Budget())
    reader = StripeReader(connection, sleep=lambda _seconds: None)
    assert "ConnectError" in str(refusal(reader))
    reader.close()


def test_an_answer_that_takes_too_long_is_unavailable(wire: Wire) -> None:
    wire.answer = script(Answer(200, b"{}", {"Date": DATE}, wait=0.3))
    reader = wire.connect(timeout=0.05)
    assert "ReadTimeout" in str(refusal(reader))
    reader.close()


def test_an_answer_in_a_broken_encoding_is_unavailable(wire: Wire, reader: StripeReader) -> None:
    wire.answer = script(Answer(200, b"not gzip", {"Date": DATE, "Content-Encoding": "gzip"}))
    assert "DecodingError" in str(refusal(reader))


def test_no_error_tells_the_key(wire: Wire, reader: StripeReader) -> None:
    wire.answer = script(Answer(401, f'{{"error":{{"message":"Invalid API Key: {KEY}"}}}}'.encode()))
    assert KEY not in str(refusal(reader))
    assert KEY not in str(lost("GET /v1/account", httpx.ConnectError(KEY)))


@pytest.mark.parametrize("passing", [Answer(500), Answer(503), Answer(429), Answer(dropped=True), Answer(200, b"{}")])
def test_what_passes_is_tried_again_with_a_growing_wait(wire: Wire, reader: StripeReader, passing: Answer) -> None:
    wire.answer = script(*[passing] * (ATTEMPTS - 1), ACCOUNT)
    assert reader.identity() == "acct_1:test"
    assert len(wire.calls) == len(wire.budget.taken) == ATTEMPTS
    assert [wait <= 0.5 * 2**n for n, wait in enumerate(wire.slept)] == [True] * (ATTEMPTS - 1)
    assert any(wire.slept)


@pytest.mark.parametrize("final", [Answer(400), Answer(401), Answer(404)])
def test_what_will_not_pass_is_not_tried_again(wire: Wire, reader: StripeReader, final: Answer) -> None:
    wire.answer = script(final, ACCOUNT)
    refusal(reader)
    assert len(wire.calls) == 1
    assert wire.slept == []


def test_retry_after_holds_back_everyone_who_shares_the_budget(wire: Wire, reader: StripeReader) -> None:
    wire.answer = script(Answer(429, b"", {"Retry-After": "7"}), ACCOUNT)
    assert reader.identity() == "acct_1:test"
    assert wire.budget.pauses == [7.0]
    assert wire.slept == [0.0]


def test_a_limit_that_does_not_pass_says_how_long_to_wait(wire: Wire, reader: StripeReader) -> None:
    wire.answer = script(Answer(429, b"", {"Retry-After": "7"}))
    raised = refusal(reader)
    assert isinstance(raised, RateLimited)
    assert raised.retry_after == 7.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after": "9" * 400}, 300.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:25 GMT", "date": DATE}, 5.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:10 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:25 GMT"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_never_trusted_beyond_five_minutes(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(httpx.Headers(headers)) == seconds


def test_a_write_carries_one_idempotency_key_through_all_attempts(wire: Wire, reader: StripeReader) -> None:
    sandbox = StripeSandbox(api_key=KEY)
    sandbox.faults.connection_reset_after = 2
    wire.answer = sandbox.exchange
    reader.register("https://example.com/x", None)
    keys = {call.headers["idempotency-key"] for call in wire.calls}
    assert (len(wire.calls), len(keys), len(sandbox.objects("webhook_endpoint"))) == (3, 1, 1)
    reader.register("https://example.com/x", None)
    assert wire.calls[-1].headers["idempotency-key"] not in keys


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Sep 2026 14:13:20 GMT", "1790000000"])
def test_an_answer_without_a_readable_date_is_unavailable(wire: Wire, reader: StripeReader, date: str | None) -> None:
    wire.answer = script(Answer(200, ACCOUNT.body, {} if date is None else {"Date": date}))
    raised = refusal(reader)
    assert type(raised) is ProviderUnavailable
    assert "no readable Date header" in str(raised)


def test_the_date_is_read_as_utc_whatever_the_machines_zone() -> None:
    assert http_date(DATE) == at(1_790_000_000)
    assert http_date("Mon, 21 Sep 2026 14:13:20 -0000") is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"id":5}', b"\xff", b'{"x":' + b"[" * 9999])
def test_an_answer_that_cannot_be_read_is_unavailable(wire: Wire, reader: StripeReader, body: bytes) -> None:
    wire.answer = script(Answer(200, body, {"Date": DATE}))
    assert type(refusal(reader)) is ProviderUnavailable


@pytest.mark.parametrize(
    ("object_id", "path"),
    [
        ("cus_1", b"/v1/customers/cus_1"),
        ("a/b", b"/v1/customers/a%2Fb"),
        ("../charges", b"/v1/customers/..%2Fcharges"),
        ("a?limit=1#b", b"/v1/customers/a%3Flimit%3D1%23b"),
        ("https://evil.example/", b"/v1/customers/https%3A%2F%2Fevil.example%2F"),
        ("50%", b"/v1/customers/50%25"),
    ],
)
def test_an_id_stays_one_segment_of_the_path(
    monkeypatch: pytest.MonkeyPatch, reader: StripeReader, object_id: str, path: bytes
) -> None:
    sent: list[bytes] = []

    def send(_client: httpx.Client, request: httpx.Request) -> httpx.Response:
        sent.append(request.url.raw_path)
        return httpx.Response(404)

    monkeypatch.setattr(httpx.Client, "send", send)
    with pytest.raises(NotFound):
        reader.get("customer", object_id)
    assert sent == [path]


@pytest.mark.parametrize("object_id", ["", ".", "..", "a\0", "a\n", "x" * 256])
def test_an_id_that_is_no_segment_is_never_asked_for(reader: StripeReader, wire: Wire, object_id: str) -> None:
    with pytest.raises(BadRequest):
        reader.get("customer", object_id)
    assert wire.calls == []


@given(st.text(min_size=1, max_size=255))
def test_a_segment_never_holds_a_separator(object_id: str) -> None:
    try:
        quoted = segment(object_id)
    except BadRequest:
        return
    assert not set("/?#\\ ") & set(quoted)
    assert quoted.isascii()


def test_a_redirect_is_not_followed(wire: Wire, reader: StripeReader) -> None:
    wire.answer = script(Answer(302, b"", {"Location": f"{wire.url}/v1/elsewhere", "Date": DATE}))
    refusal(reader)
    assert {call.path for call in wire.calls} == {"/v1/account"}


@pytest.mark.parametrize("key", ["", "sk_test_\n", "sk test", "sk_tést"])
def test_a_key_that_no_header_can_carry_is_a_setting_to_correct(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        StripeReader(Connection(api_key=key, api_base=None, budget=Budget()))
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("base", ["api.stripe.com", "ftp://x", "//x"])
def test_a_base_without_scheme_is_a_setting_to_correct(base: str) -> None:
    with pytest.raises(ConfigError, match="https://"):
        StripeReader(Connection(api_key=KEY, api_base=base, budget=Budget()))
