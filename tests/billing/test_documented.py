"""The application of docs/billing.md is run as it stands there, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from service.sandbox.server import serving
from tests.billing.cases.stripe import StripeCase

ROOT = Path(__file__).parents[2]
CONFIG = """
[plans.free]
name = "Free"
price = {{ USD = 0 }}
limits = {{ devices = 1 }}
[plans.pro]
name = "Pro"
price = {{ USD = 19 }}
limits = {{ devices = 5 }}
prices = {{ stripe = ["{price}"] }}
"""


def test_the_documented_application(sqlite_url: str, tmp_path: Path) -> None:
    """It subscribes, reports usage, cancels, and prints the page to pay at and the invoice; nothing is left open."""
    found = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/billing.md").read_text(encoding="utf-8"), re.M | re.S)
    assert len(found) == 1
    assert len(found[0].splitlines()) <= 30
    case = StripeCase()
    config = tmp_path / "tallyhook.toml"
    config.write_text(CONFIG.format(price=case.plans()["pro"]))
    with serving(case.sandbox.app) as url:
        env = os.environ | {
            "DATABASE_URL": sqlite_url, "STRIPE_API_BASE": url, "STRIPE_API_KEY": case.sandbox.api_key,
            "STRIPE_WEBHOOK_SECRET": "secret_of_ours", "TALLYHOOK_CONFIG": str(config), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", found[0]], env=env, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
    assert "send the user to https://" in done.stdout
    assert "1900 USD" in done.stdout
    customer = case.customers("42")
    assert len(customer) == 1
    assert len(case.subscriptions(customer[0])) == 1
