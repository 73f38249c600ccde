"""What the tests start from: fixtures by name, and small events around an object."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from service.model import Snapshot
from service.provider import Mapped
from service.providers.paddle import provider

FIXTURES = Path(__file__).parent / "fixtures"
KEY = "pdl_sdbx_apikey_01k5p0000000000000000000000_AbCdEf"
"""The API key that the tests' readers carry."""
AT = "2026-09-21T14:13:20.123456Z"
"""Time of every fixture's event, and of the last update of most objects."""
T = 1_790_000_000
"""The same in whole seconds."""

Json = dict[str, Any]


def at(seconds: float) -> datetime:
    """A moment in Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def moment(text: str) -> datetime:
    """A moment in RFC 3339."""
    return datetime.fromisoformat(text)


def fixture(name: str) -> bytes:
    """The bytes of one fixture."""
    return (FIXTURES / f"{name}.json").read_bytes()


def names() -> list[str]:
    """All fixtures."""
    return sorted(each.stem for each in FIXTURES.glob("*.json"))


def data(name: str) -> Json:
    """The object of one fixture."""
    found: Json = json.loads(fixture(name))["data"]
    return found


def event(event_type: str, obj: Json, **more: Any) -> bytes:
    """An event about `obj`."""
    whole = {"event_id": "evt_1", "event_type": event_type, "occurred_at": AT, "notification_id": "ntf_1", "data": obj}
    return json.dumps({**whole, **more}).encode()


def mapped(name: str) -> Mapped:
    """One fixture, translated."""
    return provider.map(fixture(name))


def only(name: str) -> Snapshot:
    """The single snapshot of a fixture."""
    (snapshot,) = mapped(name).snapshots
    return snapshot


def both(name: str) -> tuple[Json, Json]:
    """What the invoice and the payment of a fixture's transaction tell, without what is None."""
    invoice, payment = mapped(name).snapshots
    assert (invoice.kind, payment.kind) == ("invoice", "payment")
    return content(invoice), content(payment)


def told(snapshot: Snapshot) -> Json:
    """A snapshot's content as JSON values, times as text."""
    values: Json = msgspec.to_builtins(snapshot.content())
    return values


def content(snapshot: Snapshot) -> Json:
    """What a snapshot tells, without what is None."""
    return {name: value for name, value in told(snapshot).items() if value is not None}


def rows(name: str, **changes: Any) -> dict[str, Json]:
    """What the rows of a fixture's transaction tell, with some attributes changed, by kind."""
    snapshots = provider.map(event("transaction.updated", data(name) | changes)).snapshots
    return {each.kind: told(each) for each in snapshots}


def attempt(status: str | None, **more: Any) -> Json:
    """The usual attempt with another status."""
    usual: Json = data("transaction.completed__first_payment")["payments"][0]
    return usual | {"status": status, **more}
