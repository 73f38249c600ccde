"""What a provider's tests tell the contract suite: how it signs, and what its events look like.

Each provider that discovery finds has a `specimen` in `tests/providers/<name>/specimen.py`.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from service.errors import MappingError, Rejected
from service.provider import Mapped, Provider
from service.system import discover

Json: TypeAlias = Any
Path_: TypeAlias = tuple[str, ...]
Sign: TypeAlias = Callable[[bytes, Sequence[str], int], bytes]
_HOLE = "the-place-of-a-raw-value"


@dataclass(frozen=True, kw_only=True)
class Vector:
    """A published delivery: `header` is what came, `secret` and, where two signed it, `rotated` made it at `signed_at`."""

    body: bytes
    secret: str
    header: bytes
    rotated: tuple[str, bytes] | None = None


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Where an event's parts are. `named` are names that must be there and be short, `optional` may be missing.
    `customer` names whose the usual object is, `updated` is the object's own clock where it has one beside the event's time,
    `item_id` the id of what belongs to the usual object, where that has one of its own.
    `status` is what the object's attributes call their status.
    """

    event_id: Path_
    type: Path_
    time: Path_
    object: Path_
    attributes: Path_
    object_id: Path_
    named: tuple[Path_, ...]
    optional: tuple[Path_, ...] = ()
    customer: Path_
    updated: Path_ | None = None
    item_id: Path_ | None = None
    status: str = "status"


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """One provider as its tests know it.

    `header` is the signature's, in lower case; `sign` makes its value with every secret given, `signs_time` says whether a
    time is signed, `several` whether one value carries several signatures. `malformed` are values that can't be read.
    `usual` is the name of a fixture that any test may change, `later` the type of any later change of its object, `moment` writes
    Unix seconds as the provider does, `times` are values that can't be an event's time,
    `indispensable` are attributes without which an object can't be translated, `enums` those whose values a provider may add to.
    """

    header: str
    sign: Sign
    signs_time: bool
    several: bool
    malformed: tuple[bytes, ...]
    vectors: tuple[Vector, ...]
    signed_at: int
    shape: Shape
    folder: Path
    usual: str
    later: str
    moment: Callable[[int], Json]
    times: tuple[Json, ...]
    indispensable: frozenset[str]
    enums: frozenset[str]

    def fixture(self, name: str) -> bytes:
        """The bytes of one fixture."""
        return (self.folder / f"{name}.json").read_bytes()

    def names(self) -> list[str]:
        """All fixtures: the type of the event, and after `__` what it shows."""
        return sorted(each.stem for each in self.folder.glob("*.json"))

    def whole(self, name: str | None = None) -> Json:
        """A fixture, decoded; the usual one where none is named."""
        return json.loads(self.fixture(name or self.usual))

    def event(self, event_id: str, object_id: str | None = None) -> bytes:
        """The usual event under another id, about another object where one is named."""
        made = replaced(self.whole(), self.shape.event_id, event_id)
        return json.dumps(made if object_id is None else replaced(made, self.shape.object_id, object_id)).encode()

    def change(self, event_id: str, object_id: str, customer_id: str, second: int) -> bytes:
        """A later change of the usual object, by which it came to another customer at a second of Unix time."""
        shape, moment = self.shape, self.moment(second)
        changes: list[tuple[Path_, Json]] = [
            (shape.event_id, event_id), (shape.object_id, object_id), (shape.customer, customer_id),
            (shape.type, self.later), (shape.time, moment), (shape.updated or shape.time, moment),
        ]  # fmt: skip
        if shape.item_id is not None:
            changes.append((shape.item_id, f"item of {object_id}"))
        made = self.whole()
        for path, value in changes:
            made = replaced(made, path, value)
        return json.dumps(made).encode()

    def raw(self, path: Path_, value: bytes) -> bytes:
        """The usual event with raw bytes where the value of `path` was."""
        made = json.dumps(replaced(self.whole(), path, _HOLE)).encode()
        return made.replace(json.dumps(_HOLE).encode(), value)

    def inside(self, value: bytes) -> bytes:
        """The usual event whose object holds raw bytes as the value of an attribute that nobody knows."""
        return self.raw((*self.shape.attributes, "nobody_knows"), value)

    def headers(self, body: bytes, secret: str, at: int) -> dict[str, str]:
        """The headers of a delivery."""
        return {self.header: self.sign(body, (secret,), at).decode(), "content-type": "application/json"}


def specimens() -> Iterator[tuple[Provider, Specimen]]:
    """Every provider that discovery finds, with its specimen. A provider without one fails here."""
    for name, provider in discover().items():
        specimen: Specimen = importlib.import_module(f"tests.providers.{name}.specimen").specimen
        yield provider, specimen


def verdict(
    provider: Provider, headers: Mapping[bytes, bytes], body: bytes, secrets: Sequence[str], **when: Any
) -> str:
    """`accepted`, or the cause of the rejection of a delivery."""
    try:
        provider.verify(headers=headers, body=body, secrets=secrets, **{"now": 0, "tolerance": 300} | when)
    except Rejected as rejection:
        return rejection.cause
    return "accepted"


def reading(provider: Provider, body: bytes) -> str:
    """`accepted`, or the cause for which bytes have no envelope."""
    try:
        provider.envelope(body)
    except Rejected as rejection:
        return rejection.cause
    return "accepted"


def mapping(provider: Provider, payload: bytes) -> Mapped | None:
    """What an event is translated to; None where it is a `MappingError`."""
    try:
        return provider.map(payload)
    except MappingError:
        return None


def at(value: Json, path: Path_) -> Json:
    """The value of a place in a document."""
    for each in path:
        value = value[each]
    return value


def replaced(value: Json, path: Path_, new: Json) -> Json:
    """A copy of a document with another value in one place; an index counts in a list."""
    if not path:
        return new
    head, *rest = path
    if isinstance(value, list):
        return [replaced(each, tuple(rest), new) if place == int(head) else each for place, each in enumerate(value)]
    old = value.get(head) if isinstance(value, dict) else None
    return {**(value if isinstance(value, dict) else {}), head: replaced(old, tuple(rest), new)}


def places(value: Json, *path: str) -> Iterator[Path_]:
    """Every place of a document."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, *path, str(name))
