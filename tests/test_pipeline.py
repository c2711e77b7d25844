"""From a raw log to Table 6: every step by hand, then the whole."""

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lite.data import pipeline as pl
from rlhf_lite.data import records, seeded
from rlhf_lite.paper import TABLE_6
from rlhf_lite.world.rows import tiny_demonstrations, tiny_world

SCALE = 0.02
SIZES = pl.table6_sizes(SCALE)


def row(text, user="u", source="customer"):
    return {"user_id": user, "source": source, "text": text}


def texts(rows):
    return [r["text"] for r in rows]


@pytest.fixture(scope="module")
def log(world):
    return tiny_world(world, SIZES)


@pytest.fixture(scope="module")
def splits(log):
    return pl.prepare(log, SIZES)


# --- chance -------------------------------------------------------------------------------------------------


def test_chance_is_uniform_fixed_and_unambiguous():
    draws = [seeded.chance("x", i) for i in range(4000)]
    assert 0 < min(draws) and max(draws) < 1 and abs(sum(draws) / 4000 - 0.5) < 0.02
    assert seeded.chance("x", 7) == draws[7]
    assert seeded.chance("a", "bc") != seeded.chance("ab", "c")
    bells = [seeded.bell(i) for i in range(4000)]
    assert abs(sum(bells)) / 4000 < 0.06 and abs(sum(b * b for b in bells) / 4000 - 1) < 0.08


# --- one step each ------------------------------------------------------------------------------------------


def test_long_prefix_keeps_the_earliest():
    rows = [
        row("Write a story about a fox in the barn"),
        row("write  a story about a HEN in the barn"),
        row("Write a poem"),
    ]
    kept, dropped = pl.dedupe_long_prefix(rows, words=5)
    assert texts(kept) == [rows[0]["text"], "Write a poem"] and texts(dropped) == [rows[1]["text"]]
    assert len(pl.dedupe_long_prefix(rows, words=6)[0]) == 3


def test_a_resubmitted_prompt_is_a_duplicate_whichever_came_first():
    short, long = "Where does the fox live?", "Where does the fox live? Again, please."
    for rows in ([row(short), row(long)], [row(long), row(short)]):
        assert texts(pl.dedupe_long_prefix(rows)[0]) == [rows[0]["text"]]
    greeting = [row("Hello."), row("Hello. Where does the fox live?")]  # one word is no long prefix
    assert len(pl.dedupe_long_prefix(greeting)[0]) == 2


def test_repeats_are_dropped_across_users():
    rows = [row("List two animals for me", "a"), row("List two animals for me", "b")]
    for step in (pl.dedupe_long_prefix, pl.drop_repeats):
        assert step(rows) == (rows[:1], rows[1:])


def alike(a, b, words, least):
    a, b = a.split()[:words], b.split()[:words]
    n = min(len(a), len(b))
    return a == b or (n >= least and a[:n] == b[:n])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=7).map(" ".join), max_size=12),
    st.integers(2, 6),
)
def test_no_two_kept_prompts_share_a_long_prefix(prompts, words):
    kept, dropped = pl.dedupe_long_prefix(map(row, prompts), words=words, least=2)
    assert not any(alike(a["text"], b["text"], words, 2) for a, b in combinations(kept, 2))
    assert all(any(alike(d["text"], k["text"], words, 2) for k in kept) for d in dropped)


def test_cap_is_seeded_and_users_do_not_disturb_each_other():
    mine = [row(f"prompt {i}", "heavy") for i in range(500)]
    others = [row(f"other {i}", f"user-{i % 7}") for i in range(100)]
    kept, dropped = pl.cap_per_user(mine, 200)
    assert (len(kept), len(dropped)) == (200, 300)
    mixed = [r for pair in zip(mine, others + others * 4, strict=False) for r in pair][:600]
    both = [r for r in pl.cap_per_user(mixed + mine[300:], 200)[0] if r["user_id"] == "heavy"]
    assert texts(both) == texts(kept)
    assert texts(pl.cap_per_user(mine, 200, seed=1)[0]) != texts(kept)


