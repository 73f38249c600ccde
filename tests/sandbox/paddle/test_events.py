"""The event log, and the order that ids and times give it."""

from service.sandbox.paddle import PaddleSandbox
from service.sandbox.paddle.times import Moments, micros
from service.sandbox.paddle.ulids import Ulids
from tests.sandbox.paddle.shop import DAY, MONTH, Shop


def test_the_log_is_listed_as_it_was_written(shop: Shop) -> None:
    shop.subscription()
    listed = shop.rows("/events", per_page=200, order_by="id[ASC]")
    assert listed == shop.sandbox.events
    assert [event["event_id"] for event in shop.rows("/events")] == [e["event_id"] for e in reversed(listed)]


def test_events_are_filtered_by_type_and_time(shop: Shop) -> None:
    shop.customer()
    shop.sandbox.advance(60)
    shop.customer()
    shop.price()
    asked = shop.rows("/events", event_type="customer.created,price.created")
    assert [event["event_type"] for event in asked] == ["price.created", "customer.created", "customer.created"]
    first, second = asked[2]["occurred_at"], asked[1]["occurred_at"]
    assert [event["occurred_at"] for event in shop.rows("/events", to=first)] == [first]
    assert shop.rows("/events", **{"from": second})[-1]["occurred_at"] == second
    assert shop.rows("/events", filter=asked[1]["data"]["id"]) == [asked[1]]


def test_events_go_on_after_the_last_one_seen(shop: Shop) -> None:
    shop.customer()
    seen = shop.sandbox.events[-1]["event_id"]
    shop.customer()
    more = shop.rows("/events", after=seen, order_by="id[ASC]")
    assert more == shop.sandbox.events[-1:]


def test_events_are_forgotten_after_90_days(shop: Shop) -> None:
    shop.customer()
    old = shop.sandbox.events[0]["event_id"]
    shop.sandbox.advance(90 * DAY)
    assert len(shop.rows("/events")) == 1
    shop.sandbox.advance(1)
    shop.customer()
    assert [event["event_id"] for event in shop.rows("/events")] == [shop.sandbox.events[-1]["event_id"]]
    assert len(shop.rows("/events", after=old, order_by="id[ASC]")) == 1
    assert len(shop.sandbox.events) == 2
    shop.sandbox.faults.reset()
    assert shop.sandbox.faults.event_days == 90


def test_an_event_occurs_a_little_after_what_it_tells(shop: Shop) -> None:
    shop.subscription()
    shop.sandbox.advance(MONTH)
    last = 0
    for event in shop.sandbox.events:
        changed, occurred = micros(event["data"]["updated_at"]), micros(event["occurred_at"])
        assert 100 < occurred - changed < 3_000
        assert occurred > last
        last = occurred


def test_ten_thousand_changes_fit_into_a_second() -> None:
    moments = Moments()
    made = [moments.next(1_790_000_000) for _ in range(20_000)]
    assert made == sorted(set(made))
    assert made[-1] < 1_790_000_001_000_000
    assert made[1] - made[0] > 300


def test_changes_can_share_a_stamp(shop: Shop) -> None:
    shop.sandbox.faults.stamp_seconds = 10
    customer = shop.customer()
    shop.sandbox.advance(3)
    shop.patch(f"/customers/{customer}", {"name": "Ada"})
    shop.patch(f"/customers/{customer}", {"name": "Eve"})
    stamps = {(event["occurred_at"], event["data"]["updated_at"]) for event in shop.sandbox.events}
    assert len(stamps) == 1
    ids = [event["event_id"] for event in shop.sandbox.events]
    assert ids == sorted(set(ids))


def test_an_events_data_does_not_change_with_the_object(shop: Shop) -> None:
    customer = shop.customer(custom_data={"a": [1]})
    shop.patch(f"/customers/{customer}", {"name": "Ada", "custom_data": {}})
    assert shop.sandbox.events[0]["data"]["custom_data"] == {"a": [1]}


def test_every_type_can_be_listed(shop: Shop) -> None:
    names = {row["name"] for row in shop.rows("/event-types")}
    shop.subscription()
    assert {event["event_type"] for event in shop.sandbox.events} < names
    assert "invoice.paid" not in names


def test_ids_are_sorted_by_creation_and_fixed_by_the_seed() -> None:
    moments = [1_790_000_000_000_000, 1_790_000_000_000_001, 1_790_000_000_000_001, 1_790_000_000_002_000]
    source, again = Ulids(3), Ulids(3)
    made = [source.new("evt", each) for each in moments]
    assert made == sorted(set(made)) == [again.new("evt", each) for each in moments]
    assert all(len(each) == len("evt_") + 26 and each == each.lower() for each in made)


def test_a_destination_more_changes_no_objects_id() -> None:
    def ids(*, listening: bool) -> list[str]:
        sandbox = PaddleSandbox(seed=5)
        if listening:
            sandbox.register_endpoint("http://127.0.0.1:9/hook", "pdl_ntfset_x")
        Shop(sandbox).subscription()
        sandbox.call("GET", "/events")
        return [event["event_id"][14:] for event in sandbox.events]

    assert ids(listening=True) == ids(listening=False)
