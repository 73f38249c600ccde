"""The commands of the engineer on call."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from typer.main import get_command

from service import cli
from service.store.engine import Database
from service.store.run_tables import Drift
from service.store.tables import EVENTS, table
from tests.cli.conftest import KEY, SECRET, TOKEN, Run, late_payer, store

CUSTOMER = {"id": "cus_1", "object": "customer", "created": 1_772_600_000, "email": "mark@example.com", "name": "Ada"}


def _event(type_: str, about: dict[str, object]) -> bytes:
    event = {
        "id": "evt_9", "object": "event", "type": type_, "created": 1_772_600_000, "livemode": False,
        "api_version": "2026-10-28.endive", "data": {"object": about},
    }  # fmt: skip
    return json.dumps(event).encode()


def _status(database: Database, id_: int) -> tuple[str, int]:
    with database.read() as connection:
        row = connection.execute(select(EVENTS.c.status, EVENTS.c.attempts).where(EVENTS.c.id == id_)).one()
    return row[0], row[1]


def _review(database: Database) -> None:
    values = {
        "run_id": 1, "account": "stripe", "kind": "subscription", "object_id": "sub_9", "class": "mismatch",
        "field": "status", "action": "needs_review", "found_at": database.now(),
    }  # fmt: skip
    with database.write() as connection:
        connection.execute(insert(table(Drift)).values(values))


@pytest.mark.parametrize(
    "command",
    ["status", "events list", "failures", "explain x", "drift list", "entitlements --user x", "usage --user x", "calls list",
     "batches list"],
)  # fmt: skip
def test_a_database_that_is_not_there_ends_with_2_and_says_what_to_run(run: Run, command: str) -> None:
    ran = run(*command.split())
    assert ran.code == 2
    assert "tallyhook migrate" in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1


def test_a_database_url_of_another_kind_ends_with_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://root:hunter2@host/db")
    ran = run("status")
    assert ran.code == 2
    assert "hunter2" not in ran.out + ran.err


def test_a_database_that_does_not_answer_ends_with_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://root:hunter2@127.0.0.1:1/db")
    ran = run("status")
    assert ran.code == 2
    assert "DATABASE_URL" in ran.err
    assert "hunter2" not in ran.err


def test_status_is_0_when_nothing_needs_a_person(run: Run, database: Database) -> None:
    store(database, "evt_1", "customer.created")
    ran = run("status", "--json")
    assert ran.code == 0
    assert ran.json()["inbox"] == {"applied": 1}


def test_a_dead_event_makes_status_1(run: Run, database: Database) -> None:
    store(database, "evt_1", "customer.created", status="dead")
    assert run("status").code == 1


def test_a_difference_that_needs_review_makes_status_1(run: Run, database: Database) -> None:
    _review(database)
    assert run("status").code == 1
    assert run("drift", "list", "--json").json()[0]["class"] == "mismatch"


def test_an_account_in_use_for_27_hours_without_a_complete_run_makes_status_1(run: Run, database: Database) -> None:
    id_ = store(database, "evt_1", "customer.created")
    with database.write() as connection:
        long_ago = database.now() - timedelta(hours=27)
        connection.execute(EVENTS.update().where(EVENTS.c.id == id_).values(received_at=long_ago))
    ran = run("status", "--json")
    assert ran.code == 1
    assert "never reconciled" in ran.json()["attention"][0]


# With arguments that name what stands in the database below.
PRINTING = {
    "status": "", "doctor": "", "events list": "", "events show": "evt_1", "events dismiss": "evt_4", "failures": "",
    "replay": "evt_5 --yes", "explain": "sub_9", "drift list": "", "entitlements": "--customer cus_1",
    "usage": "--customer cus_1", "calls list": "", "batches list": "", "migrate": "",
    "verify": "--account stripe --header a:b --body /dev/null",
}  # fmt: skip
# What a person decides needs something to decide: tests/cli/test_calls.py, test_usage.py, tests/reconcile/test_accept_command.py.
DECIDING = {"drift accept", "calls settle", "batches settle"}


def _with_json(group: Any) -> Iterator[str]:
    """Every command that takes `--json`, as it is typed."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from (f"{name} {inner}" for inner in _with_json(command))
        elif any("--json" in parameter.opts for parameter in command.params):
            yield name


