"""The reward model on rankings that people made: files in three forms, splits, cuts, accuracy, and bad files."""

import json
import os
import re
from pathlib import Path

import pytest
import torch

from rlhf_lite import cli
from rlhf_lite.chain import real_reward, store
from rlhf_lite.data.records import RecordError
from rlhf_lite.models.tokens import build_tokenizer, encode, load_tokenizer
from rlhf_lite.train.optim import Adam
from rlhf_lite.train.reward import score_texts

DATA = Path(os.environ.get("RLHF_LITE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
WORDS = "why is it so yes no maybe good bad never always because of that User Assistant one two three four five six".split()


def message(name, text, role, rank=None, replies=()):
    return {"message_id": name, "text": text, "role": role, "rank": rank, "replies": list(replies)}


def tree(i):
    """A conversation of two turns; of the answers to both, whoever says yes is preferred."""
    word = WORDS[i % 16]
    follow = message(
        f"q{i}b",
        f"so why {word}",
        "prompter",
        replies=[
            message(f"c{i}", f"no {word}", "assistant", 1),
            message(f"d{i}", f"yes {word} it is", "assistant", 0),
        ],
    )
    answers = [
        message(f"a{i}", f"yes {word}", "assistant", 0, [follow]),
        message(f"b{i}", f"no it is {word}", "assistant", 1),
        message(f"u{i}", "not ranked", "assistant"),
    ]
    return {
        "message_tree_id": f"t{i}",
        "prompt": message(f"q{i}", f"why is it {word} {i}", "prompter", replies=answers),
    }


TREES = [tree(i) for i in range(48)]
K_WAY = [
    {
        "prompt": f"why {i}",
        "user_id": f"u{i // 3}",
        "completions": [f"no {i}", f"yes {i}", "maybe"],
        "ranks": [3, 1, 2],
    }
    for i in range(30)
]
PAIRS = [{"prompt": f"why {i}", "chosen": f"yes {i}", "rejected": f"no {i}"} for i in range(30)]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    build_tokenizer(WORDS).save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RLHF_LITE_TOKENIZER", raising=False)


def written(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def reward(capsys, *words) -> tuple[int, str, str]:
    code = cli.main(["reward", *map(str, words)])
    return code, *capsys.readouterr()


# --- from a file to an accuracy ---------------------------------------------------------------------------------------


def test_it_learns_what_people_preferred_and_says_how_well(tmp_path, tokenizer, capsys):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    file, out = written(tmp_path / "trees.jsonl", TREES), tmp_path / "out"
    words = ("--rankings", file, "--tokenizer", tokenizer, "--limit-tokens", 48, "--epochs", 3, "--lr", 0.002)
    code, said, err = reward(capsys, *words, "--out", out)
    assert code == 0, err
    report = json.loads((out / "report.json").read_text())
    assert (
        report["held_out"]["accuracy"]["low"] > 0.7
        and report["held_out"]["loss"]["mean"] < 0.5
        and "above chance" in said
    )
    assert report["left_out"] == {"reply: unranked": 48} and re.search(
        r"^reply: unranked +48$", said, re.MULTILINE
    )
    assert report["data"]["train"]["prompts"] + report["data"]["held_out"]["prompts"] == 96
    assert (
        f"started from random weights: {report['steps']['done']} of {report['steps']['planned']} steps"
        in said
    )
    assert str(out) in said and report["steps"]["done"] == report["steps"]["planned"] == 30
    assert f"{report['held_out']['accuracy']['mean']:.3f} [" in said and "0.693" in said
    folder = Path(re.search(r"^Model: (.+)$", said, re.MULTILINE).group(1))
    assert store.check(folder)["result"] == report and not list(folder.glob("checkpoint*"))
    assert len(store.read_trace(folder)) == 30
    model, saved = AutoModelForSequenceClassification.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    ours = score_texts(
        real_reward.load_scalar_model(folder), load_tokenizer(tokenizer), ["why is it so"], ["yes it is"]
    )
    ids = torch.tensor(
        [
            [
                *encode(saved, "why is it so"),
                *encode(saved, "\n"),
                *encode(saved, "yes it is"),
                saved.eos_token_id,
            ]
        ]
    )
    assert model(ids).logits.item() == pytest.approx(ours[0], abs=0.02)
    assert reward(capsys, *words)[1] == said.rsplit("\n", 2)[0] + "\n"  # found again, not trained again
    code, _, err = reward(capsys, *words, "--out", out)
    assert code == 2 and "is there already; give a new folder" in err


def test_no_conversation_is_on_both_sides_and_newcomers_move_nobody(tmp_path, tokenizer):
    few, many = (written(tmp_path / f"{n}.jsonl", TREES[:n]) for n in (30, 48))
    few, many = (
        real_reward.prepare(file, load_tokenizer(tokenizer), real_reward.RealConfig()) for file in (few, many)
    )
    assert not real_reward.trees(many.train) & real_reward.trees(many.held_out)
    assert real_reward.trees(many.train) | real_reward.trees(many.held_out) == {f"t{i}" for i in range(48)}
    assert real_reward.trees(few.train) < real_reward.trees(many.train) and real_reward.trees(
        few.held_out
    ) < real_reward.trees(many.held_out)
    other = real_reward.prepare(
        tmp_path / "48.jsonl", load_tokenizer(tokenizer), real_reward.RealConfig(seed=1)
    )
    assert real_reward.trees(other.held_out) != real_reward.trees(many.held_out)


@pytest.mark.parametrize("rows, answers, units", [(K_WAY, 90, 10), (PAIRS, 60, 30)])
def test_rankings_of_ones_own(tmp_path, tokenizer, rows, answers, units):
    data = real_reward.prepare(
        written(tmp_path / "own.jsonl", rows), load_tokenizer(tokenizer), real_reward.RealConfig(held_out=0.4)
    )
    counts = [real_reward.count(side) for side in (data.train, data.held_out)]
    assert sum(c["answers"] for c in counts) == answers and sum(c["conversations"] for c in counts) == units
    assert not real_reward.trees(data.train) & real_reward.trees(data.held_out)
    best = {row["completions"][row["ranks"].index(1)] for row in data.train}
    assert all(text.startswith("yes") for text in best)


def test_cuts_and_ties_are_counted(tmp_path, tokenizer):
    long = [
        row | {"prompt": "why " * 50 + row["prompt"], "completions": ["no " * 40, "yes " * 40, "maybe"]}
        for row in K_WAY
    ]
    tied = [{"prompt": "tied", "completions": ["a", "b"], "ranks": [1, 1]}]
    file = written(tmp_path / "long.jsonl", long + tied)
    data = real_reward.prepare(file, load_tokenizer(tokenizer), real_reward.RealConfig(limit_tokens=32))
    assert data.notes == {
        "completion cut to its first 16 tokens": 60,
        "row dropped: all its answers are tied": 1,
        "prompt cut to its last tokens (limit 32 with its completion)": 30,
    }


def test_the_interval_draws_whole_conversations():
    rows = [
        {"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2], "user_id": f"t{i % 2}"}
        for i in range(100)
    ]
    scores = [
        [1.0, 0.0] if i % 2 else [0.0, 1.0] for i in range(100)
    ]  # one conversation all right, the other all wrong
    found = real_reward.agreement(rows, scores)["accuracy"]
    assert (found["mean"], found["low"], found["high"], found["n"]) == (0.5, 0.0, 1.0, 100)
    even = real_reward.agreement(rows, [[0.0, 0.0]] * 100)
    assert even["accuracy"]["mean"] == 0.5 and even["loss"]["mean"] == pytest.approx(0.6931, abs=1e-4)


# --- stopping and going on --------------------------------------------------------------------------------------------


def test_steps_and_minutes_end_it_with_a_result(tmp_path, tokenizer, capsys):
    file = written(tmp_path / "pairs.jsonl", PAIRS)
    code, said, _ = reward(capsys, "--rankings", file, "--tokenizer", tokenizer, "--steps", 3)
    assert code == 0 and re.search(r": 3 of \d+ steps", said)
    code, said, _ = reward(capsys, "--rankings", file, "--tokenizer", tokenizer, "--minutes", 1e-9)
    assert code == 0 and re.search(r": [01] of \d+ steps", said)


def test_an_interrupted_training_goes_on_where_it_was(tmp_path, tokenizer, capsys, monkeypatch):
    file = written(tmp_path / "pairs.jsonl", PAIRS)
    words = ("--rankings", file, "--tokenizer", tokenizer, "--epochs", 1)
    step, calls = Adam.step, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), 2)  # Ctrl-C: this step is finished, then training ends
        return step(*arguments)

    monkeypatch.setattr(Adam, "step", interrupted)
    code, out, err = reward(capsys, *words)
    assert code == 130 and "Stopped" in err and "Pairs ordered" not in out
    code, stopped, _ = reward(capsys, *words)
    assert code == 0 and len(calls) == int(re.search(r"of (\d+) steps", stopped).group(1))
    code, straight, _ = reward(capsys, *words, "--fresh")
    assert [line for line in stopped.splitlines() if "loss" in line or "[" in line] == [
        line for line in straight.splitlines() if "loss" in line or "[" in line
    ]


# --- what can be wrong ------------------------------------------------------------------------------------------------

GOOD, FLAT = json.dumps(K_WAY[0]), message("x", "hello", "prompter")


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "row 1: there is none, the file is empty; give Open-Assistant trees"),
        ("this is no JSON\n", "line 1 is not JSON"),
        (f"{GOOD}\n[1, 2]\n", "row 2: a row must be an object"),
        (
            '{"question": 1, "answer": 2}\n',
            "row 1: it has the columns question, answer; give Open-Assistant trees",
        ),
        (f'{GOOD}\n{{"prompt": "p", "completions": ["a"]}}\n', "row 2: column 'ranks' is missing"),
        (
            f'{GOOD}\n{{"prompt": "p", "completions": ["a", "b"], "ranks": [1, 2, 3]}}\n',
            "row 2: 3 ranks for 2 completions",
        ),
        (f'{GOOD}\n{{"prompt": "p", "completions": [{{"id": 1}}], "ranks": [1]}}\n', "row 2: "),
        ('{"prompt": "p", "chosen": "a", "rejected": null}\n', "row 1: column 'rejected' is missing"),
        (f'{json.dumps(FLAT)}\n{{"message_id": "y", "text": "z"}}\n', "row 2: a message has no 'role'"),
        (
            f"{json.dumps(FLAT)}\n{json.dumps(FLAT | {'replies': ['hello']})}\n",
            "row 2: a field has another form than expected",
        ),
        (f"{GOOD}\n", "only 1 conversations with a preference"),
    ],
)
def test_a_bad_file_is_one_line_with_its_row(tmp_path, tokenizer, capsys, text, said):
    file = tmp_path / "bad.jsonl"
    file.write_text(text)
    code, out, err = reward(capsys, "--rankings", file, "--tokenizer", tokenizer)
    assert (code, out) == (2, "") and err.count("\n") == 1 and "bad.jsonl" in err and said in err


