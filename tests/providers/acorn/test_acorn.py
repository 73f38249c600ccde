"""A provider that nothing shared has heard of goes the whole way: one folder, found by discovery, no other file.

Its folder is what a package of somebody else's would be: an adapter, and the metadata that pip would have installed beside it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconcile.plan import Options
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service import cli, system
from service.app import build
from service.errors import ConfigError, NotSupported
from service.process import process_ids
from service.sandbox.server import serving
from service.settings import load
from service.store.tables import EVENTS, STATE
from service.system import System, discover, options
from tests.providers.acorn.adapter import provider
from tests.providers.acorn.specimen import SECRET, specimen
from tests.providers.acorn.standin import House
from tests.reconcile.world import Unlimited

ROOT = Path(__file__).parents[3]


@pytest.fixture
def house() -> House:
    """A house in which one patron has paid and another has left."""
    house = House()
    house.write("patron.joined", "p1", mail="ann@example.com", called="Ann", yours="user-1", joined=house.now)
    house.write("membership.begun", "m1", patron="p1", state="running", each="19.00", coin="EUR", seats=2, tariff="t1")
    house.write("bill.sent", "b1", patron="p1", membership="m1", state="open", sum="38.00", coin="EUR", sent=house.now)
    house.write("bill.settled", "b1", state="settled", settled=house.now)
    house.write("giveback.made", "g1", bill="b1", patron="p1", state="done", sum="5.50", coin="EUR", made=house.now)
    house.write("patron.joined", "p2", mail="bob@example.com", called="Bob", joined=house.now)
    house.write("patron.left", "p2", gone=True)
    return house


@pytest.fixture
def url(house: House) -> Iterator[str]:
    """Where the house's API is."""
    with serving(house.app) as url:
        yield url


@pytest.fixture
def opened(house: House, url: str, database_url: str) -> Iterator[System]:
    """The service as the environment alone sets it up, on a clock that follows the house's."""
    made = System(load(environment(database_url, url), options()), clock=lambda: moment(house))
    made.account("acorn").budget = Unlimited()
    yield made
    made.close()


def environment(database_url: str, url: str) -> dict[str, str]:
    """Settings by prefix."""
    return {
        "DATABASE_URL": database_url, "ACORN_WEBHOOK_SECRET": SECRET, "ACORN_API_KEY": "acorn-test-key",
        "ACORN_API_BASE": url, "ACORN_REGION": "north",
    }  # fmt: skip


def moment(house: House) -> datetime:
    """The house's time, and a second."""
    return datetime.fromtimestamp(house.now / 1000, UTC) + timedelta(seconds=1)


def delivered(opened: System, house: House) -> list[int]:
    """Post every event of the log, twice over; the status codes."""
    with serving(build(opened)) as url, httpx.Client(base_url=url) as client:
        bodies = [json.dumps(each).encode() for each in house.log] * 2
        now = int(time.time())
        answers = [
            client.post("/webhooks/acorn", content=each, headers=specimen.headers(each, SECRET, now)) for each in bodies
        ]
    return [answer.status_code for answer in answers]


def processed(opened: System) -> dict[int, str]:
    """Process all that was stored; the status of each event."""
    with opened.database.read() as connection:
        ids = list(connection.execute(EVENTS.select().with_only_columns(EVENTS.c.id)).scalars())
    return process_ids(opened, ids)


def run(opened: System, house: House, **chosen: Any) -> AccountReport:
    """One reconcile, two hours later."""
    house.now += 7_200_000
    return reconcile(opened, Options(**chosen)).accounts[0]


def state(opened: System) -> dict[str, dict[str, Any]]:
    """Every row by kind and id: what a user of the tables would look at first."""
    with opened.database.read() as connection:
        return {
            f"{kind}:{row.id}": dict(row._mapping)
            for kind, table in STATE.items()
            for row in connection.execute(table.select())
        }


def test_discovery_finds_it_among_the_others_by_its_metadata() -> None:
    assert discover()["acorn"] is provider
    assert {"stripe", "paddle", "lemonsqueezy"} < set(discover())
    assert options()["acorn"] == ("region",)


def test_nothing_that_is_shared_has_heard_of_it() -> None:
    shared = [*(ROOT / "service").rglob("*.py"), *(ROOT / "reconcile").rglob("*.py"), ROOT / "pyproject.toml"]
    assert [file for file in shared if "acorn" in file.read_text().lower()] == []
    others = [file for file in (ROOT / "tests").rglob("*.py") if "acorn" not in file.parts]
    assert [
        file for file in others if "import acorn" in file.read_text() or "providers.acorn" in file.read_text()
    ] == []


def test_settings_are_found_by_its_prefix() -> None:
    (account,) = load(environment("sqlite://", "http://127.0.0.1:9"), options()).accounts
    assert (account.name, account.provider, account.webhook_secrets) == ("acorn", "acorn", (SECRET,))
    assert (account.api_key, account.extra) == ("acorn-test-key", {"region": "north"})


