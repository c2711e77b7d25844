"""Open Assistant's rankings in every shape they come in, files of one's own, and cutting texts to a model's
length.
"""

import csv
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
    (tmp_path / "e.jsonl").write_text('[{"a": 1},\n {"a": 2}]')  # a list, whatever the name says
    (tmp_path / "e.json").write_text('{"a": 1}\n\n{"a": 2}\n')  # and lines
    assert read(tmp_path / "e.jsonl") == read(tmp_path / "e.json") == [{"a": 1}, {"a": 2}]


# --- what people bring --------------------------------------------------------------------------------------

READERS = {"real": lambda path: load(path)[0], "labels import": own.load_rankings}
HUMAN = "\n\nHuman: Why?\n\nAssistant:"
PAIR = {"prompt": "Why?", "chosen": "Because.", "rejected": "No."}
KWAY = {"prompt": "Why?", "completions": ["Because.", "No."], "ranks": [1, 2]}


def turns(*texts):
    """Chat messages, of which the first is a user's."""
    return [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]


def last(text):
    return [{"role": "assistant", "content": text}]


def put(folder, rows, name="rows.jsonl"):
    """A file of rows, as JSON lines; a text is written as it is."""
    lines = rows if isinstance(rows, str | bytes) else "".join(json.dumps(row) + "\n" for row in rows)
    (folder / name).write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    return folder / name


def answers(row):
    """The prompt and the answers, best first."""
    texts = zip(row["ranks"], row["completions"], strict=True)
    return row["prompt"].strip(), *(text for _, text in sorted(texts))


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    "row, prompt",
    [
        (PAIR, "Why?"),
        (KWAY, "Why?"),
        ({"chosen": HUMAN + " Because.", "rejected": HUMAN + " No."}, HUMAN.strip()),
        ({"chosen": turns("Why?", "Because."), "rejected": turns("Why?", "No.")}, "Why?"),
        (PAIR | {"chosen": turns("Why?", "Because."), "rejected": turns("Why?", "No.")}, "Why?"),
        ({"prompt": turns("Why?"), "chosen": last("Because."), "rejected": last("No.")}, "Why?"),
        (
            {"prompt": turns("Hi", "Yes?", "Why?"), "chosen": last("Because."), "rejected": last("No.")},
            "User: Hi\n\nAssistant: Yes?\n\nUser: Why?\n\nAssistant:",
        ),
        (
            {
                "chosen": turns("Hi", "Yes?", "Why?", "Because."),
                "rejected": turns("Hi", "Yes?", "Why?", "No."),
            },
            "User: Hi\n\nAssistant: Yes?\n\nUser: Why?\n\nAssistant:",
        ),
        (PAIR | {"prompt": "Talk!", "chosen": "Because.", "rejected": "No."}, "Talk!"),
    ],
)
def test_all_commands_read_a_pair_in_each_of_its_forms_alike(command, row, prompt, tmp_path):
    (made,) = READERS[command](put(tmp_path, [row]))
    assert answers(made) == (prompt, "Because.", "No.")


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    "row, said",
    [
        (PAIR | {"chosen": "nice \ud83d"}, r"a text holds '\ud83d', which is half a character"),
        (PAIR | {"more": ["x", {"\udc00": 1}]}, r"a text holds '\udc00', which is half a character"),
        ({"chosen": HUMAN + " a", "rejected": HUMAN + " b\n\nHuman: So?\n\nAssistant: c"}, "'Human:' begins"),
        ({"chosen": HUMAN + " a\n\nHuman: thanks", "rejected": HUMAN + " b"}, "'Human:' begins another turn"),
        (PAIR | {"prompt": HUMAN, "chosen": "a\n\nUser: b"}, "'User:' begins another turn inside an answer"),
        (PAIR | {"chosen": HUMAN + " a", "rejected": HUMAN + " b"}, "'Human:' begins another turn"),
        (PAIR | {"chosen": turns("What?", "a"), "rejected": turns("What?", "b")}, "are not the prompt"),
        ({"chosen": turns("a", "b", "c", "d"), "rejected": turns("a", "b")}, "do not share all messages"),
        ({"chosen": turns("a", "b", "c"), "rejected": turns("a", "b", "c")}, "not the assistant's"),
        (PAIR | {"chosen": [{"from": "gpt", "value": "a"}]}, "messages need a 'role' and a 'content'"),
        (PAIR | {"chosen": last("a")}, "'rejected' is 'No.', but must be a list of messages"),
        (PAIR | {"rejected": None}, "column 'rejected' is missing; the row has prompt, chosen"),
        (KWAY | {"ranks": [float("nan"), 1]}, "nan"),
        (KWAY | {"ranks": [float("inf"), 1]}, "inf"),
        (KWAY | {"ranks": [True, False]}, "True"),
        (KWAY | {"ranks": [-2, -1]}, "-"),
        (KWAY | {"completions": list("abcdefghij"), "ranks": list(range(1, 11))}, "10 completions, but K"),
        (KWAY | {"completions": "[" * 100_000}, "another form"),
    ],
)
def test_all_commands_refuse_the_same_rows_by_number(command, row, said, tmp_path):
    good = (
        KWAY
        if "ranks" in row
        else PAIR
        if "prompt" in row
        else {"chosen": HUMAN + "a", "rejected": HUMAN + "b"}
    )
    path = put(tmp_path, [good, row])
    with pytest.raises(records.RecordError, match=re.escape("rows.jsonl, row 2: ")) as caught:
        READERS[command](path)
    assert said in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 330
    if command == "real":
        rows, left_out = load(path, drop=True)
        assert len(rows) == 1 and left_out == {"row: faulty": 1}


