"""When nobody was there: silences of all web processes together, and only those that lose events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from service.presence import LEAST_SECONDS, ROLE, Presence, Silence, patience, silences
from service.provider import Provider
from service.sandbox.lemonsqueezy import world
from service.settings import AccountSettings, Settings
from service.store import outages
from service.system import System, discover
from service.worker import Beat

START = datetime(2026, 11, 1, tzinfo=UTC)
LEMON = AccountSettings(name="lemons", provider="lemonsqueezy", webhook_secrets=("secret",), api_key="key")
STRIPE = AccountSettings(name="stripe", provider="stripe", webhook_secrets=("whsec_x",), api_key="sk_test_x")
KEYLESS = AccountSettings(name="keyless", provider="lemonsqueezy", webhook_secrets=("secret",))

beats = st.lists(st.integers(0, 3_000), min_size=1, max_size=60).map(sorted)


def noticed(moments: list[int], limits: dict[str, float]) -> list[Silence]:
    """What is noticed when signs of life come at these seconds, from whichever process."""
    found, before = list[Silence](), None
    for second in moments:
        now = START + timedelta(seconds=second)
        found += silences(before, now, limits)
        before = now
    return found


@given(moments=beats, limit=st.integers(1, 300))
def test_a_silence_is_noticed_exactly_where_no_process_gave_a_sign_for_too_long(moments: list[int], limit: int) -> None:
    """Every second between the first and the last sign lies in a noticed silence or within the limit of a sign before it."""
    found = [(each.began_at, each.ended_at) for each in noticed(moments, {"a": limit})]
    quiet = [(a, b) for a, b in pairwise(moments) if b - a > limit]
    assert found == [(START + timedelta(seconds=a), START + timedelta(seconds=b)) for a, b in quiet]


@given(one=beats, other=beats, limit=st.integers(1, 300))
def test_another_process_never_adds_a_silence(one: list[int], other: list[int], limit: int) -> None:
    """It can only shorten those that are there: each one left lies within an old one, or before or after all of them."""
    alone, together = noticed(one, {"a": limit}), noticed(sorted(one + other), {"a": limit})
    for each in together:
        inside = any(old.began_at <= each.began_at and each.ended_at <= old.ended_at for old in alone)
        first, last = START + timedelta(seconds=one[0]), START + timedelta(seconds=one[-1])
        assert inside or each.ended_at <= first or each.began_at >= last


@given(moments=beats, short=st.integers(1, 300), long=st.integers(1, 300))
def test_who_bears_less_notices_all_that_the_other_does(moments: list[int], short: int, long: int) -> None:
    """Each account has a limit of its own, and the silence that it notices is the whole one."""
    found = noticed(moments, {"touchy": min(short, long), "calm": max(short, long)})
    times = {
        name: {(each.began_at, each.ended_at) for each in found if each.account == name} for name in ("touchy", "calm")
    }
    assert times["calm"] <= times["touchy"]


def test_a_first_sign_of_life_ends_no_silence() -> None:
    assert silences(None, START, {"a": 1.0}) == []


@pytest.mark.parametrize("provider", discover().values(), ids=discover())
def test_whoever_has_no_log_is_watched_more_closely_than_its_provider_gives_up(provider: Provider) -> None:
    """The others can be asked later what they tried to deliver."""
    most = patience(provider)
    assert (most is None) == (provider.log_memory_days is not None)
    assert most is None or provider.gives_up_after_seconds is None or most < provider.gives_up_after_seconds
    assert patience(provider, 0) is None


def test_the_declaration_is_the_schedule_of_the_stand_in() -> None:
    provider = discover()["lemonsqueezy"]
    assert provider.gives_up_after_seconds == sum(world._MANNERS.retries)
    assert (patience(provider), patience(provider, 400), patience(provider, 1)) == (95.0, 400, LEAST_SECONDS)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A database that is away is warned of."""
    with structlog.testing.capture_logs():
        yield


class Site:
    """Machines over one database; `now` is its clock."""

    def __init__(self, database_url: str) -> None:
        self.url, self.now = database_url, START
        self._systems: list[System] = []

    def machine(self) -> System:
        """Another one."""
        settings = Settings(database_url=self.url, accounts=(LEMON, STRIPE, KEYLESS))
        self._systems.append(System(settings, clock=lambda: self.now))
        return self._systems[-1]

    def web(self) -> Beat:
        """A web process of its own machine."""
        system = self.machine()
        return Beat(system.database, ROLE, beside=Presence(system).beat)

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    def found(self) -> list[tuple[str, float]]:
        """(account, seconds) of each outage."""
        with self._systems[0].database.read() as connection:
            unfinished = outages.unfinished(connection)
        return [(each.account, (each.ended_at - each.began_at).total_seconds()) for each in unfinished]

    def rows(self, table: str) -> int:
        """How many."""
        with self._systems[0].database.read() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    def close(self) -> None:
        """Give back the connections."""
        for each in self._systems:
            each.close()


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """On SQLite and PostgreSQL in turn."""
    opened = Site(database_url)
    yield opened
    opened.close()


def test_a_process_that_stopped_cleanly_is_missed_all_the_same(site: Site) -> None:
    """Its heartbeat is gone with it; only the account without a log, and with a key, has lost anything."""
    before = site.web()
    before.start()
    before.stop()
    assert site.rows("heartbeat") == 0
    site.later(240)
    site.web().beat()
    assert site.found() == [("lemons", 240.0)]


def test_a_restart_is_no_outage(site: Site) -> None:
    site.web().beat()
    site.later(90)
    site.web().beat()
    assert site.found() == []


def test_a_rolling_restart_is_no_outage(site: Site) -> None:
    """Each machine is away for ten minutes, never both."""
    one, other = site.web(), site.web()
    for turn in range(120):
        if not 10 < turn < 70:
            one.beat()
        if not 75 < turn < 110:
            other.beat()
        site.later(10)
    assert site.found() == []


def test_machines_that_come_back_at_once_note_one_outage(site: Site) -> None:
    """Whoever is first notes it; the others find a sign of life that is new, or the same outage noted."""
    site.web().beat()
    site.later(240)
    webs = [site.web() for _ in range(5)]
    ready = threading.Barrier(len(webs))

    def back(web: Beat) -> None:
        ready.wait()
        web.beat()

    threads = [threading.Thread(target=back, args=(web,)) for web in webs]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert site.found() == [("lemons", 240.0)]


def test_a_database_that_was_away_is_an_outage(
    site: Site, away: Callable[[Site], AbstractContextManager[None]]
) -> None:
    """The processes lived, but could store nothing: for the provider that is the same."""
    webs = [site.web(), site.web()]
    for web in webs:
        web.beat()
    with away(site):
        for _ in range(24):
            site.later(10)
            for web in webs:
                web.beat()
    for web in webs:
        web.beat()
    assert site.found() == [("lemons", 240.0)]


@pytest.fixture
def away(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Site], AbstractContextManager[None]]:
    """Takes the database away from every machine: a disk that is gone, a server that accepts nobody."""

    @contextmanager
    def disk(site: Site) -> Iterator[None]:
        file = tmp_path / "tallyhook-test.db"
        for each in site._systems:
            each.database.close()
        kept = file.rename(tmp_path / "elsewhere.db")
        file.mkdir()
        yield
        file.rmdir()
        kept.rename(file)

    @contextmanager
    def server(site: Site) -> Iterator[None]:
        url = site._systems[0].database.url
        admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'.encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (url.database,)
            )
            yield
            connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'.encode())

    return server if request.node.callspec.params["database_url"] == "postgresql" else disk
