"""Writes: each reads its body, calls the use case, and answers with what became of it. Links that a provider makes, too."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from service.billing import Billing
from service.billing_provider import Result
from service.http.api import bodies, lookup, shapes
from service.http.api.operation import Asked, Reply
from service.http.api.parameters import OfAccount
from service.http.api.problem import Refused
from service.http.api.rows import shaped
from service.model import Kind
from service.store import calls, listing
from service.system import System
from service.write_port import User

S = TypeVar("S", bound=msgspec.Struct)


def create_customer(system: System, asked: Asked[OfAccount, bodies.NewCustomer]) -> Reply:
    """A customer for a user of the application."""
    given = asked.body
    user = User(id=given.user_id, email=given.email, name=given.name, country=given.country)
    account = lookup.only(system, asked.query.account)
    result = _billing(system, account, asked).create_customer(user, idempotency_key=asked.key)
    return _written(system, result, "customer", shapes.Customer, created="/v1/customers")


def create_subscription(system: System, asked: Asked[OfAccount, bodies.NewSubscription]) -> Reply:
    """A subscription, or the checkout that starts one."""
    given = asked.body
    account = lookup.holder(system, "customer", given.customer_id, asked.query.account)
    arguments = msgspec.structs.asdict(given)
    result = _billing(system, account, asked).create_subscription(**arguments, idempotency_key=asked.key)
    return _written(system, result, "subscription", shapes.Subscription, created="/v1/subscriptions")


def cancel(system: System, asked: Asked[OfAccount, bodies.Cancellation]) -> Reply:
    """End a subscription."""
    at_period_end = asked.body.at_period_end
    result = _of(system, "subscription", asked).cancel_subscription(
        asked.id, at_period_end=at_period_end, idempotency_key=asked.key
    )
    return _written(system, result, "subscription", shapes.Subscription)


def resume(system: System, asked: Asked[OfAccount, bodies.Nothing]) -> Reply:
    """Take a scheduled end back."""
    result = _of(system, "subscription", asked).resume_subscription(asked.id, idempotency_key=asked.key)
    return _written(system, result, "subscription", shapes.Subscription)


def change_plan(system: System, asked: Asked[OfAccount, bodies.PlanChange]) -> Reply:
    """Move a subscription to another plan."""
    given = asked.body
    result = _of(system, "subscription", asked).change_plan(
        asked.id, given.plan_id, proration=given.proration, quantity=given.quantity, idempotency_key=asked.key
    )
    return _written(system, result, "subscription", shapes.Subscription)


def refund(system: System, asked: Asked[OfAccount, bodies.NewRefund]) -> Reply:
    """Give money back."""
    given = asked.body
    result = _of(system, "payment", asked).refund(
        asked.id, amount=given.amount, reason=given.reason, override_policy=given.override_policy,
        idempotency_key=asked.key,
    )  # fmt: skip
    return _written(system, result, "refund", shapes.Refund)


def portal(system: System, asked: Asked[OfAccount, bodies.PortalVisit]) -> Reply:
    """Where a customer manages payment methods. Nothing is changed, so it needs no idempotency key."""
    url = _of(system, "customer", asked).customer_portal_url(asked.id, return_url=asked.body.return_url)
    return Reply(shapes.Link(url=url), headers={"cache-control": "no-store"})


def invoice_pdf(system: System, asked: Asked[OfAccount, None]) -> Reply:
    """Where the PDF of an invoice is."""
    url = _of(system, "invoice", asked).invoice_pdf_url(asked.id)
    return Reply(shapes.Link(url=url), headers={"cache-control": "no-store"})


def call(system: System, asked: Asked[OfAccount, None]) -> Reply:
    """One write, and what is known of its outcome."""
    with system.database.read() as connection:
        found = calls.get(connection, asked.id)
    if found is None or found.account not in lookup.accounts(system, asked.query.account):
        raise Refused("not_found", "there is no call of this id")
    return Reply(msgspec.convert(msgspec.structs.asdict(found), shapes.Call))


def _of(system: System, kind: Kind, asked: Asked[OfAccount, Any]) -> Billing:
    """The interface of the account that has the object that the path names."""
    return _billing(system, lookup.holder(system, kind, asked.id, asked.query.account), asked)


def _billing(system: System, account: str, asked: Asked[OfAccount, Any]) -> Billing:
    if asked.key is not None:
        lookup.key_is_of(system, account, asked.key)
    return system.billing(account)


def _written(system: System, result: Result, kind: Kind, shape: type[S], *, created: str | None = None) -> Reply:
    made = shapes.Outcome(
        call_id=result.call_id, account=result.account, operation=result.operation, state=result.state,
        kind=result.kind, object_id=result.object_id, url=result.url, explanation=result.explanation,
        object=_object(system, result, shape) if result.kind == kind else None,
    )  # fmt: skip
    if result.state == "pending_checkout":
        return Reply(made, 202, {"location": f"/v1/calls/{result.call_id}", "cache-control": "no-store"})
    if created is None:
        return Reply(made)
    return Reply(made, 201, {"location": f"{created}/{quote(result.object_id or '')}?account={result.account}"})


def _object(system: System, result: Result, shape: type[S]) -> S | None:
    """The object as the copy holds it now."""
    kind: Kind = result.kind  # type: ignore[assignment]
    with system.database.read() as connection:
        rows = listing.by_id(connection, kind, [result.account], result.object_id or "")
        return next(iter(shaped(connection, rows, shape)), None)
