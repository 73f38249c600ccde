"""A small business at Paddle: what a merchant, a buyer, a bank or Paddle itself does, drawn by hypothesis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from service.model import Snapshot
from service.sandbox.paddle import API_KEY, PaddleSandbox, SandboxError
from tests.convergence.business import DAY, NOWHERE, SECRET, Business, Json, Money, Steps, summed

_MONTHLY: Json = {"interval": "month", "frequency": 1}
_TRIAL: Json = {"interval": "day", "frequency": 10, "requires_payment_method": True}
_TERMS: Json = {"payment_terms": {"interval": "day", "frequency": 14}, "enable_checkout": False}
_MODES = ("prorated_immediately", "prorated_next_billing_period", "full_immediately", "do_not_bill")


class PaddleBusiness(Business):
    """An account with two monthly prices, one that begins with a trial and one that is paid once; and one customer."""

    provider = "paddle"
    API_KEY = API_KEY
    refusals = (SandboxError, ValueError)
    SILENT = frozenset({"forget"})

    def __init__(self) -> None:
        self.sandbox = PaddleSandbox(seed=1)
        self.sandbox.register_endpoint(NOWHERE, SECRET)
        product = self.post("/products", {"name": "Model server", "tax_category": "saas"})["id"]
        cycles: list[Json] = [{"billing_cycle": _MONTHLY}] * 2
        cycles += [{"billing_cycle": _MONTHLY, "trial_period": _TRIAL}, {"billing_cycle": None}]
        self.prices = [
            self.post("/prices", {
                "product_id": product, "description": "Model server", **cycle,
                "unit_price": {"amount": str(amount), "currency_code": "USD"},
            })["id"]
            for cycle, amount in zip(cycles, (1_900, 9_900, 2_900, 700), strict=True)
        ]  # fmt: skip
        self.customers = [self.post("/customers", {"email": "ada@example.com"})["id"]]

    @property
    def standin(self) -> PaddleSandbox:
        """The provider."""
        return self.sandbox

    def sent(self) -> list[bytes]:
        """The bodies that wait; Paddle takes them for delivered, so that they can be replayed."""
        taken = self.sandbox.deliveries.take()
        for each in taken:
            self.sandbox.deliveries.answer(each, 200)
        return [each.body for each in taken]

    def untold(self) -> Callable[[Snapshot], bool]:
        """Every change at Paddle has its event."""
        return lambda _each: False

    def money(self) -> Money:
        """What was captured, and the refunds that Paddle approved."""
        moved: Counter[tuple[str, str]] = Counter()
        for bought in self.sandbox.objects("transaction").values():
            captured = [int(each["amount"]) for each in bought["payments"] if each["status"] == "captured"]
            moved[bought["currency_code"], "in"] += sum(captured)
        for each in self.sandbox.objects("adjustment").values():
            if (each["action"], each["status"]) == ("refund", "approved"):
                moved[each["currency_code"], "back"] += int(each["totals"]["total"])
        return summed(moved)

    def happened(self) -> int:
        """An event keeps its id, whatever notification carries it."""
        return len({each["event_id"] for each in self.sandbox.events})

    def post(self, path: str, body: Json | None = None) -> Json:
        """What a POST answers, without `meta`."""
        found: Json = self.sandbox.call("POST", path, body)["data"]
        return found

    def patch(self, path: str, body: Json) -> Json:
        """What a PATCH answers, without `meta`."""
        found: Json = self.sandbox.call("PATCH", path, body)["data"]
        return found

    def some(self, resource: str, pick: int) -> str:
        """The id of one of the objects, the newest for 0; or a refusal where there is none."""
        found = list(self.sandbox.objects(resource))
        if not found:
            raise ValueError(f"no {resource} yet")
        return found[-1 - pick % len(found)]

    def adjust(self, action: str, transaction: str, amount: int | None) -> Json:
        """What a request for a refund or a credit answers: of all that is left, or of an amount of the first line."""
        wanted: Json = {"action": action, "reason": "asked", "transaction_id": transaction, "type": "full"}
        if amount is not None:
            line = self.sandbox.objects("transaction")[transaction]["details"]["line_items"][0]["id"]
            wanted |= {"type": "partial", "items": [{"item_id": line, "type": "partial", "amount": str(amount)}]}
        return self.post("/adjustments", wanted)

    def _customer(self, pick: int) -> None:
        fields = {"email": f"user{pick}@example.com", "custom_data": {"user_id": str(pick)}}
        self.customers.append(self.post("/customers", fields)["id"])

    def _rename(self, pick: int) -> None:
        """A to B, and back to A where `pick` says so."""
        path = f"/customers/{self.customers[pick % len(self.customers)]}"
        for name in ("B", "A")[: 1 + pick % 2]:
            self.patch(path, {"name": name})

    def _archive(self, pick: int) -> None:
        """A customer, a price or the product; brought back at once where `pick` says so."""
        every = [f"/customers/{each}" for each in self.customers] + [f"/prices/{each}" for each in self.prices]
        for status in ("archived", "active", "archived")[: 1 + pick % 3]:
            self.patch(every[pick % len(every)], {"status": status})

    def _restore(self, pick: int) -> None:
        self.patch(f"/customers/{self.customers[pick % len(self.customers)]}", {"status": "active"})
        self.patch(f"/prices/{self.prices[pick % 4]}", {"status": "active"})

    def _checkout(self, pick: int) -> None:
        """A buyer pays at a checkout: at once, after declined attempts, or not at all."""
        custom = {"user_id": str(pick)} if pick % 2 else None
        draft = self.sandbox.open_checkout(self.prices[pick % 4], quantity=1 + pick % 3, custom_data=custom)["id"]
        if pick % 7 == 0:
            self.patch(f"/transactions/{draft}", {"status": "canceled"})
        for _ in range(1 + pick % 3):
            self.sandbox.complete_checkout(draft, email=f"user{pick % 5}@example.com")

    def _buy(self, pick: int) -> None:
        """A known customer buys; what was to fail fails until it does not."""
        customer = self.customers[pick % len(self.customers)]
        bought = self._ready(customer, self.prices[pick % 4])["id"]
        for _ in range(1 + pick % 2):
            self.sandbox.complete_checkout(bought)

    def _ready(self, customer: str, price: str, **fields: Any) -> Json:
        address = self.post(f"/customers/{customer}/addresses", {"country_code": "US"})["id"]
        items = [{"price_id": price, "quantity": 1}]
        return self.post("/transactions", {"items": items, "customer_id": customer, "address_id": address, **fields})

    def _invoice(self, pick: int) -> None:
        """An invoice is issued; paid, withdrawn, credited or left as `pick` says."""
        customer, manual = self.customers[pick % len(self.customers)], {"collection_mode": "manual"}
        issued = self._ready(customer, self.prices[pick % 2 and 3], **manual, billing_details=_TERMS)["id"]
        if pick % 5:
            self.patch(f"/transactions/{issued}", {"status": "billed"})
        if pick % 5 in (1, 4):
            self.sandbox.pay_invoice(issued)
        elif pick % 5 == 2:
            self.patch(f"/transactions/{issued}", {"status": "canceled"})
        elif pick % 5 == 3:
            self.adjust("credit", issued, 300)

    def _pay_invoice(self, pick: int) -> None:
        self.sandbox.pay_invoice(self.some("transaction", pick))

    def _withdraw(self, pick: int) -> None:
        self.patch(f"/transactions/{self.some('transaction', pick)}", {"status": "canceled"})

    def _fail(self, pick: int) -> None:
        for customer in self.sandbox.objects("customer"):
            self.sandbox.payments.fail_next(customer, times=1 + pick % 3)

    def _cancel_later(self, pick: int) -> None:
        """Scheduled, and taken back at once where `pick` says so."""
        path = f"/subscriptions/{self.some('subscription', pick)}"
        self.post(f"{path}/cancel", {"effective_from": "next_billing_period"})
        if pick % 2:
            self.patch(path, {"scheduled_change": None})

    def _cancel(self, pick: int) -> None:
        self.post(f"/subscriptions/{self.some('subscription', pick)}/cancel", {"effective_from": "immediately"})

    def _pause(self, pick: int) -> None:
        """Now or at the period's end, with or without a return; back at once where `pick` says so."""
        path = f"/subscriptions/{self.some('subscription', pick)}"
        when = "immediately" if pick % 3 else "next_billing_period"
        until = {"resume_at": "2027-06-01T00:00:00Z"} if pick % 4 == 0 else {}
        self.post(f"{path}/pause", {"effective_from": when, **until})
        if pick % 2:
            self.post(f"{path}/resume", {"effective_from": "immediately"})

    def _resume(self, pick: int) -> None:
        path = f"/subscriptions/{self.some('subscription', pick)}/resume"
        self.post(path, {"effective_from": "immediately"})

    def _plan(self, pick: int) -> None:
        """Another plan or quantity, with each way to bill it."""
        path = f"/subscriptions/{self.some('subscription', pick // 4)}"
        items = [{"price_id": self.prices[pick % 2], "quantity": 1 + pick % 5}]
        failing = {"on_payment_failure": "apply_change" if pick % 2 else "prevent_change"}
        self.patch(path, {"items": items, "proration_billing_mode": _MODES[pick % 4], **failing})

    def _charge(self, pick: int) -> None:
        path = f"/subscriptions/{self.some('subscription', pick)}/charge"
        when = {"effective_from": "immediately" if pick % 2 else "next_billing_period"}
        self.post(path, {"items": [{"price_id": self.prices[3], "quantity": 1}], **when})

    def _card(self, pick: int) -> None:
        """Another card is a transaction that is no payment; a past due one is paid by it."""
        self.sandbox.change_payment_method(self.some("subscription", pick))

    def _refund(self, pick: int) -> None:
        """Waiting for approval, then decided within the step where `pick` says so; even an approved one can be reversed."""
        self.adjust("refund", self.some("transaction", pick // 4), 100 + pick if pick % 2 else None)
        self._decide(pick)

    def _decide(self, pick: int) -> None:
        adjustment = self.some("adjustment", pick // 8)
        for status in ((), ("approved",), ("rejected",), ("approved", "reversed"))[pick % 4]:
            self.sandbox.settle_adjustment(adjustment, status=status)

    def _chargeback(self, pick: int) -> None:
        """A chargeback or a warning of one; reversed where `pick` says so."""
        act = self.sandbox.chargeback if pick % 3 else self.sandbox.chargeback_warning
        made = act(self.some("transaction", pick // 6), amount=50 if pick % 2 else None)
        if pick % 6 > 2:
            self.sandbox.reverse_chargeback(made["id"])

    def _replay(self, pick: int) -> None:
        """The same event again as another notification."""
        for place in range(1 + pick % 3):
            self.sandbox.call("POST", f"/notifications/{self.some('notification', pick * (1 + place))}/replay")

    def _stamps(self, pick: int) -> None:
        """From now on all that happens within a minute, or within an hour, has one stamp; or each moment its own again."""
        step = (1, 60, 3_600)[pick % 3]
        # No stamp may lie before one that was given already.
        self.sandbox.advance(step - self.sandbox.clock.now() % step)
        self.sandbox.faults.stamp_seconds = step

    def _forget(self, _pick: int) -> None:
        """The event log is empty, so that only lists can tell."""
        self.sandbox.faults.event_days = 0

    STEPS: ClassVar[Steps] = {
        "customer": _customer,
        "rename": _rename,
        "archive": _archive,
        "restore": _restore,
        "checkout": _checkout,
        "buy": _buy,
        "invoice": _invoice,
        "pay_invoice": _pay_invoice,
        "withdraw": _withdraw,
        "fail": _fail,
        "cancel_later": _cancel_later,
        "cancel": _cancel,
        "pause": _pause,
        "resume": _resume,
        "plan": _plan,
        "charge": _charge,
        "card": _card,
        "refund": _refund,
        "decide": _decide,
        "chargeback": _chargeback,
        "replay": _replay,
        "stamps": _stamps,
        "forget": _forget,
        "second": lambda self, pick: self.sandbox.advance(1 + pick % 2),
        "days": lambda self, pick: self.sandbox.advance((1 + pick % 4) * 8 * DAY),
    }
