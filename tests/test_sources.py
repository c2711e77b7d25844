"""Open Assistant's rankings in every shape they come in, files of one's own, and cutting texts to a model's
length.
"""

import gzip
import json
import re
from collections import Counter

import pytest
from helpers_trees import DATA, flat, message, needs_data, tree

from rlhf_lite.data import cutting, open_assistant, own, records
from rlhf_lite.data.hub import load
from rlhf_lite.data.pipeline import split_by_user

SHAPES = {"tree": [tree()], "nested": [tree()["prompt"]], "flat": list(flat(tree()["prompt"]))}


def ranked(rows):
    """The rankings of raw rows, and what was left out."""
    intake = records.Intake("trees", rows)
    return list(open_assistant.rankings(intake)), intake.left_out


@pytest.mark.parametrize("shape", SHAPES)
def test_open_assistant_by_hand(shape, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in SHAPES[shape]), encoding="utf-8")
    rows, left_out = load(path)
    assert (rows, left_out) == ranked(SHAPES[shape])
    assert len(rows) == 2
    assert left_out == {
        "reply: deleted": 1,
        "reply: empty": 1,
        "reply: unranked": 1,
        "prompt: 1 ranked reply": 1,
        "prompt: deleted": 2,
    }
    by_id = {row["prompt_id"]: row for row in rows}
    assert by_id["q1"]["prompt"] == "User: A question\n\nAssistant:"
    assert (
        by_id["q2"]["prompt"]
        == "User: A question\n\nAssistant: First answer.\n\nUser: And then?\n\nAssistant:"
    )
    assert dict(zip(by_id["q2"]["completions"], by_id["q2"]["ranks"], strict=True)) == {
        "Then that.": 1,
        "Then <b>this</b>.": 2,
    }
    assert {row["user_id"] for row in rows} == {"t1" if shape != "nested" else "q1"}
    records.check_rankings(rows)


def test_a_conversation_with_a_hole_is_dropped():
    rows = [row for row in SHAPES["flat"] if row["message_id"] != "a"]
    found, left_out = ranked(rows)
    assert [row["prompt_id"] for row in found] == [] and left_out[
        "prompt: an earlier message is missing"
    ] == 4


def test_more_than_nine_replies_keep_the_best_nine():
    replies = [message(f"r{i}", f"answer {i}", "assistant", i) for i in range(12)]
    rows, left_out = ranked([message("q", "?", "prompter", replies=replies)])
    assert sorted(rows[0]["ranks"]) == list(range(1, 10)) and left_out == {"reply: beyond the best 9": 3}


def test_something_else_is_refused_with_its_row():
    with pytest.raises(ValueError, match="row 2: a message has no 'role'.*It has message_id, text"):
        ranked([SHAPES["flat"][0], {"message_id": "x", "text": "y"}])


def test_parents_that_form_a_ring_are_refused():
    ring = [
        message(name, "a", "prompter", parent_id=parent, message_tree_id="t")
        for name, parent in (("a", "b"), ("b", "c"), ("c", "a"))
    ]
    with pytest.raises(records.RecordError, match="trees: message 'a' answers itself"):
        ranked(ring)


@needs_data
@pytest.mark.parametrize("name", ["en_100_tree.jsonl", "en_100_message.jsonl"])
def test_the_real_open_assistant_sample(name):
    rows, left_out = load(DATA / "oasst" / name)
    assert Counter(len(row["ranks"]) for row in rows) == {2: 57, 3: 117, 4: 27, 5: 3, 6: 6, 8: 1, 9: 1}
    assert len(rows) == 212 and left_out["reply: unranked"] == 46
    records.check_rankings(rows)
    assert all(sorted(row["ranks"]) == list(range(1, len(row["ranks"]) + 1)) for row in rows)
    assert any(row["ranks"] != sorted(row["ranks"]) for row in rows)  # the best is not always first
    sides = split_by_user(rows, {"train": 0.8, "valid": 0.2})
    assert not {r["user_id"] for r in sides["train"]} & {r["user_id"] for r in sides["valid"]}
    assert records.to_dataset(rows).num_rows == 212


# --- cutting ------------------------------------------------------------------------------------------------


class Words:
    """A tokenizer of one token per word."""

    def __call__(self, text, **options):
        spans, at = [], 0
        for word in text.split(" "):
            spans.append((at, at + len(word)))
            at += len(word) + 1
        return {"offset_mapping": spans}


