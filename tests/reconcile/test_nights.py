"""What a night reads, and what follows from a night that was missed."""

from __future__ import annotations

import pytest

from tests.reconcile.world import DAY, World


def test_a_night_reads_what_is_new_what_is_open_and_a_slice_of_the_rest(shop: World) -> None:
    shop.later(5 * DAY)
    shop.run()
    shop.sandbox.requests.clear()
    shop.sql("UPDATE subscription SET collection_method = 'wrong'")
    report = shop.run()
    assert {line.kind for line in report.findings} == {"subscription"}, "subscriptions stay open and are read by id"
    assert (report.full, report.exit_code) == (False, 0)
    paths = [path for method, path in shop.sandbox.requests if path.startswith("/v1/invoices/")]
    assert len(paths) <= 1, "paid invoices are left to their night"


def test_every_row_is_compared_within_a_fortnight_of_nights(shop: World) -> None:
    shop.later(5 * DAY)
    shop.run()
    shop.sql("UPDATE customer SET name = 'edited'")
    found = [line.object_id for _ in range(14) for line in shop.run(kind="customer").findings]
    assert len(found) == 2
    assert shop.sql("SELECT count(*) AS left_over FROM customer WHERE name = 'edited'")[0].left_over == 0


def test_a_gap_longer_than_the_log_forces_a_full_run(shop: World) -> None:
    shop.later(29 * DAY)
    assert shop.run(dry_run=True).full is False
    shop.later(3 * DAY)
    report = shop.run()
    assert (report.full, report.status) == (True, "complete")
    assert shop.run().full is False, "a full run has bridged the gap"


@pytest.mark.parametrize("broken", ["forbidden", "held"])
def test_a_gap_is_bridged_only_by_a_run_that_compared_everything(shop: World, broken: str) -> None:
    """What a listing or the brake left undone would be found neither in the log nor by an ordinary night."""
    shop.later(32 * DAY)
    if broken == "forbidden":
        shop.sandbox.faults.forbidden.add("customer")
    else:
        shop.sql("UPDATE customer SET status = 'wrong'")
    assert shop.run(max_changes=1).full is True
    shop.sandbox.faults.reset()
    assert shop.run(dry_run=True).full is True
    assert shop.run().full is True
    assert shop.run().full is False
