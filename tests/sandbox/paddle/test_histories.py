"""Any history: it replays from its seed, and its events tell all that the objects show."""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.sandbox.paddle import PaddleSandbox, SandboxError
from tests.sandbox.paddle.shop import DAY, HOUR, MONTH, MONTHLY, TERMS, Json, Shop

TOLD = ("address", "adjustment", "customer", "price", "product", "subscription", "transaction")
WEEKLY: Json = {"interval": "week", "frequency": 1}
TRIAL: Json = {"interval": "day", "frequency": 10, "requires_payment_method": True}
MODES = (
    *("prorated_immediately", "prorated_next_billing_period", "full_immediately"),
    *("full_next_billing_period", "do_not_bill"),
)


class Walk:
    """Random requests against one account; what Paddle would refuse is refused and forgotten."""

    def __init__(self, seed: int, choices: random.Random) -> None:
        self.sandbox, self.choices = PaddleSandbox(seed=seed), choices
        self.shop = Shop(self.sandbox)
        self.prices = [self.shop.price(), self.shop.price(300, billing_cycle=WEEKLY), self.shop.price(9_999)]
        self.prices.append(self.shop.price(billing_cycle=MONTHLY, trial_period=TRIAL))
        self.once = self.shop.price(70, billing_cycle=None)
        self.shop.subscription(None, self.prices[0])

    def step(self) -> None:
        """One more request, or some more time."""
        act = self.choices.choice([self._advance, self._buy, self._change, self._change, self._money])
        try:
            act()
        except (SandboxError, ValueError):
            return

    def _one(self, resource: str) -> str:
        return self.choices.choice(list(self.sandbox.objects(resource)) or ["none"])

    def _advance(self) -> None:
        self.sandbox.advance(self.choices.choice([0, 1, HOUR, DAY, 10 * DAY, MONTH]))

    def _buy(self) -> None:
        customer = self._one("customer") if self.choices.random() < 0.5 else self.shop.customer()
        self.sandbox.payments.fail_next(customer, times=self.choices.randint(0, 5))
        price = self.choices.choice([*self.prices, self.once])
        if self.choices.random() < 0.3:
            draft = self.shop.transaction(customer, price, collection_mode="manual", billing_details=TERMS)
            self.shop.patch(f"/transactions/{draft['id']}", {"status": "billed"})
        elif self.choices.random() < 0.3:
            self.sandbox.complete_checkout(self.sandbox.open_checkout(price)["id"])
        else:
            self.shop.purchase(customer, price)

    def _change(self) -> None:
        pick, path = self.choices.choice, f"/subscriptions/{self._one('subscription')}"
        when = {"effective_from": pick(["immediately", "next_billing_period"])}
        failure = {"on_payment_failure": pick(["prevent_change", "apply_change"])}
        items = [{"price_id": pick(self.prices), "quantity": pick([1, 2, 5])}]
        charge = {"items": [{"price_id": self.once, "quantity": 1}]} | when | failure
        requests: list[Callable[[], object]] = [
            lambda: self.shop.post(f"{path}/cancel", when),
            lambda: self.shop.post(f"{path}/pause", when | pick([{}, {"resume_at": "2027-01-01T00:00:00Z"}])),
            lambda: self.shop.post(f"{path}/resume", pick([{}, {"effective_from": "2027-03-01T00:00:00Z"}])),
            lambda: self.shop.post(f"{path}/charge", charge),
            lambda: self.shop.post(f"{path}/activate"),
            lambda: self.shop.patch(path, {"scheduled_change": None}),
            lambda: self.shop.patch(path, {"items": items, "proration_billing_mode": pick(MODES)} | failure),
            lambda: self.shop.patch(f"/customers/{self._one('customer')}", {"status": pick(["active", "archived"])}),
            lambda: self.sandbox.change_payment_method(path.rpartition("/")[2]),
        ]
        pick(requests)()

    def _money(self) -> None:
        pick, transaction = self.choices.choice, self._one("transaction")
        bought = self.sandbox.objects("transaction")[transaction]
        line = bought["details"]["line_items"][0]["id"]
        part = {"type": "partial", "items": [{"item_id": line, "type": "partial", "amount": "70"}]}
        requests: list[Callable[[], object]] = [
            lambda: self.shop.refund(bought, **pick([{}, part])),
            lambda: self.shop.refund(bought, action="credit", **part),
            lambda: self.sandbox.settle_adjustment(self._one("adjustment"), status=pick(["approved", "rejected"])),
            lambda: self.sandbox.chargeback(transaction, amount=pick([None, 50])),
            lambda: self.sandbox.reverse_chargeback(self._one("adjustment")),
            lambda: self.sandbox.pay_invoice(transaction),
            lambda: self.sandbox.complete_checkout(transaction),
            lambda: self.shop.patch(f"/transactions/{transaction}", {"status": "canceled"}),
        ]
        pick(requests)()


def _walked(seed: int, steps: int) -> PaddleSandbox:
    walk = Walk(seed, random.Random(seed))
    for _ in range(steps):
        walk.step()
    return walk.sandbox


def _bare(data: Json) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "transaction_id" or data["id"][:3] != "sub"}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_the_last_event_of_an_object_shows_it_as_it_is(seed: int, steps: int) -> None:
    sandbox = _walked(seed, steps)
    last = {event["data"]["id"]: event["data"] for event in sandbox.events}
    for resource in TOLD:
        for object_id, now in sandbox.objects(resource).items():
            assert _bare(last[object_id]) == now


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_a_history_replays_from_its_seed(seed: int, steps: int) -> None:
    assert _walked(seed, steps).events == _walked(seed, steps).events


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_an_object_with_a_later_stamp_is_later(seed: int, steps: int) -> None:
    seen: dict[str, Json] = {}
    for event in _walked(seed, steps).events:
        now = event["data"]
        before = seen.get(now["id"])
        if before is not None:
            assert now["updated_at"] >= before["updated_at"]
            assert (now["updated_at"] > before["updated_at"]) or _bare(now) == _bare(before)
        seen[now["id"]] = now


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_money_adds_up(seed: int, steps: int) -> None:
    sandbox = _walked(seed, steps)
    adjustments = sandbox.objects("adjustment").values()
    for transaction in sandbox.objects("transaction").values():
        totals = {
            name: int(value or 0) for name, value in transaction["details"]["totals"].items() if name[-4:] != "code"
        }
        assert totals["subtotal"] + totals["tax"] == totals["total"] == totals["grand_total"] + totals["credit"]
        assert totals["balance"] == (0 if transaction["status"] in ("paid", "completed") else totals["grand_total"])
        captured = sum(int(each["amount"]) for each in transaction["payments"] if each["status"] == "captured")
        assert captured == (totals["grand_total"] if transaction["status"] in ("paid", "completed") else 0)
        taken = [
            int(each["totals"]["total"])
            for each in adjustments
            if each["transaction_id"] == transaction["id"]
            and each["action"] in ("refund", "chargeback", "credit")
            and each["status"] in ("pending_approval", "approved")
        ]
        assert sum(taken) <= totals["grand_total"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_subscription_has_a_period_exactly_while_it_is_billed(seed: int, steps: int) -> None:
    for subscription in _walked(seed, steps).objects("subscription").values():
        billed = subscription["status"] in ("active", "trialing", "past_due")
        assert (subscription["current_billing_period"] is not None) == billed
        assert (subscription["next_billed_at"] is not None) == billed
        assert (subscription["canceled_at"] is not None) == (subscription["status"] == "canceled")
        assert (subscription["paused_at"] is not None) or subscription["status"] != "paused"
