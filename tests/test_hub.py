"""Public preference sets, each as a small folder in its true form, through the same `datasets.load_dataset`
as the hub.
"""

import gzip
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from unittest.mock import Mock

import datasets
import huggingface_hub
import pytest
from fake_hub import fake_hub
from helpers_trees import DATA, flat, needs_data, tree

from rlhf_lite.data import network
from rlhf_lite.data.hub import SETS, load, raw_rows, texts
from rlhf_lite.data.pipeline import split_by_user
from rlhf_lite.data.records import RecordError, SourceError, check_rankings, to_dataset
from rlhf_lite.labels.agreement import agreement


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Nothing is stored outside the test, nothing draws a bar, and no test reaches for the network."""
    for name in ("HF_DATASETS_CACHE", "DOWNLOADED_DATASETS_PATH", "EXTRACTED_DATASETS_PATH"):
        monkeypatch.setattr(datasets.config, name, tmp_path / "cache" / name)
    monkeypatch.setattr(network, "hub_answers", lambda: pytest.fail("asked the hub"))
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def put(monkeypatch, tmp_path):
    """put(name, rows) makes a folder that stands for the set of that name on the hub; so does put(name,
    train=..., test=...).

    Its files have the hub's own names, places and types; with form="jsonl" they may hold anything.
    """

    def put(name, rows=None, form=None, **splits):
        folder = tmp_path / name
        shutil.rmtree(
            tmp_path / "cache", ignore_errors=True
        )  # what was loaded from an earlier folder of this name
        shutil.rmtree(folder, ignore_errors=True)
        paths = {}
        for split, own in (splits or {"train": rows}).items():
            path = Path(FILES[name].format(split))
            paths[split] = path.with_name(path.name.split(".")[0] + ".jsonl") if form else path
            write(folder / paths[split], own, FEATURES[name])
        for path, other in BESIDE.get(name, {}).items():
            write(folder / path, other)
        files = "".join(f"  - split: {split}\n    path: {path.as_posix()}\n" for split, path in paths.items())
        declared = f"configs:\n- config_name: {SETS[name].config or 'default'}\n  data_files:\n{files}"
        (folder / "README.md").write_text(
            f"---\n{declared if name in DECLARED else 'language: en'}\n---\n", encoding="utf-8"
        )
        monkeypatch.setitem(SETS, name, replace(SETS[name], hub_id=str(folder)))
        return folder

    return put


def write(path, rows, features=None):
    """The rows in a file of the kind that its name says, in a Parquet file with these types."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if path.suffix == ".parquet":
        features = features and datasets.Features({name: features[name] for name in rows[0]})
        datasets.Dataset.from_list(rows, features=features).to_parquet(path)
    else:
        path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)


def ranked(row):
    """Completions by rank, so that the drawn order does not matter."""
    return sorted(zip(row["ranks"], row["completions"], strict=True))


def refused(name, match, error=RecordError, **options):
    """`load` refuses, in one line that says all of `match`."""
    with pytest.raises(error) as caught:
        load(name, **options)
    said = str(caught.value)
    assert "\n" not in said
    for part in [match] if isinstance(match, str) else match:
        assert part in said
    return said


# --- raw rows in their true form ----------------------------------------------------------------------------

TEXT, WHOLE, REAL, YES = (datasets.Value(name) for name in ("string", "int32", "float64", "bool"))
CHAT = [{"content": TEXT, "role": TEXT}]
RATED = {"Rating": TEXT, "Rationale": TEXT}
TYPED = {"Rating": TEXT, "Rationale": TEXT, "Rationale For Rating": TEXT, "Type": [TEXT]}
OASST = {
    "message_id": TEXT,
    "parent_id": TEXT,
    "user_id": TEXT,
    "created_date": TEXT,
    "text": TEXT,
    "role": TEXT,
    "lang": TEXT,
    "review_count": WHOLE,
    "review_result": YES,
    "deleted": YES,
    "rank": WHOLE,
    "synthetic": YES,
    "model_name": TEXT,
    "detoxify": {
        name: REAL
        for name in (
            "toxicity",
            "severe_toxicity",
            "obscene",
            "identity_attack",
            "insult",
            "threat",
            "sexual_explicit",
        )
    },
    "message_tree_id": TEXT,
    "tree_state": TEXT,
    "emojis": {"name": [TEXT], "count": [WHOLE]},
    "labels": {"name": [TEXT], "value": [REAL], "count": [WHOLE]},
}
HELPSTEER = {
    "prompt": TEXT,
    "response": TEXT,
    **dict.fromkeys(("helpfulness", "correctness", "coherence", "complexity", "verbosity"), WHOLE),
}

# Every column of every set, as its card declares it (`dataset_info`); of the comparisons of summaries, as the
# set's script does, of Nectar, as the files do; HH-RLHF, UltraFeedback and C4 are JSON, which their cards
# show examples of.
FEATURES = {
    "oasst1": OASST,
    "oasst2": OASST,
    "helpsteer": HELPSTEER,
    "helpsteer2": HELPSTEER,
    "hh_rlhf": {"chosen": TEXT, "rejected": TEXT},
    "nectar": {
        "prompt": TEXT,
        "answers": [{"answer": TEXT, "model": TEXT, "rank": REAL}],
        "turns": datasets.Value("int64"),
        "num_responses": datasets.Value("int64"),
        "source": [TEXT],
        "good_natured": YES,
    },
    "ultrafeedback": {
        "source": TEXT,
        "instruction": TEXT,
        "models": [TEXT],
        "completions": [
            {
                "annotations": {
                    "helpfulness": TYPED,
                    "honesty": RATED,
                    "instruction_following": RATED,
                    "truthfulness": TYPED,
                },
                "critique": TEXT,
                "custom_system_prompt": TEXT,
                "fine-grained_score": REAL,
                "model": TEXT,
                "overall_score": REAL,
                "principle": TEXT,
                "response": TEXT,
            }
        ],
        "correct_answers": [TEXT],
        "incorrect_answers": [TEXT],
    },
    "ultrafeedback_binarized": {
        "prompt": TEXT,
        "prompt_id": TEXT,
        "chosen": CHAT,
        "rejected": CHAT,
        "messages": CHAT,
        "score_chosen": REAL,
        "score_rejected": REAL,
    },
    "summarize": {
        "info": dict.fromkeys(("id", "post", "title", "subreddit", "site", "article"), TEXT),
        "summaries": [{"text": TEXT, "policy": TEXT, "note": TEXT}],
        "choice": WHOLE,
        "worker": TEXT,
        "batch": TEXT,
        "split": TEXT,
        "extra": {"confidence": WHOLE},
    },
    "wikitext": {"text": TEXT},
    "c4": {"text": TEXT, "timestamp": TEXT, "url": TEXT},
}