def test_bytes_that_are_no_text_and_files_of_another_kind(tmp_path, tokenizer, capsys):
    (tmp_path / "bad.jsonl").write_bytes(b"\xff\xfe{}")
    (tmp_path / "bad.xlsx").write_bytes(b"")
    for name, said in (
        ("bad.jsonl", "bad.jsonl"),
        ("bad.xlsx", "cannot read '.xlsx' files"),
        ("none.jsonl", "No such file"),
        (".", ""),
    ):
        code, _, err = reward(capsys, "--rankings", tmp_path / name, "--tokenizer", tokenizer)
        assert code == 2 and err.count("\n") == 1 and said in err


@pytest.mark.parametrize(
    "words, said",
    [
        ("--size huge", "'huge' is not one of 'tiny', 'small', 'gpt2'"),
        ("--limit-tokens 4000", "limit_tokens = 4000, but the model reads 512 tokens"),
        ("--epochs 0", "should be at least 1"),
        ("--model /nowhere/at/all", "no folder '/nowhere/at/all'"),
        ("--tokenizer /nowhere/at/all", "no folder '/nowhere/at/all'"),
    ],
)
def test_settings_that_cannot_work(tmp_path, tokenizer, capsys, words, said):
    file = written(tmp_path / "pairs.jsonl", PAIRS)
    code, _, err = reward(capsys, "--rankings", file, "--tokenizer", tokenizer, *words.split())
    assert code == 2 and said in err and "Traceback" not in err