def test_json_is_one_document_for_every_command_that_prints_data(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRIPE_API_KEY")
    late_payer(database)
    for event in ("evt_4", "evt_5"):
        store(database, event, "invoice.paid", status="dead", error="boom")
    assert PRINTING.keys() | DECIDING == set(_with_json(get_command(cli.app)))
    for command, arguments in PRINTING.items():
        assert run(*command.split(), *arguments.split(), "--json").json() is not None, command
    assert run("replay", "--status", "dead", "--plan", "--json").json() is not None


def test_planning_a_replay_changes_nothing(run: Run, database: Database) -> None:
    id_ = store(database, "evt_1", "invoice.paid", status="dead")
    ran = run("replay", "--status", "dead", "--plan", "--json")
    assert ran.json() == {"plan": [{"type": "invoice.paid", "status": "dead", "events": 1}], "left": 0, "replayed": 0}
    assert _status(database, id_) == ("dead", 3)


def test_a_replay_puts_the_event_back_with_all_its_attempts(run: Run, database: Database) -> None:
    id_ = store(database, "evt_1", "invoice.paid", status="dead")
    other = store(database, "evt_2", "invoice.paid", status="dead")
    assert run("replay", "evt_1", "--yes").code == 0
    assert _status(database, id_) == ("received", 0)
    assert _status(database, other) == ("dead", 3)


def test_a_replay_without_yes_and_without_a_person_is_refused(run: Run, database: Database) -> None:
    id_ = store(database, "evt_1", "invoice.paid", status="dead")
    assert run("replay", "evt_1").code == 2
    assert _status(database, id_) == ("dead", 3)


def test_replaying_ignored_events_takes_only_those_that_are_handled_now(run: Run, database: Database) -> None:
    handled = store(
        database, "evt_1", "customer.created", status="ignored", payload=_event("customer.created", CUSTOMER)
    )
    foreign = store(
        database, "evt_2", "no.such.type", status="ignored", payload=_event("no.such.type", {"object": "x"})
    )
    ran = run("replay", "--status", "ignored", "--yes", "--json")
    assert (ran.json()["replayed"], ran.json()["left"]) == (1, 1)
    assert _status(database, handled)[0] == "received"
    assert _status(database, foreign)[0] == "ignored"


def test_a_dismissed_event_leaves_failures_and_no_bulk_replay_takes_it(run: Run, database: Database) -> None:
    body = _event("customer.created", CUSTOMER)
    id_ = store(database, "evt_1", "customer.created", status="dead", payload=body)
    assert len(run("failures", "--json").json()) == 1
    assert run("events", "dismiss", "evt_1").code == 0
    assert run("failures", "--json").json() == []
    assert run("status").code == 0
    run("replay", "--status", "ignored", "--yes")
    assert _status(database, id_)[0] == "ignored"


def test_only_a_dead_event_can_be_dismissed(run: Run, database: Database) -> None:
    store(database, "evt_1", "customer.created")
    ran = run("events", "dismiss", "evt_1")
    assert ran.code == 2
    assert "applied" in ran.err


def test_events_are_listed_by_status_type_and_time(run: Run, database: Database) -> None:
    store(database, "evt_1", "invoice.paid", status="dead")
    store(database, "evt_2", "customer.created")
    assert [each["event_id"] for each in run("events", "list", "--type", "invoice.*", "--json").json()] == ["evt_1"]
    assert [each["event_id"] for each in run("events", "list", "--status", "applied", "--json").json()] == ["evt_2"]
    assert len(run("events", "list", "--since", "2h", "--json").json()) == 2
    assert run("events", "list", "--since", "2099-01-01", "--json").json() == []


@pytest.mark.parametrize("wrong", [("--since", "soon"), ("--status", "lost"), ("--limit", "0")])
def test_a_wrong_option_ends_with_2(run: Run, database: Database, wrong: tuple[str, str]) -> None:
    assert database
    assert run("events", "list", *wrong).code == 2


def test_explain_by_email_finds_the_rows_in_any_case(run: Run, database: Database) -> None:
    late_payer(database)
    found = run("explain", "ada@EXAMPLE.com", "--json").json()
    assert {(each["kind"], each["id"]) for each in found["subjects"]} == {
        ("customer", "cus_1"),
        ("subscription", "sub_9"),
    }


def test_explain_says_in_one_sentence_which_event_made_the_state(run: Run, database: Database) -> None:
    late_payer(database)
    found = run("explain", "sub_9", "--json").json()["subjects"][0]
    assert found["why"].startswith("subscription sub_9 (stripe) is past_due since 2026-03-0")
    assert "because of event evt_3 (customer.subscription.updated)" in found["why"]
    assert [each["event_id"] for each in found["events"]] == ["evt_2", "evt_3"]


def test_explain_by_event_finds_what_it_wrote(run: Run, database: Database) -> None:
    late_payer(database)
    found = run("explain", "evt_3", "--json").json()
    assert [each["id"] for each in found["subjects"]] == ["sub_9"]
    assert "and applied" in found["event_sentences"][0]


def test_explain_tells_of_a_dead_event_that_the_state_lacks(run: Run, database: Database) -> None:
    late_payer(database)
    dead = store(database, "evt_5", "customer.subscription.deleted", status="dead", subject=("subscription", "sub_9"))
    assert f"tallyhook replay {dead}" in run("explain", "sub_9").out


def _signed(body: bytes, secret: str, at: int) -> str:
    return f"t={at},v1={hmac.new(secret.encode(), str(at).encode() + b'.' + body, hashlib.sha256).hexdigest()}"


@pytest.mark.parametrize(
    ("secret", "age", "code", "words"),
    [
        (SECRET, 0, 0, "accepted: customer.created evt_9"),
        ("whsec_other", 0, 1, "bad_signature"),
        (SECRET, 4_000, 1, "stale_timestamp"),
        (SECRET, -4_000, 1, "future_timestamp"),
    ],
)
def test_verify_names_the_cause(run: Run, tmp_path: Path, secret: str, age: int, code: int, words: str) -> None:
    body = _event("customer.created", CUSTOMER)
    (tmp_path / "body").write_bytes(body)
    header = f"Stripe-Signature: {_signed(body, secret, int(time.time()) - age)}"
    ran = run("verify", "--account", "stripe", "--header", header, "--body", str(tmp_path / "body"))
    assert ran.code == code
    assert words in ran.out


def test_a_body_file_that_is_not_there_ends_with_2(run: Run) -> None:
    ran = run("verify", "--account", "stripe", "--header", "a: b", "--body", "/no/such/file")
    assert ran.code == 2
    assert "/no/such/file" in ran.err


def test_no_command_prints_a_secret_a_key_or_a_payload(run: Run, database: Database) -> None:
    late_payer(database)
    store(database, "evt_4", "invoice.paid", status="dead", error="boom")
    for command in ("status", "events list", "events show evt_1", "failures", "replay --status dead --plan", "explain sub_9",
                    "drift list", "verify --account stripe --header a:b --body /dev/null", "explain cus_1",
                    "explain ada@example.com --all", "entitlements --customer cus_1", "usage --customer cus_1", "calls list",
                    "batches list"):  # fmt: skip
        for more in ((), ("--json",)):
            ran = run(*command.split(), *more)
            for mark in (SECRET, KEY, TOKEN, "payload-mark"):
                assert mark not in ran.out + ran.err, command


def test_times_carry_the_zone(run: Run, database: Database) -> None:
    late_payer(database)
    assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ because", run("explain", "sub_9").out)
    received = run("events", "list", "--json").json()[0]["received_at"]
    assert re.search(r"[+-]\d\d:\d\d$", received)