@pytest.mark.parametrize(
    "text, kind",
    [
        ("Mail mia.k+x@post.example.org now.", "e-mail"),
        ("Pay with 4111 1111 1111 1111", "card"),
        ("4111111111111111", "card"),
        ("3782-822463-10005", "card"),
        ("Call +44 20 7946 0958 today", "phone"),
        ("Call (555) 123-4567", "phone"),
        ("555.123.4567", "phone"),
        ("Ring 555-0142.", "phone"),
        ("Call me at 555 4311.", "phone"),
        ("020 7946 0958", "phone"),
        ("I live at 12 Old Mill Road, Arden", "address"),
        ("My address is 7 Brill Street.", "address"),
    ],
)
def test_personal_data_is_found(text, kind):
    assert kind in [found for found, _ in pl.find_personal_data(text)]
    kept, dropped = pl.remove_personal_data([row(text), row("a harmless one")])
    assert texts(kept) == ["a harmless one"] and texts(dropped) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "On 2023-07-17 we met.",
        "The years 1990-2000",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13",
        "It costs 1,250,000.",
        "Add 12 and 30.",
        "3 people on the street",
        "Version 5.2.0",
        "at @home",
        "a@b",
        "Write 4 Sentences about Mia",
    ],
)
def test_harmless_numbers_stay(text):
    assert pl.find_personal_data(text) == []


def test_personal_data_patterns_are_fast_on_hostile_text():
    for text in ("a" * 50_000, "1" * 50_000, "1 " * 25_000, "+1" * 25_000, "a@" * 25_000, "1 A" * 15_000):
        pl.find_personal_data(text)  # linear, or this test would not end


