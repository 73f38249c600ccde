"""What one pass over a listing must remember until it ends, in a temporary file: memory stays flat however long it is."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from reconcile.money import Movement, Sum
from service.model import FIELDS, Kind, Snapshot
from service.provider import Read

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS postponed (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plan (source_id TEXT PRIMARY KEY, planned BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS money (
    part TEXT, day TEXT, currency TEXT, remote INTEGER, local INTEGER, healed INTEGER,
    PRIMARY KEY (part, day, currency)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pages (done INTEGER);
"""


class _Kept(msgspec.Struct):
    source: str
    source_id: str
    kind: Kind
    id: str
    fields: msgspec.Raw
    deleted: bool
    raw: str | None
    as_of: datetime | None = None


class Planned(msgspec.Struct, frozen=True):
    """One object's heal: what was read of it, when the read began (our clock), and the money that `here` stands for.

    `there` is the money that takes its place when the heal succeeds.
    """

    read: Read
    seen_at: int
    here: list[Movement]
    there: list[Movement]


_encode = msgspec.json.Encoder().encode
_kept = msgspec.json.Decoder(tuple[str, list[_Kept], int, list[Movement], list[Movement]])


class Scratch:
    """A file that outlives a killed process (not the machine's temporary folder), so that the next one goes on from it."""

    def __init__(self, path: str | None = None) -> None:
        self.path = path or _new_file()
        self._db = sqlite3.connect(self.path, isolation_level=None)
        # A killed process loses nothing by this; after a power cut the pass begins again. First, or making the file waits
        # for the disk.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")
        self._sums: dict[tuple[str, str, str], list[int]] = {}

    def see(self, keys: Iterable[str]) -> None:
        """Remember that the listing showed these objects."""
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?)", [(_short(key),) for key in keys])

    def unseen(self, keys: Sequence[str]) -> list[str]:
        """Those of `keys` that the listing has not shown."""
        find = self._db.execute
        return [key for key in keys if find("SELECT 1 FROM seen WHERE key = ?", (_short(key),)).fetchone() is None]

    def postpone(self, keys: Iterable[str]) -> None:
        """Remember that these objects could not be judged, since their events are under way or dead."""
        self._db.executemany("INSERT OR IGNORE INTO postponed VALUES (?)", [(_short(key),) for key in keys])

    def postponed(self, keys: Sequence[str]) -> list[str]:
        """Those of `keys` that could not be judged."""
        find = self._db.execute
        query = "SELECT 1 FROM postponed WHERE key = ?"
        return [key for key in keys if find(query, (_short(key),)).fetchone() is not None]

    def keep(self, source_id: str, planned: Planned) -> None:
        """Keep a read until healing begins."""
        read = planned.read
        packed = _encode((read.as_of.isoformat(), read.snapshots, planned.seen_at, planned.here, planned.there))
        self._db.execute("INSERT OR REPLACE INTO plan VALUES (?, ?)", (source_id, packed))

    def kept(self, size: int) -> Iterator[list[Planned]]:
        """The kept reads, in batches."""
        last = ""
        query = "SELECT source_id, planned FROM plan WHERE source_id > ? ORDER BY source_id LIMIT ?"
        while rows := self._db.execute(query, (last, size)).fetchall():
            last = rows[-1][0]
            yield [_planned(row[1]) for row in rows]

    def count(self, moved: Iterable[Movement], *, remote: int = 0, local: int = 0, healed: int = 0) -> None:
        """Add movements to their days' sums; `remote`, `local` and `healed` are 1 (or -1) for the sums that they belong to."""
        for part, day, currency, amount in moved:
            sums = self._sums.setdefault((part, day, currency), [0, 0, 0])
            sums[0] += remote * amount
            sums[1] += local * amount
            sums[2] += healed * amount

    def sums(self) -> list[Sum]:
        """The sums by part, day and currency."""
        self._flush()
        rows = self._db.execute("SELECT * FROM money ORDER BY part, day, currency").fetchall()
        return [Sum(part=r[0], day=r[1], currency=r[2], remote=r[3], local=r[4], healed=r[5]) for r in rows]

    @property
    def pages(self) -> int:
        """How many pages have gone into this file."""
        return int(self._db.execute("SELECT coalesce(max(done), 0) FROM pages").fetchone()[0])

    def commit(self, pages: int) -> None:
        """Make everything up to this page outlive the process."""
        self._flush()
        self._db.execute("DELETE FROM pages")
        self._db.execute("INSERT INTO pages VALUES (?)", (pages,))
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def _flush(self) -> None:
        statement = (
            "INSERT INTO money VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET remote = remote + excluded.remote,"
            " local = local + excluded.local, healed = healed + excluded.healed"
        )
        self._db.executemany(statement, [(*key, *sums) for key, sums in self._sums.items()])
        self._sums.clear()

    def close(self) -> None:
        """Close and keep the file, for the run that takes over."""
        self._db.close()

    def remove(self) -> None:
        """Close and delete the file."""
        self._db.close()
        for suffix in ("", "-wal", "-shm"):
            Path(self.path + suffix).unlink(missing_ok=True)


def reopened(path: str | None, pages: int) -> Scratch | None:
    """The file of an interrupted pass if it is here, ours and holds exactly `pages` pages; otherwise None."""
    if path is None or not Path(path).is_file() or Path(path).stat().st_uid != os.getuid():
        return None
    try:
        scratch = Scratch(path)
    except sqlite3.DatabaseError:
        return None
    if scratch.pages == pages:
        return scratch
    scratch.remove()
    return None


def _new_file() -> str:
    handle, path = tempfile.mkstemp(prefix="tallyhook-", suffix=".sqlite")
    os.close(handle)
    return path


def _short(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


def _planned(packed: bytes) -> Planned:
    as_of, snapshots, seen_at, here, there = _kept.decode(packed)
    read = Read(as_of=datetime.fromisoformat(as_of), snapshots=tuple(_snapshot(each) for each in snapshots))
    return Planned(read, seen_at, here, there)


def _snapshot(kept: _Kept) -> Snapshot:
    fields = msgspec.json.decode(kept.fields, type=FIELDS[kept.kind])
    return Snapshot(
        source=kept.source, source_id=kept.source_id, kind=kept.kind, id=kept.id, fields=fields, deleted=kept.deleted,
        raw=kept.raw, as_of=kept.as_of,
    )  # fmt: skip