# Where the hub keeps a split, and which cards declare that: elsewhere `datasets` goes by the names of files.
FILES = {
    "oasst1": "data/{}-00000-of-00001-b42a775f407cee45.parquet",
    "oasst2": "data/{}-00000-of-00001-88ba0162028a73fc.parquet",
    "hh_rlhf": "helpful-base/{}.jsonl.gz",
    "nectar": "data/rlaif.parquet",
    "ultrafeedback": "evol_instruct.jsonl",
    "ultrafeedback_binarized": "data/{}-00000-of-00001.parquet",
    "helpsteer": "{}.jsonl.gz",
    "helpsteer2": "{}.jsonl.gz",
    "summarize": "comparisons/{}/0000.parquet",
    "wikitext": "wikitext-2-raw-v1/{}-00000-of-00001.parquet",
    "c4": "en/c4-{}.00000-of-01024.json.gz",
}
DECLARED = ("nectar", "ultrafeedback_binarized", "wikitext", "c4")
# What else lies there, and must not get in.
BESIDE = {
    "oasst1": {
        "2023-04-12_oasst_ready.trees.jsonl.gz": [tree()],
        "2023-04-12_oasst_ready.messages.jsonl.gz": [{"text": "a"}],
    },
    "oasst2": {"2023-11-05_oasst2_all_trees.jsonl.gz": [tree()]},
    "hh_rlhf": {
        "red-team-attempts/red_team_attempts.jsonl.gz": [{"transcript": "\n\nHuman: a", "rating": 4.0}]
    },
    "helpsteer2": {
        "preference/preference.jsonl.gz": [{"split": "train", "prompt": "p", "preference_strength": 1}],
        "disagreements/disagreements.jsonl.gz": [{"prompt": "p", "response": "a", "helpfulness": [1, 3]}],
    },
    "summarize": {
        f"axis/{split}/0000.parquet": [{"info": {"id": "a"}, "worker": "w"}]
        for split in ("test", "validation")
    },
}


def oasst_rows(lang="en"):
    extra = {
        "created_date": "2023-02-05T14:23:50.983374+00:00",
        "review_count": 3,
        "review_result": True,
        "synthetic": False,
        "model_name": None,
        "detoxify": dict.fromkeys(OASST["detoxify"], 0.25),
        "tree_state": "ready_for_export",
        "emojis": {"name": ["+1"], "count": [2]},
        "labels": {"name": ["spam", "quality"], "value": [0.0, 0.75], "count": [3, 3]},
    }
    return [
        row | extra | {"lang": lang, "user_id": f"writer of {row['message_id']}"}
        for row in flat(tree()["prompt"])
    ]


def hh_row(question="What is tea?", good="A drink.", bad="Rain."):
    start = f"\n\nHuman: Hello\n\nAssistant: Hi.\n\nHuman: {question}\n\nAssistant: "
    return {"chosen": start + good, "rejected": start + bad}


def nectar_row(ranks=(3, 1, 2, 7, 5, 6, 4), text=lambda rank: f"answer {rank}"):
    answers = [{"answer": text(rank), "model": "gpt-4", "rank": float(rank)} for rank in ranks]
    return {
        "prompt": "\n\nHuman: Why is the sky blue?\n\nAssistant: ",
        "answers": answers,
        "turns": 1,
        "num_responses": len(answers),
        "source": ["lmsys-chat-1m"],
        "good_natured": True,
    }


def ultrafeedback_row(scores=(7.5, 9.0, 7.5, 2.0), text=lambda i: f"response {i}"):
    rated = {"Rating": "4", "Rationale": "fine"}
    typed = rated | {"Type": ["1", "2"], "Rationale For Rating": "fine"}
    annotations = {
        "instruction_following": rated,
        "honesty": rated,
        "truthfulness": typed,
        "helpfulness": typed,
    }
    completions = [
        {
            "model": f"m{i}",
            "principle": "helpfulness",
            "response": text(i),
            "critique": "fine",
            "custom_system_prompt": "",
            "annotations": annotations,
            "fine-grained_score": 4.25,
            "overall_score": score,
        }
        for i, score in enumerate(scores)
    ]
    return {
        "source": "evol_instruct",
        "instruction": "Name a river.",
        "models": [c["model"] for c in completions],
        "completions": completions,
        "correct_answers": ["None"],
        "incorrect_answers": ["None"],
    }


def said(role, content):
    return {"content": content, "role": role}


def binarized_row(prompt="Name a sea.", good="The Baltic.", bad="Paris.", scores=(9.0, 1.0)):
    chosen, rejected = ([said("user", prompt), said("assistant", text)] for text in (good, bad))
    return {
        "prompt": prompt,
        "prompt_id": sha256(prompt.encode()).hexdigest(),
        "chosen": chosen,
        "rejected": rejected,
        "messages": chosen,
        "score_chosen": scores[0],
        "score_rejected": scores[1],
    }


