"""What waits for a person goes on waiting until a run has judged it anew, or the person has decided."""

from __future__ import annotations

import msgspec
import pytest

from reconcile.heal import list_drift
from reconcile.plan import Options
from reconcile.run import reconcile
from service.errors import ConfigError
from tests.reconcile.world import ACCOUNT, DAY, HOUR, World


def test_what_waits_goes_on_waiting_while_an_event_of_its_object_is_under_way(shop: World) -> None:
    """A run does not look at such an object, so it can't say that nothing is wrong with it any more."""
    shop.sql("UPDATE invoice SET amount = amount + 100 WHERE amount = 9900")
    waiting = shop.run(full=True).findings[0]
    assert waiting.action == "needs_review"
    shop.later(5 * DAY)
    shop.sql("UPDATE webhook_event SET status = 'dead' WHERE object_id = :id", id=waiting.object_id)
    assert shop.run().findings == []
    assert [each.finding.id for each in list_drift(shop.system)] == [waiting.id]
    shop.sql("UPDATE webhook_event SET status = 'applied' WHERE object_id = :id", id=waiting.object_id)
    again = shop.run()
    assert (again.exit_code, [line.field for line in again.findings]) == (1, ["amount"])
    assert [each.run_id for each in list_drift(shop.system)] == [again.run_id]


def test_an_object_whose_event_is_still_to_be_processed_is_pending(shop: World) -> None:
    shop.sql("UPDATE customer SET name = 'edited'")
    shop.sql("UPDATE webhook_event SET status = 'retry', next_attempt_at = received_at WHERE kind = 'customer'")
    report = shop.run(full=True)
    customers = next(each for each in report.kinds if each.source == "customer")
    assert (report.findings, customers.pending) == ([], 2)


def test_a_paused_account_is_left_out_and_to_name_it_is_an_error(shop: World) -> None:
    account = shop.system.account(ACCOUNT)
    account.settings = msgspec.structs.replace(account.settings, paused=True)
    with pytest.raises(ConfigError, match="is paused"):
        reconcile(shop.system, Options(account=ACCOUNT))
    with pytest.raises(ConfigError, match="nothing to compare"):
        reconcile(shop.system, Options())


def test_a_watermark_never_goes_back(shop: World) -> None:
    """The provider's time may: another server answers."""
    query = "SELECT kind, complete_until FROM watermark ORDER BY kind"
    before = shop.sql(query)
    shop.sandbox.clock._now -= 2 * HOUR
    assert shop.run(full=True).status == "complete"
    assert shop.sql(query) == before


@pytest.mark.parametrize("status", ["paid", "open"])
def test_the_currency_of_a_paid_invoice_waits_for_a_person_and_that_of_an_open_one_heals(
    shop: World, status: str
) -> None:
    shop.sql("UPDATE invoice SET currency = 'EUR', status = :status WHERE amount = 9900", status=status)
    report = shop.run(full=True)
    assert {line.action for line in report.findings} == {"needs_review" if status == "paid" else "healed"}
    assert "currency" in {line.field for line in report.findings}
