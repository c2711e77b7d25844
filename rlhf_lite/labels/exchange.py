"""Rankings in the formats people have: JSON lines, preference pairs, Argilla, Label Studio, tables.

All conversions are between plain Python objects and need no client of any service. Text is data: nothing here
escapes, trims or interprets it. Files appear whole or not at all (`write_rows`).

    to_exchange       one JSON object per (prompt, labeler), all K answers
    to_pairs          prompt, chosen, rejected (TRL, HH-RLHF); ties are dropped
    to_messages       the same, each text as a list of chat messages (TRL's conversational format)
    to_argilla        records with a ranking question, with ratings and flags per answer; `from_argilla`
    to_label_studio   tasks with a Ranker; its buckets rank_1 ... rank_9 allow ties; `from_label_studio`

The first three come back by `data.own.load_rankings`.
"""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..data.files import atomic_write
from ..data.own import SCHEMA, finished, load_rankings, read_rows
from ..data.records import FLAGS, Intake, RecordError, Row, check_rankings, to_dataset, untied_pairs

CONTEXT = ("prompt_id", "user_id", "task", "seconds", "seed")  # what travels beside the texts and the labels


def to_exchange(rows: Iterable[Row]) -> list[Row]:
    """Ranking rows -> self-contained objects, each answer with an id."""
    made = []
    for row in rows:
        answers = [{"id": name, "text": text} for name, text in _answers(row).items()]
        made.append({"schema": SCHEMA, **row, "completions": answers})
    return made


# --- pairs --------------------------------------------------------------------------------------------------


def to_pairs(rows: Iterable[Row]) -> list[Row]:
    """Every untied pair of every ranking as {prompt, chosen, rejected}: K = 9 gives up to 36 rows per prompt.

    The texts are as they were typed; TRL joins them without our newline: to train there, `to_messages`.
    """
    return [
        {"prompt": row["prompt"], "chosen": row["completions"][i], "rejected": row["completions"][j]}
        for row in rows
        for i, j in untied_pairs(row["ranks"])
    ]


def to_messages(rows: Iterable[Row]) -> list[Row]:
    """`to_pairs` with a user's and an assistant's message in place of the texts.

    A trainer joins them by the chat template of its tokenizer; that of our models puts the newline between
    them and EOS at the end, as we do.
    """
    roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
    return [
        {name: [{"role": role, "content": pair[name]}] for name, role in roles.items()}
        for pair in to_pairs(rows)
    ]


# --- Argilla ------------------------------------------------------------------------------------------------


def to_argilla(rows: Iterable[Row]) -> list[Row]:
    """Records as `dataset.records.to_json` writes them: questions ranking, quality_i (1-7), flags_i."""
    records = []
    for row in rows:
        who, answers = row.get("labeler", ""), _answers(row)
        ranking = [{"value": name, "rank": rank} for name, rank in zip(answers, row["ranks"], strict=True)]
        said = {"ranking": ranking, **_opinions(row)}
        record = {
            "id": f"{row.get('prompt_id', '')}/{who}",
            "fields": {"prompt": row["prompt"], **answers},
            "metadata": {name: row[name] for name in CONTEXT if row.get(name) is not None},
            "suggestions": {},
            "responses": {name: [{"value": value, "user_id": who}] for name, value in said.items()},
            "vectors": {},
        }
        records.append(record)
    return records


def from_argilla(records: Iterable[Row], where: str = "") -> list[Row]:
    """One ranking per record and user. A ranking may also be a plain list of names, best first."""
    intake = Intake(where, records, advice="; perhaps this is not what argilla exports")
    return [row for rows in intake.each(_of_record) for row in rows]


def _of_record(record: Row) -> list[Row]:
    texts = {name: text for name, text in record["fields"].items() if name != "prompt"}
    by_user: dict[str, dict] = {}
    for question, answers in record.get("responses", {}).items():
        for answer in answers:
            by_user.setdefault(str(answer["user_id"]), {})[question] = answer["value"]
    known = {name: value for name, value in (record.get("metadata") or {}).items() if name in CONTEXT}
    known["prompt_id"] = known.get("prompt_id") or str(record.get("id"))
    known["prompt"] = record["fields"]["prompt"]
    rows = []
    for user, said in by_user.items():
        ranks = {}
        for place, answer in enumerate(said.get("ranking", ()), 1):
            answer = answer if isinstance(answer, dict) else {"value": answer}
            ranks[answer["value"]] = answer.get("rank") or place
        if ranks:
            rows.append(_ranking(texts, ranks, said, known | {"labeler": user}))
    return rows


# --- Label Studio -------------------------------------------------------------------------------------------


def to_label_studio(rows: Iterable[Row]) -> list[Row]:
    """Tasks with one finished annotation each, as Label Studio imports and exports them."""
    tasks = []
    for row in rows:
        answers, buckets = _answers(row), {}
        for name, rank in zip(answers, row["ranks"], strict=True):
            buckets.setdefault(f"rank_{rank}", []).append(name)
        result = []
        for name, value in {"rank": buckets, **_opinions(row)}.items():
            kind = {"rank": "ranker", "quality": "rating", "flags": "choices"}[name.partition("_")[0]]
            result.append({"from_name": name, "to_name": "answers", "type": kind, "value": {kind: value}})
        data = {name: row[name] for name in ("prompt", *CONTEXT) if row.get(name) is not None}
        seconds = data.pop("seconds", None)
        data["items"] = [{"id": name, "title": name, "body": text} for name, text in answers.items()]
        done = {"completed_by": {"email": row.get("labeler", "")}, "lead_time": seconds, "result": result}
        tasks.append({"data": data, "annotations": [done]})
    return tasks