def helpsteer_row(prompt, response, helpfulness=3):
    return {
        "prompt": prompt,
        "response": response,
        "helpfulness": helpfulness,
        "correctness": 3,
        "coherence": 4,
        "complexity": 1,
        "verbosity": 2,
    }


def comparison(choice=1, worker="w1", post="My car broke.", texts=(" car broke", " it is repaired"), **info):
    summaries = [{"text": text, "policy": "sup4", "note": "ok"} for text in texts]
    about = {
        "id": "t3_1",
        "post": post,
        "title": "Help",
        "subreddit": "legaladvice",
        "site": None,
        "article": None,
    } | info
    return {
        "info": about,
        "summaries": summaries,
        "choice": choice,
        "worker": worker,
        "batch": "batch9",
        "split": "train",
        "extra": {"confidence": 8},
    }


ROWS = {
    "oasst1": oasst_rows(),
    "oasst2": oasst_rows(),
    "hh_rlhf": [hh_row()],
    "nectar": [nectar_row()],
    "ultrafeedback": [ultrafeedback_row()],
    "summarize": [comparison()],
    "helpsteer": [helpsteer_row("p", "a", 4), helpsteer_row("p", "b", 1)],
    "helpsteer2": [helpsteer_row("p", "a", 4), helpsteer_row("p", "b", 1)],
    "wikitext": [{"text": text} for text in ("", " = Tea = \n", "Tea is hot.", " ")],
    "c4": [{"text": f"t{i}", "timestamp": "2019-04-25T12:57:54Z", "url": "https://a.org"} for i in range(9)],
}
BY_SPLIT = {
    "ultrafeedback_binarized": {
        "train_prefs": [binarized_row()],
        "test_prefs": [binarized_row("Name a lake.")],
    }
}


# --- every set ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_every_set_is_written_here_with_all_its_columns_and_their_types(put, name):
    rows, features = ROWS.get(name) or BY_SPLIT[name]["train_prefs"], datasets.Features(FEATURES[name])
    assert set(SETS[name].columns) <= set(features)
    # Whatever is missing in a row or is of another type would not come back as it went in.
    assert datasets.Dataset.from_list(rows, features=features).to_list() == rows
    put(name, rows, **BY_SPLIT.get(name, {}))
    split = next(iter(BY_SPLIT.get(name, {"train": 0})))
    read = list(raw_rows(name, split, None, streaming=True))
    assert [
        row | ({"timestamp": rows[0]["timestamp"]} if name == "c4" else {}) for row in read
    ] == rows  # JSON knows dates


@pytest.mark.parametrize("name", [name for name in SETS if SETS[name].reader])
@pytest.mark.parametrize("streaming", [False, True])
def test_every_set_gives_good_rows_that_a_split_keeps_together(put, name, streaming):
    put(name, ROWS.get(name), **BY_SPLIT.get(name, {}))
    rows, left_out = load(name, streaming=streaming)
    assert len(rows) > 0
    assert check_rankings(rows) == rows and to_dataset(rows).num_rows == len(rows)
    assert len({row["user_id"] for row in rows}) == 1  # one conversation each
    sides = split_by_user(rows, {"train": 0.5, "valid": 0.5})
    assert sorted(map(len, sides.values())) == [0, len(rows)]
    assert load(name, limit=1)[0] == rows[:1]


@pytest.mark.parametrize("name", [name for name in SETS if SETS[name].reader])
def test_every_set_names_a_column_that_is_missing(put, name):
    rows = ROWS.get(name) or BY_SPLIT[name]["train_prefs"]
    split = next(iter(BY_SPLIT.get(name, {"train": 0})))
    for column in SETS[name].columns:
        put(name, **{split: [{k: v for k, v in row.items() if k != column} for row in rows]})
        refused(
            name,
            [
                f"{name}, row 1: column '{column}' is missing; it has ",
                next(k for k in rows[0] if k != column),
            ],
        )
        refused(name, "is missing", drop=True)  # nothing would be left


def test_the_order_of_completions_is_drawn_by_seed(put):
    put("nectar", [nectar_row() | {"prompt": f"q{i}"} for i in range(20)])
    rows = load("nectar")[0]
    assert rows == load("nectar", streaming=True)[0] != load("nectar", seed=1)[0]
    assert all(sorted(row["ranks"]) == list(range(1, 8)) for row in rows)
    firsts = Counter(row["ranks"][0] for row in rows)
    assert len(firsts) > 3  # the first place says nothing of the rank
    again = load("nectar", seed=1)[0]
    assert [ranked(row) for row in rows] == [ranked(row) for row in again]
    assert {row["seed"] for row in again} == {1}


# --- one set after the other --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["oasst1", "oasst2"])
def test_open_assistant(put, name):
    put(name, oasst_rows()[::-1])  # children before parents: order must not matter
    rows, left_out = load(name)
    assert {row["prompt_id"]: ranked(row) for row in rows} == {
        "q1": [(1, "First answer."), (2, "Second answer.")],
        "q2": [(1, "Then that."), (2, "Then <b>this</b>.")],
    }
    assert {row["user_id"] for row in rows} == {"t1"}
    assert left_out["reply: deleted"] == left_out["reply: unranked"] == 1


