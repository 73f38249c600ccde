"""Paddle's official SDK as a cross-check. It ships no types, so it is imported by name."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace


def values(module: str, name: str) -> set[str]:
    """The values of one of the SDK's enumerations, whose module has its name."""
    enumeration = getattr(import_module(f"paddle_billing.Entities.{module}.{name}"), name)
    return {str(each.value) for attribute, each in vars(enumeration).items() if not attribute.startswith("_")}


def verified(header: bytes, body: bytes, secret: str) -> bool:
    """What the SDK's verifier says of a delivery, its time aside."""
    sdk = import_module("paddle_billing.Notifications")
    request = SimpleNamespace(headers={"Paddle-Signature": header.decode()}, body=body)
    return bool(sdk.Verifier().verify(request, sdk.Secret(secret), verify_time_drift=False))
