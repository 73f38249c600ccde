"""What a run takes for proof, and what it does not: lagging lists, broken lists, young events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reconcile.report import AccountReport, KindReport
from service.errors import ProviderUnavailable
from service.provider import EventPage, Page
from tests.reconcile.world import World

MINUTE = 60


def first(world: World) -> str:
    """The oldest customer."""
    return next(iter(world.sandbox.objects("customer")))


def change(world: World, customer: str, address: str) -> list[Any]:
    """The customer moves; the events that tell of it."""
    heard = len(world.sandbox.events)
    world.sandbox.call("POST", f"/v1/customers/{customer}", {"email": address})
    return world.sandbox.events[heard:]


def lagging(world: World, monkeypatch: pytest.MonkeyPatch, *, stamped_now: bool) -> None:
    """From now on the list of customers is answered by a replica that has stopped here."""
    reader = world.system.account("stripe").reader()
    real, old = reader.page, reader.page("customer", cursor=None, since=None, until=None)

    def page(source: str, **where: Any) -> Page:
        fresh = real(source, **where)
        if source != "customer":
            return fresh
        return msgspec.structs.replace(old, as_of=fresh.as_of) if stamped_now else old

    monkeypatch.setattr(reader, "page", page)


def after_a_change(shop: World) -> tuple[AccountReport, KindReport]:
    """A run that follows a customer's new address, and its pass over the customers."""
    shop.later(MINUTE)
    shop.deliver(change(shop, first(shop), "new@example.com"))
    shop.later()
    report = shop.run(full=True)
    return report, next(each for each in report.kinds if each.source == "customer")


def test_what_a_lagging_list_shows_is_no_drift_until_the_object_itself_says_so(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lagging(shop, monkeypatch, stamped_now=True)
    report, customers = after_a_change(shop)
    assert (report.findings, customers.drift, customers.reads) == ([], 0, 1)
    assert shop.sql("SELECT email FROM customer WHERE id = :id", id=first(shop))[0].email == "new@example.com"


def test_a_row_that_is_newer_than_the_list_is_passed_over(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lagging(shop, monkeypatch, stamped_now=False)
    report, customers = after_a_change(shop)
    assert (report.findings, customers.newer, customers.reads) == ([], 1, 0)


def test_of_a_list_that_breaks_off_what_is_new_is_kept_and_what_differs_is_held(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drift is found on its third page; the fourth never comes."""
    shop.sandbox.settings.page_cap = 1
    newest = shop.customer()
    shop.later(MINUTE)
    shop.sql("UPDATE customer SET name = 'edited'")
    shop.customer(name="unseen")
    shop.later(MINUTE)
    reader = shop.system.account("stripe").reader()
    real = reader.page

    def page(source: str, **where: Any) -> Page:
        asked.append(source)
        if asked.count("customer") == 5:
            raise ProviderUnavailable("the fourth page, after one that told the time")
        return real(source, **where)

    asked: list[str] = []
    monkeypatch.setattr(reader, "page", page)
    report = shop.run(full=True)
    assert {each.source: each.status for each in report.kinds}["customer"] == "partial"
    found = {(line.drift_class, line.action) for line in report.findings if line.kind == "customer"}
    assert found == {("missing_local", "healed"), ("mismatch", "held")}
    assert shop.sql("SELECT count(*) AS kept FROM customer WHERE id = :id", id=newest)[0].kept == 1
    assert shop.sql("SELECT count(*) AS wrong FROM customer WHERE name = 'edited'")[0].wrong == 2
    assert (report.status, report.exit_code) == ("partial", 2)


def test_an_event_is_missed_only_when_it_is_older_than_a_delivery_may_take(shop: World) -> None:
    """Younger than the lag it may be on its way; the next run looks again, an hour before where this one ended."""
    change(shop, first(shop), "new@example.com")
    shop.later(10 * MINUTE)
    assert shop.run(kind="events").findings == []
    shop.later(10 * MINUTE)
    assert [line.drift_class for line in shop.run(kind="events").findings] == ["missed_event"]


def test_an_event_that_the_log_shows_late_is_found_by_the_overlap(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (event,) = change(shop, first(shop), "new@example.com")
    shop.later(70 * MINUTE)
    reader = shop.system.account("stripe").reader()
    real = reader.events

    def events(**where: Any) -> EventPage:
        page = real(**where)
        shown = tuple(each for each in page.events if each.envelope.event_id != event["id"])
        return msgspec.structs.replace(page, events=shown)

    monkeypatch.setattr(reader, "events", events)
    assert shop.run(kind="events").findings == []
    monkeypatch.undo()
    assert [line.cause for line in shop.run(kind="events").findings] == [f"event:{event['id']}"]


def test_what_an_event_that_was_missed_explains_is_named_after_it(shop: World) -> None:
    """In a dry run the event is not applied, so its object still differs."""
    (event,) = change(shop, first(shop), "new@example.com")
    shop.sql("UPDATE customer SET name = 'edited' WHERE id <> :id", id=first(shop))
    shop.later()
    report = shop.run(full=True, dry_run=True)
    found = {(line.drift_class, line.field, line.cause) for line in report.findings}
    missed = f"event:{event['id']}"
    assert found == {
        ("missed_event", None, missed), ("missed_event", "email", missed), ("mismatch", "name", "no event")
    }  # fmt: skip


def test_a_list_that_can_not_be_translated_fails_and_the_others_are_compared(shop: World) -> None:
    row = shop.sandbox._world.tables["customer"].get(first(shop))
    assert row is not None
    row["email"] = 5
    shop.sql("UPDATE refund SET reason = 'edited'")
    report = shop.run(full=True)
    kinds = {each.source: each.status for each in report.kinds}
    assert (kinds["customer"], kinds["refund"]) == ("failed", "complete")
    assert (report.status, report.exit_code) == ("failed", 2)
    assert {(line.kind, line.action) for line in report.findings} == {("refund", "healed")}
    marks = {mark.kind: mark.run_id for mark in shop.sql("SELECT kind, run_id FROM watermark")}
    assert (marks["customer"] != report.run_id, marks["refund"]) == (True, report.run_id)
