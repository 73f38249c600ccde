"""Processes die at any moment: nothing acknowledged is lost, nothing is applied twice, and a polite end is clean."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text

from service.providers.stripe import provider
from service.store import inbox
from service.store.engine import Database
from service.store.inbox import Delivery
from tests.faults import truth
from tests.faults.children import SPECIMENS, Child, Service, service, wait_until
from tests.faults.load import Load
from tests.signing import event

pytestmark = [pytest.mark.database, pytest.mark.long]
KILLS = 20


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database that the children share, opened for looking."""
    opened = Database(database_url)
    yield opened
    opened.close()


def test_kill_at_any_time_loses_and_doubles_nothing(database: Database, database_url: str, tmp_path: Path) -> None:
    """Both processes are killed twenty times while the events of every provider pour in."""
    rng = random.Random(f"kill {database.engine.dialect.name}")
    # Small claims: more transactions to be killed in, and fewer events to be taken alone afterwards.
    with service(database_url, tmp_path, TALLYHOOK_CLAIM_LIMIT="20") as running:
        load = Load(running.port, SPECIMENS, senders=1, seed=database.engine.dialect.name)
        load.start()
        for _ in range(KILLS):
            _one_life(running, load, rng)
            truth.expire_leases(database)
        server = running.server()
        _serving(server, load)
        sent = load.stop()
        worker = running.worker()
        wait_until(lambda: truth.unfinished(database) == 0, "the worker drains the inbox")
        assert (worker.stop(), server.stop()) == (0, 0)
    stored = truth.events(database)
    assert {row.status for row in stored} == {"applied"}
    for account in SPECIMENS:
        assert sum(key[0] == account for key in sent.acknowledged) > 2 * KILLS, account
    truth.assert_nothing_lost(stored, sent)
    truth.assert_state_is_newest(database, stored)


def test_sigterm_under_load_answers_what_was_begun(database: Database, database_url: str, tmp_path: Path) -> None:
    """Three times: whoever got no answer finds nothing stored, and whoever got one finds it."""
    with service(database_url, tmp_path) as running:
        for turn in range(3):
            load = Load(running.port, SPECIMENS, senders=2, seed=f"term {turn}")
            with database.write() as connection:
                connection.execute(text("DELETE FROM webhook_event"))
            server = running.server()
            load.start()
            _serving(server, load)
            time.sleep(0.2 + 0.15 * turn)
            code = server.stop()
            sent = load.stop()
            stored = truth.events(database)
            assert code == 0
            assert (sent.odd, set(sent.refused.values()) <= {503}) == ([], True)
            assert {(row.account, row.event_id) for row in stored} == set(sent.acknowledged)
            truth.assert_nothing_lost(stored, sent)


def test_sigterm_ends_a_worker_between_two_claims(database: Database, database_url: str, tmp_path: Path) -> None:
    """It finishes the batch in hand: no event stays claimed, and none is counted that was not processed."""
    _fill(
        database,
        [event(f"evt_{n}", object_id=f"cus_{n % 50}", created=1_780_000_000 + n, name="n") for n in range(3000)],
    )
    with service(database_url, tmp_path, TALLYHOOK_CLAIM_LIMIT="25") as running:
        worker = running.worker()
        wait_until(lambda: truth.count(database, "applied") > 0, "the worker applies")
        assert worker.stop() == 0
    found = {(row.status, row.attempts, row.claim_id) for row in truth.events(database)}
    assert found <= {("applied", 1, None), ("received", 0, None)}
    assert _rows(database, "subject_lease") == _rows(database, "heartbeat") == 0


def test_sigterm_during_a_read_gives_the_rest_back(database: Database, database_url: str, tmp_path: Path) -> None:
    """What was claimed but not yet read is as if it had never been taken."""
    # Two contents in one second, with nothing that orders them: each customer must be read from the API.
    pairs = [(f"evt_{n}_{side}", f"cus_{n}") for n in range(6) for side in "ab"]
    _fill(database, [event(key, object_id=customer, created=1_780_000_000, name=key) for key, customer in pairs])
    with (
        _SlowApi() as api,
        service(database_url, tmp_path, STRIPE_API_KEY="sk_test_1", STRIPE_API_BASE=api.url) as running,
    ):
        worker = running.worker()
        wait_until(api.asked.is_set, "the worker reads")
        ending = threading.Timer(0.5, api.go_on.set)
        ending.start()
        assert worker.stop() == 0
        ending.join()
    stored = truth.events(database)
    back = [row for row in stored if row.status != "applied"]
    assert {(row.status, row.attempts, row.claim_id) for row in back} == {("received", 0, None)}
    assert (api.reads, _rows(database, "subject_lease")) == (1, 0)
    with service(database_url, tmp_path) as running:
        worker = running.worker()
        wait_until(lambda: truth.unfinished(database) == 0, "the next worker takes them up")
        assert worker.stop() == 0
    assert {row.status for row in truth.events(database)} == {"applied"}


class _SlowApi(ThreadingHTTPServer):
    """An API that answers the first read only when it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.reads = 0

    def __enter__(self) -> _SlowApi:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.go_on.set()
        self.shutdown()
        self.server_close()


class _Answer(BaseHTTPRequestHandler):
    server: _SlowApi

    def do_GET(self) -> None:
        """Whose key it is, and one customer, late."""
        if self.path == "/v1/account":
            self._say(b'{"id": "acct_1"}')
            return
        self.server.reads += 1
        self.server.asked.set()
        self.server.go_on.wait(20)
        key = self.path.partition("?")[0].rpartition("/")[2]
        self._say(b'{"id": "%s", "object": "customer", "created": 1, "livemode": false, "name": "read"}' % key.encode())

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def _one_life(running: Service, load: Load, rng: random.Random) -> None:
    """Start both, let them come to work, and kill them at moments of their own; now and then while they start."""
    children = [running.server(), running.worker()]
    if rng.random() < 0.8:
        _serving(children[0], load)
        wait_until(lambda: children[1].said("worker.started"), "the worker starts")
    rng.shuffle(children)
    for child in children:
        time.sleep(rng.uniform(0.0, 0.3))
        child.kill()


def _serving(server: Child, load: Load) -> None:
    """Wait until this server has acknowledged something: its predecessor is dead, so it was this one."""
    before = load.acknowledged
    wait_until(lambda: server.said("webhook.accepted") and load.acknowledged > before, "the server acknowledges")


def _fill(database: Database, bodies: list[bytes]) -> None:
    with database.write() as connection:
        now = database.now()
        deliveries = [Delivery(account="stripe", envelope=provider.envelope(body), payload=body) for body in bodies]
        inbox.store(connection, deliveries, now)


def _rows(database: Database, table: str) -> int:
    with database.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
