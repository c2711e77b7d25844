"""Rankings by people in an SQLite file that a whole class can write at once.

A label is a ranking row (`data.records`) by one labeler of one prompt. When `put` returns, the label is on
disk. Ranking the same prompt again replaces it, unless it is a second look (`look=2`), from which a labeler's
agreement with themselves is counted.

    store = open_store(folder, "ada")     # labels.sqlite3 for all; on a network disk, a file for each person
    store.put({"prompt_id": "p1", "prompt": ..., "completions": [...], "ranks": [...], "labeler": "ada"})
    merge(folder.glob("*.sqlite3"), "everyone.sqlite3")
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..data.records import RecordError, Row, check_rankings

SHARED = "labels.sqlite3"
WAIT = 60  # seconds for others who write, before it is an error
# Each entry takes the schema one version further; what has left this house is never edited, only added to.
MIGRATIONS = (
    """
    CREATE TABLE labels (
        labeler TEXT NOT NULL CHECK (labeler <> ''), prompt_id TEXT NOT NULL CHECK (prompt_id <> ''),
        look INTEGER NOT NULL CHECK (look >= 1), label TEXT NOT NULL CHECK (json_valid(label)),
        changed TEXT NOT NULL, PRIMARY KEY (labeler, prompt_id, look)
    ) WITHOUT ROWID;
    CREATE TABLE drafts (labeler TEXT PRIMARY KEY, draft TEXT NOT NULL CHECK (json_valid(draft)))
        WITHOUT ROWID;
    """,
)
PUT = """
    INSERT INTO labels VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET label = excluded.label, changed = excluded.changed
    WHERE excluded.changed >= changed
