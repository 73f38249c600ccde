"""What the tests start from: fixtures by name, and the API's documents around an object."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from service.model import Snapshot
from service.provider import Mapped
from service.providers.lemonsqueezy import provider

FIXTURES = Path(__file__).parent / "fixtures"
KEY = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.test"
"""The API key that the tests' readers carry."""
SECRET = "ls-signing-secret-123"
CREATED, LATER, RENEWS = "2026-09-21T14:13:20Z", "2026-09-25T09:00:00Z", "2026-10-21T14:13:20Z"
"""Times in the fixtures: creation, the last update of what changed later, and the end of the period."""
USUAL = "subscription_updated__past_due_until_next_attempt"
"""The fixture that tests change when any event would do."""

Json = dict[str, Any]


def at(text: str) -> datetime:
    """A moment written in RFC 3339."""
    return datetime.fromisoformat(text).astimezone(UTC)


def fixture(name: str) -> bytes:
    """The bytes of one fixture."""
    return (FIXTURES / f"{name}.json").read_bytes()


def whole(name: str) -> Json:
    """One fixture, decoded."""
    found: Json = json.loads(fixture(name))
    return found


def names() -> list[str]:
    """All fixtures."""
    return sorted(each.stem for each in FIXTURES.glob("*.json"))


def changed(name: str, **attributes: Any) -> bytes:
    """A fixture whose object has other attributes."""
    event = whole(name)
    event["data"]["attributes"] |= attributes
    return json.dumps(event).encode()


def replaced(value: Json, path: Sequence[str], new: Any) -> Json:
    """A copy of a document with another value in one place."""
    head, *rest = path
    return {**value, head: replaced(value[head], rest, new) if rest else new}


def with_meta(**meta: Any) -> bytes:
    """The usual event with another `meta`."""
    event = whole(USUAL)
    return json.dumps(event | {"meta": event["meta"] | meta}).encode()


def with_data(**data: Any) -> bytes:
    """The usual event with another `data`."""
    event = whole(USUAL)
    return json.dumps(event | {"data": event["data"] | data}).encode()


def mapped(name: str) -> Mapped:
    """One fixture, translated."""
    return provider.map(fixture(name))


def rows(event: bytes | str) -> dict[str, Snapshot]:
    """The snapshots of an event, or of a fixture, by kind; what tells of a failed attempt is `attempt`."""
    found = provider.map(fixture(event) if isinstance(event, str) else event).snapshots
    return {"attempt" if each.source == "payment-failures" else each.kind: each for each in found}


def told(snapshot: Snapshot) -> Json:
    """A snapshot's content as JSON values, times as text."""
    values: Json = msgspec.to_builtins(snapshot.content())
    return values


def content(snapshot: Snapshot) -> Json:
    """What a snapshot tells, without what is None."""
    return {name: value for name, value in told(snapshot).items() if value is not None}
