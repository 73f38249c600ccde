"""Meters, usage and its summaries."""

import pytest
import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import DAY, HOUR, MINUTE, Shop, param_of, refusal


@pytest.fixture
def meter(client: stripe.StripeClient) -> str:
    sent = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    return client.v1.billing.meters.create(sent).id  # type: ignore[arg-type]


def _use(client: stripe.StripeClient, customer: str, value: str = "1", **more: object) -> stripe.billing.MeterEvent:
    sent = {"event_name": "calls", "payload": {"stripe_customer_id": customer, "value": value}} | more
    return client.v1.billing.meter_events.create(sent)  # type: ignore[arg-type]


def _minute(sandbox: StripeSandbox, offset: int = 0) -> int:
    return sandbox.clock.now() // MINUTE * MINUTE + offset


def test_usage_adds_up(client: stripe.StripeClient, sandbox: StripeSandbox, shop: Shop, meter: str) -> None:
    customer = shop.customer()
    for value in ("3", "4.5"):
        _use(client, customer, value)
    _use(client, shop.customer(), "100")
    span = {"customer": customer, "start_time": _minute(sandbox), "end_time": _minute(sandbox, MINUTE)}
    summary = client.v1.billing.meters.event_summaries.list(meter, span).data  # type: ignore[arg-type]
    assert [each.aggregated_value for each in summary] == [7.5]


def test_usage_can_be_read_by_the_hour(
    client: stripe.StripeClient, sandbox: StripeSandbox, shop: Shop, meter: str
) -> None:
    customer = shop.customer()
    start = sandbox.clock.now() // HOUR * HOUR
    sandbox.advance(3 * HOUR)
    for at in (start, start + 2 * HOUR, start + 2 * HOUR + 1):
        _use(client, customer, timestamp=at)
    span = {"customer": customer, "start_time": start, "end_time": start + 3 * HOUR, "value_grouping_window": "hour"}
    found = client.v1.billing.meters.event_summaries.list(meter, span).data  # type: ignore[arg-type]
    assert [(each.start_time - start, each.aggregated_value) for each in found] == [(2 * HOUR, 2.0), (0, 1.0)]


def test_an_identifier_counts_once_within_a_day(
    client: stripe.StripeClient, sandbox: StripeSandbox, shop: Shop, meter: str
) -> None:
    assert meter
    customer = shop.customer()
    _use(client, customer, identifier="once")
    assert refusal(lambda: _use(client, customer, identifier="once")).http_status == 400
    sandbox.advance(DAY)
    assert _use(client, customer, identifier="once").identifier == "once"


@pytest.mark.parametrize("offset", [-35 * DAY - 1, 301])
def test_a_timestamp_out_of_range_is_refused(
    client: stripe.StripeClient, sandbox: StripeSandbox, shop: Shop, meter: str, offset: int
) -> None:
    assert meter
    customer = shop.customer()
    error = refusal(lambda: _use(client, customer, timestamp=sandbox.clock.now() + offset))
    assert (error.http_status, param_of(error)) == (400, "timestamp")


def test_summaries_begin_and_end_on_the_minute(
    client: stripe.StripeClient, sandbox: StripeSandbox, shop: Shop, meter: str
) -> None:
    span = {"customer": shop.customer(), "start_time": _minute(sandbox, 1), "end_time": _minute(sandbox, MINUTE)}
    error = refusal(lambda: client.v1.billing.meters.event_summaries.list(meter, span))  # type: ignore[arg-type]
    assert param_of(error) == "start_time"


def test_usage_of_an_unknown_customer_is_accepted_and_reported_thin(
    client: stripe.StripeClient, sandbox: StripeSandbox, meter: str
) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook", "whsec_x", payload="thin")
    _use(client, "cus_none", identifier="lost")
    delivery = sandbox.deliveries.take()[-1]
    full = client.v2.core.events.retrieve(delivery.event_id).to_dict()
    assert full["type"] == "v1.billing.meter.error_report_triggered"
    assert full["related_object"]["id"] == meter
    kind = full["data"]["reason"]["error_types"][0]
    assert kind["code"] == "meter_event_customer_not_found"
    assert kind["sample_errors"][0]["request"]["identifier"] == "lost"


def test_usage_without_a_meter_is_reported_thin(
    client: stripe.StripeClient, sandbox: StripeSandbox, shop: Shop
) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook", "whsec_x", payload="thin")
    _use(client, shop.customer())
    full = client.v2.core.events.retrieve(sandbox.deliveries.take()[-1].event_id).to_dict()
    assert (full["type"], full["related_object"]) == ("v1.billing.meter.no_meter_found", None)


def test_a_deactivated_meter_leaves_the_active_list(client: stripe.StripeClient, shop: Shop, meter: str) -> None:
    assert shop.during(lambda: client.v1.billing.meters.deactivate(meter)) == ["billing.meter.deactivated"]
    assert client.v1.billing.meters.list({"status": "active"}).data == []
    assert client.v1.billing.meters.reactivate(meter).status == "active"