def test_open_assistant_in_one_language(put):
    german = [
        row
        | {
            "message_id": "de" + row["message_id"],
            "message_tree_id": "t2",
            "parent_id": row["parent_id"] and "de" + row["parent_id"],
        }
        for row in oasst_rows("de")
    ]
    put("oasst1", oasst_rows() + german)
    rows, left_out = load("oasst1")
    assert {row["user_id"] for row in rows} == {"t1"} and left_out["message: not in en"] == len(german)
    put("oasst1", german)
    refused(
        "oasst1",
        f"all {len(german)} messages are not in 'en'; say which language to read with lang (--set lang=de)",
    )
    rows, left_out = load("oasst1", lang="de")
    assert {row["user_id"] for row in rows} == {"t2"} and "message: not in de" not in left_out
    put("oasst1", oasst_rows() + german)
    assert {row["user_id"] for row in load("oasst1", lang="")[0]} == {"t1", "t2"}


@needs_data
def test_the_real_open_assistant_trees_by_path():
    path = DATA / "oasst" / "en_100_tree.jsonl"
    rows, left_out = load(path)
    assert len(rows) == 212 and left_out["reply: unranked"] == 46
    assert load(str(path), limit=50)[0] == rows[:50]


def test_hh_rlhf(put):
    folder = put("hh_rlhf", train=[hh_row()], test=[hh_row("Other?")])
    (row,), _ = load("hh_rlhf")
    assert row["prompt"] == "Human: Hello\n\nAssistant: Hi.\n\nHuman: What is tea?\n\nAssistant:"
    assert ranked(row) == [(1, "A drink."), (2, "Rain.")] and row["labeler"] == "people"
    (other,), _ = load("hh_rlhf", split="test")
    assert (
        other["user_id"] == row["user_id"] and other["prompt_id"] != row["prompt_id"]
    )  # both begin with Hello
    write(folder / "harmless-base" / "train.jsonl.gz", [hh_row("May I?"), hh_row("May you?")])
    for streaming in (True, False):
        parts = [
            load("hh_rlhf", config=part, streaming=streaming)[0]
            for part in (None, "helpful-base", "harmless-base")
        ]
        assert [len(rows) for rows in parts] == [3, 1, 2] and parts[1] == [row]
    refused("hh_rlhf", "row 1: column 'chosen' is missing; it has transcript", config="red-team-attempts")


def test_nectar_ranks_seven_and_more_than_nine_are_cut(put):
    put("nectar", [nectar_row(), nectar_row(range(12, 0, -1))])
    (seven, many), left_out = load("nectar")
    assert ranked(seven) == [(rank, f"answer {rank}") for rank in range(1, 8)]
    assert ranked(many) == [(rank, f"answer {rank}") for rank in range(1, 10)]
    assert left_out == {"reply: beyond the best 9": 3} and seven["labeler"] == "GPT-4"


def test_ultrafeedback_has_ties(put):
    put("ultrafeedback", [ultrafeedback_row(), ultrafeedback_row(()), ultrafeedback_row((5.0,))])
    (row,), left_out = load("ultrafeedback")
    assert ranked(row) == [(1, "response 1"), (2, "response 0"), (2, "response 2"), (3, "response 3")]
    assert left_out == {"prompt: fewer than two different replies": 2}


def test_equal_replies_count_once_at_their_best(put):
    put("ultrafeedback", [ultrafeedback_row((2.0, 9.0, 5.0), text=lambda i: "same" if i < 2 else "other")])
    (row,), left_out = load("ultrafeedback")
    assert ranked(row) == [(1, "same"), (2, "other")] and left_out == {"reply: same text as another": 1}


def test_models_that_say_nothing_are_not_ranked(put):
    put(
        "ultrafeedback", [ultrafeedback_row((2.0, 9.0, 5.0, 1.0), text=lambda i: ("one", "", "two", None)[i])]
    )
    (row,), left_out = load("ultrafeedback")
    assert ranked(row) == [(1, "two"), (2, "one")] and left_out == {"reply: empty": 2}
    put("ultrafeedback_binarized", train_prefs=[binarized_row(bad=" "), binarized_row("Name a lake.")])
    rows, left_out = load("ultrafeedback_binarized")
    assert [row["prompt"] for row in rows] == ["Name a lake."]
    assert left_out == {"reply: empty": 1, "prompt: fewer than two different replies": 1}


def test_a_chosen_answer_with_the_score_of_the_rejected_one_ties(put):
    put(
        "ultrafeedback_binarized",
        train_prefs=[binarized_row(scores=(7.5, 7.5)), binarized_row("Name a lake.")],
    )
    tied, clear = load("ultrafeedback_binarized")[0]
    assert tied["ranks"] == [1, 1] and sorted(clear["ranks"]) == [1, 2]
    put("ultrafeedback_binarized", train_prefs=[binarized_row() | {"chosen": [said("user", "Hm?")]}])
    refused("ultrafeedback_binarized", "row 1: the last message is not the assistant's")


def test_ultrafeedback_binarized_by_its_own_split_names(put):
    put("ultrafeedback_binarized", **BY_SPLIT["ultrafeedback_binarized"])
    (row,), _ = load("ultrafeedback_binarized")
    assert row["prompt"] == "Name a sea." and ranked(row) == [(1, "The Baltic."), (2, "Paris.")]
    assert load("ultrafeedback_binarized", split="test")[0][0]["prompt"] == "Name a lake."
    assert load("ultrafeedback_binarized", split="test_prefs")[0][0]["prompt"] == "Name a lake."


@pytest.mark.parametrize("name", ["helpsteer", "helpsteer2"])
def test_helpsteer_gathers_the_responses_to_a_prompt(put, name):
    put(
        name,
        [
            helpsteer_row("p", "a", 1),
            helpsteer_row("q", "x", 2),
            helpsteer_row("p", "b", 4),
            helpsteer_row("p", "c", 1),
            helpsteer_row("alone", "y"),
        ]
        + [helpsteer_row("q", "z", 0)],
    )
    rows, left_out = load(name, limit=2)
    assert [ranked(row) for row in rows] == [[(1, "b"), (2, "a"), (2, "c")], [(1, "x"), (2, "z")]]
    assert load(name)[1] == {"prompt: fewer than two different replies": 1}
    put(name, train=ROWS[name], validation=[helpsteer_row("v", "a", 2), helpsteer_row("v", "b", 3)])
    assert [row["prompt"] for row in load(name, split="validation")[0]] == [
        "v"
    ]  # and nothing of other annotations


