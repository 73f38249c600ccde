"""Local rows against the provider's objects. Pure: what is seen and what is held go in, a verdict or findings come out."""

from __future__ import annotations

from typing import Any, Final, Literal

from reconcile.money import stake
from service.apply import expected, held_content, told
from service.merge import MERGED
from service.model import KINDS, Change, Content, Kind
from service.provider import Ordering
from service.store.drift import Finding
from service.store.state import StateRow, as_text, compare

Verdict = Literal["equal", "new", "differs"]
_PAID: Final = {"invoice": "paid", "payment": "succeeded"}
_SETTLED: Final = frozenset({"amount", "currency"})


def kind_of(name: str) -> Kind:
    """A row kind by its name."""
    return next(kind for kind in KINDS if kind == name)


def verdict(row: StateRow | None, change: Change, ordering: Ordering) -> Verdict:
    """Does the row already say what the snapshot says? `new` where nothing here knows the object yet."""
    snapshot = change.snapshot
    if snapshot.deleted:
        return "equal" if row is None or row.deleted_at is not None else "differs"
    if row is None:
        return "new"
    if row.deleted_at is not None:
        return "differs"
    if snapshot.kind not in MERGED:
        same = row.content == expected(row, change, ordering)
        return "equal" if same and snapshot.key in row.sources else "differs"
    if snapshot.key not in row.sources:
        return "new"
    same = held_content(row, snapshot.key) == told(row, change, ordering)
    same = same and row.content == expected(row, change, ordering)
    return "equal" if same else "differs"


def newer(row: StateRow | None, change: Change) -> bool:
    """True where the row's version of this object is newer than what was read: the read proves nothing against it."""
    held = row.sources.get(change.snapshot.key) if row is not None else None
    return held is not None and held.as_of > change.version.as_of


def findings(row: StateRow | None, change: Change, ordering: Ordering, cause: str | None) -> list[Finding]:
    """One finding a field that differs; one for the whole where either side has nothing."""
    snapshot = change.snapshot
    local = row.content if row is not None else None
    if snapshot.deleted:
        return [missing_remote(snapshot.key, row, remote="deleted", cause=cause)] if row is not None else []
    remote = expected(row, change, ordering)
    named: dict[str, Any] = {"kind": snapshot.kind, "object_id": snapshot.id, "source": snapshot.key, "cause": cause}
    named["amount"], named["currency"], named["day"] = stake(local, remote)
    if row is None or (snapshot.key not in row.sources and snapshot.kind in MERGED):
        return [Finding(**named, drift_class=_class("missing_local", cause), remote=as_text(remote.get("status")))]
    return [
        Finding(**named, drift_class=_class("mismatch", cause), field=field, local=as_text(old), remote=as_text(new))
        for field, old, new in _fields(row, change, remote, ordering)
    ]


def missing_remote(key: str, row: StateRow | None, *, remote: str | None, cause: str | None = None) -> Finding:
    """A row whose object is gone: `remote` is `deleted` where the provider says so itself, None for a bare 404."""
    assert row is not None
    content = row.content
    amount, currency, day = stake(content, None)
    status = as_text((content or {}).get("status"))
    return Finding(
        kind=row.kind, object_id=row.id, source=key, drift_class="missing_remote", field="deleted_at", local=status,
        remote=remote, cause=cause, amount=amount, currency=currency, day=day,
    )  # fmt: skip


def needs_person(row: StateRow | None, found: list[Finding]) -> bool:
    """True where a heal would change the amount or currency of what is already paid, or raise the deleted."""
    if row is None or row.content is None:
        return False
    if row.deleted_at is not None:
        return True
    paid = row.content.get("status") == _PAID.get(row.kind) and row.content.get("paid_at") is not None
    return paid and any(each.field in _SETTLED and each.drift_class != "missing_remote" for each in found)


def _fields(row: StateRow, change: Change, remote: Content, ordering: Ordering) -> list[tuple[str, Any, Any]]:
    if row.deleted_at is not None:
        return [("deleted_at", row.deleted_at, None)]
    target = StateRow(row.kind, row.id, saved=row.content, content=remote)
    found = compare(target)
    if found:
        return found
    held = held_content(row, change.snapshot.key) or {}
    seen = told(row, change, ordering)
    hidden = [(name, held.get(name), value) for name, value in seen.items() if held.get(name) != value]
    return [(f"{change.snapshot.key}.{name}", old, new) for name, old, new in hidden] or [("sources", None, None)]


def _class(plain: str, cause: str | None) -> str:
    return plain if cause is None else "missed_event"
