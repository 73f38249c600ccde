"""The read side and the mapping against the stand-in, which buys, renews, fails and refunds by itself."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from service.model import Snapshot
from service.providers.lemonsqueezy import provider
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.providers.lemonsqueezy.resources import RESOURCES
from service.sandbox.lemonsqueezy import LemonSqueezySandbox, sign
from tests.providers.lemonsqueezy.conftest import Wire
from tests.providers.lemonsqueezy.given import KEY, SECRET, at, content, told
from tests.providers.lemonsqueezy.test_reader import ids, listed

DAY = 86_400


@pytest.fixture
def sandbox(wire: Wire) -> LemonSqueezySandbox:
    """The stand-in behind the wire, with pages so small that every list is cut off."""
    sandbox = LemonSqueezySandbox(seed=7, api_key=KEY, page_cap=2, rate_limit=None)
    wire.answer = sandbox.exchange
    return sandbox


def fill(sandbox: LemonSqueezySandbox) -> None:
    """Subscriptions in every status, single purchases, failed renewals and refunds of all sizes."""
    product = sandbox.add_product("Pro")
    monthly = sandbox.add_variant(product, "Monthly", unit_price=1_900)
    trial = sandbox.add_variant(product, "Trial", unit_price=900, trial_days=14)
    sandbox.add_variant(product, "Usage", unit_price="0.5", usage="sum")
    single = sandbox.add_variant(product, "Single", unit_price=5_000, interval=None)
    for number in range(4):
        sandbox.buy(monthly, f"user{number}@example.com", custom={"user_id": str(number)}, quantity=number + 1)
        sandbox.advance(60)
    sandbox.buy(trial, "user1@example.com", custom={"user_id": "1"})
    sandbox.buy(single, "user2@example.com")
    sandbox.buy(single, "user3@example.com", currency="PLN")
    subscriptions = list(sandbox.objects("subscriptions").values())
    sandbox.payments.fail_next(subscriptions[1]["attributes"]["customer_id"], 9)
    sandbox.payments.fail_next(subscriptions[2]["attributes"]["customer_id"], 1)
    sandbox.call("DELETE", f"/v1/subscriptions/{subscriptions[0]['id']}")
    sandbox.advance(40 * DAY)
    pause = {"type": "subscriptions", "id": subscriptions[3]["id"], "attributes": {"pause": {"mode": "free"}}}
    sandbox.call("PATCH", f"/v1/subscriptions/{subscriptions[3]['id']}", {"data": pause})
    orders, invoices = list(sandbox.objects("orders")), list(sandbox.objects("subscription-invoices"))
    sandbox.refund("orders", orders[-1])
    sandbox.refund("orders", orders[-2], 100)
    sandbox.refund("subscription-invoices", invoices[0], 100)
    sandbox.refund("subscription-invoices", invoices[0], 200)


def replayed(sandbox: LemonSqueezySandbox) -> dict[tuple[str, str, str], Snapshot]:
    """What the last event of each object says, by its key and row."""
    return {
        (each.key, each.kind, each.id): each
        for event in sandbox.events
        for each in provider.map(msgspec.json.encode(event)).snapshots
    }


@pytest.mark.parametrize("source", RESOURCES)
def test_a_listing_holds_every_object_once(
    reader: LemonSqueezyReader, sandbox: LemonSqueezySandbox, source: str
) -> None:
    fill(sandbox)
    found = ids(reader, source)
    assert sorted(found) == sorted(sandbox.objects(source))
    assert len(found) > 2 or source == "products"


@pytest.mark.parametrize("source", RESOURCES)
def test_a_read_by_id_says_the_same_as_the_listing(
    reader: LemonSqueezyReader, sandbox: LemonSqueezySandbox, source: str
) -> None:
    fill(sandbox)
    for objects in listed(reader, source):
        read = reader.get(source, objects[0].source_id)
        assert [(each.key, each.id, each.fields, each.as_of) for each in read.snapshots] == [
            (each.key, each.id, each.fields, each.as_of) for each in objects
        ]


def test_the_last_event_of_every_object_says_what_a_read_says_but_for_the_user(
    wire: Wire, sandbox: LemonSqueezySandbox
) -> None:
    fill(sandbox)
    reader, last = wire.connect(), replayed(sandbox)
    read = [each for source in RESOURCES for objects in listed(reader, source) for each in objects]
    eventful = [each for each in read if each.source in ("subscriptions", "orders", "subscription-invoices")]
    assert len({each.content()["status"] for each in eventful if each.kind == "subscription"}) >= 3
    assert {each.kind for each in eventful} == {"subscription", "invoice", "payment", "refund"}
    for each in eventful:
        event = last[each.key, each.kind, each.id]
        assert {**told(each), "user_id": None} == {**told(event), "user_id": None}
        assert each.as_of == event.as_of


def test_every_event_has_an_envelope_that_agrees_with_its_snapshots(sandbox: LemonSqueezySandbox) -> None:
    fill(sandbox)
    keys = set()
    for event in sandbox.events:
        body = msgspec.json.encode(event)
        envelope, first = provider.envelope(body), provider.map(body).snapshots[0]
        assert (envelope.kind, envelope.object_id, envelope.occurred_at) == (first.source, first.source_id, first.as_of)
        assert (envelope.ignored, envelope.livemode, envelope.scope) == (None, False, "1")
        assert envelope.customer_id == content(first)["customer_id"]
        keys.add(envelope.content_key)
    assert len(keys) == len(sandbox.events) > 20


@pytest.mark.parametrize("keep_id", [True, False])
def test_what_is_sent_again_has_the_same_content_key_and_a_good_signature(
    sandbox: LemonSqueezySandbox, keep_id: bool
) -> None:
    sandbox.register_endpoint("http://127.0.0.1:1/hook", SECRET)
    sandbox.buy(sandbox.add_variant(sandbox.add_product()), custom={"user_id": "1"})
    sent = len(sandbox.deliveries.pending())
    sandbox.advance(3)
    for number in range(len(sandbox.events)):
        sandbox.resend(number, keep_id=keep_id, fresh_render=True)
    deliveries = sandbox.deliveries.pending()
    assert len(deliveries) == 2 * sent > 0
    for delivery in deliveries:
        headers = {b"x-signature": sign(delivery.body, delivery.secret).encode()}
        provider.verify(headers=headers, body=delivery.body, secrets=[SECRET], now=0, tolerance=0)
    found = [provider.envelope(each.body) for each in deliveries]
    assert [each.content_key for each in found[:sent]] == [each.content_key for each in found[sent:]]
    assert ([each.event_id for each in found[:sent]] == [each.event_id for each in found[sent:]]) is keep_id


def test_a_failed_renewal_stays_pending_in_reads_and_the_event_tells_of_the_attempt(
    reader: LemonSqueezyReader, sandbox: LemonSqueezySandbox
) -> None:
    sandbox.buy(sandbox.add_variant(sandbox.add_product()))
    (customer,) = sandbox.objects("customers")
    sandbox.payments.fail_next(customer, 1)
    sandbox.advance(32 * DAY)
    attempt = next(each for key, each in replayed(sandbox).items() if key[0].startswith("payment-failures:"))
    assert told(attempt)["status"] == "failed"
    read = reader.get("payment-failures", attempt.source_id)
    assert [(each.kind, each.content()["status"]) for each in read.snapshots] == [
        ("invoice", "open"),
        ("payment", "pending"),
    ]


def test_an_order_that_began_a_subscription_is_named_by_it(
    reader: LemonSqueezyReader, sandbox: LemonSqueezySandbox
) -> None:
    fill(sandbox)
    orders = {objects[0].id for objects in listed(reader, "orders")}
    begun = {objects[0].content()["begun_by"] for objects in listed(reader, "subscriptions")}
    assert begun < orders
    assert len(orders - begun) == 2


def test_the_identity_stays_while_the_store_sells(wire: Wire, sandbox: LemonSqueezySandbox) -> None:
    readers = (wire.connect(), wire.connect(store_id="1"))
    before = [reader.identity() for reader in readers]
    fill(sandbox)
    assert [reader.identity() for reader in readers] == before
    assert [each.removesuffix(":test") for each in before] == ["user:1", "store:1"]


def test_another_stores_objects_stay_out(wire: Wire, sandbox: LemonSqueezySandbox) -> None:
    fill(sandbox)
    other = sandbox.add_store("Other")
    sandbox.buy(sandbox.add_variant(sandbox.add_product("Book", store_id=other)), "other@example.com")
    reader = wire.connect(store_id=other)
    assert {source: len(ids(reader, source)) for source in RESOURCES} == dict.fromkeys(RESOURCES, 1)


def test_a_webhook_is_registered_amended_and_delivers_what_we_can_verify(
    wire: Wire, sandbox: LemonSqueezySandbox
) -> None:
    reader = wire.connect(store_id="1")
    made = reader.register("http://127.0.0.1:1/old", None)
    amended = reader.register("http://127.0.0.1:1/new", made.id)
    assert (amended.id, amended.url, amended.types) == (made.id, "http://127.0.0.1:1/new", provider.types)
    assert list(reader.endpoints()) == [amended]
    sandbox.buy(sandbox.add_variant(sandbox.add_product()))
    types = {provider.envelope(each.body).type for each in sandbox.deliveries.pending()}
    assert types >= {"order_created", "subscription_created", "subscription_payment_success"}


@pytest.mark.parametrize("newest_first", [True, False])
def test_customers_who_come_between_the_pages_hide_nobody(wire: Wire, newest_first: bool) -> None:
    sandbox = LemonSqueezySandbox(seed=7, api_key=KEY, page_cap=3, rate_limit=None, newest_first=newest_first)
    wire.answer = sandbox.exchange
    fill(sandbox)
    before, coming = set(sandbox.objects("customers")), iter(range(5))
    sandbox.settings.between_pages = _while(sandbox, lambda: next(coming, None) is not None)
    reader = wire.connect()
    assert set(ids(reader, "customers")) >= before


def _while(sandbox: LemonSqueezySandbox, more: Callable[[], bool]) -> Callable[[], None]:
    def between() -> None:
        if more():
            attributes = {"name": "Eve", "email": f"eve{len(sandbox.objects('customers'))}@example.com"}
            store = {"store": {"data": {"type": "stores", "id": "1"}}}
            data = {"type": "customers", "attributes": attributes, "relationships": store}
            sandbox.call("POST", "/v1/customers", {"data": data})

    return between


def test_an_objects_version_is_its_last_update(reader: LemonSqueezyReader, sandbox: LemonSqueezySandbox) -> None:
    fill(sandbox)
    for source in RESOURCES:
        shown = sandbox.objects(source)
        for objects in listed(reader, source):
            assert objects[0].as_of == at(shown[objects[0].source_id]["attributes"]["updated_at"])
