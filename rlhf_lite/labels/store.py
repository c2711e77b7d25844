"""Rankings by people in an SQLite file that a whole class can write at once.

A label is a ranking row (`data.records`) by one labeler of answers to a prompt. When `put` returns, it is on
disk. Ranking the same answers again replaces it, unless it is a second look (`look=2`), from which a
labeler's agreement with themselves is counted. Reading finds out whether a bit of any label has changed.

    store = open_store(folder, "ada")     # labels.sqlite3 for all; on a network disk, a file for each person
    store.put({"prompt_id": "p1", "prompt": ..., "completions": [...], "ranks": [...], "labeler": "ada"})
    merge(folder.glob("*.sqlite3"), "everyone.sqlite3")
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..data.records import Intake, RecordError, Row, check_ranking, shown

SHARED = "labels.sqlite3"
SUFFIXES = (".sqlite3", ".sqlite", ".db")
APPLICATION = 0x726C6866  # "rlhf", as a store's application_id: other SQLite files are none of ours
KEY = "labeler, prompt_id, look, answers"
COLUMNS = f"{KEY}, changed, label"
# What becomes of a label that is put or merged.
STATES = NEW, RENEWED, KNOWN, OLDER = "new", "in place of an earlier", "there already", "older, not taken"
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
    # Other answers to a prompt are another label. A checksum for each label, and the number and sum of all:
    # no label can change or vanish unseen. A person is known by where their labels began, not by name alone.
    f"""
    ALTER TABLE labels RENAME TO labels_1;
    CREATE TABLE labels (
        labeler TEXT NOT NULL CHECK (labeler <> ''), prompt_id TEXT NOT NULL CHECK (prompt_id <> ''),
        look INTEGER NOT NULL CHECK (look >= 1), answers TEXT NOT NULL, changed TEXT NOT NULL,
        label TEXT NOT NULL CHECK (json_valid(label)), checksum INTEGER NOT NULL,
        PRIMARY KEY (labeler, prompt_id, look, answers)
    ) WITHOUT ROWID;
    INSERT INTO labels SELECT labeler, iif(json_extract(label, '$.prompt_id') <> '', prompt_id, named(label)),
        look, answers(label), changed, label, 0 FROM labels_1;
    UPDATE labels SET checksum = checksum(labeler, prompt_id, look, answers, changed, label);
    DROP TABLE labels_1;
    CREATE TABLE seal (labels INTEGER NOT NULL, checksums INTEGER NOT NULL);
    INSERT INTO seal SELECT COUNT(*), COALESCE(SUM(checksum), 0) FROM labels;
    CREATE TABLE people (labeler TEXT NOT NULL, origin TEXT NOT NULL, PRIMARY KEY (labeler, origin))
        WITHOUT ROWID;
    INSERT INTO people SELECT labeler, MIN(changed) FROM labels GROUP BY labeler;
    PRAGMA application_id = {APPLICATION}
    """,
)
# On these, SQLite's locks, or the memory that WAL shares, do not reach from one host to another.
NETWORK_DISKS = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "afs", "9p", "fuse.")


class StoreError(RecordError):
    """A store that cannot be read or written; the message says which, why, and what to do."""

    def __init__(self, message: str = "", kind: str = ""):
        super().__init__(message)
        self.kind = kind  # SQLite's name for it


class LabelStore:
    """One file of labels, made if it is not there. Safe in threads, after a fork, and for many processes."""

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser()
        self.journal = "delete" if on_network_disk(self.path) else "wal"  # write-ahead log
        self.writable = True
        self._open()

    # --- labels ---------------------------------------------------------------------------------------------

    def put(self, row: Row, look: int = 1) -> None:
        """Keep one label."""
        self.put_all([row], look)

    def put_all(self, rows: Iterable[Row], look: int = 1) -> int:
        """Keep these labels, all or, if one of them is bad, none. Returns their number."""
        return self.take({"": rows}, look).total()

    def take(self, files: Mapping[str, Iterable[Row]], look: int = 1) -> Counter:
        """Keep the labels of several files, named in errors, all or none. -> how many became what (STATES)"""
        counts: Counter = Counter()
        with self._writing() as db:
            for where, rows in files.items():
                try:
                    counts.update(Intake(where, rows).each(lambda row: _put(db, row, look)))
                except RecordError as error:
                    raise StoreError(str(error)) from None
        return counts

    def rows(self, labeler: str | None = None, look: int | None = 1) -> list[Row]:
        """The labels of one person or of all, by labeler and prompt. look None: second looks too."""
        return [
            {**json.loads(label), "labeler": who, "prompt_id": prompt_id}
            for who, prompt_id, number, _, _, label in self._read()[0]
            if labeler in (None, who) and look in (None, number)
        ]

    def counts(self) -> dict[str, int]:
        """How many rankings each labeler has made, second looks aside."""
        return dict(Counter(who for who, _, look, *_ in self._read()[0] if look == 1))

    def _read(self) -> tuple[list[tuple], dict[str, set[str]]]:
        """Every label as it was kept, and the origins of each person; an error if a bit has changed."""
        with self._reading() as db:
            db.execute("BEGIN")  # all of one moment
            found = db.execute(f"SELECT {COLUMNS}, checksum FROM labels ORDER BY {KEY}").fetchall()
            sealed = db.execute("SELECT labels, checksums FROM seal").fetchall()
            origins = db.execute("SELECT labeler, origin FROM people").fetchall()
        damaged = [label for *label, checksum in found if checksum != _checksum(*label)]
        if damaged or sealed != [(len(found), sum(label[-1] for label in found))]:
            which = "{!r} on prompt {!r}".format(*damaged[0]) if damaged else "all: their number or sum"
            raise StoreError(f"{self.path}: {ADVICE['SQLITE_CORRUPT']} (not as it was kept: {which}).")
        people: dict[str, set[str]] = {}
        for who, origin in origins:
            people.setdefault(who, set()).add(origin)
        return [tuple(label) for *label, _ in found], people

    # --- drafts: what is on a labeler's screen, so that a restart loses nothing -----------------------------

    def keep_draft(self, labeler: str, draft: dict | None) -> None:
        """Remember what is on the screen, or, with None, forget it."""
        with self._writing() as db:
            if draft is None:
                db.execute("DELETE FROM drafts WHERE labeler = ?", (labeler,))
            else:
                db.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?)", (labeler, _json(draft)))

    def draft(self, labeler: str) -> dict | None:
        """What was on the screen."""
        with self._reading() as db:
            query = "SELECT draft FROM drafts WHERE labeler = ? AND json_valid(draft)"
            found = db.execute(query, (labeler,)).fetchone()
        return found and json.loads(found[0])

    # --- the file -------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Make the file, or bring it to this version's schema, while others may be doing the same."""
        try:
            with _explained(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._connection() as db:
                self._bring_forward(db)
        except StoreError as error:
            if not (self.path.is_file() and error.kind.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))):
                raise
            self.writable = False  # by us, or at all: it can still be read
            with self._reading():
                pass

    def _bring_forward(self, db: sqlite3.Connection) -> None:
        with db:
            db.execute("BEGIN")  # all that is asked is of one moment: another may be making the file just now
            if self._version(db) == len(MIGRATIONS):
                return
        for function in (_named, _answers, _checksum):
            db.create_function(function.__name__[1:], -1, function)
        db.execute(f"PRAGMA journal_mode = {self.journal}").fetchone()
        with db:  # all or nothing
            db.execute("BEGIN IMMEDIATE")
            # The version is asked for again: another may have been faster.
            for number in range(self._version(db), len(MIGRATIONS)):
                for statement in MIGRATIONS[number].split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number + 1}")

    def _version(self, db: sqlite3.Connection) -> int:
        """Of the schema; 0 if the file is empty. What is no store is refused before anything is written."""
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (application,) = db.execute("PRAGMA application_id").fetchone()
        ours = version > 1 and application == APPLICATION
        if version < 2 and application == 0:  # our first schema had none
            columns = [column for (column,) in db.execute("SELECT name FROM pragma_table_info('labels')")]
            tables = db.execute("SELECT 1 FROM sqlite_master").fetchone()
            ours = columns == ["labeler", "prompt_id", "look", "label", "changed"] if version else not tables
        if not ours:
            raise StoreError(f"{self.path}: {ADVICE['SQLITE_NOTADB']}; nothing was changed.")
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

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and nobody else writes meanwhile."""
        if not self.writable:
            raise StoreError(f"{self.path}: {ADVICE['SQLITE_READONLY']}.")
        with self._connection() as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with; if the file cannot be written, to a copy of it and its log.

        To read a log, SQLite has to write, and so have we to read an older schema.
        """
        if self.writable:
            with self._connection() as db:
                yield db
            return
        with _explained(self.path), tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal", "-journal"):
                if (file := Path(f"{self.path}{suffix}")).is_file():
                    shutil.copyfile(file, Path(folder, SHARED + suffix))
            with closing(sqlite3.connect(Path(folder, SHARED), isolation_level=None)) as db:
                self._bring_forward(db)
                yield db