def test_the_tokenizer_may_come_from_the_environment_or_the_model(tmp_path, tokenizer, capsys, monkeypatch):
    file = written(tmp_path / "pairs.jsonl", PAIRS)
    code, _, err = reward(capsys, "--rankings", file)
    assert (
        code == 2
        and "vocab.json and merges.txt" in err
        and "RLHF_LITE_TOKENIZER" in err
        and err.count("\n") == 1
    )
    monkeypatch.setenv("RLHF_LITE_TOKENIZER", str(tokenizer))
    assert reward(capsys, "--rankings", file, "--steps", 1)[0] == 0
    monkeypatch.delenv("RLHF_LITE_TOKENIZER")
    policy = real_reward.new_policy(real_reward.Shape(16, 1, 1, 64), load_tokenizer(tokenizer))
    real_reward.save_model(policy, tmp_path / "model", tokenizer=load_tokenizer(tokenizer))
    code, said, err = reward(
        capsys, "--rankings", file, "--steps", 1, "--limit-tokens", 64, "--model", tmp_path / "model"
    )
    assert code == 0 and f"started from {tmp_path / 'model'}" in said


def test_a_row_that_cannot_be_found_is_still_an_error(tmp_path):
    with pytest.raises(RecordError, match="row 1: a field has another form"):
        real_reward._guarded("x", [{}], lambda rows: [][len(rows) and "no"])


# --- Open Assistant ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (DATA / "oasst").is_dir(), reason=f"no public data at {DATA}")
def test_the_real_open_assistant_trees(capsys):
    code, said, err = reward(
        capsys,
        "--rankings",
        DATA / "oasst" / "en_100_tree.jsonl",
        "--tokenizer",
        DATA / "gpt2-tokenizer",
        "--limit-tokens",
        48,
        "--steps",
        4,
    )
    assert code == 0, err
    assert "random weights: 4 of" in said and re.search(
        r"^held-out +0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", said, re.MULTILINE
    )
    assert re.search(r"^held_out +\d+ +\d+ +\d+ +\d+$", said, re.MULTILINE) and "reply: unranked" in said
