"""What an endpoint is: its method and path, what it takes, and what answers it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from service.sandbox.lemonsqueezy.kinds import NOTHING, Fields
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was read: the id in its path, its attributes, the objects it points to, and its parameters."""

    row_id: str = ""
    attributes: Json = field(default_factory=dict)
    related: dict[str, Row] = field(default_factory=dict)
    parameters: Json = field(default_factory=dict)


Handler = Callable[[World, Sent], Row | Json | None]
"""Answers with an object, with members of a document, or with nothing at all (204)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An endpoint of its own. `tail` is the path after the type, `*` an id.

    `fields` None takes no body; `relationships` are types by name, each required; `parameters` are the query's.
    """

    method: str
    kind: str
    tail: str
    handler: Handler
    fields: Fields | None = None
    relationships: dict[str, str] = field(default_factory=dict)
    parameters: Fields = NOTHING
    status: int = 200
