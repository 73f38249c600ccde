"""Reading: one object, a list, what an object points to, and `include`."""

from typing import Any

from service.sandbox.lemonsqueezy.errors import bad_parameter, missing, no_route
from service.sandbox.lemonsqueezy.paging import Query, page
from service.sandbox.lemonsqueezy.render import resource
from service.sandbox.lemonsqueezy.shapes import SHAPES, Relation
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]


def read(world: World, kind: str, steps: list[str], query: Query, base: str) -> Json:
    """The members of the answer to a GET; `steps` is the path after the type.

    Raises:
        SandboxError: no such object or endpoint, or a parameter that it does not take.
    """
    if not steps and kind != "users":
        return _listed(world, list(world.tables[kind]), kind, query, base, f"{base}/v1/{kind}")
    if len(steps) == 1:
        # The user's own document alone says whose mode the key has (docs.lemonsqueezy.com/api/users/retrieve-user).
        meta = {"meta": {"test_mode": world.settings.test_mode}} if kind == "users" else {}
        return {**meta, **one(world, _row(world, kind, steps[0]), query, base)}
    if len(steps) == 2:
        return _related(world, _row(world, kind, steps[0]), steps[1], query, base)
    raise no_route()


def one(world: World, row: Row, query: Query, base: str) -> Json:
    """One object as a document's members; `include` is the only parameter."""
    if other := next((name for name in query if name != "include"), None):
        raise bad_parameter(other, f"Parameter {other} is not allowed.")
    included = _included(world, [row], row.kind, query, base)
    shown = _shown(world, row, query, base)
    return {"links": {"self": shown["links"]["self"]}, "data": shown, **included}


def _row(world: World, kind: str, row_id: str) -> Row:
    if kind != "users":
        return world.get(kind, row_id)
    if row_id != "me":
        raise missing()
    return world.get(kind, 1)


def _listed(world: World, rows: list[Row], kind: str, query: Query, base: str, url: str) -> Json:
    cut = page(world, rows, kind, query, url)
    included = _included(world, cut.rows, kind, query, base)
    return {**cut.members, "data": [_shown(world, row, query, base) for row in cut.rows], **included}


def _related(world: World, row: Row, name: str, query: Query, base: str) -> Json:
    relation = next((each for each in SHAPES[row.kind].relations if each.name == name), None)
    if relation is None:
        raise no_route()
    found = _follow(world, row, relation)
    if relation.many:
        return _listed(world, found, relation.kind, query, base, f"{base}/v1/{row.kind}/{row.id}/{name}")
    return one(world, found[0], query, base)


def _follow(world: World, row: Row, relation: Relation) -> list[Row]:
    if relation.many:
        return [each for each in world.tables[relation.kind] if each.value(relation.key) == row.id]
    return [world.get(relation.kind, row.value(relation.key))]


def _asked(query: Query) -> list[str]:
    return [name for name in query.get("include", "").split(",") if name]


def _shown(world: World, row: Row, query: Query, base: str) -> Json:
    """The object, with the ids of what is included."""
    shown = resource(world, row, base)
    for relation in SHAPES[row.kind].relations:
        if relation.name in _asked(query):
            ids = [{"type": each.kind, "id": str(each.id)} for each in _follow(world, row, relation)]
            shown["relationships"][relation.name]["data"] = ids if relation.many else ids[0]
    return shown


def _included(world: World, rows: list[Row], kind: str, query: Query, base: str) -> Json:
    if "include" not in query:
        return {}
    relations = {each.name: each for each in SHAPES[kind].relations}
    found: dict[tuple[str, int], Row] = {}
    for name in _asked(query):
        if name not in relations:
            raise bad_parameter("include", f"Include path {name} is not allowed.")
        for row in rows:
            found |= {(each.kind, each.id): each for each in _follow(world, row, relations[name])}
    return {"included": [resource(world, each, base) for each in found.values()]}