def open_store(place: str | Path, labeler: str) -> LabelStore:
    """The file `place`; or, in a folder, one store for all, or on a network disk one for each person."""
    place = Path(place).expanduser()
    if place.is_file() or (place.suffix in SUFFIXES and not place.is_dir()):
        return LabelStore(place)
    if not on_network_disk(place):
        return LabelStore(place / SHARED)
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in labeler)[:40]
    return LabelStore(place / f"labels-{safe}-{hashlib.sha256(labeler.encode()).hexdigest()[:6]}.sqlite3")


def merge(
    sources: Iterable[str | Path], into: str | Path, same_person: Collection[str] = (), labeler: str = ""
) -> dict[str, Counter]:
    """Merge stores into one, which may hold labels already: of two labels by one person the later one stays.

    Two stores in which a name began apart may be of two people. They are refused, unless `same_person` has
    the name, or each is merged by itself with a `labeler`, the name that its only person gets in `into`.
    -> of each store, how many labels became what (STATES)
    """
    sources, into = [Path(source) for source in sources], Path(into)
    if missing := [source for source in sources if not source.is_file()]:
        raise StoreError(f"there is no store {missing[0]}; nothing was merged.")
    read = {str(source): LabelStore(source)._read() for source in sources}
    if labeler:
        read = {path: _under(labeler, path, *found) for path, found in read.items()}
    there = {str(into): LabelStore(into)._read()} if into.is_file() else {}
    _check_names({path: people for path, (_, people) in (there | read).items()}, same_person)
    with LabelStore(into)._writing() as db:
        for _, people in read.values():
            known = [(who, origin) for who, origins in people.items() for origin in origins]
            db.executemany("INSERT OR IGNORE INTO people VALUES (?, ?)", known)
        return {path: Counter(_keep(db, *label) for label in labels) for path, (labels, _) in read.items()}


