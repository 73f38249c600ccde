"""`tallyhook usage`."""

from __future__ import annotations

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
