"""The reconciler over a real socket: what it finds, what it heals, what it leaves to a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconcile.heal import accept, list_drift
from reconcile.report import AccountReport
from service.errors import ConfigError
from service.store.tables import METADATA
from tests.reconcile.world import World


def classes(report: AccountReport) -> set[str]:
    return {line.drift_class for line in report.findings}


def actions(report: AccountReport) -> set[str]:
    return {line.action for line in report.findings}


def test_a_first_run_imports_everything_and_the_next_finds_nothing_and_writes_nothing(shop: World) -> None:
    kinds = {kind for kind, _ in shop.state()}
    assert kinds == {"customer", "product", "price", "subscription", "invoice", "payment", "refund"}
    before = shop.written()
    second = shop.run(full=True)
    assert (second.exit_code, second.findings, second.status) == (0, [], "complete")
    assert sum(kind.confirmed for kind in second.kinds) > 10
    assert shop.written() == before
    nightly = shop.run()
    assert (nightly.exit_code, nightly.findings, nightly.full) == (0, [], False)
    assert shop.written() == before


def test_lost_deliveries_are_found_in_the_event_log_and_healed(shop: World) -> None:
    heard = len(shop.sandbox.events)
    customer = next(iter(shop.sandbox.objects("customer")))
    shop.sandbox.call("POST", f"/v1/customers/{customer}", {"email": "new@example.com"})
    lost = shop.sandbox.events[heard]["id"]
    shop.later()
    report = shop.run()
    assert classes(report) == {"missed_event"}
    assert actions(report) == {"healed"}
    assert [line.cause for line in report.findings] == [f"event:{lost}"]
    assert report.exit_code == 0
    rows = shop.sql("SELECT source, deliveries, status FROM webhook_event WHERE event_id = :id", id=lost)
    assert [tuple(row) for row in rows] == [("audit", 0, "applied")]
    assert shop.sql("SELECT email FROM customer WHERE id = :id", id=customer)[0].email == "new@example.com"


def test_an_event_that_came_is_not_missed(shop: World) -> None:
    heard = len(shop.sandbox.events)
    shop.customer()
    shop.deliver(shop.sandbox.events[heard:])
    shop.later()
    assert shop.run().findings == []


def test_a_row_edited_by_hand_is_found_field_by_field_and_healed(shop: World) -> None:
    before = shop.state()
    shop.sql("UPDATE customer SET email = 'wrong@example.com', name = 'Nobody'")
    shop.sql("UPDATE subscription_item SET quantity = 7")
    report = shop.run(full=True)
    assert {line.field for line in report.findings if line.kind == "customer"} == {"email", "name"}
    assert {str(line.field).partition("[")[0] for line in report.findings if line.kind == "subscription"} == {"items"}
    assert {(line.local, line.remote) for line in report.findings if line.field == "email"} == {
        ("wrong@example.com", "ada@example.com")
    }
    assert (classes(report), actions(report), report.exit_code) == ({"mismatch"}, {"healed"}, 0)
    assert shop.state() == before
    cause = shop.sql("SELECT DISTINCT cause FROM state_change WHERE field = 'email'")
    assert [row.cause for row in cause] == [f"run:{report.run_id}"]


def test_a_deleted_local_row_returns(shop: World) -> None:
    before = shop.state()
    shop.sql("DELETE FROM invoice")
    shop.sql("DELETE FROM invoice_line")
    shop.sql("DELETE FROM refund")
    report = shop.run(full=True)
    assert {line.kind for line in report.findings} == {"invoice", "refund"}
    assert (classes(report), actions(report), report.exit_code) == ({"missing_local"}, {"healed"}, 0)
    assert shop.state() == before


def test_derived_columns_are_proven_too(shop: World) -> None:
    assert shop.sql("SELECT sum(amount_refunded) AS total FROM payment")[0].total == 500
    shop.sql("UPDATE payment SET amount_refunded = 1, subscription_id = 'sub_none'")
    report = shop.run(full=True)
    assert {line.field for line in report.findings} == {"amount_refunded", "subscription_id"}
    assert report.exit_code == 0
    assert shop.sql("SELECT sum(amount_refunded) AS total FROM payment")[0].total == 500


def test_an_object_that_the_provider_deleted_becomes_a_tombstone(shop: World) -> None:
    customer = shop.customer()
    shop.later()
    shop.run(full=True)
    shop.sandbox.call("DELETE", f"/v1/customers/{customer}")
    shop.sandbox.events.pop()
    report = shop.run(full=True)
    assert [(line.object_id, line.drift_class, line.action) for line in report.findings] == [
        (customer, "missing_remote", "healed")
    ]
    assert shop.sql("SELECT deleted_at FROM customer WHERE id = :id", id=customer)[0].deleted_at is not None
    assert shop.run(full=True).findings == []


def forged(shop: World, id_: str = "cus_forged") -> None:
    """A row of which the provider knows nothing: its read by id is a bare 404."""
    columns = "account, status, created_at, as_of"
    shop.sql(
        f"INSERT INTO customer (id, sources, {columns}) SELECT CAST(:id AS text), replace(sources, id, CAST(:id AS text)), {columns}"
        " FROM customer WHERE id = (SELECT min(id) FROM customer)", id=id_,
    )  # fmt: skip


def test_a_bare_404_waits_for_a_person_and_accepting_it_leaves_a_tombstone(shop: World) -> None:
    forged(shop)
    report = shop.run(full=True)
    assert [(line.object_id, line.drift_class, line.action) for line in report.findings] == [
        ("cus_forged", "missing_remote", "needs_review")
    ]
    assert report.exit_code == 1
    assert shop.sql("SELECT deleted_at FROM customer WHERE id = 'cus_forged'")[0].deleted_at is None
    again = shop.run()
    assert again.exit_code == 1, "an open finding is looked at every night"
    waiting = list_drift(shop.system)
    assert [each.run_id for each in waiting] == [again.run_id], "the newer finding replaces the older"
    assert accept(shop.system, waiting[0].finding.id).finding.action == "accepted"
    assert shop.sql("SELECT deleted_at FROM customer WHERE id = 'cus_forged'")[0].deleted_at is not None
    assert shop.run(full=True).exit_code == 0
    with pytest.raises(ConfigError, match="waits for a person"):
        accept(shop.system, waiting[0].finding.id)


def test_a_404_while_known_objects_answer_404_too_proves_nothing(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.errors import NotFound

    forged(shop)

    def unknown(source: str, object_id: str) -> Any:
        raise NotFound(f"GET {source} {object_id}: 404")

    monkeypatch.setattr(shop.system.account("stripe").reader(), "get", unknown)
    report = shop.run(full=True)
    assert (report.findings, report.exit_code) == ([], 2)
    assert {kind.source: kind.status for kind in report.kinds}["customer"] == "partial"


def forbid(world: World) -> None:
    world.sandbox.faults.forbidden.add("customer")


def limit(world: World) -> None:
    world.sandbox.faults.match, world.sandbox.faults.rate_limited = "/v1/customers", 1_000


def break_down(world: World) -> None:
    world.sandbox.faults.match, world.sandbox.faults.server_error = "/v1/customers", 1_000


@pytest.mark.parametrize("fault", [forbid, limit, break_down])
def test_a_listing_that_fails_is_partial_and_nobody_in_it_is_gone(shop: World, fault: Callable[[World], None]) -> None:
    shop.sql("UPDATE refund SET reason = 'edited'")
    customers = shop.sql("SELECT * FROM customer")
    fault(shop)
    report = shop.run(full=True)
    kinds = {kind.source: kind for kind in report.kinds}
    assert (kinds["customer"].status, kinds["refund"].status) == ("partial", "complete")
    assert kinds["customer"].reason
    assert (report.status, report.exit_code) == ("partial", 2)
    assert {line.kind for line in report.findings} == {"refund"}
    assert shop.sql("SELECT * FROM customer") == customers
    marks = {row.kind: row.run_id for row in shop.sql("SELECT kind, run_id FROM watermark")}
    assert marks["customer"] != report.run_id
    assert marks["refund"] == report.run_id


def test_an_object_with_a_dead_event_is_pending_not_drift(shop: World) -> None:
    heard = len(shop.sandbox.events)
    customer = next(iter(shop.sandbox.objects("customer")))
    shop.sandbox.call("POST", f"/v1/customers/{customer}", {"email": "new@example.com"})
    shop.deliver(shop.sandbox.events[heard:])
    shop.sql("UPDATE webhook_event SET status = 'dead' WHERE object_id = :id", id=customer)
    shop.sql("UPDATE customer SET email = 'old@example.com' WHERE id = :id", id=customer)
    report = shop.run(full=True)
    assert report.findings == []
    assert {kind.source: kind.pending for kind in report.kinds}["customer"] == 1


def test_the_brake_holds_a_mass_change_and_lets_it_pass_when_told_to(shop: World) -> None:
    shop.sql("UPDATE customer SET status = 'wrong'")
    held = shop.run(full=True, max_changes=1)
    assert (actions(held), held.exit_code) == ({"held"}, 1)
    assert shop.sql("SELECT DISTINCT status FROM customer")[0].status == "wrong"
    passed = shop.run(full=True, max_changes=2)
    assert (actions(passed), passed.exit_code) == ({"healed"}, 0)


def test_the_brake_does_not_count_new_rows(shop: World) -> None:
    shop.sql("DELETE FROM customer")
    report = shop.run(full=True, max_changes=0)
    assert (classes(report), actions(report)) == ({"missing_local"}, {"healed"})


def test_a_dry_run_finds_and_changes_nothing(shop: World) -> None:
    shop.customer()
    shop.later()
    shop.sql("UPDATE invoice SET number = 'X'")
    shop.sql("DELETE FROM refund")
    shop.sql("UPDATE payment SET subscription_id = NULL")
    before, marks = shop.written(), shop.sql("SELECT * FROM watermark ORDER BY kind")
    report = shop.run(full=True, dry_run=True)
    assert classes(report) == {"missed_event", "mismatch", "missing_local"}
    assert (actions(report), report.exit_code, report.status) == ({"would_heal"}, 1, "complete")
    assert shop.written() == before
    assert shop.sql("SELECT * FROM watermark ORDER BY kind") == marks
    assert shop.run(full=True).exit_code == 0


def test_a_dry_run_writes_its_run_and_its_findings_and_nothing_else(shop: World) -> None:
    """What a real run left for a person goes on waiting, once; an accepted finding of a dry run is accepted all the same."""
    shop.sql("UPDATE invoice SET amount = amount + 100 WHERE amount = 9900")
    shop.run(full=True)
    shop.sql("UPDATE invoice SET number = 'X'")
    before = everything(shop)
    report = shop.run(full=True, dry_run=True)
    assert actions(report) == {"needs_review", "would_heal"}
    after = everything(shop)
    own = {"reconcile_run", "reconcile_ledger", "drift"}
    assert {name for name in after if after[name] != before[name]} == own
    assert all(set(before[name]) <= set(after[name]) for name in own)
    assert len(list_drift(shop.system)) == 1
    accept(shop.system, next(line.id for line in report.findings if line.action == "needs_review"))
    assert shop.run(full=True).exit_code == 0
    assert list_drift(shop.system) == []


def everything(shop: World) -> dict[str, list[str]]:
    """Every row of every table."""
    return {name: sorted(map(str, shop.sql(f"SELECT * FROM {name}"))) for name in METADATA.tables}


def test_the_amount_of_a_paid_invoice_waits_for_a_person(shop: World) -> None:
    shop.sql("UPDATE invoice SET amount = amount + 100 WHERE amount = 9900")
    report = shop.run(full=True)
    assert [(line.field, line.local, line.remote, line.action) for line in report.findings] == [
        ("amount", "10000", "9900", "needs_review")
    ]
    assert (report.findings[0].amount, report.findings[0].currency) == (100, "USD")
    assert (report.at_stake, report.exit_code) == ({"USD": 100}, 1)
    assert shop.sql("SELECT max(amount) AS most FROM invoice")[0].most == 10_000
    accept(shop.system, report.findings[0].id)
    assert shop.sql("SELECT max(amount) AS most FROM invoice")[0].most == 9_900
    assert list_drift(shop.system) == []
    assert [each.finding.action for each in list_drift(shop.system, only_open=False)][-1] == "accepted"
    assert shop.run(full=True).findings == []


def test_a_wrong_tombstone_waits_for_a_person_and_comes_back_when_accepted(shop: World) -> None:
    before = shop.state()
    shop.sql("UPDATE subscription SET deleted_at = as_of WHERE id = (SELECT min(id) FROM subscription)")
    report = shop.run(full=True)
    assert [(line.kind, line.field, line.action) for line in report.findings] == [
        ("subscription", "deleted_at", "needs_review")
    ]
    accept(shop.system, report.findings[0].id)
    assert shop.state() == before


def test_money_is_summed_by_currency_and_day_and_equal_after_healing(shop: World) -> None:
    shop.sql("UPDATE refund SET amount = amount - 1")
    report = shop.run(full=True)
    (day,) = report.money
    assert (day.currency, day.charged.provider, day.charged.before, day.charged.now) == ("USD", 11_800, 11_800, 11_800)
    assert (day.refunded.provider, day.refunded.before, day.refunded.now) == (500, 499, 500)
    assert (day.net.provider, day.net.before, day.net.now, day.net.difference) == (11_300, 11_301, 11_300, 0)


def test_money_that_is_left_missing_shows_as_a_difference(shop: World) -> None:
    shop.sql("DELETE FROM refund")
    (day,) = shop.run(full=True, dry_run=True).money
    found = day.refunded
    assert (found.provider, found.before, found.now, found.difference) == (500, 0, 0, 500)
