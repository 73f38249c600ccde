"""Money by currency and UTC day: what the provider's books say, what was here, what is here; equal to the minor unit."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console
from sqlalchemy import text

from reconcile import html
from reconcile.money import Sum, by_day, totals
from reconcile.report import AccountReport, Report, print_summary
from service.store.tables import STATE
from tests.reconcile.counter import Counter, shown
from tests.reconcile.shops import Books, books, given_back, played, receipts, sold, taken_back

# Shrinking plays hundreds of histories more; a failing one is shown as it was drawn.
PLAIN: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
}
seeds = st.integers(0, 2**32)


@pytest.fixture(params=["stripe", "paddle", "lemonsqueezy"])
def provider(request: pytest.FixtureRequest) -> str:
    """Each provider in turn."""
    return str(request.param)


@pytest.fixture
def on_sqlite(provider: str, sqlite_url: str) -> Iterator[Counter]:
    """Our side in its own SQLite file."""
    counter = Counter(provider, sqlite_url)
    yield counter
    counter.close()


@pytest.fixture
def on_postgres(provider: str, postgres_url: str) -> Iterator[Counter]:
    """Our side in its own PostgreSQL database."""
    counter = Counter(provider, postgres_url)
    yield counter
    counter.close()


@pytest.fixture
def counter(provider: str, database_url: str) -> Iterator[Counter]:
    """Our side on SQLite and PostgreSQL in turn."""
    counter = Counter(provider, database_url)
    yield counter
    counter.close()


def agrees(counter: Counter, seed: int) -> None:
    """Lose any part of a random history, run once: each side of the report is what its own books say."""
    chance = random.Random(seed)
    sandbox = played(counter.provider, seed, chance.randrange(5, 40))
    counter.open(sandbox)
    sandbox.settings.page_cap = chance.choice((2, 7, 100))
    kept = chance.choice((0.0, 0.5, 0.9))
    counter.deliver([each for each in sandbox.deliveries.take() if chance.random() < kept])
    before = counter.sums(without=receipts(sandbox))
    report = counter.run()
    assert (report.status, report.error) == ("complete", None)
    assert shown(report.money, "provider") == books(sandbox)
    assert shown(report.money, "before") == before
    assert shown(report.money, "now") == counter.sums() == books(sandbox)
    assert not [each for each in report.money if each.net.difference]
    assert ([] if report.books is None else report.books.differences) == []
    assert (report.books is None) == (counter.provider != "stripe")


@given(seed=seeds)
@settings(max_examples=12, **PLAIN)
def test_after_any_loss_each_side_of_the_report_is_what_its_books_say(on_sqlite: Counter, seed: int) -> None:
    agrees(on_sqlite, seed)


@pytest.mark.database
@given(seed=seeds)
@settings(max_examples=5, **PLAIN)
def test_the_books_agree_on_postgresql(on_postgres: Counter, seed: int) -> None:
    agrees(on_postgres, seed)


CASES = [
    ("stripe", "refund", "refunded"),
    ("stripe", "part", "refunded"),
    ("stripe", "dispute", "disputed"),
    ("paddle", "refund", "refunded"),
    ("paddle", "dispute", "disputed"),
    ("lemonsqueezy", "refund", "refunded"),
    ("lemonsqueezy", "part", "refunded"),
]


@pytest.mark.parametrize(("provider", "what", "part"), CASES)
def test_where_only_an_adjustment_was_lost_the_totals_differ_by_exactly_it_until_it_is_healed(
    counter: Counter, what: str, part: str
) -> None:
    sandbox = sold(counter.provider)
    counter.open(sandbox)
    assert counter.run().exit_code == 0
    charged = books(sandbox)
    taken_back(sandbox, what)
    (gone,) = [parts[part] for parts in books(sandbox).values() if part in parts]
    dry = counter.run(full=True, dry_run=True)
    assert shown(dry.money, "provider") == books(sandbox)
    assert shown(dry.money, "before") == shown(dry.money, "now") == charged
    (total,) = dry.totals
    differing = {name: sums.difference for name, sums in total.parts() if sums.difference}
    assert differing == {part: gone, "net": -gone}
    assert {each.amount for each in dry.findings if each.kind in ("refund", "dispute")} == {gone}

    healed = counter.run(full=True)
    (total,) = healed.totals
    assert {name: sums.provider - sums.before for name, sums in total.parts() if not sums.equal} == differing
    assert [name for name, sums in total.parts() if sums.difference] == []
    assert shown(healed.money, "now") == counter.sums() == books(sandbox)
    again = counter.run(full=True)
    assert all(each.equal for each in again.money)
    assert again.by_class == {}


@pytest.mark.parametrize("provider", ["lemonsqueezy"])
def test_a_dry_run_into_an_empty_copy_counts_no_receipt_twice(counter: Counter) -> None:
    sandbox = sold("lemonsqueezy")
    counter.open(sandbox)
    report = counter.run(dry_run=True)
    assert shown(report.money, "provider") == books(sandbox)
    assert shown(report.money, "before") == shown(report.money, "now") == {}
    assert receipts(sandbox)


@pytest.mark.database
@pytest.mark.parametrize("provider", ["stripe"])
def test_the_documented_sql_sums_what_the_report_says(on_postgres: Counter) -> None:
    """Each statement of docs/reconcile.md as it stands there; a tombstone counts in neither."""
    sandbox = sold("stripe")
    taken_back(sandbox, "part")
    taken_back(sandbox, "dispute")
    on_postgres.open(sandbox)
    on_postgres.run()
    found: Books = {}
    with on_postgres.system.database.write() as connection:
        for name in ("payment", "refund", "dispute"):
            columns = ", ".join(each.name for each in STATE[name].c if each.name not in ("id", "deleted_at"))
            copy = f"INSERT INTO {name} (id, deleted_at, {columns}) SELECT id || '_gone', as_of, {columns} FROM {name}"
            connection.execute(text(copy))
        for statement in _documented():
            rows = connection.execute(text(statement))
            part = list(rows.keys())[-1]
            for day, currency, amount in rows:
                found.setdefault((day.isoformat(), currency), {})[part] = int(amount)
    assert found == books(sandbox)
    assert {part for parts in found.values() for part in parts} == {"charged", "refunded", "disputed"}


def _documented() -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "reconcile.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sql\n(.+?)```", page, re.DOTALL)
    return [each for each in block.split(";") if each.strip()]


@pytest.mark.parametrize("provider", ["stripe", "paddle"])
def test_money_that_a_bank_took_and_gave_back_is_not_disputed(counter: Counter) -> None:
    sandbox = sold(counter.provider)
    counter.open(sandbox)
    taken_back(sandbox, "dispute")
    (disputed,) = counter.run().totals
    given_back(sandbox)
    (settled,) = counter.run(full=True).totals
    assert disputed.disputed.now > 0
    assert disputed.disputed.difference == 0
    assert (settled.disputed.provider, settled.disputed.before, settled.disputed.now) == (0, disputed.disputed.now, 0)
    assert settled.net.now == settled.charged.now == disputed.net.now + disputed.disputed.now


@pytest.mark.parametrize("provider", ["stripe"])
def test_what_waits_for_a_person_keeps_the_totals_apart(counter: Counter) -> None:
    """A payment's amount that was changed by hand is not healed: the day differs by what the finding names."""
    sandbox = sold("stripe")
    counter.open(sandbox)
    counter.run()
    with counter.system.database.write() as connection:
        connection.execute(
            text("UPDATE payment SET amount = amount + 7, amount_paid = amount_paid + 7 WHERE amount = 5000")
        )
    report = counter.run(full=True)
    assert {(each.action, each.amount) for each in report.findings} == {("needs_review", 7)}
    assert [each.charged.difference for each in report.money] == [-7]


