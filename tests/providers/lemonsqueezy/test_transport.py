"""Failures of the API, as the port's errors; what the shared transport does is tested with Stripe's."""

from __future__ import annotations

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
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.providers.lemonsqueezy.wire import API
from service.refusals import refused
from service.sandbox.edge import Answer
from service.transport import ATTEMPTS
from tests.providers.lemonsqueezy.conftest import Wire
from tests.providers.lemonsqueezy.shelf import DATE, Shelf, answer

ERROR = b'{"jsonapi":{"version":"1.0"},"errors":[{"detail":"Long text.","status":"4xx","title":"Some Title-Here"}]}'


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, ProviderUnavailable),
        (400, BadRequest),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (406, BadRequest),
        (415, BadRequest),
        (422, BadRequest),
        (429, RateLimited),
        (500, ProviderUnavailable),
        (503, ProviderUnavailable),
    ],
)
def test_each_status_is_one_error_with_the_title_as_a_word(
    wire: Wire, reader: LemonSqueezyReader, status: int, error: type[ProviderError]
) -> None:
    wire.answer = lambda _call: Answer(status, ERROR, {"Date": DATE})
    with pytest.raises(ProviderError) as caught:
        reader.get("orders", "9")
    assert type(caught.value) is error
    assert str(caught.value) == f"GET /v1/orders/9: {status} (some_title_here)"


def test_a_429_without_a_time_is_tried_again(wire: Wire, reader: LemonSqueezyReader, shelf: Shelf) -> None:
    answers = iter([Answer(429), Answer(429)])
    wire.answer = lambda call: next(answers, None) or shelf(call)
    assert reader.identity() == "user:77:test"
    assert (len(wire.calls), len(wire.slept), wire.budget.pauses) == (3, 2, [])


def test_a_read_is_given_up_in_the_end(wire: Wire, reader: LemonSqueezyReader) -> None:
    with pytest.raises(ProviderUnavailable, match="GET /v1/users/me: 500"):
        reader.identity()
    assert len(wire.calls) == ATTEMPTS


@pytest.mark.parametrize(
    "body",
    [
        {"errors": []},
        {"errors": {}},
        {"errors": [5]},
        {"errors": [{"title": 5, "source": 5}]},
        {"errors": [{"title": "x" * 100, "source": {"pointer": 5}}]},
        {"errors": [{"title": "An e-mail ann@example.com"}]},
        [],
    ],
)
def test_anything_but_short_plain_words_is_left_out(wire: Wire, reader: LemonSqueezyReader, body: object) -> None:
    wire.answer = lambda _call: answer(body, 400)
    with pytest.raises(BadRequest) as caught:
        reader.identity()
    assert str(caught.value) == "GET /v1/users/me: 400"


@given(st.integers(300, 599), st.binary())
def test_no_refusal_falls_outside_of_the_ports_errors(status: int, body: bytes) -> None:
    error = refused("GET /v1/x", httpx.Response(status, content=body), API.words)
    assert type(error) in {ProviderUnavailable, RateLimited, Forbidden, NotFound, BadRequest}


@pytest.mark.parametrize("key", ["", "two words", "ключ"])
def test_a_key_that_is_none_is_a_setting_that_is_wrong(wire: Wire, key: str) -> None:
    with pytest.raises(ConfigError, match="Lemon Squeezy API key"):
        wire.connect(key=key)
