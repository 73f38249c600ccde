"""The event log as it can be read: filters, order, expiry, versions and thin twins."""

import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import DAY, MONTH, Shop, refusal


def test_events_are_listed_newest_first_and_by_creation_within_a_second(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    shop.subscription()
    listed = [event.id for event in client.v1.events.list({"limit": 100}).data]
    assert listed == [event["id"] for event in reversed(sandbox.events)]


def test_ending_before_walks_up_in_the_order_of_time(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    sandbox.settings.page_cap = 3
    shop.subscription()
    known = sandbox.events[2]["id"]
    seen = [event.id for event in client.v1.events.list({"ending_before": known}).auto_paging_iter()]
    assert seen == [event["id"] for event in sandbox.events[3:]]


def test_events_are_filtered_by_types_and_by_a_wildcard(client: stripe.StripeClient, shop: Shop) -> None:
    shop.subscription()
    some = client.v1.events.list({"types": ["invoice.paid", "customer.created"]}).data
    assert sorted(event.type for event in some) == ["customer.created", "invoice.paid"]
    wild = client.v1.events.list({"type": "price.*"}).data
    assert [event.type for event in wild] == ["price.created"]


def test_type_and_types_exclude_each_other(client: stripe.StripeClient) -> None:
    sent = {"type": "invoice.paid", "types": ["invoice.paid"]}
    assert refusal(lambda: client.v1.events.list(sent)).http_status == 400  # type: ignore[arg-type]


def test_events_are_filtered_by_creation(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    shop.customer()
    sandbox.advance(10)
    shop.customer()
    now = sandbox.clock.now()
    assert len(client.v1.events.list({"created": {"gte": now}}).data) == 1
    assert len(client.v1.events.list({"created": {"lt": now}}).data) == 1
    assert len(client.v1.events.list({"created": now - 10}).data) == 1


def test_an_event_is_kept_for_thirty_days(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    shop.customer()
    event = sandbox.events[0]["id"]
    sandbox.advance(30 * DAY)
    assert client.v1.events.retrieve(event).id == event
    sandbox.advance(1)
    assert client.v1.events.list().data == []
    assert refusal(lambda: client.v1.events.retrieve(event)).code == "resource_missing"


def test_an_event_keeps_what_it_said(client: stripe.StripeClient, sandbox: StripeSandbox) -> None:
    customer = client.v1.customers.create({"name": "Ada"})
    client.v1.customers.update(customer.id, {"name": "Grace"})
    first = client.v1.events.retrieve(sandbox.events[0]["id"])
    assert first.data.object["name"] == "Ada"


def test_an_event_names_the_request_and_the_key_that_caused_it(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    client.v1.customers.create({}, {"idempotency_key": "mine"})
    assert sandbox.events[0]["request"]["idempotency_key"] == "mine"
    assert sandbox.events[0]["request"]["id"].startswith("req_")
    shop.subscription()
    sandbox.advance(MONTH)
    assert sandbox.events[-1]["request"] == {"id": None, "idempotency_key": None}


def test_each_update_is_an_edge_from_the_object_as_it_was(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    customer = client.v1.customers.create({"name": "a"})
    for name in ("b", "c", "a"):
        client.v1.customers.update(customer.id, {"name": name})
    updates = [event for event in sandbox.events if event["type"] == "customer.updated"]
    edges = [(e["data"]["previous_attributes"]["name"], e["data"]["object"]["name"]) for e in updates]
    assert edges == [("a", "b"), ("b", "c"), ("c", "a")]
    assert len({event["created"] for event in updates}) == 1
    assert shop.get("customer", customer.id)["name"] == "a"


def test_stamps_can_be_made_coarser(sandbox: StripeSandbox, shop: Shop) -> None:
    sandbox.faults.stamp_seconds = 60
    shop.customer()
    sandbox.advance(19)
    shop.customer()
    assert {event["created"] % 60 for event in sandbox.events} == {0}


def test_an_event_of_an_old_version_has_the_old_shape(sandbox: StripeSandbox, shop: Shop) -> None:
    sandbox.faults.api_version = "2024-06-20"
    subscription = shop.subscription()
    event = shop.last("customer.subscription.created")
    assert event["api_version"] == "2024-06-20"
    old = event["data"]["object"]
    assert old["current_period_end"] == subscription["items"]["data"][0]["current_period_end"]
    assert "current_period_end" not in old["items"]["data"][0]
    invoice = shop.last("invoice.paid")["data"]["object"]
    charge = shop.last("charge.succeeded")["data"]["object"]
    assert invoice["paid"] is True
    assert (invoice["subscription"], invoice["charge"]) == (subscription["id"], charge["id"])
    assert (charge["invoice"], "parent" in invoice) == (invoice["id"], False)
    assert invoice["lines"]["data"][0]["price"]["unit_amount"] == 1_000


def test_an_old_update_reports_old_attributes(sandbox: StripeSandbox, shop: Shop) -> None:
    sandbox.faults.api_version = "2024-06-20"
    made = shop.subscription()
    sandbox.advance(MONTH)
    before = shop.last("customer.subscription.updated")["data"]["previous_attributes"]
    assert before["current_period_end"] == made["items"]["data"][0]["current_period_end"]


def test_a_request_for_an_old_version_gets_the_old_shape(client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription()
    old = client.v1.subscriptions.retrieve(made["id"], {}, {"stripe_version": "2024-06-20"})
    assert old.to_dict()["current_period_start"] == made["items"]["data"][0]["current_period_start"]


def test_a_thin_twin_names_its_snapshot(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook", "whsec_x", payload="thin")
    customer = shop.customer()
    body = sandbox.deliveries.take()[0].body
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), "whsec_x")
    note = client.parse_event_notification(body, header, "whsec_x")
    assert note.type == "v1.customer.created"
    full = client.v2.core.events.retrieve(note.id).to_dict()
    assert full["snapshot_event"] == sandbox.events[0]["id"]
    assert full["related_object"] == {"id": customer, "type": "customer", "url": f"/v1/customers/{customer}"}