def from_label_studio(tasks: Iterable[Row], where: str = "") -> list[Row]:
    """One ranking per finished annotation. Answers left outside the buckets were not ranked."""
    intake = Intake(where, tasks, advice="; perhaps this is not what label-studio exports")
    return [row for rows in intake.each(_of_task) for row in rows]


def _of_task(task: Row) -> list[Row]:
    data, rows = task["data"], []
    texts = {item["id"]: item.get("body") or item.get("title", "") for item in data["items"]}
    known = {name: value for name, value in data.items() if name != "items"}
    for note in task.get("annotations", []):
        said = {r["from_name"]: r["value"][r["type"]] for r in note["result"] if r["type"] in r["value"]}
        if note.get("was_cancelled") or "rank" not in said:
            continue
        buckets = said["rank"]
        if not isinstance(buckets, dict):  # a strict order, best first
            buckets = {f"rank_{i}": [name] for i, name in enumerate(buckets, 1)}
        placed = [(name, bucket) for bucket, names in buckets.items() if bucket != "_" for name in names]
        ranks = {name: int(bucket.rsplit("_", 1)[1]) for name, bucket in placed}
        who = note.get("completed_by")
        who = who.get("email", "") if isinstance(who, dict) else who or ""
        known |= {"labeler": str(who), "seconds": note.get("lead_time")}
        rows.append(_ranking(texts, ranks, said, known))
    return rows


# --- shared -------------------------------------------------------------------------------------------------


def _answers(row: Row) -> dict[str, str]:
    return {f"answer_{i}": text for i, text in enumerate(row["completions"], 1)}


def _opinions(row: Row) -> dict[str, Any]:
    """Ratings and flags as answers to the questions quality_1, ..., flags_1, ..."""
    said = {f"quality_{i}": quality for i, quality in enumerate(row.get("likert") or [], 1)}
    for i, marks in enumerate(row.get("flags") or [], 1):
        said[f"flags_{i}"] = [name for name, yes in marks.items() if yes]
    return said


def _ranking(texts: dict[str, str], ranks: dict[str, int], said: dict[str, Any], known: Row) -> Row:
    """The ranked answers with their ranks, and with ratings and flags where every one of them has some."""
    places = [i for i, name in enumerate(texts, 1) if name in ranks]
    names = [name for name in texts if name in ranks]
    row = known | {"completions": [texts[name] for name in names], "ranks": [ranks[name] for name in names]}
    if all(said.get(f"quality_{i}") is not None for i in places):
        row["likert"] = [said[f"quality_{i}"] for i in places]
    if all(said.get(f"flags_{i}") is not None for i in places):
        row["flags"] = [{name: name in said[f"flags_{i}"] for name in FLAGS} for i in places]
    return finished(row)


# --- files --------------------------------------------------------------------------------------------------

FORMS = {
    "rankings": to_exchange,
    "pairs": to_pairs,
    "messages": to_messages,
    "argilla": to_argilla,
    "label-studio": to_label_studio,
}


def _check_form(form: str) -> None:
    if form not in FORMS:
        raise RecordError(f"there is no form '{form}'; use {', '.join(FORMS)}.")


def save_as(form: str, rows: Iterable[Row], path: str | Path) -> None:
    """Rankings to a file in one of FORMS."""
    _check_form(form)
    rows = check_rankings(rows, allow_empty=True)
    if form == "rankings" and Path(path).suffix in (".csv", ".parquet"):
        return write_rows(rows, path)
    return write_rows(FORMS[form](rows), path)


def save_rankings(rows: Iterable[Row], path: str | Path) -> None:
    """Rankings to .jsonl, .json, .csv or .parquet."""
    save_as("rankings", rows, path)


def load_from(form: str, path: str | Path) -> list[Row]:
    """Rankings from a file in one of FORMS; pairs, also of messages, are recognised as "rankings" too."""
    _check_form(form)
    back = {"argilla": from_argilla, "label-studio": from_label_studio}
    return back[form](read_rows(path), str(path)) if form in back else load_rankings(path)


def write_rows(rows: Iterable[Row], path: str | Path) -> None:
    """Rows to .jsonl, .json or .csv, rankings to .parquet too; the file appears when it is complete."""
    path, rows = Path(path), list(rows)
    if path.suffix == ".parquet":
        with atomic_write(path) as file:
            to_dataset(rows, allow_empty=True).to_parquet(file)
        return
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif path.suffix == ".json":
        text = json.dumps(rows, ensure_ascii=False, indent=1)
    elif path.suffix == ".csv":
        text = _csv(rows)
    else:
        use = "use .jsonl, .json, .csv or .parquet"
        raise ValueError(f"{path.name}: cannot write '{path.suffix}' files; {use}.")
    with atomic_write(path) as file:
        file.write(text.encode())


def _csv(rows: list[Row]) -> str:
    """Texts as they are, nothing for None, everything else as JSON."""
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, dict.fromkeys(name for row in rows for name in row))
    table.writeheader()
    for row in rows:
        plain = {name: "" if value is None else value for name, value in row.items()}
        table.writerow({k: v if isinstance(v, str) else json.dumps(v) for k, v in plain.items()})
    return out.getvalue()
