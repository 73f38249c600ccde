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


def _words(response: httpx.Response) -> list[object]:
    error = body_of(response.content).get("error")
    return [error.get("code") if isinstance(error, dict) else None, response.headers.get("request-id")]


API: Final = Api(name="Stripe", base="https://api.stripe.com", headers={"Stripe-Version": API_VERSION}, words=_words)
