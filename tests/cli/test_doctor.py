"""Doctor at every provider: the key, its mode, the endpoint, and what each adapter takes for granted."""

from __future__ import annotations

import pkgutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import providers, system
from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.paddle import PaddleSandbox
from service.sandbox.run import names
from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from service.store import runs
from service.store.engine import Database
from tests.cli.children import running
from tests.cli.conftest import Run

Sandbox = StripeSandbox | PaddleSandbox | LemonSqueezySandbox
pytestmark = pytest.mark.usefixtures("database")
URL = "https://billing.example.com"
OWN_SECRET = "whsec_of_our_choice"


@pytest.fixture(params=["lemonsqueezy", "paddle", "stripe"])
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The one provider that is configured; its secret is ours, as it must be at one of them."""
    name: str = request.param
    for variable in ("STRIPE_WEBHOOK_SECRET", "STRIPE_API_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv(f"{name.upper()}_WEBHOOK_SECRET", OWN_SECRET)
    return name


@pytest.fixture
def sandbox(provider: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A stand-in whose clock is right and whose key is configured; no endpoint is registered there."""
    made: Sandbox = {"stripe": StripeSandbox, "paddle": PaddleSandbox, "lemonsqueezy": LemonSqueezySandbox}[provider](
        now=int(time.time())
    )
    _configure(monkeypatch, provider, made.api_key)
    # At the pace that a provider allows, doctor waits for seconds.
    monkeypatch.setattr(type(system.discover()[provider]), "reads_per_second", 1_000.0)
    with serving(made.app) as base:
        monkeypatch.setenv(f"{provider.upper()}_API_BASE", base)
        yield made


def _configure(monkeypatch: pytest.MonkeyPatch, provider: str, key: str) -> None:
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", key)
    monkeypatch.setenv(f"{provider.upper()}_MODE", "test")


def _failed(checks: list[dict[str, Any]]) -> list[str]:
    return [check["name"] for check in checks if check["ok"] is False]