def test_split_by_user_never_splits_a_user_and_newcomers_move_nobody():
    rows = [row(f"{u} {i}", f"user-{u}") for u in range(200) for i in range(1 + 300 // (u + 1))]
    splits = pl.split_by_user(rows, seed=3)
    owners = [{r["user_id"] for r in side} for side in splits.values()]
    assert not any(a & b for a, b in combinations(owners, 2)) and sum(map(len, splits.values())) == len(rows)
    more = pl.split_by_user([row("new", f"new-{u}") for u in range(99)] + rows, seed=3)
    assert all(
        {r["user_id"] for r in more[name]} >= owner for name, owner in zip(splits, owners, strict=True)
    )
    real = pl.realised_fractions(splits)
    assert (
        abs(real["train"]["users"] / 200 - 0.58) < 0.12
        and abs(sum(r["share"] for r in real.values()) - 1) < 1e-9
    )


def test_split_rejects_bad_fractions():
    with pytest.raises(ValueError, match="fractions"):
        pl.split_by_user([], {"train": -1, "test": 2})


def test_a_random_split_leaks(log):
    fair, random = pl.split_by_user(log), pl.split_at_random(log)
    by_user, at_random = pl.leak(fair["train"], fair["test"]), pl.leak(random["train"], random["test"])
    assert by_user["user"] == 0 and at_random["user"] > 0.8
    assert at_random["prefix"] > by_user["prefix"]


def test_few_shot_gives_one_example_per_pair():
    rows = pl.expand_few_shot("Kind or rude?", [("Hi!", "kind"), ("Go.", "rude"), ("{x}", "kind")])
    assert [r["response"] for r in rows] == ["kind", "rude", "kind"]
    assert rows[1]["prompt"] == "Kind or rude?\nHi! -> kind\n{x} -> kind\nGo. ->"


def test_few_shot_reads_like_the_worlds(log):
    shown = next(r["text"] for r in log if r["kind"] == "fewshot" and r["text"].count("\n") == 2)
    instruction, shot, query = shown.split("\n")
    pair = tuple(shot.split(" -> "))
    assert pl.expand_few_shot(instruction, [pair, (query.removesuffix(" ->"), "?")])[1]["prompt"] == shown


# --- all together -------------------------------------------------------------------------------------------


def test_table_6_at_scale_1_is_the_paper():
    assert pl.table6_sizes(1.0) == TABLE_6.value
    with pytest.raises(ValueError, match="scale"):
        pl.table6_sizes(0)


def test_sets_have_the_sizes_and_writers_of_table_6(splits):
    for name, rows in splits.sets().items():
        assert Counter(r["source"] for r in rows) == {who: n for who, n in SIZES[name].items() if n}
    records.check_prompts(splits.rm_train)


def test_sets_are_disjoint_and_users_stay_on_their_side(splits):
    sets = splits.sets()
    assert splits.shared == {}
    ids = [r["prompt_id"] for rows in sets.values() for r in rows]
    assert len(ids) == len(set(ids))
    sides = [
        {r["user_id"] for name, rows in sets.items() if name.endswith(side) for r in rows}
        for side in ("train", "valid", "test")
    ]
    assert not any(a & b for a, b in combinations(sides, 2))


def test_personal_data_leaves_training_only(splits):
    found = {
        name: sum(bool(pl.find_personal_data(r["text"])) for r in rows)
        for name, rows in splits.sets().items()
    }
    assert found["sft_train"] == found["rm_train"] == found["ppo_train"] == 0
    assert found["rm_valid"] + found["ppo_valid"] + found["test"] > 0


def test_the_funnel_adds_up(splits, log):
    steps = splits.funnel
    assert steps[0].rows_in == len(log)
    assert all(a.rows_out == b.rows_in for a, b in zip(steps, steps[1:], strict=False))
    assert steps[-1].rows_out == sum(map(len, splits.sets().values()))
    assert all(step.examples for step in steps[:4] if step.rows_out < step.rows_in)
    assert set(splits.realised) == {"train", "valid", "test"}


def test_too_small_a_log_says_which_set_how_many_and_what_to_do(log):
    with pytest.raises(
        pl.SupplyError, match=r"sft_train needs 1,130 labeler prompts.*train side.*Draw a longer log"
    ):
        pl.prepare(log, pl.table6_sizes(0.1))


def test_sets_share_prompts_before_they_fail():
    rows = [row(f"prompt number {i} of a customer", f"user-{i % 50}") for i in range(400)]
    sizes = {"rm_train": {"customer": 150}, "ppo_train": {"customer": 150}}
    out = pl.prepare(rows, sizes)
    pool = out.realised["train"]["rows"]
    assert 150 < pool < 300 and out.shared == {"ppo_train": 300 - pool}
    assert len({r["prompt_id"] for r in out.ppo_train}) == 150


def test_bad_rows_are_refused_with_their_number():
    with pytest.raises(records.RecordError, match="row 2: 'text' must be a text"):
        pl.prepare([row("fine"), row(" ")], SIZES)
    with pytest.raises(records.RecordError, match="row 1: column 'user_id' is missing; the row has text"):
        pl.prepare([{"text": "x"}], SIZES)
    with pytest.raises(records.RecordError, match="source is 'api'"):
        pl.prepare([row("x", source="api")], SIZES)


def test_stored_sets_are_read_one_at_a_time_and_equal_what_was_written(splits, tmp_path):
    pl.write_splits(tmp_path, splits)
    (tmp_path / "rm_train.json.xz").rename(tmp_path / "away")
    stored = pl.read_splits(tmp_path)
    assert stored.test == splits.test and "ppo_train" not in vars(stored)
    assert (stored.funnel, stored.realised, stored.shared) == (splits.funnel, splits.realised, splits.shared)
    with pytest.raises(FileNotFoundError):
        len(stored.rm_train)
    (tmp_path / "away").rename(tmp_path / "rm_train.json.xz")
    assert stored.sets() == splits.sets()
    with pytest.raises(AttributeError):
        len(stored.rm_test)


def test_demonstrations_are_fixed_per_prompt(world, splits):
    rows = tiny_demonstrations(world, splits.sft_train[:30], ["a", "b"])
    again = tiny_demonstrations(world, splits.sft_train[10:30], ["a", "b"])
    assert rows[10:] == again and {r["labeler"] for r in rows} == {"a", "b"}


def test_the_same_in_every_process():
    code = (
        "import json; from rlhf_lite.world import World; "
        "from rlhf_lite.data import pipeline as p; from rlhf_lite.world import rows as s;"
        "z = p.table6_sizes(0.002); x = p.prepare(s.tiny_world(World(0), z), z);"
        "print(json.dumps({k: [r['prompt_id'] for r in v] for k, v in x.sets().items()}))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            text=True,
            cwd=Path(__file__).parents[1],
            capture_output=True,
            check=True,
        )
        for seed in "12"
    ]
    assert runs[0].stdout == runs[1].stdout and len(json.loads(runs[0].stdout)["ppo_train"]) == 62
