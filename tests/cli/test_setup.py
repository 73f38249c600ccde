"""Setting the service up: doctor against a stand-in, and a service that needs one command."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from service.store.engine import Database
from tests.cli.children import running
from tests.cli.conftest import Run


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeSandbox]:
    """A stand-in whose clock is right and whose key is configured."""
    standing_in = StripeSandbox(now=int(time.time()), api_key="sk_test_sandbox")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_sandbox")
    with serving(standing_in.app) as base:
        monkeypatch.setenv("STRIPE_API_BASE", base)
        yield standing_in


def _failed(ran_json: list[dict[str, object]]) -> list[object]:
    return [check["name"] for check in ran_json if check["ok"] is False]


def test_doctor_says_what_to_register_where_no_endpoint_is(
    run: Run, database: Database, sandbox: StripeSandbox
) -> None:
    assert database
    assert sandbox
    ran = run("doctor", "--json")
    assert ran.code == 1
    assert _failed(ran.json()) == ["stripe: endpoint"]
    assert "/webhooks/stripe" in ran.out
    assert "invoice.paid" in ran.out


def test_doctor_fix_registers_the_endpoint_and_shows_its_secret_once(
    run: Run, database: Database, sandbox: StripeSandbox
) -> None:
    assert database
    fixed = run("doctor", "--fix", "--url", "https://billing.example.com/", "--json")
    assert _failed(fixed.json()) == ["stripe: secret"]
    (endpoint,) = sandbox.objects("webhook_endpoint").values()
    assert endpoint["url"] == "https://billing.example.com/webhooks/stripe"
    again = run("doctor", "--json")
    assert again.code == 0
    assert "whsec_" not in again.out


def test_doctor_notices_a_disabled_endpoint(run: Run, database: Database, sandbox: StripeSandbox) -> None:
    assert database
    run("doctor", "--fix", "--url", "https://billing.example.com")
    (id_,) = sandbox.objects("webhook_endpoint")
    sandbox.call("POST", f"/v1/webhook_endpoints/{id_}", {"disabled": True})
    ran = run("doctor")
    assert ran.code == 1
    assert "it is disabled" in ran.out


def test_doctor_notices_a_wrong_key_and_a_wrong_clock(run: Run, database: Database, sandbox: StripeSandbox) -> None:
    assert database
    sandbox.advance(600)
    assert "stripe: clock against the provider" in _failed(run("doctor", "--json").json())
    sandbox.api_key = "sk_test_other"
    assert _failed(run("doctor", "--json").json()) == ["stripe: API"]


def test_doctor_fails_on_a_database_that_was_never_migrated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_API_KEY")
    ran = run("doctor", "--json")
    assert ran.code == 1
    assert _failed(ran.json()) == ["migrations"]


def test_serve_without_a_secret_ends_with_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET")
    ran = run("serve")
    assert ran.code == 2
    assert "STRIPE_WEBHOOK_SECRET" in ran.err


def test_serve_migrates_an_empty_sqlite_file_and_sigterm_ends_it_with_0(tmp_path: Path) -> None:
    with running(tmp_path, "serve", ready="/readyz") as child:
        pass
    assert child.code == 0
    assert child.out == b""
    assert all(line.startswith("{") for line in child.said().splitlines())
