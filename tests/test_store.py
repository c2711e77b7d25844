"""People's labels: nothing is lost or doubled, whoever writes and whatever breaks; and the commands around
them.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

import pytest

from rlhf_lite import cli
from rlhf_lite.chain.store import home
from rlhf_lite.labels import store as st
from rlhf_lite.labels.exchange import load_from, to_pairs
from rlhf_lite.labels.names import remember_name
from rlhf_lite.labels.store import LabelStore, StoreError, merge, open_store

ROOT = Path(__file__).resolve().parents[1]
NASTY = "<script>alert(1)</script> $x^2$ **b** \x07 \u202e; DROP TABLE labels; '\""


def label(
    prompt_id="p1", labeler="ada", ranks=(1, 2, 2), prompt="Say hello.", completions=("Hello.", "No.", "Hm.")
):
    return {
        "prompt_id": prompt_id,
        "prompt": prompt,
        "completions": list(completions),
        "ranks": list(ranks),
        "labeler": labeler,
    }


@pytest.fixture
def store(tmp_path):
    return LabelStore(tmp_path / "labels.sqlite3")


def first_schema(path, *rows):
    """A store as the first version of the package left it."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in st.MIGRATIONS[0].split(";"):
            db.execute(statement)
        for number, (row, look) in enumerate(rows):
            prompt_id = row.get("prompt_id") or "a-hash-of-text"
            entry = (
                row["labeler"],
                prompt_id,
                look,
                json.dumps(row),
                f"2026-01-01T00:00:00.{number:06}+00:00",
            )
            db.execute("INSERT INTO labels VALUES (?, ?, ?, ?, ?)", entry)
        db.execute("PRAGMA user_version = 1")
    return path


def spawn(code: str, *words) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )


# --- Keeping ------------------------------------------------------------------------------------------------


def test_labels_come_back_as_they_were_in_a_fixed_order(store):
    rows = [
        label("p2"),
        label("p1", prompt=NASTY, completions=(NASTY, "a", "b")),
        label("p1", "bob", ranks=(3, 1, 2)),
    ]
    assert store.put_all(rows) == 3
    assert store.rows() == [rows[1], rows[0], rows[2]]
    assert store.rows("bob") == [rows[2]] and store.rows("nobody") == []
    assert store.counts() == {"ada": 2, "bob": 1}
    assert LabelStore(store.path).rows() == store.rows()


def test_ranking_a_prompt_again_replaces_the_label_and_a_second_look_stands_beside_it(store):
    store.put(label())
    store.put(label(ranks=(2, 1, 3)))
    store.put(label(ranks=(3, 2, 1)), look=2)
    assert [row["ranks"] for row in store.rows()] == [[2, 1, 3]]
    assert [row["ranks"] for row in store.rows(look=2)] == [[3, 2, 1]] and len(store.rows(look=None)) == 2
    assert store.counts() == {"ada": 1}


def test_a_prompt_without_an_id_is_known_by_its_text(store):
    for ranks in ((1, 2, 3), (3, 2, 1)):
        store.put({**label(ranks=ranks), "prompt_id": ""})
    (row,) = store.rows()
    assert row["ranks"] == [3, 2, 1] and len(row["prompt_id"]) == 16


def test_other_answers_to_a_prompt_are_another_label_with_and_without_an_id(store):
    other = label(completions=("Hi!", "Go.", "Ho."))
    store.put_all([label(), other, {**label(), "prompt_id": ""}, {**other, "prompt_id": None}])
    assert len(store.rows()) == 4 and len({row["prompt_id"] for row in store.rows()}) == 3
    shuffled = label(completions=("No.", "Hm.", "Hello."), ranks=(1, 2, 3))  # the same answers
    store.put(shuffled)
    assert len(store.rows()) == 4 and shuffled in store.rows()


