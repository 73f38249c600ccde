"""A listing swept in small: its first pages, and the rows that may be moving. What it does not see says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from reconcile.compare import kind_of
from reconcile.plan import STEADY, TERMINAL, few_of
from reconcile.sweep import Sweep
from reconcile.tally import Group
from service.model import Kind
from service.store import drift, moving, state
from service.store.drift import Finding

_CANDIDATES: Final = 1000


class SmallSweep(Sweep):
    """A bounded pass: it finds and heals what is new or has changed, and never says that anything is gone.

    Where more differs than it may look at, or the unknown goes on beyond its last page, the run is `overrun`: a whole one
    has to follow.
    """

    _unknown = 0
    _waiting: frozenset[str] = frozenset()

    def run(self) -> None:
        """Compare the first pages, and read the rows that may be moving; raises `ProviderError` where a call failed."""
        with self.work.database.read() as connection:
            opened = drift.opened_sources(connection, self.work.account.name, self.listing.source, self.work.run.id)
            self._waiting = frozenset(key.removeprefix(f"{self.listing.source}:") for key, _, _ in opened)
        self._list()
        kinds = dict.fromkeys((self.listing.kind, *self.listing.feeds))
        for kind in kinds:
            if kind in TERMINAL:
                self._moving(kind_of(kind))

    def _list(self) -> None:
        pages = self.passing.window.pages or 0
        while self._advance(most=1):
            if self.passing.entry.pages >= pages:
                self.work.overrun = self.work.overrun or self._unknown > 0
                return

    def _unless_busy(self, new: list[Group]) -> tuple[list[Group], Mapping[str, str]]:
        left, causes = super()._unless_busy(new)
        self._unknown = len(left)
        return left, causes

    def _moving(self, kind: Kind) -> None:
        work, few = self.work, self.work.options.few
        assert few is not None
        over, steady = TERMINAL[kind], STEADY.get(kind, frozenset())
        with work.database.read() as connection:
            found = moving.moving(connection, work.account.name, kind, work.now, over=over, steady=steady)
            ids = few_of(found, few.turn, _CANDIDATES)
            rows = moving.named(connection, work.account.name, kind, self.listing.source, ids)
        keys = {id_: (kind, row) for row in ids for id_ in rows.get(row, ())}
        # Half of what is left, so that the listings after this one get their share.
        chosen = self.passing.scratch.unseen(list(keys))[: work.reads_left // 2]
        self._look_all({id_: keys[id_] for id_ in chosen})

    def _look(self, targets: Mapping[str, state.Key]) -> list[Finding]:
        # What waits for a person is known; to find it again every hour would tell nobody anything.
        wanted = {id_: key for id_, key in targets.items() if id_ not in self._waiting}
        chosen = dict(islice(wanted.items(), self.work.reads_left))
        self.work.overrun = self.work.overrun or len(chosen) < len(wanted)
        self.work.reads_left -= len(chosen)
        return super()._look(chosen)

    def _gone(self, targets: Mapping[str, state.Key]) -> list[Finding]:  # noqa: ARG002
        return []