def test_helpsteers_conversations_are_prompts_like_any_others(put):
    start = "What is tea?\n<extra_id_1>Assistant\nA drink.\n\nOf leaves.\n<extra_id_1>User\n"
    put(
        "helpsteer2",
        [
            helpsteer_row(start + last, text, len(text))
            for last in ("Hot?", "Cold?")
            for text in ("No", "Yes")
        ],
    )
    hot, cold = load("helpsteer2")[0]
    assert (
        hot["prompt"] == "User: What is tea?\n\nAssistant: A drink.\n\nOf leaves.\n\nUser: Hot?\n\nAssistant:"
    )
    assert ranked(hot) == ranked(cold) == [(1, "Yes"), (2, "No")] and hot["user_id"] == cold["user_id"]


def test_summaries_of_several_workers_give_real_agreement(put):
    """Two of three workers agree on the first pair, whatever order they saw it in; both disagree on the
    second.
    """
    swapped = (" it is repaired", " car broke")
    put(
        "summarize",
        [
            comparison(1, "w1"),
            comparison(0, "w2", texts=swapped),
            comparison(0, "w3"),
            comparison(1, "w1"),
            comparison(0, "w1", post="Rain", id="t3_2"),
            comparison(1, "w2", post="Rain", id="t3_2"),
            comparison(0, "w1", post="Seen once", id="t3_3"),
        ],
    )
    rows, _ = load("summarize")
    first = rows[0]
    assert first["prompt"] == "SUBREDDIT: legaladvice\n\nTITLE: Help\n\nPOST: My car broke.\n\nTL;DR:"
    assert ranked(first) == [(1, "it is repaired"), (2, "car broke")] and first["user_id"] == "t3_1"
    assert [row["labeler"] for row in rows[:3]] == ["w1", "w2", "w3"]
    assert [row["completions"] for row in rows[:4]] == [first["completions"]] * 4
    assert rows[1]["ranks"] == first["ranks"] != rows[2]["ranks"]
    found = agreement(rows)
    # w1 judged the first pair twice: w1-w2 twice alike, w1-w3 twice not, w2-w3 not; then w1-w2 not.
    assert (found.pairs, found.prompts) == (6, 2) and found.share == pytest.approx(2 / 6)


def test_summaries_of_news_and_of_posts_without_an_id(put):
    news = comparison(post=None, article="Long news.", subreddit=None, site="cnn", id=None)
    put("summarize", train=[comparison()], validation=[news, news | {"worker": "w2"}, comparison(id=None)])
    one, two, post = load("summarize", split="validation")[0]
    assert one["prompt"] == two["prompt"] == "TITLE: Help\n\nARTICLE: Long news.\n\nTL;DR:"
    assert one["user_id"] == two["user_id"] != post["user_id"]


# --- what is refused, and how -------------------------------------------------------------------------------

FAULTY = [
    (
        "oasst1",
        [*oasst_rows(), oasst_rows()[1]],
        "row 16: 'message_id' is 'a', as of an earlier message; ids must differ",
    ),
    (
        "oasst1",
        [oasst_rows()[0], oasst_rows()[1] | {"rank": -1}],
        "row 2: 'rank' is -1, but must be a whole number from 0",
    ),
    (
        "oasst1",
        [oasst_rows()[0], oasst_rows()[1] | {"message_tree_id": None}],
        "row 2: 'message_tree_id' is None",
    ),
    (
        "oasst1",
        [oasst_rows()[0] | {"role": "system"}],
        "row 1: 'role' is 'system', but must be 'prompter' or 'assistant'",
    ),
    ("oasst1", [oasst_rows()[0] | {"text": None}, oasst_rows()[1]], "row 1: a message has no 'text'"),
    (
        "hh_rlhf",
        [hh_row(), hh_row() | {"rejected": "Human: Else\n\nAssistant: x"}],
        "row 2: there is no prompt column, and",
    ),
    ("hh_rlhf", [hh_row(bad="")], "row 1: 'rejected' is '', but must be a text that is not empty"),
    (
        "nectar",
        [nectar_row((1, 2, 4, 5))],
        "row 1: 'answers' 4: 'rank' is 5.0, but must be a number from 1 to 4",
    ),
    (
        "nectar",
        [nectar_row((1, 2, 4, 4))],
        "row 1: the ranks are [1.0, 2.0, 4.0, 4.0], but must count 1, 2, 3",
    ),
    (
        "nectar",
        [nectar_row((1, 2, 0))],
        "row 1: 'answers' 3: 'rank' is 0.0, but must be a number from 1 to 3",
    ),
    (
        "nectar",
        [nectar_row(), nectar_row(text=lambda rank: " " * rank)],
        "row 2: 'answers' 1: 'answer' is '   '",
    ),
    (
        "nectar",
        [nectar_row() | {"prompt": " "}],
        "row 1: 'prompt' is ' ', but must be a text that is not empty",
    ),
    (
        "nectar",
        [nectar_row() | {"answers": [{"text": "a"}]}],
        "row 1: 'answers' 1 has no 'answer'; it has text",
    ),
    (
        "nectar",
        [nectar_row() | {"answers": "none"}],
        "row 1: 'answers' is 'none', but must be a list of objects",
    ),
    ("ultrafeedback", [ultrafeedback_row((3.0, 11.0))], "row 1: 'completions' 2: 'overall_score' is 11.0"),
    ("ultrafeedback", [ultrafeedback_row((3.0, None))], "row 1: 'completions' 2: 'overall_score' is None"),
    (
        "helpsteer",
        [helpsteer_row("p", "a", 5)],
        "row 1: 'helpfulness' is 5, but must be a number from 0 to 4",
    ),
    ("helpsteer", [helpsteer_row("p", "")], "row 1: 'response' is '', but must be a text that is not empty"),
    ("summarize", [comparison(2)], "row 1: 'choice' is 2, but must be a number from 0 to 1"),
    ("summarize", [comparison(worker="")], "row 1: 'worker' is '', but must be a text that is not empty"),
    (
        "summarize",
        [comparison(texts=("a", "b", "c"))],
        "row 1: 'summaries' has 3 entries, but a comparison is of 2",
    ),
    ("summarize", [comparison(id="")], "row 1: 'id' is '', but must be a text that is not empty"),
]


