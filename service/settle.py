"""Ties: events of one object in the same second with different content. Neither `<` nor `>=` is right.

Each `updated` event is an edge from the state before it to the state after it. All edges of a second make one walk; its end
is the state entered once more often than left, and a closed walk ends where it began. What that does not settle, a listed
order of statuses may. What neither settles is read again from the API; without a key a fixed rule decides. The result is a
function of the set of events (and of the last read), never of their arrival: the inbox keeps them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Connection

from service.errors import MappingError
from service.instants import micros
from service.model import Change, Content, Snapshot, digest
from service.provider import Provider
from service.store import inbox, state
from service.store.state import Held

_NOTHING = ""  # the state before an object exists

Rank = Callable[[Content], int | None]


class Seen(msgspec.Struct, frozen=True):
    """What one event says of an object: its content after the event, and before it where the event tells.

    `as_of` orders; `occurred_at` breaks ties where objects have their own update time and events one of theirs.
    """

    as_of: int
    after: Snapshot
    before: str | None = None
    begins: bool = False
    occurred_at: int = 0


class Decision(msgspec.Struct, frozen=True):
    """The content that stands at the end of the second `as_of`. `proven` unless a fixed rule had to choose.

    `based`: the choice depended on what was before that second, so an older event that comes later may change it.
    """

    snapshot: Snapshot
    as_of: int
    proven: bool
    based: bool


def decide(connection: Connection, account: str, provider: Provider, change: Change) -> Decision | None:
    """Judge a tie from the events that are stored; None where the inbox holds no event about this object."""
    snapshot = change.snapshot
    rows = state.load(connection, account, [(snapshot.kind, snapshot.id)])
    row = rows.get((snapshot.kind, snapshot.id))
    held = row.sources.get(snapshot.key) if row is not None else None
    until = max(change.version.as_of, held.as_of if held is not None else 0)
    since = held.read_as_of if held is not None else None
    clocked = provider.ordering.object_clock
    # An event of an object with its own clock is stamped after the object, so its own time can't bound the search.
    first, last = (None, None) if clocked else (since, until)
    stored = inbox.about(connection, account, snapshot.source, snapshot.source_id, since=first, until=last)
    seen = [found for at, payload in stored if (found := _seen(provider, snapshot, at, payload)) is not None]
    if clocked:
        seen = [each for each in seen if (since or 0) < each.as_of <= until]
    return fold(seen, _base(held), lambda content: provider.rank(snapshot.source, content))


def fold(seen: Sequence[Seen], base: str | None, rank: Rank) -> Decision | None:
    """Walk through the seconds in order, from the content that the last read showed (its digest). Pure."""
    decision: Decision | None = None
    certain = True
    for as_of, group in groupby(sorted(seen, key=lambda item: item.as_of), key=lambda item: item.as_of):
        events = _latest(list(group))
        contents = {digest(event.after.content()): event.after for event in events}
        ends, closed = _ends(events, base, contents.keys())
        winner, proven = _choose(ends, contents, rank)
        certain = proven and (certain or not closed)
        decision = Decision(contents[winner], as_of, certain, closed or not proven)
        base = winner
    return decision


def _latest(events: list[Seen]) -> list[Seen]:
    """Of events with one stamp those that occurred last, where they tell when they occurred."""
    last = max(event.occurred_at for event in events)
    return [event for event in events if event.occurred_at == last]


def _ends(events: Sequence[Seen], base: str | None, contents: Iterable[str]) -> tuple[set[str], bool]:
    """The contents that may stand at the second's end, and whether that depended on what was before it."""
    balance: dict[str, int] = defaultdict(int)
    edges: list[tuple[str, str]] = []
    loose: set[str] = set()
    for event in events:
        after = digest(event.after.content())
        start = _NOTHING if event.begins else event.before
        if start is None or start == after:
            loose.add(after)
            continue
        edges.append((start, after))
        balance[start] -= 1
        balance[after] += 1
    known = set(contents)
    beside = known - balance.keys()
    entered = {node for node, surplus in balance.items() if surplus > 0}
    whole = _connected(edges) and sum(surplus for surplus in balance.values() if surplus > 0) <= 1
    if not edges:
        return known, False
    if not whole:
        return (entered & known) | beside or known, False
    if beside and all(start == _NOTHING for start, _ in edges):
        # Created comes first, so what other events saw came later: also what it began as, if they saw that again.
        return loose, False
    if entered:
        return (entered & known) | beside, False
    return ({base} if base in balance and base in known else balance.keys() & known) | beside, True


def _choose(ends: set[str], contents: dict[str, Snapshot], rank: Rank) -> tuple[str, bool]:
    """One content of `ends`, and whether it is certain. The rule for the uncertain is fixed: rank, then digest."""
    ranked = sorted(((rank(contents[end].content()), end) for end in ends), key=lambda pair: (pair[0] or 0, pair[1]))
    if len(ranked) == 1:
        return ranked[0][1], True
    (second, _), (best, winner) = ranked[-2:]
    certain = all(place is not None for place, _ in ranked) and best != second
    return winner, certain


def _connected(edges: Sequence[tuple[str, str]]) -> bool:
    if not edges:
        return True
    reached = {edges[0][0]}
    for _ in edges:
        reached |= {node for edge in edges if reached & set(edge) for node in edge}
    return all(edge[0] in reached for edge in edges)


def _seen(provider: Provider, wanted: Snapshot, occurred_at: int, payload: bytes) -> Seen | None:
    try:
        mapped = provider.map(payload)
    except MappingError:
        return None  # dead by itself, visible by itself
    after = next((s for s in mapped.snapshots if (s.key, s.kind, s.id) == (wanted.key, wanted.kind, wanted.id)), None)
    if after is None or after.deleted:
        return None
    before = next((s for s in mapped.before if (s.key, s.id) == (wanted.key, wanted.id)), None)
    start = digest(before.content()) if before is not None else None
    if after.as_of is None:
        return Seen(occurred_at, after, start, mapped.begins)
    return Seen(micros(after.as_of), after, start, mapped.begins, occurred_at)


def _base(held: Held | None) -> str | None:
    return held.read_digest if held is not None else None


def stamp(change: Change, decision: Decision) -> Change:
    """The change that carries a decision into state."""
    version = msgspec.structs.replace(change.version, as_of=decision.as_of, read=False)
    return Change(decision.snapshot, version, change.cause)