def test_an_id_is_of_one_prompt_also_where_it_is_nought(tmp_path):
    for name in (0, "x"):
        path = put(tmp_path, [KWAY | {"prompt_id": name}, KWAY | {"prompt_id": name, "prompt": "Who?"}])
        with pytest.raises(
            records.RecordError, match=f"row 2: 'prompt_id' is '{name}', as of another prompt"
        ):
            load(path)


def test_more_answers_in_a_conversation_are_one_turn_each_too(tmp_path):
    path = put(tmp_path, [KWAY | {"prompt": HUMAN, "completions": ["a\n\nHuman: b", "c"]}])
    with pytest.raises(records.RecordError, match="row 1: 'Human:' begins another turn"):
        load(path)
    assert own.load_rankings(path)  # what was ranked and exported here comes back, whatever a model said


CELLS = "prompt,chosen,rejected\nNenne Vögel,Möwe,nö\n"


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    "name, text",
    [
        ("a.csv", CELLS),
        ("A.CSV", CELLS),
        ("a.csv", "\ufeff" + CELLS),
        ("a.csv", CELLS.replace(",", ";")),
        ("a.csv", CELLS.replace(",", "\t").replace("\n", "\r\n")),
        ("a.csv", "\ufeffsep=;\r\n" + CELLS.replace(",", ";")),
        ("a.json", '{"prompt": "Nenne Vögel", "chosen": "Möwe", "rejected": "nö"}\n' * 2),
        ("a.JSONL", '\ufeff{"prompt": "Nenne Vögel", "chosen": "Möwe", "rejected": "nö"}\n'),
    ],
)
def test_files_as_other_programs_write_them(command, name, text, tmp_path):
    made = READERS[command](put(tmp_path, text, name))
    assert answers(made[0]) == ("Nenne Vögel", "Möwe", "nö")


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    "text, said",
    [
        (
            CELLS.encode("latin-1"),
            "row 1: a text holds byte 0xf6, which is not UTF-8; save the file as UTF-8",
        ),
        (CELLS.encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        (CELLS + "Name a bird, please,A wren,no\n", "row 2: it has 4 cells, but the header 3 names"),
        (CELLS + "Name a bird,A wren\n", "row 2: column 'rejected' is missing; the row has prompt, chosen"),
        (
            CELLS + '"Name" a bird,A wren,no\n',
            "row 2: ',' expected after '\"'; quotes in a text must be doubled",
        ),
        (CELLS + '"Name a bird,A wren,no\n', "row 2: unexpected end of data"),
        (CELLS.replace("rejected", "chosen"), "two columns are called 'chosen'"),
        (
            "prompt,chosen,rejected\n\"[{'role': 'user'}]\",\"[{'role': 1}]\",\"[{'role': 2}]\"\n",
            "row 1: prompt is \"[{'role': 'user'}]\", which is not JSON",
        ),
    ],
)
def test_cells_that_moved_or_cannot_be_read_are_refused(command, text, said, tmp_path):
    with pytest.raises(records.RecordError, match=re.escape(said)):
        READERS[command](put(tmp_path, text, "a.csv"))


