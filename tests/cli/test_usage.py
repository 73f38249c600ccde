"""`tallyhook usage`."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from service.meters import Meter
from service.model import Customer
from service.store.engine import Database
from service.usage import Usage, UsageReport
from tests.cli.conftest import Run, store, write_state


def _used(database: Database, quantity: int) -> None:
    event = store(database, "evt_1", "customer.created")
    write_state(database, event, "customer", "cus_1", Customer(user_id="ada", currency="USD"))
    usage = Usage(database, {"inferences": Meter(id="inferences", unit="inference")}, ["stripe"])
    usage.report(UsageReport(meter="inferences", quantity=quantity, idempotency_key="k", customer_id="cus_1"))


def test_the_bill_is_shown_line_by_line(run: Run, database: Database) -> None:
    """Free units, tiers, what the provider has, the total."""
    _used(database, 3_100_000)
    shown = run("usage", "--customer", "cus_1").out
    assert "3,100,000 inference (3,100,000 unsent)" in shown
    assert "0 to 100,000: 100,000 free = 0 USD" in shown
    assert "100,000 to 3,100,000: 3,000,000 at 2.00 USD per 1000000 inference = 6.000000 USD" in shown
    assert "total  6.00 USD" in shown


def test_the_bill_as_json(run: Run, database: Database) -> None:
    """Minor units, and exact sums as text."""
    _used(database, 3_100_000)
    found = run("usage", "--user", "ada", "--json").json()
    assert (found["customer_id"], found["totals"]) == ("cus_1", {"USD": 600})
    assert found["meters"][0]["bills"][0]["exact"] == "6.000000"


def test_what_can_not_be_answered_exits_with_2(run: Run, database: Database) -> None:
    """Nobody named, nobody known, no month."""
    _used(database, 1)
    for arguments in (
        (),
        ("--customer", "cus_2"),
        ("--customer", "cus_1", "--period", "2026"),
        ("--user", "ada", "--account", "x"),
    ):
        found = run("usage", *arguments)
        assert (found.code, found.out) == (2, "")
        assert found.err


def _refused(database: Database, status: str = "rejected") -> None:
    """One batch that a provider has refused."""
    _used(database, 7)
    columns = {
        "account": "stripe", "customer_id": "cus_1", "meter": "inferences", "aggregation": "sum", "status": status,
        "period_start": "2026-11-01 00:00:00.000000+00:00", "first_at": "2026-11-02 00:00:00.000000+00:00",
        "last_at": "2026-11-02 00:00:00.000000+00:00", "created_at": "2026-11-02 00:00:00.000000+00:00",
        "asked_at": "2026-11-02 00:00:00.000000+00:00",
        "quantity": 7, "records": 1, "late": 0, "last_record": 1, "attempts": 1, "identifier": "x", "reason": "archived_meter",
    }  # fmt: skip
    names = ", ".join(columns)
    with database.write() as connection:
        connection.execute(text(f"INSERT INTO usage_batch ({names}) VALUES (:{', :'.join(columns)})"), columns)


def test_status_says_that_usage_waits_for_a_person(run: Run, database: Database) -> None:
    """And which command shows it."""
    _refused(database)
    found = run("status")
    assert found.code == 1
    assert "1 batches of usage were refused by a provider: see `tallyhook batches list`" in found.out
    assert run("batches", "list", "--json").json()[0]["reason"] == "archived_meter"


@pytest.mark.parametrize(("word", "status"), [("told", "sent"), ("again", "retry"), ("drop", "unbilled")])
def test_a_persons_decision_stands(run: Run, database: Database, word: str, status: str) -> None:
    """Once: afterwards the batch waits for nobody."""
    _refused(database)
    assert run("batches", "settle", "1", f"--{word}", "--json").json()["status"] == status
    again = run("batches", "settle", "1", f"--{word}")
    assert (again.code, "no batch 1 waits for a person" in again.err) == (2, True)
    assert run("batches", "list", "--status", "rejected").out.strip() == "no such batches"


def test_one_decision_at_a_time(run: Run, database: Database) -> None:
    """None, or two, are refused."""
    _refused(database)
    for words in ((), ("--told", "--again")):
        assert run("batches", "settle", "1", *words).code == 2
