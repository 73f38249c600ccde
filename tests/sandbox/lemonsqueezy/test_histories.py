"""Any history: it replays from its seed, its events tell all that has events, and every request has an answer."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from service.sandbox.lemonsqueezy import Call, LemonSqueezySandbox, SandboxError
from service.sandbox.lemonsqueezy.endpoints import OPERATIONS
from service.sandbox.lemonsqueezy.kinds import Fields
from service.sandbox.lemonsqueezy.shapes import SHAPES
from tests.sandbox.lemonsqueezy.shop import DAY, HOUR, MONTH, Shop, get, headers

Json = dict[str, Any]

_TOLD = ("orders", "subscriptions", "subscription-invoices")


class Walk:
    """Random acts on one account; what Lemon Squeezy would refuse is refused and forgotten."""

    def __init__(self, seed: int, choices: random.Random) -> None:
        self.sandbox, self.choices = LemonSqueezySandbox(seed=seed), choices
        self.shop = Shop(self.sandbox)
        plans: list[Json] = [{}, {"interval": "year"}, {"interval": None}, {"trial_days": 9}, {"usage": "sum"}]
        self.variants = [self.shop.variant(1_000 * number, **plan) for number, plan in enumerate(plans, 1)]
        self.sandbox.buy(self.variants[0])

    def step(self) -> None:
        """One more act, or some more time."""
        acts: list[Callable[[], object]] = [self._advance, self._buy, self._change, self._refund, self._usage]
        try:
            self.choices.choice(acts)()
        except SandboxError:
            return

    def _one(self, kind: str) -> str:
        return self.choices.choice(list(self.sandbox.objects(kind)) or ["0"])

    def _advance(self) -> None:
        self.sandbox.advance(self.choices.choice([0, 1, HOUR, DAY, 5 * DAY, MONTH]))

    def _buy(self) -> None:
        made = self.sandbox.buy(self.choices.choice(self.variants), self.choices.choice(["a@b.co", "b@b.co"]))
        self.sandbox.payments.fail_next(made["customer"], self.choices.randint(0, 6))

    def _change(self) -> None:
        changes: list[Json] = [
            {"cancelled": True},
            {"cancelled": False},
            {"pause": {"mode": "void"}},
            {"pause": {"mode": "free", "resumes_at": "2026-12-01T00:00:00Z"}},
            {"pause": None},
            {"variant_id": int(self.choices.choice(self.variants)), "invoice_immediately": True},
            {"variant_id": int(self.choices.choice(self.variants))},
            {"billing_anchor": self.choices.choice([None, 1, 31])},
        ]
        if self.choices.random() < 0.2:
            self.shop.change("subscription-items", self._one("subscription-items"), quantity=self.choices.randint(1, 4))
        self.shop.change("subscriptions", self._one("subscriptions"), **self.choices.choice(changes))

    def _refund(self) -> None:
        kind = self.choices.choice(["orders", "subscription-invoices"])
        self.sandbox.refund(kind, self._one(kind), self.choices.choice([None, 1, 300]))

    def _usage(self) -> None:
        end = ("subscription-items", self._one("subscription-items"))
        self.shop.create("usage-records", {"quantity": self.choices.randint(0, 9)}, subscription_item=end)


def _walked(seed: int, steps: int = 40) -> LemonSqueezySandbox:
    walk = Walk(seed, random.Random(seed))
    for _ in range(steps):
        walk.step()
    return walk.sandbox


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_a_history_replays_from_its_seed(seed: int) -> None:
    first, second = _walked(seed), _walked(seed)
    assert first.events == second.events
    for kind in SHAPES:
        assert first.objects(kind) == second.objects(kind)
    assert first.exchange(get("/v1/subscriptions")) == second.exchange(get("/v1/subscriptions"))


def test_another_seed_has_other_events() -> None:
    def first_id(seed: int) -> str:
        sandbox = LemonSqueezySandbox(seed=seed)
        Shop(sandbox).subscribe()
        return str(sandbox.events[0]["meta"]["webhook_id"])

    assert first_id(1) == first_id(1) != first_id(2)


def _without_urls(data: Json) -> Json:
    return {**data, "attributes": {name: value for name, value in data["attributes"].items() if name != "urls"}}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_the_last_event_about_an_object_shows_it_as_it_is(seed: int) -> None:
    sandbox = _walked(seed)
    last = {(event["data"]["type"], event["data"]["id"]): event["data"] for event in sandbox.events}
    for kind in _TOLD:
        for object_id, now in sandbox.objects(kind).items():
            told = last.get((kind, object_id))
            untold = now["attributes"].get("status") in ("void", "pending") and kind == "subscription-invoices"
            assert untold or (told is not None and _without_urls(told) == now)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_money_and_status_never_contradict_each_other(seed: int) -> None:
    sandbox = _walked(seed)
    for kind in ("orders", "subscription-invoices"):
        for each in sandbox.objects(kind).values():
            shown = each["attributes"]
            assert 0 <= shown["refunded_amount"] <= shown["total"]
            assert (shown["status"] == "refunded") == shown["refunded"] == (shown["refunded_at"] is not None)
            assert (shown["refunded_amount"] > 0) == shown["status"].startswith(("refunded", "partial"))
    for each in sandbox.objects("subscriptions").values():
        shown = each["attributes"]
        assert (shown["ends_at"] is not None) == (shown["status"] in ("cancelled", "expired"))
        assert (shown["pause"] is not None) == (shown["status"] == "paused")
        assert (shown["trial_ends_at"] is not None) == (shown["status"] == "on_trial")
        assert shown["updated_at"] >= shown["created_at"]


_WORDS: list[Any] = [
    "",
    "x",
    "1",
    1,
    0,
    -1,
    5,
    True,
    None,
    [],
    {},
    [1],
    {"mode": "free"},
    "a@b.co",
    "2026-12-01",
    2**70,
]


def _value(pick: random.Random, kind: object) -> Any:
    if isinstance(kind, Fields) and pick.random() < 0.7:
        return _attributes(pick, kind)
    return pick.choice(_WORDS)


def _attributes(pick: random.Random, fields: Fields) -> Json:
    chosen = [*fields.needs, *(name for name in fields.kinds if pick.random() < 0.3)]
    return {name: _value(pick, fields.kinds[name]) for name in chosen}


def _request(pick: random.Random) -> Call:
    operation = pick.choice(list(OPERATIONS.values()))
    row_id = pick.choice(["1", "2", "9", "x"])
    tail = operation.tail.replace("*", row_id)
    data: Json = {"type": operation.kind, "attributes": _attributes(pick, operation.fields or Fields())}
    data |= {"id": row_id} if "*" in operation.tail else {}
    ends = {name: {"data": {"type": kind, "id": "1"}} for name, kind in operation.relationships.items()}
    data |= {"relationships": ends} if ends else {}
    body = msgspec.json.encode({"data": data}) if pick.random() < 0.95 else b'{"data":'
    return Call(operation.method, f"/v1/{operation.kind}/{tail}".rstrip("/"), "", headers(), body)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_every_request_has_an_answer(seed: int) -> None:
    pick = random.Random(seed)
    sandbox = _walked(seed, steps=10)
    for _ in range(40):
        answer = sandbox.exchange(_request(pick))
        assert answer.status in (200, 201, 204, 400, 404, 422)
        if answer.status >= 400:
            assert all(
                each.keys() >= {"detail", "status", "title"} for each in msgspec.json.decode(answer.body)["errors"]
            )
        if pick.random() < 0.1:
            sandbox.advance(pick.choice([1, DAY, 40 * DAY]))
