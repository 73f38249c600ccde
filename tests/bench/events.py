"""4 KB events, and the whole signed requests that deliver them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

from tests.signing import SECRET

SIZE = 4096
_BASE = 1_780_000_000


def customer(key: str, created: int, note: str) -> dict[str, object]:
    """A customer object."""
    return {
        "id": key, "object": "customer", "created": created, "livemode": False, "email": f"{key}@example.com",
        "name": note, "currency": "eur", "metadata": {}, "description": None,
    }  # fmt: skip


def invoice(key: str, created: int) -> dict[str, object]:
    """A paid invoice with two lines, each with its price, as a renewal with a metered part has."""
    lines = [
        {
            "id": f"il_{number}{key}", "object": "line_item", "amount": 950, "currency": "eur", "description": "Pro",
            "quantity": 1, "period": {"start": created, "end": created + 2_592_000}, "metadata": {},
            "parent": {
                "type": "subscription_item_details",
                "subscription_item_details": {"subscription_item": f"si_{number}{key}", "proration": False},
            },
            "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
        }
        for number in (1, 2)
    ]  # fmt: skip
    return {
        "id": key, "object": "invoice", "created": created, "livemode": False, "customer": f"cus_{key}", "currency": "eur",
        "customer_email": f"{key}@example.com", "number": f"T-{key}", "status": "paid", "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically", "total": 1_900, "subtotal": 1_900, "total_taxes": [],
        "amount_due": 1_900, "amount_paid": 1_900, "amount_remaining": 0, "metadata": {}, "description": None,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": f"sub_{key}", "metadata": {}}},
        "status_transitions": {"finalized_at": created, "paid_at": created, "voided_at": None},
        "lines": {"object": "list", "data": lines, "has_more": False, "url": "/"},
    }  # fmt: skip


def sized(thing: dict[str, object]) -> dict[str, object]:
    """The same object with a description that makes it 4 KB."""
    return thing | {"description": "x" * (SIZE - len(json.dumps(thing | {"description": ""})))}


def body(key: str, number: int, customers: int) -> bytes:
    """The bytes of one event, 4096 of them; `number` decides whom it is about and when it happened."""
    thing = customer(f"cus_{number % customers}", _BASE, f"name {number}")
    event = {
        "id": key, "object": "event", "api_version": "2026-10-28.endive", "created": _BASE + number, "livemode": False,
        "type": "customer.updated", "data": {"object": thing},
    }  # fmt: skip
    thing["description"] = ""
    thing["description"] = "x" * (SIZE - len(json.dumps(event)))
    return json.dumps(event).encode()


def requests(prefix: str, count: int) -> list[bytes]:
    """`count` signed requests with the event ids `prefix0`, `prefix1` and so on."""
    # One event is rendered, the others differ from it in digits of a fixed width.
    model = body(f"{prefix}0000000", 0, 1).replace(b'"cus_0"', b'"cus_0000"', 1)
    before, after = model.split(b"0000000", 1)
    stamp = str(int(time.time())).encode()
    made = []
    for number in range(count):
        content = before + b"%07d" % number + after.replace(b"cus_0000", b"cus_%04d" % (number % 5000), 1)
        digest = hmac.digest(SECRET.encode(), stamp + b"." + content, hashlib.sha256).hex().encode()
        head = (
            b"POST /webhooks/stripe HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            b"stripe-signature: t=%s,v1=%s\r\ncontent-length: %d\r\n\r\n"
        )
        made.append(head % (stamp, digest, len(content)) + content)
    return made


MODELS = {
    "customer": customer("cus_0000000000", _BASE, "name 0000000000"),
    "invoice": invoice("in_0000000000", _BASE),
}
"""What `tests.bench.listing` lists; the ten zeros become each object's number."""