def _check(checks: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [check for check in checks if check["name"] == name]
    return found


def test_every_provider_has_a_stand_in_here() -> None:
    # The tests' own made-up provider is an adapter too, from outside this folder.
    assert names() == sorted(each.name for each in pkgutil.iter_modules(providers.__path__))


@pytest.mark.usefixtures("sandbox")
def test_without_an_endpoint_it_says_what_to_register(run: Run, provider: str) -> None:
    ran = run("doctor", "--json")
    assert (ran.code, _failed(ran.json())) == (1, [f"{provider}: endpoint"])
    told = _check(ran.json(), f"{provider}: endpoint")["detail"]
    assert f"/webhooks/{provider}" in told
    assert all(type_ in told for type_ in system.discover()[provider].types)


@pytest.mark.usefixtures("sandbox")
def test_it_says_in_which_mode_the_key_works(run: Run, provider: str) -> None:
    key = _check(run("doctor", "--json").json(), f"{provider}: API key")
    assert (key["ok"], key["detail"].endswith("mode test")) == (True, True)


@pytest.mark.usefixtures("sandbox")
def test_a_test_key_of_a_live_account_fails(run: Run, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{provider.upper()}_MODE", "live")
    ran = run("doctor", "--json")
    said = [check["detail"] for check in ran.json() if check["ok"] is False]
    assert any("test key, but the account is set to live" in each for each in said), said


@pytest.mark.usefixtures("sandbox")
def test_fix_registers_the_endpoint_and_then_all_is_right(run: Run, provider: str) -> None:
    fixed = run("doctor", "--fix", "--url", URL, "--json").json()
    assert f"to {URL}/webhooks/{provider}" in _check(fixed, f"{provider}: endpoint")["detail"]
    again = run("doctor", "--json")
    assert (again.code, _failed(again.json())) == (0, [])
    assert f"{URL}/webhooks/{provider} is right" in _check(again.json(), f"{provider}: endpoint")["detail"]
    once_more = run("doctor", "--fix", "--url", URL, "--json")
    assert "is right already" in _check(once_more.json(), f"{provider}: endpoint")["detail"]


@pytest.mark.usefixtures("sandbox")
def test_a_secret_that_the_provider_made_is_shown_once_and_one_of_ours_never(run: Run, provider: str) -> None:
    fixed = run("doctor", "--fix", "--url", URL, "--json")
    shown = f"{provider.upper()}_WEBHOOK_SECRET=" in fixed.out
    assert shown is (provider != "lemonsqueezy")
    assert OWN_SECRET not in fixed.out
    assert f"{provider.upper()}_WEBHOOK_SECRET=" not in run("doctor", "--json").out


def test_an_endpoint_that_lacks_types_is_told_and_fixed(run: Run, provider: str, sandbox: Sandbox) -> None:
    """An endpoint of one type, as a person might have made it, is amended in place."""
    types = system.discover()[provider].types
    sandbox.register_endpoint(f"{URL}/webhooks/{provider}", OWN_SECRET, types=types[:1])
    told = _check(run("doctor", "--json").json(), f"{provider}: endpoint")
    assert (told["ok"], f"it lacks {len(types) - 1} event types" in told["detail"]) == (False, True)
    fixed = run("doctor", "--fix", "--url", URL, "--json").json()
    assert _check(fixed, f"{provider}: endpoint")["ok"]
    assert run("doctor").code == 0


def test_a_refused_key_is_told(run: Run, provider: str, sandbox: Sandbox) -> None:
    sandbox.api_key = "another"
    assert _failed(run("doctor", "--json").json()) == [f"{provider}: API"]


def test_a_key_of_another_account_than_the_rows_came_from_is_told(
    run: Run, provider: str, sandbox: Sandbox, database: Database
) -> None:
    if provider == "paddle":  # no call tells whose key it is there, only the oldest product does
        sandbox.call("POST", "/products", {"name": "Pro", "tax_category": "saas"})
    with database.write() as connection:
        runs.record_identity(connection, provider, provider, "another", database.now())
    checks = run("doctor", "--json").json()
    assert _failed(checks) == [f"{provider}: API key"]
    assert f"but its rows came from {provider} account another" in _check(checks, f"{provider}: API key")["detail"]


@pytest.mark.parametrize("provider", ["paddle"], indirect=True)
def test_currencies_whose_amounts_would_be_misread_fail_and_new_ones_warn(run: Run, sandbox: PaddleSandbox) -> None:
    run("doctor", "--fix", "--url", URL)
    sandbox.settings.told_decimals = {"XTS": 4}
    ran = run("doctor")
    assert (ran.code, "warn  paddle: currencies: XTS is new: 4 decimals" in ran.out) == (0, True)
    sandbox.settings.told_decimals = {"USD": 3}
    ran = run("doctor")
    assert (ran.code, "FAIL  paddle: currencies: USD has 3 decimals" in ran.out) == (1, True)


@pytest.mark.parametrize("provider", ["stripe"], indirect=True)
def test_books_that_the_key_may_not_read_warn_and_no_more(run: Run, sandbox: StripeSandbox) -> None:
    run("doctor", "--fix", "--url", URL)
    ran = run("doctor")
    assert (ran.code, "ok    stripe: balance transactions: sums are compared" in ran.out) == (0, True)
    sandbox.faults.forbidden.add("balance_transaction")
    ran = run("doctor")
    assert (ran.code, "warn  stripe: balance transactions: the key may not read them" in ran.out) == (0, True)


@pytest.mark.parametrize("provider", ["lemonsqueezy"], indirect=True)
@pytest.mark.usefixtures("sandbox")
def test_a_mode_that_only_the_api_tells_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEMONSQUEEZY_MODE")
    assert "warn  lemonsqueezy: mode: this is a test key; set LEMONSQUEEZY_MODE=test" in run("doctor").out


@pytest.mark.parametrize("provider", ["lemonsqueezy"], indirect=True)
@pytest.mark.usefixtures("sandbox")
def test_fix_without_a_secret_of_our_choice_says_to_set_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEMONSQUEEZY_WEBHOOK_SECRET")
    ran = run("doctor", "--fix", "--url", URL)
    assert "set LEMONSQUEEZY_WEBHOOK_SECRET first" in ran.out
    assert "permissions" not in ran.out


def test_without_any_account_it_says_what_to_set(run: Run, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{provider.upper()}_WEBHOOK_SECRET")
    ran = run("doctor")
    assert (ran.code, "STRIPE_WEBHOOK_SECRET" in ran.out) == (1, True)


def test_a_stand_in_that_delivers_to_us_is_right_and_ends_with_0(
    run: Run, provider: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`tallyhook sandbox` as a process: doctor has nothing to say about it, and SIGTERM ends it well."""
    hook = ("--webhook-url", f"http://127.0.0.1:9/webhooks/{provider}", "--webhook-secret", OWN_SECRET)
    key = "sk_test_sandbox" if provider == "stripe" else "pdl_sdbx_apikey_sandbox"
    _configure(monkeypatch, provider, key)
    given = ("sandbox", "--provider", provider, "--api-key", key, *hook)
    with running(tmp_path, *given, ready="/_sandbox/state") as child:
        monkeypatch.setenv(f"{provider.upper()}_API_BASE", child.url)
        ran = run("doctor")
        assert ran.code == 0, ran.out
        # A connection that is kept open does not hold the end back.
        with httpx.Client() as client:
            client.get(f"{child.url}/_sandbox/state")
            child.stop()
    assert (child.code, child.out) == (0, b"")
    assert child.said() == f"the {provider} stand-in listens at {child.url}\n"


def test_a_stand_in_that_can_not_listen_ends_with_2(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("sandbox", "--port", str(taken.getsockname()[1]))
    assert (ran.code, "in use" in ran.err) == (2, True)
