"""JSON:API documents: what a request's body must be, and what an answer's is."""

from typing import Any

import msgspec

from service.sandbox.lemonsqueezy.errors import VERSION, bad_document, unfit
from service.sandbox.lemonsqueezy.kinds import Fields, Unfit
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]
_MEMBERS = {"type", "id", "attributes", "relationships"}


def parsed(body: bytes) -> Json:
    """The document's `data`.

    Raises:
        SandboxError: 400, the body is not a JSON:API document.
    """
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        raise bad_document("Invalid JSON: Syntax error") from None
    if not isinstance(document, dict):
        raise bad_document("Expecting JSON to decode to an object.")
    if not isinstance(document.get("data"), dict):
        raise bad_document("The member data must be an object.", "/data")
    data: Json = document["data"]
    if unknown := sorted(data.keys() - _MEMBERS):
        raise bad_document(f"The member data cannot have a {unknown[0]} member.", "/data")
    return data


def check_identity(data: Json, kind: str, row_id: str | None) -> None:
    """Refuse a document about another type, or with another id than the path's; a new object has no id.

    Raises:
        SandboxError: 400.
    """
    if data.get("type") != kind:
        raise bad_document(f"The resource type {data.get('type')} is not supported by this endpoint.", "/data/type")
    if row_id is None and "id" in data:
        raise bad_document("Resource type does not support client-generated IDs.", "/data/id")
    if row_id is not None and data.get("id") != row_id:
        raise bad_document(f"The member id must be the string {row_id}.", "/data/id")


def attributes_of(data: Json, fields: Fields) -> Json:
    """The document's attributes, all of them read.

    Raises:
        SandboxError: 422, with one error for each that is unknown, missing or of the wrong kind.
    """
    return read(fields, data.get("attributes", {}), "/data/attributes")


def read(fields: Fields, sent: Any, pointer: str) -> Json:
    """What was sent, read as these fields.

    Raises:
        SandboxError: 422, with one error for each that is unknown, missing or of the wrong kind.
    """
    try:
        return fields(sent, pointer)
    except Unfit as error:
        raise unfit(error.problems) from None


def relationships_of(world: World, data: Json, kinds: dict[str, str]) -> dict[str, Row]:
    """The objects that the document's relationships name, each of them required; `kinds` is their type by name.

    Raises:
        SandboxError: 400 for a relationship that is no relationship, 422 for one that is missing or names nothing.
    """
    sent = data.get("relationships", {})
    if not isinstance(sent, dict):
        raise bad_document("The member relationships must be an object.", "/data/relationships")
    if unknown := sorted(sent.keys() - kinds.keys()):
        raise unfit([(f"/data/relationships/{unknown[0]}", f"The field {unknown[0]} is not supported.")])
    return {name: _related(world, sent.get(name), name, kind) for name, kind in kinds.items()}


def _related(world: World, sent: Any, name: str, kind: str) -> Row:
    pointer = f"/data/relationships/{name}"
    if sent is None:
        raise unfit([(pointer, f"The {name} field is required.")])
    identifier = sent.get("data") if isinstance(sent, dict) else None
    if not isinstance(identifier, dict) or identifier.keys() != {"type", "id"}:
        raise bad_document("A resource identifier has a type and an id.", pointer)
    if identifier["type"] != kind or not isinstance(identifier["id"], str):
        raise unfit([(pointer, f"The {name} field must be a to-one relationship containing {kind} resources.")])
    found = world.find(kind, identifier["id"])
    if found is None:
        raise unfit([(pointer, "The related resource does not exist.")])
    return found


def answer(members: Json) -> Json:
    """A document with these members."""
    return {"jsonapi": VERSION, **members}
