"""Every row of PROVIDERS.md 4.1 and 4.2 has a test named after it at each provider that the sheet describes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "providers"
ROWS = {
    "payment": ("succeeded", "pending", "requires_action", "authorized", "of_status_succeeded", "failed", "canceled"),
    "subscription": (
        "cancelled_scheduled", "cancelled_over", "incomplete", "trialing", "active", "active_with_cancels_at", "past_due",
        "unpaid", "paused", "ended", "expired_incomplete",
    ),
    "invoice": ("issued", "draft", "open", "paid", "void", "uncollectible"),
    "refund": ("pending", "succeeded", "failed", "canceled", "reversed"),
    "dispute": ("warning", "needs_response", "under_review", "won", "lost", "closed"),
    "unknown": ("",),
}  # fmt: skip


def named(provider: str) -> list[str]:
    """The names of all tests in a provider's folder."""
    trees = [ast.parse(file.read_text()) for file in (FOLDER / provider).glob("test_*.py")]
    functions = [each for tree in trees for each in tree.body if isinstance(each, ast.FunctionDef)]
    return [each.name for each in functions if each.name.startswith("test_")]


@pytest.mark.parametrize("provider", ["stripe", "paddle", "lemonsqueezy"])
def test_each_row_has_a_test_of_its_own_name(provider: str) -> None:
    names = named(provider)
    wanted = [f"test_{kind}_{row}" for kind, listed in ROWS.items() for row in listed]
    if not any(name.startswith("test_dispute_warning") for name in names):
        # Where there are no disputes one test says so of all of them.
        assert "test_dispute_of_any_status_does_not_exist_here" in names
        wanted = [name for name in wanted if not name.startswith("test_dispute_")]
    # A name counts for one row: `test_subscription_active_with_cancels_at_...` says nothing of `active`.
    told = {max((each for each in wanted if name.startswith(each)), key=len, default="") for name in names}
    assert [each for each in wanted if each not in told] == []
