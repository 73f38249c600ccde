"""What a provider is answered, and what is stored when it is."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe
from sqlalchemy import func, select, text

from service.store.tables import EVENTS
from service.system import System
from tests.signing import SECRET, event, signed

pytestmark = pytest.mark.database
PATH = "/webhooks/stripe"


def stored(system: System) -> int:
    """The number of events in the inbox."""
    with system.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(EVENTS)).scalar_one())


def cause(response: httpx.Response) -> str:
    """The named cause of a problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["cause"])


def test_a_delivery_is_stored_once_and_each_copy_is_counted(client: httpx.Client, system: System) -> None:
    body = event("evt_1")
    first = client.post(PATH, content=body, headers=signed(body))
    again = client.post(PATH, content=body, headers=signed(body))
    assert (first.status_code, first.json()["status"], first.json()["event_id"]) == (200, "stored", "evt_1")
    assert again.json() == {"id": first.json()["id"], "event_id": "evt_1", "status": "duplicate"}
    with system.database.read() as connection:
        row = connection.execute(select(EVENTS)).one()
    assert (row.deliveries, row.payload, row.status) == (2, body, "received")


def test_the_sdks_own_signature_is_accepted(client: httpx.Client) -> None:
    body = event("evt_sdk")
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET)
    assert client.post(PATH, content=body, headers={"stripe-signature": header}).status_code == 200


def test_a_rotated_secret_is_still_accepted(client: httpx.Client) -> None:
    body = event("evt_old")
    assert (
        client.post(PATH, content=body, headers=signed(body, secret="whsec_test_old_fedcba9876543210")).status_code
        == 200
    )


def test_each_refusal_names_its_cause_and_stores_nothing(client: httpx.Client, system: System) -> None:
    body = event("evt_2")
    now = time.time()
    broken = b'{"id": "evt_3", '
    refusals = {
        "missing_signature": client.post(PATH, content=body),
        "malformed_signature": client.post(PATH, content=body, headers={"stripe-signature": "nonsense"}),
        "bad_signature": client.post(PATH, content=body, headers=signed(body, secret="whsec_other")),
        "stale_timestamp": client.post(PATH, content=body, headers=signed(body, at=now - 301)),
        "future_timestamp": client.post(PATH, content=body, headers=signed(body, at=now + 302)),
        "bad_payload": client.post(PATH, content=broken, headers=signed(broken)),
        "unknown_account": client.post("/webhooks/nobody", content=body, headers=signed(body)),
    }
    for name, response in refusals.items():
        assert cause(response) == name
    assert {response.status_code for response in refusals.values()} == {400, 404}
    got = client.get(PATH)
    assert (got.status_code, cause(got), got.headers["allow"]) == (405, "method_not_allowed", "POST")
    assert stored(system) == 0


def test_the_limit_holds_for_chunked_bodies_too(client: httpx.Client, system: System) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 8192

    whole = client.post(PATH, content=b"x" * 70_000)
    chunked = client.post(PATH, content=chunks())
    assert [(r.status_code, cause(r)) for r in (whole, chunked)] == [(413, "too_large")] * 2
    assert stored(system) == 0


def test_an_event_of_the_other_mode_is_stored_but_not_applied(client: httpx.Client, system: System) -> None:
    body = event("evt_live").replace(b'"livemode": false', b'"livemode": true')
    assert client.post(PATH, content=body, headers=signed(body)).status_code == 200
    with system.database.read() as connection:
        assert connection.execute(select(EVENTS.c.status, EVENTS.c.reason)).one() == ("ignored", "other_mode")


def test_bytes_that_no_text_column_can_hold_are_stored_faithfully(client: httpx.Client, system: System) -> None:
    body = event("evt_nul", name="a\0b\N{GRINNING FACE}")
    assert b"\\u0000" in body
    assert client.post(PATH, content=body, headers=signed(body)).status_code == 200
    with system.database.read() as connection:
        assert connection.execute(select(EVENTS.c.payload)).scalar_one() == body


def test_racing_copies_are_stored_once(client: httpx.Client, system: System) -> None:
    bodies = [event(f"evt_{number}") for number in range(20)] * 8
    random.Random(1).shuffle(bodies)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda body: client.post(PATH, content=body, headers=signed(body)), bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["status"] == "stored" for answer in answers) == 20
    with system.database.read() as connection:
        assert connection.execute(select(func.count(), func.sum(EVENTS.c.deliveries))).one() == (20, 160)


def test_without_a_database_the_answer_is_503_and_readyz_says_so(client: httpx.Client, system: System) -> None:
    assert client.get("/readyz").status_code == 200
    with system.database.write() as connection:
        connection.execute(text("ALTER TABLE webhook_event RENAME TO elsewhere"))
        connection.execute(text("ALTER TABLE alembic_version RENAME TO elsewhere_too"))
    body = event("evt_4")
    refused = client.post(PATH, content=body, headers=signed(body))
    assert (refused.status_code, cause(refused), refused.headers["retry-after"]) == (503, "not_durable", "5")
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200


def test_metrics_count_what_was_answered(client: httpx.Client) -> None:
    body = event("evt_5")
    client.post(PATH, content=body, headers=signed(body))
    shown = client.get("/metrics").text
    assert 'tallyhook_deliveries_total{account="stripe",outcome="stored"}' in shown


def test_a_locked_database_delays_the_answer_but_loses_nothing(client: httpx.Client, system: System) -> None:
    """The commit waits for the lock, and the 200 waits for the commit."""
    release = threading.Event()
    held = threading.Event()

    def hold() -> None:
        with system.database.write() as connection:
            if system.database.postgres:
                connection.execute(text("LOCK TABLE webhook_event IN EXCLUSIVE MODE"))
            held.set()
            release.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    body = event("evt_6")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(client.post, PATH, content=body, headers=signed(body))
        assert not pending.done()
        release.set()
        assert pending.result(10).status_code == 200
    holder.join()
    assert stored(system) == 1