@pytest.mark.parametrize("name, rows, match", FAULTY, ids=[match[:50] for _, _, match in FAULTY])
def test_a_faulty_row_is_named_or_left_out_and_counted(put, name, rows, match):
    put(name, rows, form="jsonl")
    refused(name, [f"{name}, {match}", "drop=True"])
    good = (
        ROWS[name]
        if name != "oasst1"
        else [
            row
            | {
                "message_id": "x" + row["message_id"],
                "message_tree_id": "x",
                "parent_id": row["parent_id"] and "x" + row["parent_id"],
            }
            for row in oasst_rows()
        ]
    )
    put(name, rows + good, form="jsonl")
    kept, left_out = load(name, drop=True)
    assert len(kept) >= 1 and left_out["row: faulty"] == 1


def test_ties_in_ranks_are_no_gaps(put):
    for ranks in ((1, 1, 2), (1, 1, 3)):
        letters = iter("abc")
        put("nectar", [nectar_row(ranks, text=lambda rank, letters=letters: next(letters))])
        assert ranked(load("nectar")[0][0]) == [(1, "a"), (1, "b"), (2, "c")]


def test_names_splits_and_limits_that_do_not_exist(put, tmp_path):
    put("nectar", [nectar_row()])
    for streaming in (False, True):
        refused(
            "nectar", ["nectar has no split 'dev': ", "train"], SourceError, split="dev", streaming=streaming
        )
    refused("nectar", "limit is 0, but must be at least 1", SourceError, limit=0)
    refused(
        "nectra", ["there is no set, file or folder 'nectra'; sets are oasst1, ", "OWNER/NAME"], SourceError
    )
    refused(tmp_path / "none" / "rows.jsonl", "there is no set, file or folder", SourceError)
    refused("data/rows.jsonl", "there is no set, file or folder 'data/rows.jsonl'", SourceError)
    for elsewhere in (
        "C:\\data\\rows.jsonl",
        "C:\\data",
        "C:/data",
        "~/rows",
        "~nobody-at-all/rows.jsonl",
        "a\\b/c",
    ):
        refused(elsewhere, f"there is no set, file or folder '{elsewhere}'", SourceError)
    (tmp_path / "empty").mkdir()
    refused(str(tmp_path / "empty"), f"{tmp_path / 'empty'} cannot be loaded: ", SourceError)


def test_rows_without_users_cannot_be_split_by_user(put):
    put("nectar", [nectar_row()])
    rows, _ = load("nectar")
    with pytest.raises(RecordError, match="row 2 has no user_id, .* fill it in"):
        split_by_user([rows[0], rows[0] | {"user_id": ""}])


# --- files and folders of one's own -------------------------------------------------------------------------


def test_a_folder_or_file_is_recognised_by_its_columns(put, tmp_path):
    for name in ("oasst1", "hh_rlhf", "nectar", "ultrafeedback", "helpsteer"):
        put(name, ROWS[name])
        rows, _ = load(name)
        own = tmp_path / "own" / name
        own.mkdir(parents=True)
        datasets.Dataset.from_list(ROWS[name]).to_parquet(own / "train.parquet")
        assert load(own)[0] == load(str(own / "train.parquet"))[0] == rows
    assert not list((tmp_path / "cache").rglob("own*"))  # folders are read where they are
    lines = tmp_path / "rows.jsonl"
    lines.write_text(json.dumps(binarized_row()) + "\n")
    assert load(lines)[0][0]["labeler"] == "GPT-4"
    refused(lines, "is one file, so it has no split 'test'", SourceError, split="test")
    lines.write_text('{"prompt": "a", "answer": "b", "rating": 1}\n')
    refused(lines, ["row 1: it has prompt, answer, rating, as no set has", "nectar, needs 'answers'"])
    lines.write_text("")
    refused(lines, "rows.jsonl has no rows")


def test_a_folder_may_be_called_as_a_set(put, tmp_path, monkeypatch):
    put("nectar", [nectar_row()])
    own = tmp_path / "here" / "nectar"
    own.mkdir(parents=True)
    datasets.Dataset.from_list([binarized_row()]).to_parquet(own / "train.parquet")
    monkeypatch.chdir(own.parent)
    assert len(load("nectar")[0][0]["ranks"]) == 7
    assert load("./nectar")[0] == load(Path("nectar"))[0] == load(own)[0]
    assert load(own)[0][0]["prompt"] == "Name a sea."