def test_amounts_of_days_and_currencies_never_mix() -> None:
    sums = [
        Sum(part=part, day=day, currency=currency, remote=amount, local=amount - 1, healed=amount)
        for part, amount in (("charged", 1_000), ("refunded", 100), ("disputed", 10), ("credited", 5))
        for day in ("2026-11-01", "2026-11-02")
        for currency in ("EUR", "USD")
    ]
    days = by_day(sums)
    assert [(each.day, each.currency) for each in days] == [
        ("2026-11-01", "EUR"), ("2026-11-01", "USD"), ("2026-11-02", "EUR"), ("2026-11-02", "USD")
    ]  # fmt: skip
    assert {(each.net.provider, each.net.before, each.net.now, each.net.difference) for each in days} == {
        (890, 999 - 99 - 9, 890, 0)
    }
    assert [(each.currency, each.charged.provider, each.credited.before) for each in totals(days)] == [
        ("EUR", 2_000, 8), ("USD", 2_000, 8)
    ]  # fmt: skip


def test_every_report_shows_the_money_and_the_days_that_differ() -> None:
    sums = [
        Sum(part="charged", day="2026-11-01", currency="USD", remote=1_234_500, local=1_234_500, healed=1_234_500),
        Sum(part="refunded", day="2026-11-02", currency="USD", remote=4_321, local=0, healed=0),
    ]
    money = by_day(sums)
    account = AccountReport(account="shop", status="complete", money=money, totals=totals(money))
    console = Console(file=io.StringIO(), width=120)
    print_summary(Report(accounts=[account]), console)
    assert isinstance(console.file, io.StringIO)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert "USD charged 1,234,500 1,234,500 1,234,500 0" in lines
    assert "USD net 1,230,179 1,234,500 1,234,500 -4,321" in lines
    assert "2026-11-02 USD refunded 4,321 0 0 4,321" in lines
    assert not [line for line in lines if line.startswith("2026-11-01")]
    page = html.page(Report(accounts=[account]))
    assert "4,321" in page.partition("<details>")[0]
    assert "2026-11-01" in page.partition("<details>")[2]
    (plain,) = json.loads(Report(accounts=[account]).json())["accounts"]
    assert plain["money"][1]["refunded"] == {"provider": 4_321, "before": 0, "now": 0, "difference": 4_321}
    assert plain["totals"][0]["net"]["difference"] == -4_321
