"""Who may ask, and that no token is ever written down."""

from __future__ import annotations

import hmac
import io
import logging
from collections.abc import Iterator

import httpx
import pytest
import structlog

from service import logs
from service.app import build
from service.errors import ConfigError
from service.http.api.tokens import Tokens
from service.sandbox.server import serving
from service.system import System
from tests.http.api.conftest import READER, WRITER, bearer, problem, settings

LIST = "/v1/customers"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: nothing here depends on it."""
    return sqlite_url


@pytest.fixture
def off(sqlite_url: str) -> Iterator[httpx.Client]:
    """A client of an application without tokens."""
    system = System(settings(sqlite_url, api_tokens=()))
    with serving(build(system)) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client
    system.close()


def test_either_token_may_read(client: httpx.Client) -> None:
    assert client.get(LIST).status_code == 200
    assert client.get(LIST, headers=bearer(READER)).status_code == 200
    assert client.get(LIST, headers={"authorization": f"bEARER  {READER}"}).status_code == 200


@pytest.mark.parametrize("path", [LIST, "/v1", "/v1/", "/v1/nothing", "/v1/openapi.json"])
def test_without_a_good_token_every_address_is_401(client: httpx.Client, path: str) -> None:
    del client.headers["authorization"]
    bare = client.get(path)
    assert problem(bare) == (401, "missing_token")
    assert bare.headers["www-authenticate"] == 'Bearer realm="tallyhook"'
    for given in (f"Basic {WRITER}", WRITER, "Bearer"):
        assert problem(client.get(path, headers={"authorization": given})) == (401, "missing_token")
    for token in (
        "x" * 40,
        WRITER[:-1],
        WRITER + "x",
        f"{READER}:read",
        "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 20,
    ):
        refused = client.get(path, headers={b"authorization": f"Bearer {token}".encode()})
        assert problem(refused) == (401, "bad_token")
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_two_authorization_headers_are_none(client: httpx.Client) -> None:
    both = [("authorization", f"Bearer {WRITER}"), ("authorization", f"Bearer {READER}")]
    del client.headers["authorization"]
    assert problem(client.get(LIST, headers=both)) == (401, "missing_token")


def test_without_tokens_the_api_is_off_and_the_rest_is_not(off: httpx.Client) -> None:
    assert problem(off.get(LIST)) == (404, "api_off")
    assert problem(off.get(LIST, headers=bearer(WRITER))) == (404, "api_off")
    assert off.get("/livez").status_code == 200
    assert off.post("/webhooks/stripe", content=b"{}").json()["cause"] == "missing_signature"


def test_addresses_outside_of_the_api_are_not_its_business(client: httpx.Client) -> None:
    assert client.get("/v1x").headers["content-type"].startswith("text/plain")
    assert problem(client.get("/v1/nothing")) == (404, "not_found")
    refused = client.post("/v1/changes")
    assert (problem(refused), refused.headers["allow"]) == ((405, "method_not_allowed"), "GET")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["short-mark"], "token 1 has 10 characters; use at least 16"),
        (["a" * 16, "short-mark:read"], "token 2 has 10 characters"),
        (["mark" * 10 + ":admin"], "token 1: after the colon only `read`"),
        (["mark mark mark mark mark"], "token 1: a token consists of"),
        (["mark" * 10, "mark" * 10 + ":read"], "token 2 is there twice"),
    ],
)
def test_tokens_that_can_not_be_used_keep_the_service_from_starting(
    sqlite_url: str, tokens: list[str], words: str
) -> None:
    system = System(settings(sqlite_url, api_tokens=tuple(tokens)))
    with pytest.raises(ConfigError, match=words) as refused:
        build(system)
    assert "mark" not in str(refused.value)
    assert "TALLYHOOK_API_TOKEN" in str(refused.value)
    system.close()


def test_a_token_is_compared_with_every_configured_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """An early end would tell by its time which token was nearly right."""
    compared: list[bytes] = []
    true = hmac.compare_digest
    tokens = Tokens(["a" * 16, "b" * 16, "c" * 16])

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return true(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert tokens.caller([(b"authorization", b"Bearer " + b"a" * 16)]).number == 1
    assert len(compared) == 3


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that this process logs."""
    before = logging.getLogger().handlers[:]
    stream = io.StringIO()
    logs.configure("debug", stream=stream)
    yield stream
    logging.getLogger().handlers[:] = before
    structlog.reset_defaults()


def test_no_token_body_or_query_is_ever_logged(written: io.StringIO, client: httpx.Client) -> None:
    client.get(LIST, params={"email": "query-mark@example.com"})
    client.get(LIST, headers=bearer(READER))
    client.get(LIST, headers=bearer("wrong-mark-0123456789"))
    client.get(f"/v1/{WRITER}", params={"token": WRITER})
    client.get(LIST, params={"cursor": WRITER})
    written_by_nobody = {"user_id": "body-mark", "email": "body-mark@example.com", "name": "body-mark"}
    for body in (written_by_nobody, written_by_nobody | {"country": "body-mark"}, {"body-mark": 1}):
        client.post(f"{LIST}?account=stripe", json=body, headers={"idempotency-key": "key-mark"})
    client.post("/v1/usage", json={"meter": "body-mark", "quantity": 1}, headers={"idempotency-key": "key-mark"})
    assert client.get("/metrics").status_code == 200
    assert "api.answered" in written.getvalue()
    assert "mark" not in written.getvalue()
    assert "mark" not in client.get("/metrics").text


def test_the_log_line_names_operation_caller_and_cause(written: io.StringIO, client: httpx.Client) -> None:
    refused = client.get(f"{LIST}/cus_none", headers=bearer(READER))
    client.get("/livez")  # lines are written at the end of a turn of the event loop
    line = next(line for line in written.getvalue().splitlines() if refused.headers["request-id"] in line)
    for part in ('"operation":"getCustomer"', '"status":404', '"cause":"not_found"', '"caller":2'):
        assert part in line