def test_files_that_changed_are_read_anew(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    for text in ("first", "second"):
        (own / "train.jsonl").write_text(json.dumps(binarized_row(text)) + "\n")
        assert load(own, streaming=False)[0][0]["prompt"] == text


def test_rankings_and_pairs_of_ones_own(tmp_path):
    pairs, rankings = tmp_path / "pairs.jsonl", tmp_path / "rankings.csv"
    pairs.write_text('{"prompt": "p", "chosen": "a", "rejected": "b"}\n' * 2)
    rows, left_out = load(pairs, limit=1)
    assert ranked(rows[0]) == [(1, "a"), (2, "b")] and rows[0]["user_id"]
    rankings.write_text('prompt,completions,ranks,user_id\np,"[""a"", ""b""]","[2, 1]",ann\n')
    assert load(rankings)[0][0]["ranks"] == [2, 1] and load(rankings)[0][0]["user_id"] == "ann"
    pairs.write_text('{"prompt": "p", "chosen": "a", "rejected": null}\n')
    refused(pairs, "pairs.jsonl, row 1: column 'rejected' is missing")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ranks": [1, 2, 4]}, "the ranks are [1, 2, 4], but must count 1, 2, 3 ... without gaps"),
        ({"ranks": [0, 1, 2]}, "the ranks are [0, 1, 2], but must count 1"),
        ({"ranks": [1, 2, "x"]}, "a rank is 'x'"),
        ({"ranks": [1, 2, float("nan")]}, "a rank is nan"),
        ({"ranks": [1, 2, True]}, "a rank is True"),
        ({"ranks": [1, 2, 2.5]}, "the ranks are [1, 2, 2.5]"),
        ({"completions": [{"id": 1}, "b", "c"]}, "a field has another form than expected (KeyError('text'))"),
        ({"ranks": [1, 2]}, "2 ranks for 3 completions; give one each"),
        ({"ranks": []}, "0 ranks for 3 completions"),
        ({"completions": ["a", " ", "c"]}, "completion 2 is ' '; drop empty answers first"),
        ({"completions": ["a", None, "c"]}, "completion 2 is None"),
        ({"prompt": ""}, "'prompt' must be a text that is not empty"),
        ({"prompt_id": "first"}, "'prompt_id' is 'first', as of another prompt; ids must differ"),
    ],
)
def test_a_faulty_row_of_ones_own_is_named_or_left_out_and_counted(tmp_path, changes, said):
    path = tmp_path / "mine.jsonl"
    good = {"prompt": "p", "completions": ["a", "b", "c"], "ranks": [1, 3, 2], "prompt_id": "first"}
    rows = [good, good, {**good, "prompt": "q", "prompt_id": "second", **changes}]
    path.write_text("\n".join(map(json.dumps, rows)))
    refused(path, [f"mine.jsonl, row 3: {said}", "mend the row, or load with drop=True"])
    kept, left_out = load(path, drop=True)
    assert len(kept) == 2 and left_out == {"row: faulty": 1} and kept[0]["user_id"] == kept[1]["user_id"]


# --- text ---------------------------------------------------------------------------------------------------


def test_text_of_sets_folders_and_files(put, tmp_path):
    put("wikitext", ROWS["wikitext"])
    assert list(texts("wikitext")) == [" = Tea = \n", "Tea is hot."]
    put("c4", ROWS["c4"])
    assert list(islice(texts("c4"), 2)) == ["t0", "t1"]
    with pytest.raises(SourceError, match="c4 is plain text; read it with texts"):
        load("c4")
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n', encoding="utf-8")
    datasets.Dataset.from_list([{"text": "one"}, {"text": "two"}]).to_parquet(tmp_path / "a.parquet")
    for form in ("txt", "parquet", "jsonl"):
        assert list(texts(tmp_path / f"a.{form}")) == ["one", "two"]
    (tmp_path / "b.jsonl").write_text('{"body": "one"}\n')
    with pytest.raises(RecordError, match="b.jsonl, row 1: column 'text' is missing; it has body"):
        texts(tmp_path / "b.jsonl")
    (tmp_path / "b.jsonl").write_text('{"text": 1}\n')
    with pytest.raises(RecordError, match="b.jsonl, row 1: 'text' is 1, but must be a text"):
        list(texts(tmp_path / "b.jsonl"))
    with pytest.raises(SourceError, match="cannot read '.pdf' files"):
        (tmp_path / "c.pdf").touch()
        texts(tmp_path / "c.pdf")


def test_text_is_read_only_as_far_as_it_is_asked_for(tmp_path):
    path = tmp_path / "long.jsonl"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": "x" * 1000}) + "\n" for _ in range(30_000))
        file.write("{broken\n")
    stream = texts(path)
    assert len(next(stream)) == 1000  # the broken end is far away
    with pytest.raises(RecordError, match="long.jsonl: line 30001 is not JSON"):
        list(stream)


# --- the way to the hub -------------------------------------------------------------------------------------


@pytest.fixture
def real_probe(monkeypatch):
    """The real question to a hub that refuses every connection."""
    monkeypatch.undo()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


AWAY = "is not on this machine, and the hub at http://127.0.0.1:9 cannot be reached; go online"


@pytest.mark.parametrize("how", ["refuses", "is silent"])
def test_a_hub_that_is_not_there_is_noticed_in_two_seconds(real_probe, monkeypatch, tmp_path, how):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    over = threading.Event()
    if how == "is silent":
        monkeypatch.setattr(socket, "create_connection", lambda *_: over.wait(10) and Mock())
    for name in ("nectar", "someone/something"):
        start = time.monotonic()
        refused(name, f"{name} {AWAY}", SourceError)
        assert time.monotonic() - start < 2
    over.set()
    assert not datasets.config.HF_HUB_OFFLINE  # as it was