def test_an_id_stands_for_one_prompt_of_a_labeler(store):
    store.put(label("0", prompt="Monday?"))
    with pytest.raises(StoreError, match="row 2: prompt_id '0' stands for another prompt of ada .*Monday"):
        store.put_all([label("1"), label("0", prompt="Tuesday?")])
    with pytest.raises(StoreError, match="row 1: prompt_id is \\['0'\\], but must be a text"):
        store.put(label(["0"]))
    store.put(label(0, prompt="Monday?", ranks=(3, 2, 1)))  # a number is an id, 0 too
    assert [row["ranks"] for row in store.rows()] == [[3, 2, 1]]


def test_what_became_of_the_labels_is_counted(store):
    files = {"monday": [label("p1"), label("p2")], "tuesday": [label("p1"), label("p2", ranks=(3, 2, 1))]}
    assert store.take(files) == {"new": 2, "there already": 1, "in place of an earlier": 1}
    with pytest.raises(StoreError, match="tuesday, row 1: 2 ranks for 3 completions"):
        store.take({"monday": [label("p3")], "tuesday": [label("p4", ranks=(1, 2))]})
    assert len(store.rows()) == 2


def test_a_label_put_after_the_clock_was_set_back_is_kept(store, monkeypatch):
    store.put(label())

    class Clock:
        long_ago = st.datetime(2001, 1, 1, tzinfo=st.UTC)
        now = staticmethod(lambda zone: Clock.long_ago)

    with monkeypatch.context() as patched:
        patched.setattr(st, "datetime", Clock)
        store.put(label(ranks=(3, 2, 1)))
    assert [row["ranks"] for row in store.rows()] == [[3, 2, 1]]


def test_one_bad_label_and_none_is_kept(store):
    with pytest.raises(ValueError, match="row 2: 2 ranks for 3 completions"):
        store.put_all([label("p1"), label("p2", ranks=(1, 2)), label("p3")])
    with pytest.raises(StoreError, match="row 2: a label needs the name of its labeler"):
        store.put_all([label("p1"), label("p2", labeler="")])
    assert store.rows() == []


def test_drafts_come_back_after_a_restart(store):
    store.keep_draft("ada", {"prompt_id": "p7", "ranks": [1, None, 2], "note": NASTY})
    store.keep_draft("ada", {"prompt_id": "p8"})
    assert LabelStore(store.path).draft("ada") == {"prompt_id": "p8"} and store.draft("bob") is None
    store.keep_draft("ada", None)
    assert store.draft("ada") is None


# --- Many writers, and a kill -------------------------------------------------------------------------------

WRITER = """
import sys
from rlhf_lite.labels.store import LabelStore
store = LabelStore(sys.argv[1])
for i in range(int(sys.argv[3])):
    label = {"prompt_id": f"p{i}", "prompt": "x", "completions": ["a", "b"], "ranks": [1, 2]}
    store.put({**label, "labeler": sys.argv[2]})
    print(i, flush=True)
"""


@pytest.mark.slow
def test_thirty_writers_with_two_hundred_labels_each_lose_nothing_and_double_nothing(tmp_path):
    path = tmp_path / "new" / "labels.sqlite3"  # all thirty try to make it
    writers = [spawn(WRITER, path, f"w{i}", 200) for i in range(30)]
    assert all(writer.communicate() and writer.returncode == 0 for writer in writers)
    assert LabelStore(path).counts() == {f"w{i}": 200 for i in range(30)}


def test_a_file_that_another_makes_while_we_ask_what_it_is_is_no_stranger(tmp_path, monkeypatch):
    path, others = tmp_path / "labels.sqlite3", []

    class Interrupted(sqlite3.Connection):
        def execute(self, statement, *values):
            if statement == "PRAGMA application_id" and not others:  # the version is known
                others.append(threading.Thread(target=LabelStore, args=[path]))
                others[0].start()
                others[0].join(timeout=1)
            return super().execute(statement, *values)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Interrupted))
    LabelStore(path).put(label(labeler="ada"))
    others[0].join()
    assert LabelStore(path).counts() == {"ada": 1}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_after_a_kill_every_acknowledged_label_is_there(tmp_path):
    writer = spawn(WRITER, tmp_path / "labels.sqlite3", "ada", 100_000)
    for _ in range(50):
        last = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged = [last, *map(int, writer.communicate()[0].split())]
    kept = {row["prompt_id"] for row in LabelStore(tmp_path / "labels.sqlite3").rows("ada")}
    assert {f"p{i}" for i in range(max(acknowledged) + 1)} <= kept


