"""What the tests start from: fixtures by name, and small events around an object."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from service.model import Snapshot
from service.provider import Mapped
from service.providers.stripe import provider

FIXTURES = Path(__file__).parent / "fixtures"
KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"
"""The API key that the tests' readers carry."""
T = 1_790_000_000
"""Time of every fixture's event."""

Json = dict[str, Any]


def at(seconds: int) -> datetime:
    """A moment in Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def fixture(name: str) -> bytes:
    """The bytes of one fixture."""
    return (FIXTURES / f"{name}.json").read_bytes()


def names() -> list[str]:
    """All fixtures."""
    return sorted(each.stem for each in FIXTURES.glob("*.json"))


def event(event_type: str, obj: Json, previous: Any = None, **more: Any) -> bytes:
    """A snapshot event about `obj`."""
    data = {"object": obj} if previous is None else {"object": obj, "previous_attributes": previous}
    whole = {"id": "evt_1", "object": "event", "type": event_type, "created": T, "livemode": False, "data": data}
    return json.dumps({**whole, **more}).encode()


def mapped(name: str) -> Mapped:
    """One fixture, translated."""
    return provider.map(fixture(name))


def only(name: str) -> Snapshot:
    """The single snapshot of a fixture."""
    (snapshot,) = mapped(name).snapshots
    return snapshot


def told(snapshot: Snapshot) -> Json:
    """A snapshot's content as JSON values, times as text."""
    values: Json = msgspec.to_builtins(snapshot.content())
    return values


def content(snapshot: Snapshot) -> Json:
    """What a snapshot tells, without what is None."""
    return {name: value for name, value in told(snapshot).items() if value is not None}
