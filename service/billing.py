"""One account as an application uses it: `BillingProvider` over any adapter, with intents recorded and state kept.

What is asked in the application's words (plans, our user ids) becomes what the provider needs (price ids, e-mail addresses) here;
how a write is done once is in `service.calls`, how it is sent in the adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeVar

import msgspec

from service.account import Account
from service.billing_provider import IssuedInvoice, Recorded, Result
from service.calls import Calls, Request
from service.errors import BadRequest, NotFound
from service.keep import keep_read
from service.model import Cause, Customer, Fields, Invoice, Kind, Payment, Subscription
from service.provider import Read
from service.refunds import Allowance
from service.store import billing_rows
from service.store.engine import Database
from service.usage import Usage, UsageReport
from service.write_port import (
    CancelSubscription,
    ChangePlan,
    CreateCustomer,
    CreateSubscription,
    Item,
    RefundPayment,
    ResumeSubscription,
    User,
)

F = TypeVar("F", bound=Fields)
Proration = Literal["prorate", "invoice_now", "none"]


class Rules(Protocol):
    """What the catalogue knows: which prices a plan has at an account, and what the refund policy allows."""

    def price_ids(self, account: str, plan_id: str, currency: str | None) -> tuple[str, ...]:
        """The prices of a plan. Raises `BadRequest` that names the plan, or the account that has no price for it."""
        ...

    def all_price_ids(self, account: str) -> frozenset[str]:
        """Every price of any plan at this account."""
        ...

    def plan_of(self, account: str, price_id: str) -> str | None:
        """The plan that a price belongs to; None where no plan names it."""
        ...

    def refundable(
        self, payment: Payment, refunded: int, subscription: Subscription | None, plan_id: str | None, now: datetime
    ) -> Allowance:
        """What may be given back of a payment of which `refunded` was given back already. Pure."""
        ...


class Billing:
    """`service.billing_provider.BillingProvider` for one account. Safe to share between threads."""

    def __init__(
        self, database: Database, account: Account, rules: Rules, usage: Usage, *, calls: Calls | None = None
    ) -> None:
        self._database = database
        self._usage = usage
        self._account = account
        self._rules = rules
        self._calls = calls or Calls(database, account)

    # --- writes

    def create_customer(self, user: User, *, idempotency_key: str | None = None) -> Result:
        """A customer for this user; see `BillingProvider`."""
        if not user.id or not user.email:
            raise BadRequest("a customer needs the application's user id and an e-mail address")
        request = Request("create_customer", {"user": msgspec.to_builtins(user)})
        return self._calls.run(request, lambda: CreateCustomer(user=user), idempotency_key)

    def create_subscription(
        self,
        customer_id: str,
        plan_id: str,
        *,
        quantity: int = 1,
        currency: str | None = None,
        trial_days: int | None = None,
        collection: Literal["automatic", "invoice"] = "automatic",
        net_days: int = 30,
        purchase_order: str | None = None,
        address_id: str | None = None,
        return_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Result:
        """A subscription to a plan, or the checkout that starts one; see `BillingProvider`."""
        arguments = {
            "customer_id": customer_id, "plan_id": plan_id, "quantity": quantity, "currency": currency,
            "trial_days": trial_days, "collection": collection, "net_days": net_days, "purchase_order": purchase_order,
            "address_id": address_id, "return_url": return_url,
        }  # fmt: skip

        def build() -> CreateSubscription:
            customer = self._row("customer", customer_id, Customer)
            return CreateSubscription(
                customer_id=customer_id, items=self._items(plan_id, quantity, currency), plan_id=plan_id,
                user_id=customer.user_id, email=customer.email, currency=currency, trial_days=trial_days,
                collection=collection, net_days=net_days, purchase_order=purchase_order, address_id=address_id,
                return_url=return_url,
            )  # fmt: skip

        return self._calls.run(Request("create_subscription", arguments), build, idempotency_key)

    def cancel_subscription(
        self, subscription_id: str, *, at_period_end: bool = True, idempotency_key: str | None = None
    ) -> Result:
        """End a subscription now, or when what is paid for ends; see `BillingProvider`."""
        operation = CancelSubscription(subscription_id=subscription_id, at_period_end=at_period_end)
        request = Request("cancel_subscription", {"subscription_id": subscription_id, "at_period_end": at_period_end})
        return self._calls.run(request, lambda: operation, idempotency_key)

    def resume_subscription(self, subscription_id: str, *, idempotency_key: str | None = None) -> Result:
        """Take a scheduled end back, or wake what is paused; see `BillingProvider`."""
        request = Request("resume_subscription", {"subscription_id": subscription_id})
        return self._calls.run(request, lambda: ResumeSubscription(subscription_id=subscription_id), idempotency_key)

    def change_plan(
        self,
        subscription_id: str,
        plan_id: str,
        *,
        proration: Proration = "prorate",
        quantity: int | None = None,
        idempotency_key: str | None = None,
    ) -> Result:
        """Move a subscription to another plan; see `BillingProvider`. Without `quantity` the present one stays."""
        arguments = {
            "subscription_id": subscription_id, "plan_id": plan_id, "proration": proration, "quantity": quantity,
        }  # fmt: skip

        def build() -> ChangePlan:
            subscription = self._row("subscription", subscription_id, Subscription)
            named = self._rules.all_price_ids(self._account.name)
            whole = subscription.offer_id in named
            going = [
                item for item in subscription.items
                if (whole or item.price_id in named) and item.quantity is not None
            ]  # fmt: skip
            count = quantity if quantity is not None else max((item.quantity or 1 for item in going), default=1)
            return ChangePlan(
                subscription_id=subscription_id, items=self._items(plan_id, count, subscription.currency),
                plan_id=plan_id, replaces=tuple(item.price_id for item in going if item.price_id is not None),
                proration=proration,
            )  # fmt: skip

        return self._calls.run(Request("change_plan", arguments), build, idempotency_key)

    def refund(
        self,
        payment_id: str,
        *,
        amount: int | None = None,
        reason: str | None = None,
        override_policy: bool = False,
        idempotency_key: str | None = None,
    ) -> Result:
        """Give money back, as much as the refund policy says or less; see `BillingProvider`."""
        arguments = {"payment_id": payment_id, "amount": amount, "reason": reason, "override": override_policy}

        def build() -> RefundPayment:
            payment = self._row("payment", payment_id, Payment)
            if payment.currency is None or payment.status != "succeeded":
                raise BadRequest(f"payment {payment_id!r} did not succeed, so there is nothing to give back")
            with self._database.read() as connection:
                refunded = billing_rows.refunded(connection, self._account.name, payment_id)
            allowed = self._allowance(payment_id, payment, refunded)
            given = self._refund_amount(payment, refunded, amount, allowed, override_policy)
            return RefundPayment(
                payment_id=payment_id, amount=given, currency=payment.currency, refunded_before=refunded,
                paid=payment.amount_paid or payment.amount or 0, reason=reason, explanation=allowed.explanation,
            )  # fmt: skip

        return self._calls.run(Request("refund", arguments), build, idempotency_key)

    def report_usage(
        self, customer_id: str, meter_id: str, quantity: int, *, idempotency_key: str, at: datetime | None = None
    ) -> Recorded:
        """Record usage, durably and once for each key; see `service.usage`, which also takes many at once."""
        report = UsageReport(
            meter=meter_id, quantity=quantity, idempotency_key=idempotency_key, customer_id=customer_id, at=at,
            account=self._account.name,
        )  # fmt: skip
        return self._usage.report(report)

    # --- reads

    def get_invoices(self, customer_id: str) -> Sequence[IssuedInvoice]:
        """Every invoice of the customer, read from the provider now and kept; see `BillingProvider`."""
        began = self._database.now()
        ids: dict[str, None] = {}
        for read in self._account.writer().invoices(customer_id):
            self._keep(read, began, customer_id)
            ids.update({each.id: None for each in read.snapshots if each.kind == "invoice"})
        found = [(id_, self._held("invoice", id_)) for id_ in ids]
        return [
            IssuedInvoice(account=self._account.name, id=id_, invoice=invoice)
            for id_, invoice in found if isinstance(invoice, Invoice)
        ]  # fmt: skip

    def customer_portal_url(self, customer_id: str, *, return_url: str | None = None) -> str:
        """Where the customer manages payment methods and subscriptions; a secret, for a short time."""
        return self._account.writer().portal_url(customer_id, return_url)

    def invoice_pdf_url(self, invoice_id: str) -> str:
        """Where the invoice's PDF is; a secret, for a short time."""
        return self._account.writer().invoice_pdf_url(invoice_id)

    # --- what a request needs to know

    def _items(self, plan_id: str, quantity: int, currency: str | None) -> tuple[Item, ...]:
        if quantity < 1:
            raise BadRequest(f"quantity must be at least 1, not {quantity}")
        prices = self._rules.price_ids(self._account.name, plan_id, currency)
        return tuple(Item(price_id=price_id, quantity=quantity) for price_id in prices)

    def _allowance(self, payment_id: str, payment: Payment, refunded: int) -> Allowance:
        with self._database.read() as connection:
            subscription_id = billing_rows.subscription_of(connection, self._account.name, payment_id)
        found = subscription_id and self._held("subscription", subscription_id)
        subscription = found if isinstance(found, Subscription) else None
        prices = _bought_as(subscription) if subscription is not None else []
        plans = [plan for price in prices if (plan := self._rules.plan_of(self._account.name, price)) is not None]
        plan_id = plans[0] if plans else None
        return self._rules.refundable(payment, refunded, subscription, plan_id, self._database.now())

    @staticmethod
    def _refund_amount(payment: Payment, refunded: int, amount: int | None, allowed: Allowance, override: bool) -> int:
        left = (payment.amount_paid or payment.amount or 0) - refunded
        given = allowed.amount if amount is None else amount
        if given <= 0:
            raise BadRequest(f"nothing can be given back: {allowed.explanation}")
        if given > left:
            raise BadRequest(
                f"{given} is more than the {left} that is left of the payment ({payment.currency}, minor units)"
            )
        if given > allowed.amount and not override:
            raise BadRequest(f"{given} is more than the refund policy allows: {allowed.explanation}")
        return given

    def _row(self, kind: Kind, object_id: str, fields: type[F]) -> F:
        """The object as the copy holds it; where it does not hold it yet, read from the provider, if it has a list of this kind."""
        found = self._held(kind, object_id)
        if found is None:
            self._fetch(kind, object_id)
            found = self._held(kind, object_id)
        if not isinstance(found, fields):
            raise NotFound(f"{self._account.name} has no {kind} {object_id!r}")
        return found

    def _held(self, kind: Kind, object_id: str) -> Fields | None:
        with self._database.read() as connection:
            return billing_rows.held(connection, self._account.name, kind, object_id)

    def _fetch(self, kind: Kind, object_id: str) -> None:
        source = next(
            (each.source for each in self._account.provider.listings if each.kind == kind and each.owns_row), None
        )
        if source is None:
            return
        began = self._database.now()
        self._keep(self._account.reader().get(source, object_id), began, object_id)

    def _keep(self, read: Read, began: datetime, asked: str) -> None:
        keep_read(self._database, self._account, read, began, Cause("call", f"read {asked}"))


def _bought_as(subscription: Subscription) -> list[str]:
    """What a plan may name of it: what was bought, and the prices of its items."""
    names = [subscription.offer_id, *(item.price_id for item in subscription.items)]
    return [each for each in names if each]
