"""Usage that Stripe takes and refuses afterwards is told only by thin notifications, and marks what was told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.store import usage_decisions
from tests.usage.shops import DAY, HOUR, SECRET, StripeShop, opened


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def shop(request: pytest.FixtureRequest) -> Iterator[StripeShop]:
    """Stripe with a destination for thin notifications too."""
    with opened("stripe", request.getfixturevalue(request.param)) as found:
        assert isinstance(found, StripeShop)
        found.sandbox.register_endpoint("http://127.0.0.1:9/thin", SECRET, payload="thin")
        yield found


def _reasons(shop: StripeShop) -> list[tuple[str, str, str | None]]:
    return shop.sql(
        "SELECT status, reason, (SELECT max(idempotency_key) FROM usage_record r WHERE r.batch_id = b.id) FROM usage_batch b ORDER BY id"
    )


def _events(shop: StripeShop) -> list[tuple[str, str]]:
    kinds = "('v1.billing.meter.error_report_triggered', 'v1.billing.meter.no_meter_found')"
    return shop.sql(f"SELECT status, reason FROM webhook_event WHERE type IN {kinds} ORDER BY id")


def test_a_refusal_marks_the_records_with_its_reason(shop: StripeShop) -> None:
    """What was told before and after stays."""
    shop.report(7, key="good")
    shop.work()
    meter = next(iter(shop.sandbox.objects("billing.meter")))
    shop.sandbox.call("POST", f"/v1/billing/meters/{meter}/deactivate")
    shop.report(5, key="bad")
    shop.work()
    assert _reasons(shop)[1][0] == "sent"
    shop.later(HOUR)
    assert _reasons(shop) == [("sent", None, "good"), ("rejected", "archived_meter", "bad")]
    assert ("applied", "usage_rejected 1 of 1") in _events(shop)


def test_a_refusal_of_somebody_elses_usage_is_ignored(shop: StripeShop) -> None:
    """Other software tells usage too."""
    payload = {"stripe_customer_id": "cus_unknown", "value": "1"}
    shop.sandbox.call(
        "POST", "/v1/billing/meter_events", {"event_name": "calls", "payload": payload, "identifier": "theirs"}
    )
    shop.report(7)
    shop.work()
    shop.later(HOUR)
    assert [row[0] for row in _reasons(shop)] == ["sent"]
    assert _events(shop) == [("ignored", "usage_rejected 0 of 1")]


def test_usage_of_no_meter_is_marked_too(shop: StripeShop) -> None:
    """That notification names no object at all."""
    shop.meter.send["stripe"]["event_name"] = "nonsense"
    shop.report(7)
    shop.work()
    shop.later(HOUR)
    assert [row[:2] for row in _reasons(shop)] == [("rejected", "meter_event_no_meter_found")]


def test_each_word_of_a_person_tells_it_under_a_new_identifier(shop: StripeShop) -> None:
    """Stripe knows the identifiers that it refused: under one of these it would take nothing more, and say nothing."""
    meter = next(iter(shop.sandbox.objects("billing.meter")))
    shop.sandbox.call("POST", f"/v1/billing/meters/{meter}/deactivate")
    shop.report(5)
    shop.work()
    used = []
    for _ in range(3):
        shop.later(HOUR)
        assert _reasons(shop)[0][0] == "rejected"
        used += [row[0] for row in shop.sql("SELECT identifier FROM usage_batch")]
        with shop.system.database.write() as connection:
            usage_decisions.decide(connection, 1, "again", shop.now())
        if len(used) == 3:
            shop.sandbox.call("POST", f"/v1/billing/meters/{meter}/reactivate")
        shop.work()
    assert len(set(used)) == 3
    assert _reasons(shop)[0][0] == "sent"
    shop.pass_time(33 * DAY, DAY)
    assert shop.billed() == shop.reported == 5
