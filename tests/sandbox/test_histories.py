"""Any history: it replays from its seed, and its events tell all that the objects show."""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.sandbox.stripe import SandboxError, StripeSandbox
from tests.sandbox.shop import DAY, HOUR, MONTH, Shop

Json = dict[str, Any]

TOLD = ("charge", "credit_note", "customer", "dispute", "invoice", "price", "product", "refund", "subscription")
UNTOLD = {("customer", "next_invoice_sequence")}
"""What changes without an event, at Stripe as here."""


class Walk:
    """Random requests against one account; what Stripe would refuse is refused and forgotten."""

    def __init__(self, seed: int, choices: random.Random) -> None:
        self.sandbox, self.choices = StripeSandbox(seed=seed), choices
        shop = Shop(self.sandbox)
        self.prices = [shop.price(), shop.price(9_000, interval="year")]
        shop.subscription(price=self.prices[0])

    def step(self) -> None:
        """One more request, or some more time."""
        act = self.choices.choice([self._advance, self._subscribe, self._change, self._money, self._invoice])
        try:
            act()
        except (SandboxError, KeyError):
            return

    def _one(self, resource: str) -> str:
        return self.choices.choice(list(self.sandbox.objects(resource)) or ["none"])

    def _advance(self) -> None:
        self.sandbox.advance(self.choices.choice([0, 1, HOUR, DAY, 10 * DAY, MONTH]))

    def _subscribe(self) -> None:
        extras: list[Json] = [
            {},
            {"trial_period_days": 10},
            {"payment_behavior": "default_incomplete"},
            {"collection_method": "send_invoice", "days_until_due": 5},
        ]
        customer = Shop(self.sandbox).customer() if self.choices.random() < 0.5 else self._one("customer")
        self.sandbox.payments.fail_next(customer, times=self.choices.randint(0, 5))
        items = [{"price": self.choices.choice(self.prices), "quantity": self.choices.randint(1, 3)}]
        sent = {"customer": customer, "items": items, **self.choices.choice(extras)}
        self.sandbox.call("POST", "/v1/subscriptions", sent)

    def _change(self) -> None:
        subscription = self._one("subscription")
        path = f"/v1/subscriptions/{subscription}"
        changes: list[Json] = [
            {"cancel_at_period_end": True},
            {"cancel_at_period_end": False},
            {"metadata": {"n": str(self.choices.randint(0, 3))}},
            {"pause_collection": {"behavior": "void"}},
            {"pause_collection": ""},
            {"trial_end": "now"},
            {"items": [{"id": self._item(subscription), "quantity": 5}], "proration_behavior": "always_invoice"},
            {"items": [{"id": self._item(subscription), "price": self.prices[1]}]},
        ]
        requests: list[Callable[[], object]] = [
            lambda: self.sandbox.call("POST", path, self.choices.choice(changes)),
            lambda: self.sandbox.call(
                "DELETE", path, self.choices.choice([{}, {"prorate": True, "invoice_now": True}])
            ),
            lambda: self.sandbox.call("POST", f"{path}/{self.choices.choice(['pause', 'resume'])}"),
            lambda: self.sandbox.call("DELETE", f"/v1/customers/{self._one('customer')}"),
        ]
        self.choices.choices(requests, weights=[6, 1, 1, 1])[0]()

    def _item(self, subscription: str) -> str:
        return str(self.sandbox.objects("subscription")[subscription]["items"]["data"][0]["id"])

    def _money(self) -> None:
        sandbox, pick = self.sandbox, self.choices.choice
        sandbox.next_refunds(pick(["pending", "succeeded"]))
        requests: list[Callable[[], object]] = [
            lambda: sandbox.call("POST", "/v1/refunds", {"charge": self._one("charge"), "amount": 100}),
            lambda: sandbox.settle_refund(self._one("refund"), status=pick(["succeeded", "failed"])),
            lambda: sandbox.open_dispute(self._one("charge")),
            lambda: sandbox.close_dispute(self._one("dispute"), status=pick(["won", "lost"])),
            lambda: sandbox.call("POST", f"/v1/payment_intents/{self._one('payment_intent')}/confirm"),
        ]
        pick(requests)()

    def _invoice(self) -> None:
        verb = self.choices.choice(["pay", "void", "finalize", "send", "mark_uncollectible"])
        note = {"invoice": self._one("invoice"), "amount": 100, **self.choices.choice([{}, {"refund_amount": 100}])}
        requests: list[Callable[[], object]] = [
            lambda: self.sandbox.call("POST", f"/v1/invoices/{self._one('invoice')}/{verb}"),
            lambda: self.sandbox.call("DELETE", f"/v1/invoices/{self._one('invoice')}"),
            lambda: self.sandbox.call("POST", "/v1/credit_notes", note),
            lambda: self.sandbox.call("POST", f"/v1/credit_notes/{self._one('credit_note')}/void"),
        ]
        self.choices.choice(requests)()


def _walked(seed: int, steps: int) -> StripeSandbox:
    walk = Walk(seed, random.Random(seed))
    for _ in range(steps):
        walk.step()
    return walk.sandbox


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_the_last_event_of_an_object_shows_it_as_it_is(seed: int, steps: int) -> None:
    sandbox = _walked(seed, steps)
    last = {event["data"]["object"]["id"]: event["data"]["object"] for event in sandbox.events}
    for resource in TOLD:
        for object_id, now in sandbox.objects(resource).items():
            silent = {name for name in now if now[name] != last[object_id][name]}
            assert {(resource, name) for name in silent} <= UNTOLD


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_a_history_replays_from_its_seed(seed: int, steps: int) -> None:
    assert _walked(seed, steps).events == _walked(seed, steps).events


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_every_update_leads_back_to_the_state_before(seed: int, steps: int) -> None:
    sandbox = _walked(seed, steps)
    known: dict[str, Json] = {}
    before: dict[str, Json] = {}
    for event in sandbox.events:
        now = event["data"]["object"]
        # Several events may tell of one change; they then share the very same object.
        if now is not known.get(now["id"]):
            before[now["id"]] = known.get(now["id"], {})
            known[now["id"]] = now
        if "previous_attributes" in event["data"]:
            assert _undone(now, event["data"]["previous_attributes"]) == _plain(before[now["id"]])


def _undone(now: Json, before: Json) -> Json:
    merged = {**now}
    for name, old in before.items():
        nested = isinstance(old, dict) and isinstance(now.get(name), dict)
        merged[name] = _undone(now[name], old) if nested else old
    return _plain(merged)


def _plain(thing: Json) -> Json:
    """Without what is None or absent, which `previous_attributes` does not tell apart."""
    return {name: _plain(each) if isinstance(each, dict) else each for name, each in thing.items() if each is not None}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_money_adds_up(seed: int, steps: int) -> None:
    sandbox = _walked(seed, steps)
    refunds = sandbox.objects("refund").values()
    for charge in sandbox.objects("charge").values():
        counted = [
            r["amount"] for r in refunds if r["charge"] == charge["id"] and r["status"] not in ("failed", "canceled")
        ]
        assert charge["amount_refunded"] == sum(counted)
        assert charge["amount_refunded"] <= charge["amount"]
    for invoice in sandbox.objects("invoice").values():
        assert invoice["amount_due"] >= 0
        assert invoice["status"] != "paid" or invoice["amount_remaining"] == 0
