"""Usage at Stripe: meter events, their sums, and what Stripe refused of them afterwards.

Facts: stripe-python 16.1.0 (`billing.MeterEvent`, `MeterEventSummary`), docs.stripe.com/billing/subscriptions/usage-based. An
event counts once for its identifier for at least 24 hours, and may be 35 days old. It is billed with the period of its
timestamp until that period's invoice is finalized, by default an hour after the period ends. Values are whole numbers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from service.errors import BadRequest, NotFound, RateLimited
from service.provider import Connection
from service.providers.stripe.listing import read_all
from service.providers.stripe.wire import API, DUPLICATE_USAGE
from service.refusals import broken
from service.transport import Answer, Params, Sleep, Transport, segment
from service.usage_port import Manner, Rejection, UsageRules, UsageScope, UsageSend, UsageTotal

RULES: Final = UsageRules(
    options=("event_name", "meter_id", "price_id", "customer_key", "value_key"),
    required=("event_name",),
    every=60,
    dated=True,
    # Half of the hour for which a period's invoice stays a draft: the rest is for what has to be tried again.
    grace=timedelta(minutes=30),
    once_for=timedelta(hours=24),
    totals="period",
    # Events are added up asynchronously; no figure is published.
    shows_after=timedelta(minutes=15),
    grain=60,
    price_option="price_id",
)
_METERS: Final = "/v1/billing/meters"
_CONFLICT: Final = ": 409"


class _Summary(msgspec.Struct):
    aggregated_value: float


class _Summaries(msgspec.Struct):
    data: list[_Summary]


class _Sample(msgspec.Struct):
    request: dict[str, Any] | None = None


class _Kind(msgspec.Struct):
    code: str | None = None
    sample_errors: list[_Sample] = []


class _Reason(msgspec.Struct):
    error_types: list[_Kind] = []


class _Data(msgspec.Struct):
    reason: _Reason | None = None


class _Report(msgspec.Struct):
    data: _Data | None = None


class _Thin(msgspec.Struct):
    id: str


def manner(options: Mapping[str, str], aggregation: Literal["sum", "last"]) -> Manner:  # noqa: ARG001
    """A meter of the formula `last` takes the newest value, any other what is new. Pure."""
    return Manner(mode="set" if aggregation == "last" else "add")


class StripeUsage:
    """`service.usage_port.UsageWriter` for Stripe. `sleep` waits between attempts at reads."""

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(API, connection, sleep)
        self._meters: dict[str, str] = {}

    def send_usage(self, send: UsageSend) -> None:
        """One meter event. Stripe refuses an identifier that it has seen: then the event is there."""
        options = send.scope.options
        form: Params = {
            "event_name": options["event_name"],
            "identifier": send.identifier,
            "timestamp": int(send.at.timestamp()),
            f"payload[{options.get('customer_key', 'stripe_customer_id')}]": send.scope.customer_id,
            f"payload[{options.get('value_key', 'value')}]": send.quantity,
        }
        # A key of its own each time: Stripe would answer a stored 500 again and again under the same one.
        key = uuid.uuid4().hex
        try:
            self._transport.write_form(
                "POST", "/v1/billing/meter_events", form, idempotency_key=key, deadline=send.deadline
            )
        except BadRequest as error:
            if _CONFLICT in str(error):
                raise RateLimited(str(error)) from error
            if DUPLICATE_USAGE not in str(error):
                raise

    def usage_total(self, scope: UsageScope) -> UsageTotal | None:
        """The meter's sum over the period, whose bounds are whole minutes. Stripe takes a while to add up what came last."""
        if scope.start is None or scope.end is None:
            return None
        params: Params = {
            "customer": scope.customer_id,
            "start_time": int(scope.start.timestamp()),
            "end_time": int(scope.end.timestamp()),
        }
        path = f"{_METERS}/{segment(self._meter_id(scope.options))}/event_summaries"
        answer = self._transport.get(path, params, reserve=True)
        found: _Summaries = answer.decoded(_Summaries)
        total = sum(each.aggregated_value for each in found.data)
        if total != int(total):
            raise broken(answer.operation, "a sum of usage that is no whole number")
        return UsageTotal(quantity=int(total), start=scope.start, end=scope.end)

    def rejections(self, payload: bytes) -> Sequence[Rejection]:
        """The refused events that an error report names. It gives samples: what it leaves out a reconcile run finds."""
        try:
            thin = msgspec.json.decode(payload, type=_Thin)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest("not a thin notification") from error
        try:
            answer = self._transport.get(f"/v2/core/events/{segment(thin.id)}", reserve=True)
        except NotFound:
            return ()
        return _rejections(answer)

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _meter_id(self, options: Mapping[str, str]) -> str:
        """The meter's id: as configured, or of the active meter with the event name."""
        name = options["event_name"]
        found = options.get("meter_id") or self._meters.get(name)
        if found is None:
            active = read_all(self._transport, _METERS, {"status": "active"}, "billing.meter", reserve=True)
            self._meters |= {str(each.get("event_name")): str(each["id"]) for each in active}
            found = self._meters.get(name)
        if found is None:
            raise NotFound(f"GET {_METERS}: there is no active meter with the event name {name!r}")
        return found


def _rejections(answer: Answer) -> Sequence[Rejection]:
    report: _Report = answer.decoded(_Report)
    kinds = report.data.reason.error_types if report.data is not None and report.data.reason is not None else []
    return [
        Rejection(identifier=identifier, reason=kind.code or "rejected")
        for kind in kinds
        for sample in kind.sample_errors
        if isinstance(identifier := (sample.request or {}).get("identifier"), str)
    ]
