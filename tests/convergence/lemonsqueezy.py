"""A small business at Lemon Squeezy: what a merchant or a buyer does, drawn by hypothesis."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from service.model import Snapshot
from service.sandbox.lemonsqueezy import LemonSqueezySandbox, SandboxError
from tests.convergence.business import DAY, NOWHERE, SECRET, Business, Json, Money, Steps, summed

_SOLD = ("paid", "partial_refund", "partial_refunded", "refunded")
_PAYMENTS = ("orders", "subscription-invoices")


class LemonSqueezyBusiness(Business):
    """A store with a monthly and a yearly plan, one with a trial, one by usage, and something that is paid once."""

    provider = "lemonsqueezy"
    API_KEY: ClassVar[str] = "lsq_sandbox_key"
    refusals = (SandboxError, ValueError)
    SILENT = frozenset({"fraud"})

    def __init__(self) -> None:
        self.sandbox = LemonSqueezySandbox(seed=1, rate_limit=None)
        self.sandbox.register_endpoint(NOWHERE, SECRET)
        plans: list[Json] = [{}, {"interval": "year"}, {"trial_days": 9}, {"usage": "sum"}, {"interval": None}]
        product = self.sandbox.add_product("Model server")
        self.variants = [
            self.sandbox.add_variant(product, unit_price=1_900 * number, **plan) for number, plan in enumerate(plans, 1)
        ]

    @property
    def standin(self) -> LemonSqueezySandbox:
        """The provider."""
        return self.sandbox

    def untold(self) -> Callable[[Snapshot], bool]:
        """Customers and the catalogue have no events, nor has an invoice before it is paid or fails."""
        told = {(event["data"]["type"], event["data"]["id"]) for event in self.sandbox.events}
        return lambda each: (each.source, each.source_id) not in told

    def money(self) -> Money:
        """What came in and went back; the order that began a subscription is the receipt of its first invoice."""
        moved: Counter[tuple[str, str]] = Counter()
        receipts = {str(each["order_id"]) for each in self._shown("subscriptions").values()}
        for kind in _PAYMENTS:
            for id_, each in self._shown(kind).items():
                if each["status"] in _SOLD and not (kind == "orders" and id_ in receipts):
                    moved[each["currency"], "in"] += each["total"]
                    moved[each["currency"], "back"] += each["refunded_amount"]
        return summed(moved)

    def _shown(self, kind: str) -> dict[str, Json]:
        return {id_: each["attributes"] for id_, each in self.sandbox.objects(kind).items()}

    def happened(self) -> int:
        """Only links differ between two copies of one event, so what says the same is one."""
        return len({self._said(event) for event in self.sandbox.events})

    @staticmethod
    def _said(event: Json) -> str:
        told = {name: each for name, each in event["data"]["attributes"].items() if name != "urls"}
        return json.dumps(
            [event["meta"]["event_name"], event["data"]["type"], event["data"]["id"], told], sort_keys=True
        )

    def change(self, kind: str, object_id: str, **attributes: Any) -> None:
        """PATCH an object."""
        data = {"type": kind, "id": object_id, "attributes": attributes}
        self.sandbox.call("PATCH", f"/v1/{kind}/{object_id}", {"data": data})

    def some(self, kind: str, pick: int) -> str:
        """The id of one of the objects, the newest for 0; or a refusal where there is none."""
        found = list(self.sandbox.objects(kind))
        if not found:
            raise ValueError(f"no {kind} yet")
        return found[-1 - pick % len(found)]

    def _buy(self, pick: int) -> None:
        """With or without the application's user id, now and then in another currency."""
        custom = {"user_id": str(pick % 4)} if pick % 3 else None
        currency = "PLN" if pick % 6 == 0 else None
        variant, email = self.variants[pick % 5], f"user{pick % 4}@example.com"
        self.sandbox.buy(variant, email, "Ada", custom, quantity=1 + pick % 2, currency=currency)

    def _customer(self, pick: int) -> None:
        attributes = {"name": "Ada", "email": f"new{pick}@example.com"}
        ends = {"store": {"data": {"type": "stores", "id": "1"}}}
        data = {"type": "customers", "attributes": attributes, "relationships": ends}
        self.sandbox.call("POST", "/v1/customers", {"data": data})

    def _archive(self, pick: int) -> None:
        self.change("customers", self.some("customers", pick), status="archived")

    def _fail(self, pick: int) -> None:
        for customer in self.sandbox.objects("customers"):
            self.sandbox.payments.fail_next(customer, 1 + pick % 6)

    def _cancel(self, pick: int) -> None:
        """Runs on until its end; taken back within the second, and said once more, where `pick` says so."""
        subscription = self.some("subscriptions", pick // 3)
        for cancelled in (True, False, True)[: 1 + pick % 3]:
            self.change("subscriptions", subscription, cancelled=cancelled)

    def _resume(self, pick: int) -> None:
        self.change("subscriptions", self.some("subscriptions", pick), cancelled=False)

    def _pause(self, pick: int) -> None:
        """Either mode, with or without a return; taken back within the second where `pick` says so."""
        subscription = self.some("subscriptions", pick // 4)
        until = {"resumes_at": "2026-12-01T00:00:00Z"} if pick % 3 == 0 else {}
        self.change("subscriptions", subscription, pause={"mode": "free" if pick % 2 else "void", **until})
        if pick % 4 > 1:
            self.change("subscriptions", subscription, pause=None)

    def _unpause(self, pick: int) -> None:
        self.change("subscriptions", self.some("subscriptions", pick), pause=None)

    def _plan(self, pick: int) -> None:
        """Another variant, billed now, later or not at all; twice within the second where `pick` says so."""
        subscription = self.some("subscriptions", pick // 6)
        how: Json = ({}, {"invoice_immediately": True}, {"disable_prorations": True})[pick % 3]
        for turn in range(1 + pick % 2):
            self.change("subscriptions", subscription, variant_id=int(self.variants[(pick + turn) % 2]), **how)

    def _quantity(self, pick: int) -> None:
        """The subscription's own `updated_at` stays as it was."""
        self.change("subscription-items", self.some("subscription-items", pick // 4), quantity=1 + pick % 4)

    def _anchor(self, pick: int) -> None:
        self.change("subscriptions", self.some("subscriptions", pick), billing_anchor=(None, 1, 31)[pick % 3])

    def _usage(self, pick: int) -> None:
        end = {"data": {"type": "subscription-items", "id": self.some("subscription-items", pick)}}
        data = {"type": "usage-records", "attributes": {"quantity": pick}, "relationships": {"subscription-item": end}}
        self.sandbox.call("POST", "/v1/usage-records", {"data": data})

    def _refund(self, pick: int) -> None:
        """A part or all of it; twice within the second where `pick` says so."""
        kind = _PAYMENTS[pick % 2]
        payment = self.some(kind, pick // 6)
        for _ in range(1 + pick % 3):
            self.sandbox.refund(kind, payment, 100 + pick if pick % 4 else None)

    def _pay(self, pick: int) -> None:
        """The buyer of a past due subscription pays ahead of the next attempt."""
        self.sandbox.pay_open_invoice(self.some("subscriptions", pick))

    def _fraud(self, pick: int) -> None:
        self.sandbox.mark_fraudulent(self.some("orders", pick))

    def _resend(self, pick: int) -> None:
        """From the dashboard: under another id or the same one, with its links made anew or not."""
        events = self.sandbox.events
        for place in range(1 + pick % 4) if events else ():
            again = events[-1 - (pick * (1 + place)) % len(events)]["meta"]["webhook_id"]
            self.sandbox.resend(again, keep_id=pick % 5 == 0, fresh_render=bool(pick % 2))

    def _stamps(self, pick: int) -> None:
        """From now on all that happens within a minute, or within an hour, has one stamp; or each second its own again."""
        step = (1, 60, 3_600)[pick % 3]
        # No stamp may lie before one that was given already.
        self.sandbox.advance(step - self.sandbox.clock.now() % step)
        self.sandbox.faults.stamp_seconds = step

    STEPS: ClassVar[Steps] = {
        "buy": _buy,
        "customer": _customer,
        "archive": _archive,
        "fail": _fail,
        "cancel": _cancel,
        "resume": _resume,
        "pause": _pause,
        "unpause": _unpause,
        "plan": _plan,
        "quantity": _quantity,
        "anchor": _anchor,
        "usage": _usage,
        "refund": _refund,
        "pay": _pay,
        "fraud": _fraud,
        "resend": _resend,
        "stamps": _stamps,
        "second": lambda self, pick: self.sandbox.advance(1 + pick % 2),
        "days": lambda self, pick: self.sandbox.advance((1 + pick % 4) * 8 * DAY),
    }