def test_a_hub_that_is_there_answers(real_probe, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", at)
        assert network.hub_answers()
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
        assert not network.hub_answers()
        monkeypatch.setenv("http_proxy", at)  # what matters then is the proxy
        monkeypatch.setenv("no_proxy", "")
        assert network.hub_answers()


def test_a_set_that_was_loaded_before_needs_no_hub(put, monkeypatch, tmp_path):
    hub_id = SETS["nectar"].hub_id
    put("nectar", [nectar_row()])
    rows, _ = load("nectar", streaming=False)
    cache = datasets.config.HF_DATASETS_CACHE
    (stored,) = [path for path in cache.iterdir() if path.is_dir()]
    (version,) = [path for path in stored.glob("*/*/*") if path.is_dir()]
    known_as = (
        cache / "berkeley-nest___nectar" / "default" / "0.0.0"
    )  # what `datasets` calls its copy of the hub's set
    known_as.mkdir(parents=True)
    version.rename(known_as / version.name)
    monkeypatch.setitem(SETS, "nectar", replace(SETS["nectar"], hub_id=hub_id))
    monkeypatch.setattr(network, "hub_answers", lambda: False)
    assert load("nectar")[0] == load(hub_id, limit=1)[0] == rows


LOADS = """
import json, sys
from rlhf_lite.data import hub
for name, split, part, streaming in json.loads(sys.argv[1]):
    try:
        print([row["prompt"] for row in hub.load(name, split, config=part, streaming=streaming)[0]])
    except hub.SourceError as error:
        print(str(error).replace(sys.argv[2], "HUB"))
"""


@pytest.mark.slow
def test_scripts_and_single_folders_of_a_set_with_a_hub_and_later_without(tmp_path):
    """A script is never run, the hub's own copy of it is read; and what was loaded whole is there without the
    hub.
    """

    def parquet(post):
        datasets.Dataset.from_list([comparison(post=post)]).to_parquet(stored := io.BytesIO())
        return stored.getvalue()

    script = {
        "README.md": b"---\n---\n",
        "script.py": b"raise SystemExit",
        "summarize_from_feedback.py": b"raise SystemExit",
    }
    copy = {
        "comparisons/train/0000.parquet": parquet("Train"),
        "comparisons/validation/0000.parquet": parquet("Validation"),
        "comparisons/train/index.duckdb": b"not for us",
        "axis/test/0000.parquet": parquet("Axis"),
    }
    lines = {
        part: gzip.compress(json.dumps(hh_row(part)).encode()) for part in ("helpful-base", "harmless-base")
    }
    sets = {
        SETS["summarize"].hub_id: {"main": script, network.EXPORT: copy},
        "some/script": {"main": script, network.EXPORT: {"default/train/0000.parquet": parquet("Any")}},
        SETS["hh_rlhf"].hub_id: {
            "main": script | {f"{part}/train.jsonl.gz": data for part, data in lines.items()}
        },
    }
    wanted = [
        ("summarize", "train", None),
        ("summarize", "validation", None),
        ("some/script", "train", None),
        ("hh_rlhf", "train", "helpful-base"),
        ("hh_rlhf", "train", "harmless-base"),
    ]
    given = ["POST: Train", "POST: Validation", "POST: Any", "Human: helpful-base", "Human: harmless-base"]
    ways = [[(*each, streaming) for each in wanted] for streaming in (False, False, True)]
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env |= {"HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}

    def loaded(orders, at):
        done = subprocess.run(
            [sys.executable, "-c", LOADS, json.dumps(orders), at],
            env=env | {"HF_ENDPOINT": at},
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    with fake_hub(sets) as at:
        told = loaded(sum(ways, []), at)
    assert all(what in line for what, line in zip(given * len(ways), told, strict=True)), told
    *told, other = loaded([*ways[0], ("hh_rlhf", "train", "helpful-online", False)], at)
    assert all(what in line for what, line in zip(given, told, strict=True)), told
    assert other.startswith("hh_rlhf is not on this machine, and the hub at HUB cannot be reached")


def test_no_such_set_on_the_hub(monkeypatch):
    monkeypatch.setattr(network, "hub_answers", lambda: True)
    missing = datasets.exceptions.DatasetNotFoundError(
        "Dataset 'a/b' doesn't exist on the Hub or\ncannot be accessed."
    )
    monkeypatch.setattr(datasets, "load_dataset", Mock(side_effect=missing))
    refused("a/b", "a/b is no file or folder here and no set on the hub, or needs a login", SourceError)


def test_the_module_needs_datasets_only_to_load():
    code = (
        "import sys; sys.modules['datasets'] = None; sys.modules['huggingface_hub'] = None\n"
        "from rlhf_lite.data import hub; print(len(hub.SETS))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.strip() == str(len(SETS)), done.stderr


def test_what_save_to_disk_wrote_is_read(tmp_path):
    rows = [{"prompt": f"Why {i}?", "chosen": "a", "rejected": "b"} for i in range(9)]
    made = datasets.Dataset.from_list(rows)
    made.save_to_disk(tmp_path / "one")
    made.shuffle(seed=0).save_to_disk(tmp_path / "shuffled")
    datasets.DatasetDict(train=made, test=made.select(range(3))).save_to_disk(tmp_path / "two")
    prompts = {
        name: [row["prompt"] for row in load(tmp_path / name)[0]] for name in ("one", "shuffled", "two")
    }
    assert prompts["one"] == prompts["two"] == [row["prompt"] for row in rows]
    assert sorted(prompts["shuffled"]) == prompts["one"] != prompts["shuffled"]
    assert len(load(tmp_path / "two", "test")[0]) == 3
    refused(tmp_path / "one", "cannot be loaded", SourceError, split="test")
    refused(tmp_path / "two", "has no split 'valid'", SourceError, split="valid")


def test_text_that_is_none_is_refused_by_row(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "good"}\n{"text": "\\ud83d"}\n')
    (tmp_path / "b.txt").write_bytes("good\nnö\n".encode("latin-1"))
    for name, said in {"a.jsonl": "half a character", "b.txt": "byte 0xf6, which is not UTF-8"}.items():
        stream = texts(tmp_path / name)
        assert next(stream) == "good"
        with pytest.raises(RecordError, match=f"{name}, row 2: a text holds .*{said}"):
            next(stream)
