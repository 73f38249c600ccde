"""One file names any number of accounts of any provider, each with its own path, keys, mode and limits."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from service.app import build
from service.errors import ConfigError
from service.sandbox.server import serving
from service.settings import load
from service.store.tables import EVENTS
from service.system import System, options
from tests.contract.specimen import Specimen, specimens

FILE = """
[accounts.shop]
provider = "stripe"
webhook_secrets = ["whsec_shop_new", "whsec_shop_old"]
api_key = "sk_live_shop"
reads_per_second = 40

[accounts.shop-test]
provider = "stripe"
webhook_secret = "whsec_shop_test"
api_key = "sk_test_shop"
tolerance = 30

[accounts.books]
provider = "paddle"
webhook_secret = "pdl_books"
api_key = "pdl_live_apikey_books"

[accounts.films]
provider = "paddle"
webhook_secret = "pdl_films"
api_key = "pdl_live_apikey_films"
paused = true

[accounts.films-sandbox]
provider = "paddle"
webhook_secret = "pdl_films_sandbox"
api_key = "pdl_sdbx_apikey_films"

[accounts.fonts]
provider = "lemonsqueezy"
webhook_secret = "ls-fonts"
api_key = "one-key-of-two-stores"
store_id = 1
mode = "live"

[accounts.icons]
provider = "lemonsqueezy"
webhook_secret = "ls-icons"
api_key = "one-key-of-two-stores"
store_id = 2
mode = "live"

[limits]
max_body = 65536
"""
SPECIMENS = {provider.name: specimen for provider, specimen in specimens()}
Sent = tuple[int, str | None]


@pytest.fixture
def company(database_url: str, tmp_path: Path) -> Iterator[System]:
    """Seven accounts."""
    file = tmp_path / "tallyhook.toml"
    file.write_text(FILE)
    system = System(load({"TALLYHOOK_CONFIG": str(file), "DATABASE_URL": database_url}, options()))
    yield system
    system.close()


@pytest.fixture
def client(company: System) -> Iterator[httpx.Client]:
    """A client of the service."""
    with serving(build(company)) as url, httpx.Client(base_url=url) as client:
        yield client


def specimen(company: System, account: str) -> Specimen:
    """How the account's provider signs and speaks."""
    return SPECIMENS[company.account(account).provider.name]


def post(client: httpx.Client, company: System, path: str, body: bytes, secret: str, age: int = 0) -> Sent:
    """The status of a delivery, and the cause where it was refused."""
    headers = specimen(company, path).headers(body, secret, int(time.time()) - age)
    answer = client.post(f"/webhooks/{path}", content=body, headers=headers)
    return answer.status_code, answer.json().get("cause")


def inbox(company: System) -> dict[tuple[str, str], tuple[str, str | None]]:
    """What became of each stored event."""
    columns = (EVENTS.c.account, EVENTS.c.event_id, EVENTS.c.status, EVENTS.c.reason)
    with company.database.read() as connection:
        return {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(select(*columns))}


def test_each_account_has_its_own_keys_mode_and_limits(company: System) -> None:
    found = company.accounts.by_name
    assert {name: (each.provider.name, each.mode) for name, each in found.items()} == {
        "shop": ("stripe", "live"),
        "shop-test": ("stripe", "test"),
        "books": ("paddle", "live"),
        "films": ("paddle", "live"),
        "films-sandbox": ("paddle", "test"),
        "fonts": ("lemonsqueezy", "live"),
        "icons": ("lemonsqueezy", "live"),
    }
    assert (found["shop"].settings.reads_per_second, found["shop-test"].settings.tolerance) == (40, 30)
    assert (found["films"].settings.paused, found["books"].settings.paused) == (True, False)
    assert {found[name].settings.extra["store_id"] for name in ("fonts", "icons")} == {"1", "2"}


def test_each_path_takes_what_its_own_secrets_signed_and_nothing_else(client: httpx.Client, company: System) -> None:
    secrets = {name: each.settings.webhook_secrets for name, each in company.accounts.by_name.items()}
    for path in secrets:
        for signer, own in secrets.items():
            body = specimen(company, path).event(f"evt-{path}-{signer}")
            for secret in own:
                expected = (200, None) if path == signer else (400, "bad_signature")
                assert post(client, company, path, body, secret) == expected, (path, signer)
    assert {account for account, _ in inbox(company)} == set(secrets)


def test_each_account_has_a_tolerance_of_its_own(client: httpx.Client, company: System) -> None:
    """Sixty seconds are within the usual 300, and beyond the 30 of one account."""
    body = specimen(company, "shop").event("evt_late")
    assert post(client, company, "shop", body, "whsec_shop_old", age=60) == (200, None)
    assert post(client, company, "shop-test", body, "whsec_shop_test", age=60) == (400, "stale_timestamp")