def ranking(prompt, completions, ranks):
    return {"prompt": prompt, "completions": completions, "ranks": ranks}


def test_prompts_keep_their_end_and_completions_their_start():
    rows = [ranking("p1 p2 p3 p4 p5", ["a b c d e f", "g h"], [1, 2]), ranking("p1", ["x", "y"], [1, 2])]
    cut, left_out = cutting.cut_to_fit(rows, Words(), max_tokens=8)
    assert cut[0] == ranking("p4 p5", ["a b c d", "g h"], [1, 2])  # 2 + separator + 4 + end = 8
    assert cut[1] == rows[1]
    assert left_out == {
        "completion cut to its first 4 tokens": 1,
        "prompt cut to its last tokens (limit 8 with its completion)": 1,
    }


def test_completions_that_became_equal_are_merged_or_dropped():
    rows = [
        ranking("p", ["a b c", "a b d", "z"], [3, 1, 2]) | {"likert": [1, 6, 4]},
        ranking("p", ["a b c", "a b d"], [1, 2]),
    ]
    cut, left_out = cutting.cut_to_fit(rows, Words(), max_tokens=5)
    assert cut == [ranking("p", ["a b", "z"], [1, 2]) | {"likert": [6, 4]}]
    assert (
        left_out["completions equal after the cut"] == 2 and left_out["row dropped: one completion left"] == 1
    )


def test_a_limit_without_room_for_a_prompt_is_refused():
    with pytest.raises(ValueError, match="no room for a prompt"):
        cutting.cut_to_fit([], Words(), max_tokens=4)


@pytest.mark.skipif(not (DATA / "gpt2-tokenizer").is_dir(), reason=f"no tokenizer at {DATA}")
def test_cutting_with_gpt2s_own_tokenizer_breaks_no_character():
    from transformers import GPT2TokenizerFast

    folder = DATA / "gpt2-tokenizer"
    tokenizer = GPT2TokenizerFast(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"))
    faces = "🙂🙃" * 40 + "<|endoftext|>"
    cut, _ = cutting.cut_to_fit([ranking(faces, [faces, "ok"], [1, 2])], tokenizer, 40)
    short = cut[0]["completions"][0]
    assert faces.startswith(short) and faces.endswith(cut[0]["prompt"]) and 3 < len(short) < 40
    if (DATA / "oasst").is_dir():
        rows, _ = load(DATA / "oasst" / "en_100_tree.jsonl")
        for row in cutting.cut_to_fit(rows, tokenizer, 128)[0]:
            n = [
                len(tokenizer(text, split_special_tokens=True)["input_ids"])
                for text in (row["prompt"], *row["completions"])
            ]
            assert n[0] + max(n[1:]) + 2 <= 128


# --- files of one's own -------------------------------------------------------------------------------------


def read(path):
    return list(own.read_rows(path))


def test_reading_files(tmp_path):
    rows = [{"prompt": "line one\nline two", "n": "007"}, {"prompt": "NA", "n": "=1+1"}]
    text = 'prompt,n\n"line one\nline two",007\nNA,=1+1\n'
    for written in (text, "\ufeff" + text, text.replace(",", ";")):  # as spreadsheets write it
        (tmp_path / "a.csv").write_text(written, encoding="utf-8")
        assert read(tmp_path / "a.csv") == rows
    with gzip.open(tmp_path / "a.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('\ufeff{"text": "\u2028é"}\n\n{"text": "b"}\n')
    assert read(tmp_path / "a.jsonl.gz") == [{"text": "\u2028é"}, {"text": "b"}]
    (tmp_path / "b.jsonl").write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(ValueError, match="b.jsonl: line 2 is not JSON"):
        read(tmp_path / "b.jsonl")
    for content, said in {
        '[{"a": 1}, null]': "row 2: a row must be an object",
        '{"a": 1}': 'it holds {"a": 1}, not a list of rows',
        "null": "it holds null, not a list of rows",
        "3": "it holds 3, not a list of rows",
        "[" * 100_000: "c.json: maximum recursion depth",
    }.items():
        (tmp_path / "c.json").write_text(content)
        with pytest.raises(records.RecordError, match=re.escape(said)):
            read(tmp_path / "c.json")
    with pytest.raises(ValueError, match="cannot read '.xlsx' files"):
        read(tmp_path / "c.xlsx")
    for name in ("d.jsonl", "d.jsonl.gz", "d.parquet", "d.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe{}\x00")
        with pytest.raises(records.RecordError, match="d[.]"):
            read(tmp_path / name)