def gathered(sources: Iterable[str | Path], same_person: Collection[str] = ()) -> dict[int, list[Row]]:
    """The labels of several stores together, by look, 1 and 2; the stores stay as they are (see `merge`)."""
    with tempfile.TemporaryDirectory() as folder:
        merge(sources, everything := Path(folder, "labels.sqlite3"), same_person)
        return {look: LabelStore(everything).rows(look=look) for look in (1, 2)}


def _under(name: str, path: str, labels: list[tuple], people: dict[str, set[str]]) -> tuple[list, dict]:
    """The labels of a store's only person under another name."""
    if len(people) > 1:
        raise StoreError(f"{path} holds labels of {len(people)} people; all would be called {name!r}.")
    return [(name, *label) for _, *label in labels], {name: set().union(*people.values())}


def _check_names(stores: dict[str, dict[str, set[str]]], same_person: Collection[str]) -> None:
    """Nobody's labels began in two places that no store knows to be one person's."""
    for name in sorted({name for people in stores.values() for name in people} - set(same_person)):
        groups: list[set[str]] = []
        for origins in (people[name] for people in stores.values() if name in people):
            joined = [group for group in groups if group & origins]
            groups = [group for group in groups if not group & origins] + [origins.union(*joined)]
        if len(groups) > 1:
            where = ", ".join(path for path, people in stores.items() if name in people)
            may_be = f"{name!r} may be {len(groups)} people, in {where}; nothing was merged."
            one, two = f"say --same-person {name}", "merge each file by itself with a --labeler of its own"
            raise StoreError(f"{may_be} If they are one, {one}; if not, {two}.")


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