def test_live_and_test_never_mix(client: httpx.Client, company: System) -> None:
    """One event id in both accounts; each stores it, and only that of its own mode is to be applied."""
    for livemode in (True, False):
        body = _stripe(company, f"evt_{livemode}", livemode=livemode)
        assert post(client, company, "shop", body, "whsec_shop_new") == (200, None)
        assert post(client, company, "shop-test", body, "whsec_shop_test") == (200, None)
    assert inbox(company) == {
        ("shop", "evt_True"): ("received", None),
        ("shop", "evt_False"): ("ignored", "other_mode"),
        ("shop-test", "evt_True"): ("ignored", "other_mode"),
        ("shop-test", "evt_False"): ("received", None),
    }


def _stripe(company: System, event_id: str, **changes: Any) -> bytes:
    return json.dumps(json.loads(specimen(company, "shop").event(event_id)) | changes).encode()


def test_an_event_of_another_store_is_set_aside_even_where_its_secret_is_the_same(
    client: httpx.Client, company: System
) -> None:
    """Two stores of one account may have been given one secret and each other's address."""
    for path, secret in (("fonts", "ls-fonts"), ("icons", "ls-icons")):
        for store in (1, 2):
            whole = json.loads(specimen(company, path).event(f"evt-{store}"))
            whole["data"]["attributes"]["store_id"] = store
            whole["meta"]["test_mode"] = whole["data"]["attributes"]["test_mode"] = False
            assert post(client, company, path, json.dumps(whole).encode(), secret) == (200, None)
    assert inbox(company) == {
        ("fonts", "evt-1"): ("received", None),
        ("fonts", "evt-2"): ("ignored", "other_scope"),
        ("icons", "evt-1"): ("ignored", "other_scope"),
        ("icons", "evt-2"): ("received", None),
    }


def test_a_limit_of_the_file_holds_for_all(client: httpx.Client) -> None:
    answer = client.post("/webhooks/books", content=b"x" * 65_537)
    assert (answer.status_code, answer.json()["cause"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("PORT", "99999", "expected a whole number <= 65535"),
        ("TALLYHOOK_CLAIM_LIMIT", "0", "expected a whole number >= 1"),
        ("TALLYHOOK_QUEUE_LIMIT", "0", "expected a whole number >= 1"),
        ("TALLYHOOK_MAX_ATTEMPTS", "-3", "expected a whole number >= 1"),
        ("TALLYHOOK_MAX_BODY", "1 MB", "expected a whole number, got text"),
        ("TALLYHOOK_COMMIT_TIMEOUT", "nan", "expected a number > 0"),
        ("TALLYHOOK_SWEEP_SECONDS", "inf", "expected a number <= "),
        ("TALLYHOOK_CATCHUP_AFTER", "-1", "expected a number >= 0"),
        ("TALLYHOOK_LOG_LEVEL", "loud", "expected one of 'critical', 'debug', 'error', 'info', 'warning'"),
    ],
)
def test_a_variable_out_of_its_range_is_named_with_what_is_wrong(variable: str, value: str, reason: str) -> None:
    """A worker that claims nothing, or a queue without room, would stand still without a word."""
    with pytest.raises(ConfigError, match=re.escape(f"{variable}={value!r}: ")) as raised:
        load({variable: value}, options())
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limits]\nclaim_limit = 0", "line 2: limits.claim_limit: expected a whole number >= 1"),
        ("[limits]\nsweep_seconds = nan", "line 2: limits.sweep_seconds: expected a number >= 0"),
        (
            '[accounts.a]\nprovider = "stripe"\nreads_per_second = 0',
            "line 3: accounts.a.reads_per_second: expected a number > 0",
        ),
        (
            '[accounts.a]\nprovider = "stripe"\ntolerance = -1',
            "line 3: accounts.a.tolerance: expected a whole number >= 1",
        ),
    ],
)
def test_a_value_of_the_file_out_of_its_range_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(ConfigError, match=re.escape(message)):
        load({"TALLYHOOK_CONFIG": str(tmp_path / "t.toml")}, options())


def test_variables_go_before_the_file_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text("[limits]\nclaim_limit = 7\ncommit_timeout = 2.5\nmax_body = 9")
    found = load(
        {"TALLYHOOK_CONFIG": str(tmp_path / "t.toml"), "TALLYHOOK_MAX_BODY": " 10 ", "TALLYHOOK_LOG_LEVEL": "INFO"}
    )
    assert (found.claim_limit, found.commit_timeout, found.max_body, found.queue_limit) == (7, 2.5, 10, 2_048)
    assert found.log_level == "info"