# --- Places -------------------------------------------------------------------------------------------------


def test_on_a_network_disk_everybody_has_a_file_and_no_write_ahead_log(tmp_path, monkeypatch):
    shared = open_store(tmp_path, "ada")
    assert shared.path.name == st.SHARED and shared.journal == "wal"
    monkeypatch.setattr(st, "on_network_disk", lambda path: True)
    stores = [open_store(tmp_path, name) for name in ("ada", "../ada", "Zoë O'Hara", "Zoë O-Hara")]
    assert len({store.path for store in stores}) == 4 and {store.path.parent for store in stores} == {
        tmp_path
    }
    for i, store in enumerate(stores):
        store.put(label(labeler=str(i)))
        with sqlite3.connect(store.path) as db:
            assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    merge(tmp_path.glob("labels-*.sqlite3"), tmp_path / "all.sqlite3")
    assert LabelStore(tmp_path / "all.sqlite3").counts() == {str(i): 1 for i in range(4)}


def test_network_disks_are_known_by_their_mount(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n/dev/sdb /home/local ext4 rw 0 0\n"
    )
    found = [st.on_network_disk(Path(place), mounts) for place in ("/tmp/x", "/home/ada/x", "/home/local/x")]
    assert found == [False, True, False]
    assert not st.on_network_disk(Path("/home"), tmp_path / "nothing")


def test_merging_keeps_the_later_label_and_can_be_repeated(tmp_path):
    first, second = LabelStore(tmp_path / "a.sqlite3"), LabelStore(tmp_path / "b.sqlite3")
    first.put(label(ranks=(1, 2, 3)))
    second.put(label(ranks=(3, 2, 1)))
    second.put(label("p2"))
    for order in ([first.path, second.path], [second.path, first.path]):
        target = tmp_path / f"{order[0].stem}-first.sqlite3"
        merge(order, target, same_person=["ada"])
        assert [row["ranks"] for row in LabelStore(target).rows()] == [[3, 2, 1], [1, 2, 2]]
        merge(order, target)
        assert len(LabelStore(target).rows()) == 2
    with pytest.raises(StoreError, match="no store .*c.sqlite3; nothing was merged"):
        merge([first.path, tmp_path / "c.sqlite3"], tmp_path / "d.sqlite3")
    assert not (tmp_path / "d.sqlite3").exists()


def test_a_folder_may_have_a_dot_in_its_name_and_a_file_need_not(tmp_path):
    (tmp_path / "old.sqlite3").mkdir()
    for place in ("class.2024", "old.sqlite3", "v1.2/labels", "fall"):
        assert open_store(tmp_path / place, "ada").path == tmp_path / place / st.SHARED
    assert open_store(tmp_path / "mine.sqlite3", "ada").path == tmp_path / "mine.sqlite3"
    shutil.copy(tmp_path / "mine.sqlite3", tmp_path / "mine")
    assert open_store(tmp_path / "mine", "ada").path == tmp_path / "mine"


