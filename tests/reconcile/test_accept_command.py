"""`drift list` and `drift accept` as a person runs them: processes of their own."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.cli.children import command, environment
from tests.reconcile.test_reconcile import forged
from tests.reconcile.world import World


def _drift(shop: World, *arguments: str) -> tuple[int, Any, str]:
    """Exit code, the JSON document (None where there is none), and standard error of `tallyhook drift`."""
    own = environment(
        DATABASE_URL=shop.database_url, STRIPE_API_BASE=shop.url, STRIPE_API_KEY="sk_test_sandbox",
        STRIPE_WEBHOOK_SECRET="whsec_test",
    )  # fmt: skip
    ran = subprocess.run(
        command("drift", *arguments, "--json"), env=own, capture_output=True, text=True, timeout=120, check=False
    )
    return ran.returncode, json.loads(ran.stdout) if ran.stdout else None, ran.stderr


def test_what_a_person_accepts_follows_the_provider_and_waits_no_more(shop: World) -> None:
    """A row that the provider doesn't know becomes a tombstone by the person's word, once."""
    forged(shop)
    assert shop.run(full=True).exit_code == 1
    _, (waiting,), _ = _drift(shop, "list")
    assert (waiting["object_id"], waiting["action"]) == ("cus_forged", "needs_review")
    accepted = {"id": waiting["id"], "accepted": True}
    assert _drift(shop, "accept", str(waiting["id"]))[:2] == (0, accepted)
    assert shop.sql("SELECT deleted_at FROM customer WHERE id = 'cus_forged'")[0].deleted_at is not None
    assert _drift(shop, "list")[:2] == (0, [])
    code, document, said = _drift(shop, "accept", str(waiting["id"]))
    assert (code, document, "waits for a person" in said) == (2, None, True)
