"""Usage: recorded here, durably and once for each key, and told to the provider later; and the bill to come of it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from service.errors import UnknownCustomer, UsageError
from service.http.api import lookup, outcomes, shapes
from service.http.api.asking import missing_key
from service.http.api.bodies import UsageRecord
from service.http.api.operation import Asked, Reply
from service.http.api.parameters import OfAccount, OfPeriod
from service.http.api.problem import Refused
from service.system import System
from service.usage import Outcome, UsageReport


def report(system: System, asked: Asked[OfAccount, UsageRecord | list[UsageRecord]]) -> Reply:
    """Record one report, or many, of which one that is refused spoils no other."""
    lookup.accounts(system, asked.query.account)
    given = asked.body
    if isinstance(given, UsageRecord):
        return Reply(system.usage.report(_report(given, asked, "")), 201)
    reports = [_report(each, asked, f":{index}") for index, each in enumerate(given)]
    found = [_result(index, outcome) for index, outcome in enumerate(system.usage.report_many(reports))]
    counts = {status: sum(each.status == status for each in found) for status in ("recorded", "duplicate", "refused")}
    return Reply(shapes.UsageResults(data=found, **counts))


def bill(system: System, asked: Asked[OfPeriod, None]) -> Reply:
    """What a customer used and what it costs, meter by meter."""
    given = asked.query
    account = lookup.owner(system, given.customer, given.account)
    month = None if given.period is UNSET else given.period
    try:
        return Reply(system.bills.of(customer_id=given.customer, account=account, month=month))
    except UnknownCustomer as error:
        raise Refused("not_found", str(error)) from None


def _report(record: UsageRecord, asked: Asked[OfAccount, Any], place: str) -> UsageReport:
    """A record without a key of its own takes the request's; in a batch, with its place in it."""
    key = record.idempotency_key or (asked.key and asked.key + place)
    if not key:
        raise missing_key()
    account = record.account or (None if asked.query.account is UNSET else asked.query.account)
    values = msgspec.structs.asdict(record) | {"idempotency_key": key, "account": account}
    return UsageReport(**values)


def _result(index: int, outcome: Outcome) -> shapes.UsageResult:
    if isinstance(outcome, UsageError):
        refused = outcomes.refusal(outcome)
        pointer = next((str(each.pointer).replace("#", f"#/{index}", 1) for each in refused.errors), UNSET)
        return shapes.UsageResult(status="refused", cause=refused.cause, detail=refused.detail, pointer=pointer)
    return shapes.UsageResult(status=outcome.status, record=outcome)