@pytest.fixture
def read_only():
    """A function that makes a folder of stores read-only for this process, like a disk mounted so."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)

    def protect(stores: Path) -> Path:
        folder = Path(shutil.copytree(stores, place / "stores"))
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        if os.geteuid() == 0:  # root may write anything
            os.seteuid(65534)
        return folder

    yield protect
    if os.getuid() == 0:
        os.seteuid(0)
    (place / "stores").chmod(0o755)
    shutil.rmtree(place)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users here")
def test_on_a_read_only_disk_every_store_can_be_read_and_written_in_none(tmp_path, read_only):
    stores = tmp_path / "stores"
    LabelStore(stores / "new.sqlite3").put(label())
    first_schema(stores / "old.sqlite3", (label(), 1))
    crashed = LabelStore(tmp_path / "crashed.sqlite3")
    with closing(sqlite3.connect(crashed.path)) as db:  # still open: what is written stays in the log
        db.execute("SELECT * FROM labels").fetchall()
        crashed.put(label())
        for path in tmp_path.glob("crashed.sqlite3*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, stores)
    LabelStore(stores / "network.sqlite3").put(label())
    with closing(sqlite3.connect(stores / "network.sqlite3")) as db:
        db.execute("PRAGMA journal_mode = delete")
    folder = read_only(stores)
    names = sorted(path.name for path in folder.glob("*.sqlite3"))
    assert names == ["crashed.sqlite3", "network.sqlite3", "new.sqlite3", "old.sqlite3"]
    for name in names:
        store = LabelStore(folder / name)
        assert store.rows() == [label()] and store.counts() == {"ada": 1} and store.draft("ada") is None
        with pytest.raises(StoreError, match=f"{name}: it cannot be written; ask for the right"):
            store.put(label("p2"))
        with pytest.raises(StoreError, match=f"{name}: it cannot be written; ask for the right"):
            store.keep_draft("ada", {})
    with pytest.raises(StoreError, match="other.sqlite3: it cannot be opened"):
        LabelStore(folder / "other.sqlite3")


# --- Merging ------------------------------------------------------------------------------------------------


def three_called_you(folder) -> list[Path]:
    paths = [folder / name / "labels.sqlite3" for name in ("ann", "ben", "cleo")]
    for path, ranks in zip(paths, ((1, 2, 3), (3, 2, 1), (2, 1, 3)), strict=True):
        LabelStore(path).put(label(labeler="you", ranks=ranks))
    return paths


def test_two_people_of_one_name_are_not_merged(tmp_path, capsys):
    paths, into = three_called_you(tmp_path), tmp_path / "class.sqlite3"
    assert command("merge", *paths, "--into", into) == 2
    said = capsys.readouterr().err
    assert "'you' may be 3 people" in said and all(str(path) in said for path in paths)
    assert "--same-person you" in said and "--labeler" in said and not into.exists()
    for action in (["agreement"], ["export", "--into", tmp_path / "all.jsonl"]):  # nor when read together
        assert command(*action, *paths) == 2
    for path in paths:  # each under a name of its own
        assert command("merge", path, "--into", into, "--labeler", path.parent.name) == 0
    assert LabelStore(into).counts() == {"ann": 1, "ben": 1, "cleo": 1}
    LabelStore(paths[0]).put(label("p2", labeler="you"))
    assert command("merge", paths[0], "--into", into, "--labeler", "ann") == 0  # the next day
    assert "Labels in" in (told := capsys.readouterr().out) and "ann 2, ben 1, cleo 1" in told
    assert command("merge", paths[1], "--into", into, "--labeler", "ann") == 2
    assert "'ann' may be 2 people" in capsys.readouterr().err


def test_told_that_two_are_one_the_later_label_stays_and_it_is_said_and_remembered(tmp_path, capsys):
    paths, into = three_called_you(tmp_path), tmp_path / "class.sqlite3"
    assert command("merge", *reversed(paths), "--into", into, "--same-person", "you") == 0
    table = capsys.readouterr().out.splitlines()
    taken = {
        Path(line.split()[0]).parent.name: line.split()[1:] for line in table if "labels.sqlite3" in line
    }
    assert taken == {
        "cleo": list("1000"),
        "ben": list("0001"),
        "ann": list("0001"),
    }  # two are older: not taken
    assert [row["ranks"] for row in LabelStore(into).rows()] == [[2, 1, 3]]
    assert command("merge", *paths, "--into", into) == 0  # known by now
    LabelStore(tmp_path / "dee.sqlite3").put(label(labeler="you"))
    assert command("merge", tmp_path / "dee.sqlite3", "--into", into) == 2  # somebody new is not


def test_the_daily_merge_asks_nothing_whatever_was_ranked_again(tmp_path):
    mine, into, second = tmp_path / "ada.sqlite3", tmp_path / "class.sqlite3", tmp_path / "school.sqlite3"
    LabelStore(mine).put(label())
    for ranks in ((1, 2, 3), (3, 2, 1), (2, 1, 3)):
        merge([mine], into)
        merge([into, mine], second)  # a merged store is merged further
        LabelStore(mine).put(label(ranks=ranks))
    shutil.copy(mine, tmp_path / "backup.sqlite3")
    assert merge([mine, tmp_path / "backup.sqlite3"], into)[str(mine)] == {"in place of an earlier": 1}
    assert LabelStore(into).rows() == LabelStore(mine).rows()


def test_stores_from_before_are_known_to_be_of_one_person(tmp_path):
    rows = [(label("p1"), 1), (label("p2"), 1)]
    mine, into = (
        first_schema(tmp_path / "ada.sqlite3", *rows),
        first_schema(tmp_path / "class.sqlite3", *rows),
    )
    LabelStore(mine).put(label("p3"))
    assert merge([mine], into)[str(mine)] == {"there already": 2, "new": 1}
    with closing(sqlite3.connect(first_schema(tmp_path / "other.sqlite3", *rows))) as db, db:
        db.execute("UPDATE labels SET changed = replace(changed, '2026', '2025')")
    with pytest.raises(StoreError, match="'ada' may be 2 people"):
        merge([tmp_path / "other.sqlite3"], into)


def test_several_people_cannot_get_one_name(store, tmp_path):
    store.put_all([label(), label(labeler="bob")])
    with pytest.raises(StoreError, match="labels of 2 people; all would be called 'ann'"):
        merge([store.path], tmp_path / "all.sqlite3", labeler="ann")


# --- Schema -------------------------------------------------------------------------------------------------


def test_a_store_of_an_older_schema_is_brought_up_to_date_and_keeps_its_labels(store, monkeypatch):
    store.put(label())
    monkeypatch.setattr(st, "MIGRATIONS", (*st.MIGRATIONS, "ALTER TABLE drafts ADD COLUMN since TEXT"))
    assert LabelStore(store.path).rows() == [label()]
    with sqlite3.connect(store.path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(st.MIGRATIONS),)
        db.execute("SELECT since FROM drafts")


def test_a_store_of_the_first_schema_loses_nothing(tmp_path):
    nameless = {**label(prompt=NASTY), "prompt_id": ""}
    rows = [(label(), 1), (label(ranks=(3, 2, 1)), 2), (nameless, 1), (label("p2", "bob"), 1)]
    store = LabelStore(first_schema(tmp_path / "old.sqlite3", *rows))
    known = [row for row in store.rows() if row["prompt"] != NASTY]
    assert known == [label(), label("p2", "bob")] and store.rows(look=2) == [label(ranks=(3, 2, 1))]
    assert store.counts() == {"ada": 2, "bob": 1}
    store.put_all([row for row, look in rows if look == 1])  # nothing is there twice
    assert store.counts() == {"ada": 2, "bob": 1}


def test_a_migration_that_fails_changes_nothing(store, monkeypatch):
    store.put(label())
    monkeypatch.setattr(
        st, "MIGRATIONS", (*st.MIGRATIONS, "ALTER TABLE labels ADD COLUMN x TEXT; SELECT nonsense")
    )
    with pytest.raises(StoreError, match="nonsense"):
        LabelStore(store.path)
    monkeypatch.undo()
    assert LabelStore(store.path).rows() == [label()]


def test_a_store_of_a_newer_schema_is_left_alone(store):
    with sqlite3.connect(store.path) as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="schema 9; this one knows 2.*Update rlhf_lite; nothing was changed"):
        LabelStore(store.path)


# --- What can go wrong --------------------------------------------------------------------------------------


def sabotage(monkeypatch, *statements: str, uri: str = "") -> None:
    """Connections from now on are read-only, or fail in other ways."""
    connect = sqlite3.connect

    def broken(path, **options):
        db = connect(f"file:{path}?{uri}", uri=True, **options) if uri else connect(path, **options)
        for statement in statements:
            db.execute(statement)
        return db

    monkeypatch.setattr(st.sqlite3, "connect", broken)


def test_a_read_only_store_says_so_and_can_still_be_read(store, monkeypatch):
    store.put(label())
    sabotage(monkeypatch, uri="mode=ro")
    with pytest.raises(StoreError, match="labels.sqlite3: it cannot be written; ask for the right"):
        store.put(label("p2"))
    assert LabelStore(store.path).rows() == [label()]


def test_a_full_disk_says_so_and_keeps_what_was_there(store, monkeypatch):
    store.put(label())
    sabotage(monkeypatch, "PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="the disk is full; free some space"):
        store.put_all([label(f"p{i}", prompt="x" * 5000) for i in range(20)])
    monkeypatch.undo()
    assert store.rows() == [label()]


def test_a_locked_store_says_so(store, monkeypatch):
    monkeypatch.setattr(st, "WAIT", 0.05)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="others kept it locked"):
        store.put(label())
    other.close()
    store.put(label())


def test_one_flipped_bit_is_found_or_changes_no_label(tmp_path):
    store, draw = LabelStore(tmp_path / "good.sqlite3"), Random(0)
    for i in range(30):
        texts = ["".join(draw.choices("abc üß🙂", k=draw.randrange(300))) + str(j) for j in range(3)]
        store.put(label(f"p{i}", completions=texts))
    good, rows, found, bad = store.path.read_bytes(), store.rows(), 0, tmp_path / "bad.sqlite3"
    used = [i for i, byte in enumerate(good) if byte]
    for place in draw.sample(used, 250) + list(range(0, 100, 2)):
        flipped = bytearray(good)
        flipped[place] ^= 1 << draw.randrange(8)
        bad.write_bytes(flipped)
        try:
            assert LabelStore(bad).rows() == rows, place
        except StoreError:
            found += 1
    assert found > 200


@pytest.mark.parametrize("damage", ["DELETE FROM labels WHERE prompt_id = 'p2'", "DELETE FROM seal"])
def test_a_label_that_vanished_is_missed(store, tmp_path, damage):
    store.put_all([label("p1"), label("p2")])
    with closing(sqlite3.connect(store.path)) as db, db:
        db.execute(damage)
    for read in (store.rows, store.counts, lambda: merge([store.path], tmp_path / "all.sqlite3")):
        with pytest.raises(
            StoreError, match="damaged; restore a copy.*not as it was kept: all: their number or sum"
        ):
            read()


def test_the_damaged_label_is_named_in_one_line_however_long_it_is(store):
    store.put(label("p1", completions=("x" * 200_000, "b", "c")))
    with closing(sqlite3.connect(store.path)) as db, db:
        db.execute("UPDATE labels SET label = replace(label, 'xx', 'xy')")
    with pytest.raises(StoreError, match="not as it was kept: 'ada' on prompt 'p1'") as told:
        store.rows()
    assert len(str(told.value)) < 500


@pytest.mark.parametrize("version", [0, 1, 2])
def test_other_programs_databases_are_left_alone(tmp_path, version):
    path = tmp_path / "cookies.sqlite3"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE labels (name TEXT, color TEXT)")
        db.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(
        StoreError, match="cookies.sqlite3: it is no label store; choose another file; nothing"
    ):
        LabelStore(path)
    with pytest.raises(StoreError, match="no label store"):
        merge([path], tmp_path / "all.sqlite3")
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_is_no_store_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("my notes, which are longer than a header of SQLite is" * 9)
    with pytest.raises(StoreError, match="notes.txt: it is no label store"):
        LabelStore(tmp_path / "notes.txt")
    with pytest.raises(StoreError, match="choose another place"):
        LabelStore(tmp_path / "notes.txt" / "labels.sqlite3")


# --- rlhf-lite labels ---------------------------------------------------------------------------------------


def command(*words) -> int:
    return cli.main(["labels", *map(str, words)])


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("rankings", ".jsonl"),
        ("rankings", ".parquet"),
        ("argilla", ".json"),
        ("label-studio", ".json"),
        ("rankings", ".csv"),
        ("pairs", ".csv"),
        ("pairs", ".parquet"),
        ("messages", ".parquet"),
    ],
)
def test_labels_leave_and_come_back(store, tmp_path, form, suffix):
    rows = [
        label("p0", prompt=NASTY),
        label("p1", "bob", ranks=(3, 1, 2)),
        label("p2", completions=("", "b", "c")),
    ]
    store.put_all(rows)
    out, into = tmp_path / f"out{suffix}", tmp_path / "back.sqlite3"
    assert command("export", store.path, "--form", form, "--into", out) == 0
    assert command("import", out, "--form", form, "--into", into, "--labeler", "web") == 0
    back = LabelStore(into).rows()
    if form in ("pairs", "messages"):
        assert sorted(map(str, to_pairs(back))) == sorted(map(str, to_pairs(rows)))
    else:
        assert [{name: row[name] for name in label()} for row in back] == store.rows()


@pytest.mark.parametrize("form", ["argilla", "label-studio"])
def test_what_no_service_reads_is_not_written(store, tmp_path, form, capsys):
    store.put(label())
    for suffix in (".csv", ".parquet"):
        assert command("export", store.path, "--form", form, "--into", tmp_path / f"out{suffix}") == 2
        assert f"{form} reads .json and .jsonl only" in capsys.readouterr().err


def test_pairs_leave_as_trl_reads_them(store, tmp_path, capsys):
    store.put_all([label(), label(labeler="bob", ranks=(1, 1, 1))])
    assert (
        command(
            "export", store.path, "--form", "pairs", "--labeler", "ada", "--into", tmp_path / "pairs.jsonl"
        )
        == 0
    )
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert pairs == [
        {"prompt": "Say hello.", "chosen": "Hello.", "rejected": worse} for worse in ("No.", "Hm.")
    ]
    assert "1 rankings as pairs, 2 rows" in capsys.readouterr().out
    assert command("import", tmp_path / "pairs.jsonl", "--into", tmp_path / "b.sqlite3") == 2
    assert "it does not say who ranked; give --labeler" in capsys.readouterr().err
    assert (
        command("import", tmp_path / "pairs.jsonl", "--labeler", "web", "--into", tmp_path / "b.sqlite3") == 0
    )
    assert LabelStore(tmp_path / "b.sqlite3").counts() == {"web": 2}


def test_a_bad_row_is_named_and_nothing_is_imported(store, tmp_path, capsys):
    store.put(label())
    bad = [label("p2"), label("p3", ranks=(1, 2))]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, bad)))
    assert command("import", tmp_path / "in.jsonl", "--into", store.path) == 2
    assert "row 2: 2 ranks for 3 completions" in capsys.readouterr().err
    (tmp_path / "in.json").write_text(json.dumps([{"no": "task"}]))
    assert command("import", tmp_path / "in.json", "--form", "label-studio", "--into", store.path) == 2
    assert "is not what label-studio exports" in capsys.readouterr().err
    (tmp_path / "in.json").write_text(json.dumps([{"id": 1, "data": {}, "annotations": []}]))
    assert command("import", tmp_path / "in.json", "--into", store.path) == 2
    assert "looks like label-studio's; read it with --form label-studio" in capsys.readouterr().err
    assert store.rows() == [label()]


def write(path, *rows):
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_what_an_import_stored_is_said(tmp_path, capsys):
    pairs = [{"prompt": f"Why {i}?", "chosen": "good", "rejected": "bad"} for i in range(3)]
    monday = write(tmp_path / "monday.jsonl", *pairs)
    tuesday = write(tmp_path / "tuesday.jsonl", pairs[0], {**pairs[1], "prompt": "How?"}, pairs[0])
    assert command("import", monday, tuesday, "--labeler", "web", "--into", tmp_path / "all.sqlite3") == 0
    assert "6 labels imported: 4 new, 2 there already." in (said := capsys.readouterr().out)
    assert "all.sqlite3: web 4." in said
    again = write(tmp_path / "again.jsonl", label(), label(ranks=(3, 2, 1)))
    assert command("import", again, "--into", tmp_path / "two.sqlite3") == 0
    assert "2 labels imported: 1 new, 1 in place of an earlier." in capsys.readouterr().out


def test_an_id_of_another_prompt_is_refused_naming_file_and_row(tmp_path, capsys):
    monday, tuesday = (
        write(tmp_path / f"{day}.jsonl", *(label(i, prompt=f"{day} {i}?") for i in range(2)))
        for day in ("monday", "tuesday")
    )
    assert command("import", monday, "--into", tmp_path / "all.sqlite3") == 0
    assert command("import", tuesday, "--into", tmp_path / "all.sqlite3") == 2
    assert "tuesday.jsonl, row 1: prompt_id '0' stands for another prompt" in capsys.readouterr().err
    assert len(LabelStore(tmp_path / "all.sqlite3").rows()) == 2
    assert command("import", tuesday, tmp_path / "no.jsonl", "--into", tmp_path / "new.sqlite3") == 2
    assert command("import", write(tmp_path / "bad.jsonl", {}), "--into", tmp_path / "new.sqlite3") == 2
    assert not (tmp_path / "new.sqlite3").exists()


@pytest.mark.parametrize(
    "bad",
    [
        {**label("p1"), "prompt": "y" * 200_000},
        {**label(), "ranks": ["x" * 200_000, 1, 2]},
        {**label(), "completions": [["x" * 200_000], "b", "c"]},
        {**label(), "labeler": ["x" * 200_000]},
        {"x" * 200_000: 1},
    ],
)
def test_an_error_names_the_file_and_is_a_line_whatever_a_cell_holds(store, tmp_path, bad, capsys):
    store.put(label("p1"))
    path = write(tmp_path / "in.jsonl", label("p7"), bad)
    assert command("import", path, "--into", store.path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "in.jsonl, row 2: " in line and len(line) < 700
    assert len(store.rows()) == 1


def test_on_a_terminal_it_is_asked_whose_labels_a_file_holds(run_home, tmp_path, monkeypatch, capsys):
    path = write(tmp_path / "pairs.jsonl", {"prompt": "p", "chosen": "a", "rejected": "b"})
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    answers, asked = iter(["web", ""]), []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or next(answers))
    assert command("import", path, "--into", tmp_path / "all.sqlite3") == 0
    remember_name(home(), "ada")
    assert command("import", path, "--into", tmp_path / "all.sqlite3") == 0
    assert LabelStore(tmp_path / "all.sqlite3").counts() == {"ada": 1, "web": 1}
    assert "Who ranked what is in" in asked[0] and "[ada]" in asked[1]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    assert command("import", path, "--into", tmp_path / "all.sqlite3") == 2
    assert "pairs.jsonl, row 1: it does not say who ranked; give --labeler" in capsys.readouterr().err


def test_second_looks_that_are_not_exported_are_counted(store, tmp_path, capsys):
    store.put(label())
    store.put(label(), look=2)
    assert command("export", store.path, "--into", tmp_path / "all.jsonl") == 0
    assert "left out 1 second looks" in capsys.readouterr().out


def test_agreement_of_all_of_each_with_others_and_with_themselves(store, capsys):
    store.put_all(
        [label(ranks=(1, 2, 3)), label(labeler="bob", ranks=(1, 3, 2)), label(labeler="cy", ranks=(1, 2, 3))]
    )
    store.put(label(ranks=(1, 2, 3)), look=2)
    assert command("agreement", store.path) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert (
        "77.8%" in lines["everyone"] and "66.7%" in lines["bob"] and "83.3%" in lines["ada"]
    )  # 7 of 9, 4 of 6, 5 of 6
    assert "100.0%" in lines["ada"].split("prompts")[1]


def test_merge_and_what_is_missing(store, tmp_path, capsys):
    store.put(label())
    assert command("merge", store.path, "--into", tmp_path / "all.sqlite3") == 0
    assert LabelStore(tmp_path / "all.sqlite3").rows() == [label()]
    refused = {
        "with --into FILE": ["merge", store.path],
        "there is no file": ["agreement", tmp_path / "no"],
        "there is no form 'xml'": ["export", store.path, "--into", tmp_path / "x.jsonl", "--form", "xml"],
    }
    for said, words in refused.items():
        assert command(*words) == 2
        assert said in capsys.readouterr().err


def test_load_from_knows_pairs(tmp_path):
    (tmp_path / "p.json").write_text(json.dumps([{"prompt": "p", "chosen": "a", "rejected": "b"}]))
    assert load_from("pairs", tmp_path / "p.json")[0]["ranks"] == [1, 2]
