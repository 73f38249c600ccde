"""The read side against the stand-in, over a real socket."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

from service.errors import BadRequest, NotFound
from service.model import Snapshot, Subscription
from service.provider import EventPage, LoggedEvent, Page
from service.providers.stripe import provider
from service.providers.stripe.client import StripeReader
from service.providers.stripe.resources import RESOURCES
from service.sandbox.stripe import StripeSandbox
from tests.providers.stripe.conftest import Wire
from tests.providers.stripe.given import KEY, T, at
from tests.providers.stripe.shop import DAY, fill, price


def pages(reader: StripeReader, source: str) -> list[Page]:
    """A whole listing, page by page."""
    found = [reader.page(source, cursor=None, since=None, until=None)]
    while found[-1].cursor is not None:
        found.append(reader.page(source, cursor=found[-1].cursor, since=None, until=None))
    return found


def listed(reader: StripeReader, source: str) -> list[Snapshot]:
    """The first snapshot of each object of a listing."""
    return [snapshots[0] for page in pages(reader, source) for snapshots in page.objects]


def logged(reader: StripeReader) -> list[EventPage]:
    """The whole event log, page by page."""
    found = [reader.events(cursor=None, since=at(0), until=at(T + 400 * DAY))]
    while found[-1].cursor is not None:
        found.append(reader.events(cursor=found[-1].cursor, since=at(0), until=at(T + 400 * DAY)))
    return found


@pytest.mark.parametrize("source", RESOURCES)
def test_a_listing_holds_every_object_once(reader: StripeReader, sandbox: StripeSandbox, source: str) -> None:
    fill(sandbox)
    found = [snapshot.source_id for snapshot in listed(reader, source)]
    assert sorted(found) == sorted(sandbox.objects(source))
    assert found


@pytest.mark.parametrize("source", RESOURCES)
def test_a_read_by_id_says_the_same_as_the_listing(reader: StripeReader, sandbox: StripeSandbox, source: str) -> None:
    fill(sandbox)
    for snapshot in listed(reader, source):
        read = reader.get(source, snapshot.source_id)
        assert read.snapshots[0].fields == snapshot.fields
        assert read.snapshots[0].key == snapshot.key
        assert read.as_of == at(sandbox.clock.now())


def test_nested_lists_are_complete_in_pages_and_reads(reader: StripeReader, sandbox: StripeSandbox) -> None:
    fill(sandbox)
    for snapshot in listed(reader, "subscription"):
        assert isinstance(snapshot.fields, Subscription)
        assert [item.unit_amount for item in sorted(snapshot.fields.items, key=lambda i: i.unit_amount or 0)] == [
            500,
            700,
            900,
        ]
        assert snapshot.fields.amount == 4200
        assert snapshot.raw is not None
        assert json.loads(snapshot.raw)["items"]["has_more"] is False
    assert {len(each.content()["lines"]) for each in listed(reader, "invoice")} == {3}


def test_the_state_does_not_depend_on_where_lists_are_cut(wire: Wire) -> None:
    def states(page_cap: int, nested_cap: int) -> list[Snapshot]:
        sandbox = StripeSandbox(seed=7, api_key="sk_test_x", page_cap=page_cap, nested_cap=nested_cap)
        wire.answer = sandbox.exchange
        fill(sandbox)
        reader = wire.connect(key="sk_test_x")
        found = [msgspec.structs.replace(each, raw=None) for source in RESOURCES for each in listed(reader, source)]
        reader.close()
        return found

    assert states(1, 1) == states(2, 2) == states(100, 10)


def test_a_page_is_limited_by_creation_time_on_both_sides(reader: StripeReader, sandbox: StripeSandbox) -> None:
    ids = []
    for _ in range(4):
        ids.append(sandbox.call("POST", "/v1/customers")["id"])
        sandbox.advance(10)
    page = reader.page("customer", cursor=None, since=at(T + 10), until=at(T + 20))
    assert [objects[0].id for objects in page.objects] == [ids[2], ids[1]]
    assert page.as_of == at(T + 40)


def test_canceled_subscriptions_are_listed(reader: StripeReader, sandbox: StripeSandbox) -> None:
    fill(sandbox)
    assert "ended" in [each.content()["status"] for each in listed(reader, "subscription")]


def test_a_listed_objects_text_is_the_slice_that_the_api_sent(
    reader: StripeReader, sandbox: StripeSandbox, wire: Wire
) -> None:
    sent = b'{"object": "list",\n "has_more":false, "data":[ {"id":"cus_1",  "object" :"customer","odd":1.50} ]}'
    wire.answer = lambda call: replace(sandbox.exchange(call), body=sent)
    (objects,) = reader.page("customer", cursor=None, since=None, until=None).objects
    assert objects[0].raw == '{"id":"cus_1",  "object" :"customer","odd":1.50}'


def test_a_deleted_customer_is_read_as_deleted(reader: StripeReader, sandbox: StripeSandbox) -> None:
    customer = sandbox.call("POST", "/v1/customers", {"email": "ann@example.com"})["id"]
    sandbox.call("DELETE", f"/v1/customers/{customer}")
    (snapshot,) = reader.get("customer", customer).snapshots
    assert (snapshot.id, snapshot.deleted) == (customer, True)


@pytest.mark.parametrize("source", RESOURCES)
def test_an_unknown_id_is_not_found(reader: StripeReader, sandbox: StripeSandbox, source: str) -> None:
    with pytest.raises(NotFound, match="resource_missing"):
        reader.get(source, "nobody_1")
    assert len(sandbox.requests) == 1


def test_a_source_that_is_not_ours_is_a_bad_request(reader: StripeReader) -> None:
    with pytest.raises(BadRequest, match="coupon"):
        reader.get("coupon", "co_1")
    with pytest.raises(BadRequest, match="coupon"):
        reader.page("coupon", cursor=None, since=None, until=None)


def test_the_event_log_is_the_providers_newest_first(reader: StripeReader, sandbox: StripeSandbox) -> None:
    fill(sandbox)
    sandbox.advance(DAY)
    kept = [event for event in reversed(sandbox.events) if event["created"] >= sandbox.clock.now() - 30 * DAY]
    found: list[LoggedEvent] = [event for page in logged(reader) for event in page.events]
    assert [event.envelope.event_id for event in found] == [event["id"] for event in kept]
    assert [json.loads(event.payload) for event in found] == kept
    assert [provider.envelope(event.payload) for event in found] == [event.envelope for event in found]


def test_the_event_log_is_limited_by_time_on_both_sides(reader: StripeReader, sandbox: StripeSandbox) -> None:
    for _ in range(4):
        sandbox.call("POST", "/v1/customers")
        sandbox.advance(10)
    page = reader.events(cursor=None, since=at(T + 10), until=at(T + 20))
    assert [event.envelope.occurred_at for event in page.events] == [at(T + 20), at(T + 10)]
    assert page.as_of == at(T + 40)


def test_every_logged_event_translates_to_what_a_read_at_once_says(wire: Wire) -> None:
    """Applying each event of a history in order ends where the API is, in every field."""
    sandbox = StripeSandbox(seed=7, api_key="sk_test_x")
    wire.answer = sandbox.exchange
    fill(sandbox)
    reader = wire.connect(key="sk_test_x")
    last: dict[str, Snapshot] = {}
    for event in sandbox.events:
        for snapshot in provider.map(msgspec.json.encode(event)).snapshots:
            last[snapshot.key] = snapshot
    read = {each.key: each for source in RESOURCES for each in listed(reader, source)}
    reader.close()
    assert {key: each.fields for key, each in read.items()} == {key: last[key].fields for key in read}


def test_events_from_before_basil_tell_what_a_current_read_says(wire: Wire) -> None:
    sandbox = StripeSandbox(seed=7, api_key="sk_test_x")
    sandbox.faults.api_version = "2024-06-20"
    wire.answer = sandbox.exchange
    fill(sandbox)
    reader = wire.connect(key="sk_test_x")
    last = {
        snapshot.key: snapshot
        for event in sandbox.events
        for snapshot in provider.map(msgspec.json.encode(event)).snapshots[:1]
    }
    for source in ("customer", "subscription", "invoice", "dispute", "credit_note", "price"):
        for read in listed(reader, source):
            assert last[read.key].fields == read.fields
    reader.close()


def test_a_thin_notification_leads_to_its_snapshot_event(
    reader: StripeReader, sandbox: StripeSandbox, wire: Wire
) -> None:
    sandbox.register_endpoint(f"{wire.url}/hook", "whsec_test", payload="thin")
    sandbox.call("POST", "/v1/customers", {"email": "ann@example.com"})
    (delivery,) = sandbox.deliveries.pending()
    found = reader.notification(delivery.body)
    assert found is not None
    assert json.loads(found.payload) == sandbox.events[-1]
    assert found.envelope.event_id == sandbox.events[-1]["id"]
    sandbox.advance(31 * DAY)
    assert reader.notification(delivery.body) is None


def test_a_notification_without_twin_leads_nowhere(reader: StripeReader, sandbox: StripeSandbox, wire: Wire) -> None:
    thin = {"id": "evt_test_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"}
    wire.answer = lambda call: replace(sandbox.exchange(call), body=json.dumps(thin).encode(), status=200)
    assert reader.notification(json.dumps(thin).encode()) is None
    assert [call.path for call in wire.calls] == ["/v2/core/events/evt_test_1"]


def test_the_url_that_a_notification_names_is_never_followed(
    reader: StripeReader, sandbox: StripeSandbox, wire: Wire
) -> None:
    related = {"id": "in_1", "type": "invoice", "url": f"{wire.url}/elsewhere"}
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v1.invoice.paid", "related_object": related}
    assert reader.notification(json.dumps(thin).encode()) is None
    assert [path for _, path in sandbox.requests] == ["/v2/core/events/evt_1"]


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"object":"event","id":"evt_1"}'])
def test_a_payload_that_is_no_notification_is_a_bad_request(reader: StripeReader, payload: bytes) -> None:
    with pytest.raises(BadRequest):
        reader.notification(payload)


def test_the_identity_is_the_accounts_id_and_the_mode_that_the_key_shows(wire: Wire, sandbox: StripeSandbox) -> None:
    """Both modes of an account answer with one id, and hold other objects: a test key must not pass for the live one."""
    for key, mark in ((KEY, ":test"), (KEY.replace("_test_", "_live_"), "")):
        sandbox.api_key = key
        reader = wire.connect(key=key)
        wire.readers.append(reader)
        assert reader.identity() == sandbox.settings.account_id + mark


def test_a_new_endpoint_gets_all_that_we_handle_in_our_version(reader: StripeReader, sandbox: StripeSandbox) -> None:
    made = reader.register("https://example.com/webhooks/stripe", None)
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert (made.types, made.api_version, made.enabled) == (provider.types, provider.api_version, True)
    (known,) = reader.endpoints()
    assert known == msgspec.structs.replace(made, secret=None)
    assert list(sandbox.objects("webhook_endpoint")) == [made.id]


def test_an_endpoint_of_our_version_is_amended(reader: StripeReader, sandbox: StripeSandbox) -> None:
    made = reader.register("https://example.com/old", None)
    sandbox.call("POST", f"/v1/webhook_endpoints/{made.id}", {"enabled_events": ["invoice.paid"], "disabled": True})
    amended = reader.register("https://example.com/new", made.id)
    assert amended == msgspec.structs.replace(made, secret=None, url="https://example.com/new")
    assert len(reader.endpoints()) == 1


def test_an_endpoint_of_another_version_is_left_alone_beside_a_new_one(
    reader: StripeReader, sandbox: StripeSandbox
) -> None:
    wanted = {"url": "https://example.com/x", "enabled_events": ["invoice.paid"], "api_version": "2024-06-20"}
    old = sandbox.call("POST", "/v1/webhook_endpoints", wanted)["id"]
    made = reader.register("https://example.com/x", old)
    assert made.id != old
    assert made.secret is not None
    assert {each.id: each.types for each in reader.endpoints()} == {old: ("invoice.paid",), made.id: provider.types}


def test_all_pages_of_endpoints_are_read(reader: StripeReader, sandbox: StripeSandbox) -> None:
    made = {reader.register(f"https://example.com/{number}", None).id for number in range(5)}
    assert {each.id for each in reader.endpoints()} == made == set(sandbox.objects("webhook_endpoint"))


def test_requests_are_pinned_and_authorized(reader: StripeReader, sandbox: StripeSandbox, wire: Wire) -> None:
    price(sandbox)
    reader.page("price", cursor=None, since=None, until=None)
    (call,) = wire.calls
    assert call.headers["stripe-version"] == provider.api_version
    assert call.headers["authorization"] == f"Bearer {sandbox.api_key}"


def test_sweeps_leave_the_workers_share_and_single_reads_may_use_it(
    reader: StripeReader, sandbox: StripeSandbox, wire: Wire
) -> None:
    customer = sandbox.call("POST", "/v1/customers")["id"]
    reader.page("customer", cursor=None, since=None, until=None)
    reader.events(cursor=None, since=at(0), until=at(T))
    reader.get("customer", customer)
    reader.identity()
    assert wire.budget.taken == [False, False, True, True]
