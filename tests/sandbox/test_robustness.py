"""Whatever is sent, the answer is Stripe's: an object, or an error with its type and its status."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.sandbox.stripe import SandboxError, StripeSandbox
from service.sandbox.stripe.endpoints import ROUTES
from service.sandbox.stripe.params import Fields
from tests.sandbox.shop import DAY, Shop

_WORDS = ["", "x", "0", "1", "7", "-1", "usd", "now", "true", "false", "1790000600", "4102444800", "metadata['a']:'b'"]
_QUERIES = [
    "created>abc",
    "amount>1 AND total<5",
    "metadata['a']~'x' OR email:null",
    "-status:'open'",
    "a",
    "created>1",
]
_PREFIXES = {
    "charge": "ch_",
    "customer": "cus_",
    "id": "si_",
    "invoice": "in_",
    "payment_intent": "pi_",
    "price": "price_",
    "product": "prod_",
    "subscription": "sub_",
    "subscriptions": "sub_",
    "invoices": "in_",
    "customers": "cus_",
    "payment_intents": "pi_",
    "credit_notes": "cn_",
    "disputes": "du_",
    "invoiceitems": "ii_",
    "refunds": "re_",
    "sessions": "cs_",
    "meters": "mtr_",
}
"""What an id begins with that fits a field, or the segment of a path before it."""
_CHOICES = ["month", "metered", "sum", "draft", "void", "subscription", "create_prorations", "send_invoice", "manual"]


def _stocked(seed: int) -> StripeSandbox:
    sandbox = StripeSandbox(seed=seed)
    shop = Shop(sandbox)
    shop.subscription()
    shop.subscription(trial_period_days=5)
    charge = shop.charge()["id"]
    sandbox.open_dispute(shop.charge()["id"])
    sandbox.call("POST", "/v1/refunds", {"charge": charge, "amount": 5})
    customer = shop.customer()
    sandbox.call("POST", "/v1/invoices", {"customer": customer})
    sandbox.call("POST", "/v1/invoiceitems", {"customer": customer, "amount": 5, "currency": "usd"})
    waiting = shop.subscription(payment_behavior="default_incomplete")
    sandbox.call("POST", "/v1/credit_notes", {"invoice": waiting["latest_invoice"], "amount": 5})
    shop.charge(capture_method="manual")
    line = {"price": next(iter(sandbox.objects("price")))}
    session = {"mode": "subscription", "line_items": [line], "success_url": "https://example.com"}
    sandbox.call("POST", "/v1/checkout/sessions", session)
    meter = {"display_name": "x", "event_name": "x", "default_aggregation": {"formula": "sum"}}
    sandbox.call("POST", "/v1/billing/meters", meter)
    sandbox.call("POST", "/v1/webhook_endpoints", {"url": "https://example.com", "enabled_events": ["*"]})
    return sandbox


def _ids(sandbox: StripeSandbox) -> list[str]:
    resources = ("customer", "product", "price", "subscription", "invoice", "payment_intent", "charge", "refund")
    more = (
        "dispute",
        "checkout.session",
        "credit_note",
        "invoiceitem",
        "billing.meter",
        "webhook_endpoint",
        "invoice_payment",
        "event",
    )
    found = [object_id for resource in resources + more for object_id in sandbox.objects(resource)]
    items = [item["id"] for each in sandbox.objects("subscription").values() for item in each["items"]["data"]]
    return [*found, *items, "none"]


def _fitting(pick: random.Random, ids: list[str], name: str) -> str:
    return pick.choice([each for each in ids if each.startswith(_PREFIXES.get(name, ""))] or ids)


def _path(pick: random.Random, ids: list[str], pattern: str) -> str:
    steps = pattern.split("/")
    return "/".join(_fitting(pick, ids, steps[at - 1]) if step == "*" else step for at, step in enumerate(steps))


def _named(pick: random.Random, ids: list[str], name: str) -> Any:
    """A value that has a chance to be right for a field of this name."""
    if name == "items":
        return [{"price": _fitting(pick, ids, "price"), "quantity": pick.choice(_WORDS)}]
    if name == "line_items":
        return [{"price": _fitting(pick, ids, "price"), "quantity": 1}]
    if name in ("currency", "formula", "mode", "url", "success_url"):
        return {"currency": "usd", "formula": "sum", "mode": "payment"}.get(name, "https://example.com")
    if name == "query":
        return pick.choice(_QUERIES)
    return _fitting(pick, ids, name) if name in _PREFIXES else pick.choice(["1", "60", "true", "1790000600"])


def _value(pick: random.Random, ids: list[str], kind: Any, depth: int = 0) -> Any:
    if isinstance(kind, Fields) and pick.random() < 0.8:
        return _fields(pick, ids, kind, depth + 1)
    roll = pick.random()
    if roll < 0.4:
        return pick.choice(ids)
    if roll < 0.8 or depth > 2:
        return pick.choice(_WORDS + _CHOICES)
    inner = _value(pick, ids, None, depth + 1)
    return [inner] if roll < 0.9 else {pick.choice(["gte", "price", "id", "type", "quantity"]): inner}


def _fields(pick: random.Random, ids: list[str], fields: Fields, depth: int = 0) -> dict[str, Any]:
    chosen = set(fields.needs) | {name for name in fields.kinds if pick.random() < 0.2}
    wild = {name: _value(pick, ids, fields.kinds[name], depth) for name in sorted(chosen)}
    likely = {name: _named(pick, ids, name) for name in wild if not isinstance(fields.kinds[name], Fields)}
    return wild | (likely if pick.random() < 0.7 else {})


def _answered(sandbox: StripeSandbox, method: str, path: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    try:
        return 200, sandbox.call(method, path, params)
    except SandboxError as error:
        return error.status, error.body


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_every_request_has_an_answer(seed: int) -> None:
    pick = random.Random(seed)
    sandbox = _stocked(seed)
    for _ in range(40):
        ids = _ids(sandbox)
        route = pick.choice(ROUTES)
        path = _path(pick, ids, route.path)
        status, body = _answered(sandbox, route.method, path, _fields(pick, ids, route.fields))
        assert status in (200, 400, 402, 404)
        assert "object" in body if status == 200 else {"type", "message"} <= body["error"].keys()
        if pick.random() < 0.1:
            sandbox.advance(pick.choice([1, DAY, 40 * DAY]))