"""
# On these, SQLite's locks, or the memory that WAL shares, do not reach from one host to another.
NETWORK_DISKS = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "afs", "9p", "fuse.")


class StoreError(RecordError):
    """A store that cannot be read or written; the message says which, why, and what to do."""


class LabelStore:
    """One file of labels, made if it is not there. Safe in threads, after a fork, and for many processes."""

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser()
        self.journal = "delete" if on_network_disk(self.path) else "wal"  # write-ahead log
        self._open()

    # --- labels ---------------------------------------------------------------------------------------------

    def put(self, row: Row, look: int = 1) -> None:
        """Keep one label."""
        self.put_all([row], look)

    def put_all(self, rows: Iterable[Row], look: int = 1) -> int:
        """Keep these labels, all or, if one of them is bad, none. Returns their number."""
        entries = []
        for number, row in enumerate(check_rankings(rows, allow_empty=True), 1):
            if not row.get("labeler"):
                raise StoreError(f"row {number}: a label needs the name of its labeler.")
            prompt_id = row.get("prompt_id") or hashlib.sha256(row["prompt"].encode()).hexdigest()[:16]
            now = datetime.now(UTC).isoformat(timespec="microseconds")  # a form that sorts
            entries.append((str(row["labeler"]), str(prompt_id), look, _json(row), now))
        return self._insert(entries)

    def rows(self, labeler: str | None = None, look: int | None = 1) -> list[Row]:
        """The labels of one person or of all, by labeler and prompt. look None: second looks too."""
        query = """SELECT label, labeler, prompt_id FROM labels
                   WHERE (?1 IS NULL OR labeler = ?1) AND (?2 IS NULL OR look = ?2)
                   ORDER BY labeler, prompt_id, look"""
        with self._connection() as db:
            found = db.execute(query, (labeler, look)).fetchall()
        return [{**json.loads(label), "labeler": who, "prompt_id": prompt} for label, who, prompt in found]

    def counts(self) -> dict[str, int]:
        """How many prompts each labeler has ranked."""
        query = "SELECT labeler, COUNT(*) FROM labels WHERE look = 1 GROUP BY labeler ORDER BY labeler"
        with self._connection() as db:
            return dict(db.execute(query))

    def merge(self, other: LabelStore) -> int:
        """Take in another store's labels; of two labels by one person of one prompt the later one stays.
        Returns how many labels are new here or later than what was here.
        """
        with other._connection() as db:
            rows = db.execute("SELECT labeler, prompt_id, look, label, changed FROM labels").fetchall()
        return self._insert(rows)

    def _insert(self, rows: list[tuple]) -> int:
        with self._connection() as db, db:  # all or nothing
            db.execute("BEGIN IMMEDIATE")  # nobody else writes meanwhile
            before = db.total_changes
            db.executemany(PUT, rows)
            return db.total_changes - before

    # --- drafts: what is on a labeler's screen, so that a restart loses nothing -----------------------------

    def keep_draft(self, labeler: str, draft: dict | None) -> None:
        """Remember what is on the screen, or, with None, forget it."""
        with self._connection() as db:
            if draft is None:
                db.execute("DELETE FROM drafts WHERE labeler = ?", (labeler,))
            else:
                db.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?)", (labeler, _json(draft)))

    def draft(self, labeler: str) -> dict | None:
        """What was on the screen."""
        with self._connection() as db:
            found = db.execute("SELECT draft FROM drafts WHERE labeler = ?", (labeler,)).fetchone()
        return found and json.loads(found[0])

    # --- the file -------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Make the file, or bring it to this version's schema, while others may be doing the same."""
        with _explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as db:
            if self._version(db) < len(MIGRATIONS):
                db.execute(f"PRAGMA journal_mode = {self.journal}").fetchone()
                with db:  # all or nothing
                    db.execute("BEGIN IMMEDIATE")
                    # The version is asked for again: another may have been faster.
                    for number in range(self._version(db), len(MIGRATIONS)):
                        for statement in MIGRATIONS[number].split(";"):
                            db.execute(statement)
                        db.execute(f"PRAGMA user_version = {number + 1}")

    def _version(self, db: sqlite3.Connection) -> int:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            newer = f"a newer version of rlhf_lite (schema {version}; this one knows {len(MIGRATIONS)})"
            raise StoreError(f"{self.path} was written by {newer}. Update rlhf_lite; nothing was changed.")
        return version

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each call: threads and forks share nothing. Errors say what to do."""
        with _explained(self.path):
            with closing(sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous = FULL")  # `put` returns when the disk has it
                yield db


def open_store(place: str | Path, labeler: str) -> LabelStore:
    """The file `place`; or, in a folder, one store for all, or on a network disk one for each person."""
    place = Path(place).expanduser()
    if place.suffix:
        return LabelStore(place)
    if not on_network_disk(place):
        return LabelStore(place / SHARED)
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in labeler)[:40]
    return LabelStore(place / f"labels-{safe}-{hashlib.sha256(labeler.encode()).hexdigest()[:6]}.sqlite3")


def merge(sources: Iterable[str | Path], into: str | Path) -> dict[str, int]:
    """Merge stores into one, which may hold labels already. -> how many labels each added or renewed."""
    sources = [Path(source) for source in sources]
    if missing := [source for source in sources if not source.is_file()]:
        raise StoreError(f"there is no store {missing[0]}; nothing was merged.")
    stores = [LabelStore(source) for source in sources]
    target = LabelStore(into)
    return {str(store.path): target.merge(store) for store in stores}


def on_network_disk(path: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Whether a path lies on a disk of another host (on Linux; elsewhere disks are taken to be local)."""
    try:
        table = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    except OSError:
        return False
    path = Path(os.path.realpath(path))
    above = [(len(place), kind) for place, kind in table if path.is_relative_to(place.replace("\\040", " "))]
    return max(above, default=(0, ""))[1].startswith(NETWORK_DISKS)


# --- helpers ------------------------------------------------------------------------------------------------


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False)


ADVICE = {
    "SQLITE_READONLY": "it cannot be written; ask for the right to write it, or take another place",
    "SQLITE_FULL": "the disk is full; free some space and try again",
    "SQLITE_BUSY": f"others kept it locked for {WAIT} seconds; try again",
    "SQLITE_CANTOPEN": "it cannot be opened; is its folder there, and may you write it?",
    "SQLITE_NOTADB": "it is no label store; choose another file",
    "SQLITE_CORRUPT": "it is damaged; restore a copy, or export what `sqlite3 FILE .recover` finds",
}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's errors with the file's name and advice."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        advice = next((text for kind, text in ADVICE.items() if name.startswith(kind)), "nothing was written")
        raise StoreError(f"{path}: {advice} ({error}).") from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}; choose another place.") from None