@pytest.mark.parametrize("command", READERS)
def test_messages_in_a_csv_file_are_messages(command, tmp_path):
    row = {"prompt": turns('Why? "so"; a,b'), "chosen": last("Because 🙂\nit is"), "rejected": last("=No")}
    with (tmp_path / "ours.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, row)
        table.writeheader()
        table.writerow({name: json.dumps(value) for name, value in row.items()})
    (made,) = READERS[command](tmp_path / "ours.csv")
    assert answers(made) == ('Why? "so"; a,b', "Because 🙂\nit is", "=No")
    shown = '[{"role": "user", "content": "Hi"}]'  # an answer that shows some is a text
    (made,) = READERS[command](put(tmp_path, [PAIR | {"chosen": shown}]))
    assert answers(made) == ("Why?", shown, "No.")


def test_a_public_sets_rows_are_no_labels(tmp_path):
    row = {"instruction": "Why?", "completions": [{"response": "a", "overall_score": 1.0}]}
    with pytest.raises(
        records.RecordError, match="row 1: column 'prompt' is missing; the row has instruction"
    ):
        own.load_rankings(put(tmp_path, [row]))


@pytest.mark.parametrize(
    "rows",
    [
        [PAIR | {"user_id": i // 4, "prompt": f"Why {i}?"} for i in range(40)],
        [PAIR | {"user_id": f"u{i // 4}", "prompt": f"Why {i}?"} for i in range(40)],
        [
            {
                "user_id": i // 4,
                "chosen": HUMAN.replace("?", f" {i}?") + "a",
                "rejected": HUMAN.replace("?", f" {i}?") + "b",
            }
            for i in range(40)
        ],
    ],
)
def test_nobody_is_on_two_sides_of_a_split_whatever_they_are_called(rows, tmp_path):
    made, _ = load(put(tmp_path, rows))
    assert Counter(Counter(row["user_id"] for row in made).values()) == {4: 10}
    sides = split_by_user(made, {"train": 0.5, "test": 0.5})
    assert not {row["user_id"] for row in sides["train"]} & {row["user_id"] for row in sides["test"]}


def test_the_depths_of_one_conversation_stay_together(tmp_path):
    rows = []
    for i in range(12):
        start = f"\n\nHuman: Dialogue {i}?\n\nAssistant:"
        for depth in range(4):
            rows.append({"chosen": start + " good", "rejected": start + " bad"})
            start += f" good\n\nHuman: And {depth}?\n\nAssistant:"
    for some in (
        rows,
        [{name: turns(*re.findall(": (.*)", text)) for name, text in row.items()} for row in rows],
    ):
        made, _ = load(put(tmp_path, some))
        assert Counter(Counter(row["user_id"] for row in made).values()) == {4: 12}


def test_open_assistant_files_with_holes():
    flat = SHAPES["flat"]
    gone = [row for row in flat if row["message_id"] != "q1"]
    rows, left_out = ranked(gone)
    assert left_out["reply: its prompt is missing"] == sum(row.get("parent_id") == "q1" for row in flat) > 0
    nulled = [row | ({"text": None} if row.get("deleted") else {}) for row in flat]
    assert ranked(nulled) == ranked(flat)
    with pytest.raises(records.RecordError, match="row 2: 'message_id' is 'q1', as of an earlier message"):
        ranked([flat[0], flat[0]])