def _named(label: str) -> str:
    """A name for a prompt without one, from its text and the answers."""
    row = json.loads(label)
    return _digest([row["prompt"], *sorted(row["completions"])])


def _answers(label: str) -> str:
    return _digest(sorted(json.loads(label)["completions"]))


def _digest(texts: list[str]) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


def _checksum(*label: str | int) -> int:
    return zlib.crc32("\0".join(map(str, label)).encode())


def _put(db: sqlite3.Connection, row: Row, look: int) -> str:
    """Keep a row as the newest label of these answers."""
    label, ids = _json(check_ranking(row, allow_empty=True)), []
    for name in ("labeler", "prompt_id"):
        value = row.get(name)
        if not isinstance(value, str | int | None):
            raise RecordError(f"{name} is {shown(value)}, but must be a text")
        ids.append("" if value is None else str(value))
    labeler, prompt_id = ids[0], ids[1] or _named(label)
    if not labeler:
        raise RecordError("a label needs the name of its labeler")
    same_id = "SELECT label FROM labels WHERE labeler = ? AND prompt_id = ?"
    there = db.execute(same_id, (labeler, prompt_id)).fetchone()
    if there and (other := json.loads(there[0])["prompt"]) != row["prompt"]:
        why = f"stands for another prompt of {labeler} already ({shown(other)})"
        raise RecordError(f"prompt_id {shown(prompt_id)} {why}; give it one of its own, or none")
    origin = "INSERT INTO people SELECT ?1, hex(randomblob(8)) WHERE ?1 NOT IN (SELECT labeler FROM people)"
    db.execute(origin, (labeler,))
    now = datetime.now(UTC).isoformat(timespec="microseconds")  # a form that sorts
    return _keep(db, labeler, prompt_id, look, _answers(label), now, label, newest=True)


def _keep(db: sqlite3.Connection, *columns: str | int, newest: bool = False) -> str:
    """Keep a label of COLUMNS unless there is a later one. -> what became of it"""
    *key, changed, label = columns
    same = f"SELECT changed, label, checksum FROM labels WHERE ({KEY}) = (?, ?, ?, ?)"
    there = db.execute(same, key).fetchone()
    if newest and there:
        changed = max(changed, there[0])  # a clock may have been set back
    if there and changed < there[0]:
        return KNOWN if label == there[1] else OLDER
    checksum = _checksum(*key, changed, label)
    db.execute("INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, changed, label, checksum))
    more = (0, checksum - there[2]) if there else (1, checksum)
    db.execute("UPDATE seal SET labels = labels + ?, checksums = checksums + ?", more)
    if there is None:
        return NEW
    return KNOWN if label == there[1] else RENEWED


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
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged name breaks the message itself
        kind = getattr(error, "sqlite_errorname", "SQLITE_CORRUPT")  # no name: a text that is none
        advice = next((text for name, text in ADVICE.items() if kind.startswith(name)), "nothing was written")
        raise StoreError(f"{path}: {advice} ({error}).", kind) from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}; choose another place.") from None
