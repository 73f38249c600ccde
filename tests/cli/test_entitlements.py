"""`tallyhook entitlements`, and what keeps a command from starting."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from service.model import Subscription, SubscriptionItem
from service.moments import clock
from service.store.engine import Database
from tests.cli.conftest import NOW, Run, late_payer, store, write_state


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["reconcile"], ["migrate"]])
def test_a_wrong_plan_keeps_every_command_from_starting(
    command: list[str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tallyhook.toml"
    file.write_text('[plans.pro]\nname = "Pro"\nprise = 3\n')
    monkeypatch.setenv("TALLYHOOK_CONFIG", str(file))
    done = run(*command)
    assert done.code == 2
    assert f"{file}, line 3: plans.pro.prise: unknown key; known: name, price, " in done.err


def test_one_document_says_what_is_known_and_why(run: Run, database: Database) -> None:
    late_payer(database)
    found = run("entitlements", "--customer", "cus_1", "--json").json()
    assert (found["state"], found["plan"]) == ("not_synced", None)
    assert [each["standing"] for each in found["considered"]] == ["grace_over"]
    assert run("entitlements", "--email", "ADA@example.com", "--json").json()["considered"] == found["considered"]


def test_a_person_reads_it_as_sentences(
    run: Run, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan and why, what it allows, until when, and the subscriptions that were looked at."""
    late_payer(database)
    done = run("entitlements", "--user", "nobody")
    assert done.code == 0
    assert "no plan is known (not_synced)" in done.out
    event = store(database, "evt_4", "customer.subscription.created", subject=("subscription", "sub_10"))
    end = database.now().replace(microsecond=0) + timedelta(days=1)
    item = SubscriptionItem(id="si_1", price_id="price_pro")
    kept = Subscription(customer_id="cus_1", status="active", cancels_at=end, items=(item,))
    write_state(database, event, "subscription", "sub_10", kept)
    file = tmp_path / "tallyhook.toml"
    file.write_text(
        '[plans.pro]\nname = "Pro"\nprice = { USD = 3 }\nlimits = { disk = "10 GB" }\n'
        'features = { cluster = true, sso = false }\nprices.stripe = "price_pro"\n'
    )
    monkeypatch.setenv("TALLYHOOK_CONFIG", str(file))
    said = run("entitlements", "--customer", "cus_1").out.splitlines()
    assert said[0].startswith("Pro (subscribed): subscription sub_10 (stripe) is active (cancels_at_period_end until ")
    assert said[0].endswith("because of event evt_4 (customer.subscription.created) at 2026-03-04 05:06:07 UTC")
    assert said[1:6] == [
        "  disk: 10 GB",
        "  cluster: yes",
        "  sso: no",
        f"confirmed {clock(NOW)} by webhook",
        f"may change by itself at {clock(end)}",
    ]
    assert [line.split()[1] for line in said if line.lstrip().startswith("stripe ")] == ["sub_10", "sub_9"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name one of --user"),
        (["--user", "1", "--email", "a@b"], "name one of --user"),
        (["--user", "1", "--account", "stripe"], "name one of --user"),
        (["--customer", "cus_x"], "no account knows a customer 'cus_x'"),
        (["--customer", "cus_1", "--account", "typo"], "there is no account 'typo'; known: stripe"),
    ],
)
def test_a_question_that_names_nobody_is_refused(
    arguments: list[str], message: str, run: Run, database: Database
) -> None:
    late_payer(database)
    done = run("entitlements", *arguments)
    assert (done.code, message in done.err) == (2, True)


def test_doctor_lists_the_prices_of_live_subscriptions_that_no_plan_names(
    run: Run, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = store(database, "evt_1", "customer.subscription.created", subject=("subscription", "sub_9"))
    item = SubscriptionItem(id="si_1", price_id="price_lost")
    write_state(database, event, "subscription", "sub_9", Subscription(customer_id="c", status="active", items=(item,)))
    monkeypatch.delenv("STRIPE_API_KEY")
    file = tmp_path / "tallyhook.toml"
    file.write_text('[plans.pro]\nname = "Pro"\nprice = { USD = 3 }\nprices.stripe = "price_pro"\n')
    found = {each["name"]: each for each in run("doctor", "--json").json()}
    assert (found["plans"]["ok"], "stripe:price_lost" in found["plans"]["detail"]) == (None, True)
    monkeypatch.setenv("TALLYHOOK_CONFIG", str(file))
    assert {each["name"]: each["ok"] for each in run("doctor", "--json").json()}["plans"] is False
    file.write_text(file.read_text().replace("price_pro", "price_lost"))
    assert {each["name"]: each["ok"] for each in run("doctor", "--json").json()}["plans"] is True