def test_an_account_file_may_name_it_and_its_option(tmp_path: Path) -> None:
    file = tmp_path / "tallyhook.toml"
    file.write_text(
        '[accounts.oak]\nprovider = "acorn"\nwebhook_secret = "s1"\nregion = "south"\n'
        '[accounts.elm]\nprovider = "acorn"\nwebhook_secret = "s2"\nmode = "live"\n'
    )
    found = {each.name: each for each in load({"TALLYHOOK_CONFIG": str(file)}, options()).accounts}
    assert (found["oak"].extra, found["elm"].mode) == ({"region": "south"}, "live")


def test_its_events_are_stored_once_and_applied(opened: System, house: House) -> None:
    assert set(delivered(opened, house)) == {200}
    assert set(processed(opened).values()) == {"applied"}
    rows = state(opened)
    assert len(processed(opened)) == len(house.log)
    assert (rows["customer:p1"]["email"], rows["customer:p1"]["user_id"]) == ("ann@example.com", "user-1")
    assert rows["customer:p2"]["deleted_at"] is not None
    assert (rows["subscription:m1"]["status"], rows["subscription:m1"]["amount"]) == ("active", 3800)
    assert (rows["invoice:b1"]["status"], rows["payment:b1"]["amount_refunded"]) == ("paid", 550)


def test_what_was_never_delivered_is_found_in_its_log_and_its_lists(opened: System, house: House) -> None:
    """The second run, which looks at everything, finds nothing."""
    first = run(opened, house)
    assert (first.status, first.left, first.exit_code) == ("complete", 0, 0), first
    house.write("membership.changed", "m1", state="late")
    second = run(opened, house)
    assert (second.status, set(second.by_class)) == ("complete", {"missed_event"})
    assert state(opened)["subscription:m1"]["status"] == "past_due"
    assert "/north/log" in house.calls
    third = run(opened, house, full=True)
    assert (third.status, third.by_class) == ("complete", {})


def test_an_event_of_the_other_mode_in_the_log_is_not_taken_for_a_missed_one(opened: System, house: House) -> None:
    """The audit judges as the door does."""
    run(opened, house)
    house.log.append(
        json.loads(house.write("patron.changed", "p1", called="Ann L.")) | {"uid": "ev-live", "test": False}
    )
    found = run(opened, house)
    assert found.by_class == {"missed_event": 1}
    with opened.database.read() as connection:
        stored = connection.execute(EVENTS.select().where(EVENTS.c.event_id == "ev-live")).all()
    assert stored == []


def test_a_change_that_left_no_event_is_healed_by_its_lists_alone(opened: System, house: House) -> None:
    run(opened, house)
    house.write("bill.dropped", "b2", patron="p1", state="open", sum="7.00", coin="EUR")
    house.log.pop()
    house.write("membership.changed", "m1", seats=3)
    house.log.pop()
    healed = run(opened, house)
    assert (healed.status, healed.by_class) == ("complete", {"missing_local": 2, "mismatch": 2})
    assert state(opened)["subscription:m1"]["amount"] == 5700


def test_a_key_of_another_house_refuses_the_run(opened: System, house: House) -> None:
    run(opened, house)
    house.name = "house-2"
    before = state(opened)
    refused = run(opened, house)
    assert (refused.status, "house-2" in str(refused.error)) == ("refused", True)
    assert state(opened) == before


def test_it_has_no_write_side_and_says_so(opened: System) -> None:
    with pytest.raises(NotSupported):
        opened.account("acorn").writer()


def test_doctor_and_explain_know_it(
    house: House, url: str, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(database_url, url).items():
        monkeypatch.setenv(name, value)
    house.now = int(time.time() * 1000)
    assert _ran("doctor", "--json") == 1
    checks = {each["name"]: each["ok"] for each in json.loads(capsys.readouterr().out)}
    assert {name for name, ok in checks.items() if ok is False} == {"acorn: endpoint"}
    _ran("doctor", "--fix", "--url", "https://billing.example.com", "--json")
    assert "ACORN_WEBHOOK_SECRET=acorn-hook-secret-9" in capsys.readouterr().out
    assert house.hooks[0]["url"] == "https://billing.example.com/webhooks/acorn"
    assert _ran("reconcile", "--json", "--quiet") == 0
    capsys.readouterr()
    assert _ran("explain", "p1", "--json") == 0
    (subject, *_) = json.loads(capsys.readouterr().out)["subjects"]
    assert (subject["account"], subject["kind"], subject["id"]) == ("acorn", "customer", "p1")


def _ran(*arguments: str) -> int:
    try:
        return cli.main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.mark.parametrize(
    ("points_to", "told"),
    [("tests.providers.nobody:provider", "can't be loaded"), ("service.providers.stripe:provider", "'stripe'")],
)
def test_an_installed_adapter_that_cannot_be_used_is_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points_to: str, told: str
) -> None:
    """A provider that silently went missing would be deliveries refused."""
    folder = tmp_path / "other-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[{system.GROUP}]\nother = {points_to}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    discover.cache_clear()
    with pytest.raises(ConfigError, match=told):
        discover()
    monkeypatch.undo()
    discover.cache_clear()
    assert "acorn" in discover()
