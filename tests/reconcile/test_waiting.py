"""What waits for a person goes on waiting until a run has judged it anew, or the person has decided."""

from __future__ import annotations

from reconcile.heal import list_drift
from tests.reconcile.world import DAY, World


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
