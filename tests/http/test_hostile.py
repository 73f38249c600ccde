"""Ten thousand hostile deliveries to all providers at once: no server error, no row, no crash."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from service.app import build
from service.sandbox.server import serving
from service.settings import AccountSettings, Settings
from service.store.tables import EVENTS
from service.system import System
from tests.contract.specimen import Specimen, specimens

pytestmark = [pytest.mark.database, pytest.mark.long]
DELIVERIES = 10_000
SECRET = "the-secret-of-all"
SPECIMENS = {provider.name: specimen for provider, specimen in specimens()}
# What the holder of a secret may send by mistake: signed, and still nothing that could be stored.
_BROKEN = (
    b"", b"null", b"[]", b"{}", b"\xff\xfe", b"NaN", b"[" * 5_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"9" * 20_000, b'"\\ud800"', b"\x00" * 100, b"\xef\xbb\xbf{}",
)  # fmt: skip
_NAMES = (
    b'"a\\u0000b"',
    b'"\\ud800"',
    b'"\xff"',
    b'""',
    b'"%s"' % (b"n" * 256),
    b"NaN",
    b"1e999",
    b"[[[[]]]]",
    b"null",
)
Sent = tuple[bytes, bytes]


@pytest.fixture
def system(database_url: str) -> Iterator[System]:
    """One account at each provider, all with one secret."""
    accounts = tuple(AccountSettings(name=name, provider=name, webhook_secrets=(SECRET,)) for name in SPECIMENS)
    made = System(Settings(database_url=database_url, accounts=accounts, max_body=65_536))
    yield made
    made.close()


def garbage(rng: random.Random, _specimen: Specimen) -> Sent:
    """Random bytes in header and body."""
    return rng.randbytes(rng.randrange(60)), rng.randbytes(rng.randrange(60))


def altered(rng: random.Random, specimen: Specimen) -> Sent:
    """A true delivery of which a few bytes are wrong, in the header or in the body."""
    body = specimen.event(f"evt-{rng.random()}")
    header, wrong = bytearray(specimen.sign(body, (SECRET,), int(time.time()))), bytearray(body)
    target = header if rng.random() < 0.5 else wrong
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(target) // 2, len(target))
        target[place] = (target[place] + rng.randrange(1, 90)) % 256
    return bytes(header), bytes(wrong)


def cut(rng: random.Random, specimen: Specimen) -> Sent:
    """A true delivery whose end is missing."""
    body = specimen.event(f"evt-{rng.random()}")
    return specimen.sign(body, (SECRET,), int(time.time())), body[: rng.randrange(len(body))]


def forged(rng: random.Random, specimen: Specimen) -> Sent:
    """Signed by somebody else, at any time."""
    body = specimen.event(f"evt-{rng.random()}")
    return specimen.sign(body, (f"secret-{rng.random()}",), rng.choice((0, int(time.time()), 10**11))), body


def broken(rng: random.Random, specimen: Specimen) -> Sent:
    """Truly signed, and no event."""
    body = rng.choice(_BROKEN)
    return specimen.sign(body, (SECRET,), int(time.time())), body


def unnamable(rng: random.Random, specimen: Specimen) -> Sent:
    """Truly signed, and an event whose names can't stand in a row."""
    body = specimen.raw(rng.choice(specimen.shape.named), rng.choice(_NAMES))
    return specimen.sign(body, (SECRET,), int(time.time())), body


KINDS: tuple[Callable[[random.Random, Specimen], Sent], ...] = (garbage, altered, cut, forged, broken, unnamable)


def clean(header: bytes) -> bytes:
    """What an HTTP client can send as a header at all."""
    return bytes(byte for byte in header if byte >= 32 and byte != 127).strip()


def test_ten_thousand_hostile_deliveries_give_no_server_error_and_no_row(system: System) -> None:
    """Every answer is a 400 with a named cause; the server stores a true delivery to each provider afterwards."""
    rng, seen, causes = random.Random(7), Counter[int](), Counter[str]()
    with serving(build(system)) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        names = list(SPECIMENS)
        for number in range(DELIVERIES):
            name = names[number % len(names)]
            header, body = KINDS[number // len(names) % len(KINDS)](rng, SPECIMENS[name])
            headers = {SPECIMENS[name].header: clean(header)}
            connection.request("POST", f"/webhooks/{name}", body, headers)
            answer = connection.getresponse()
            seen[answer.status] += 1
            causes[json.loads(answer.read())["cause"]] += 1
        assert set(seen) == {400}
        assert {"missing_signature", "malformed_signature", "bad_signature", "bad_payload"} == set(causes)
        assert _stored(system) == 0
        _deliver_truly(connection)
        connection.close()
    assert _stored(system) == len(SPECIMENS)


def _deliver_truly(connection: http.client.HTTPConnection) -> None:
    for name, specimen in SPECIMENS.items():
        body = specimen.event("evt-true")
        connection.request("POST", f"/webhooks/{name}", body, specimen.headers(body, SECRET, int(time.time())))
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["status"]) == (200, "stored")


def _stored(system: System) -> int:
    with system.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(EVENTS)).scalar_one())
