"""Stripe's API as the shared transport needs to know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

from service.refusals import body_of
from service.transport import Api

API_VERSION: Final = "2026-10-28.endive"
"""The version that requests are pinned to, the default of stripe-python 16.1.0."""

MODES: Final[Mapping[str, str]] = {"sk_live_": "live", "rk_live_": "live", "sk_test_": "test", "rk_test_": "test"}
"""What the first eight characters of a secret or restricted key say."""


def mode(api_key: str | None) -> str | None:
    """`live` or `test` by the key's prefix; None where it has none."""
    return MODES.get(api_key[:8]) if api_key else None


DUPLICATE_USAGE: Final = "duplicate_meter_event"
"""The refusal of a meter event whose identifier was used before. The API of version 1 tells it by its message alone."""
_SEEN: Final = "An event already exists with identifier"


def _words(response: httpx.Response) -> list[object]:
    error = body_of(response.content).get("error")
    if not isinstance(error, dict):
        return [response.headers.get("request-id")]
    seen = str(error.get("message")).startswith(_SEEN)
    return [DUPLICATE_USAGE if seen else error.get("code"), response.headers.get("request-id")]


API: Final = Api(name="Stripe", base="https://api.stripe.com", headers={"Stripe-Version": API_VERSION}, words=_words)
