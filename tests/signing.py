"""Signed Stripe deliveries for tests; the secret is a fixed fake."""

from __future__ import annotations

import json
import time
from typing import Any

from service.sandbox.stripe import sign

SECRET = "whsec_test_0123456789abcdef"


def event(event_id: str, *, type_: str = "customer.updated", object_id: str = "cus_1", **more: Any) -> bytes:
    """The body of a snapshot event about a customer."""
    created = more.pop("created", 1_790_000_000)
    thing = {
        "id": object_id,
        "object": "customer",
        "email": f"{event_id}@example.com",
        "created": created,
        "livemode": False,
    }
    body = {
        "id": event_id, "object": "event", "api_version": "2026-10-28.endive", "created": created, "livemode": False,
        "type": type_, "data": {"object": thing | more},
    }  # fmt: skip
    return json.dumps(body).encode()


def signed(body: bytes, *, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers of a delivery signed now."""
    moment = int(time.time() if at is None else at)
    return {"stripe-signature": sign(body, secret, moment), "content-type": "application/json"}
