"""Rankings in the formats people have: JSON lines, preference pairs, Argilla, Label Studio, tables.

All conversions are between plain Python objects and need no client of any service. Text is data: nothing here escapes,
trims or interprets it. Files appear whole or not at all (`write_rows`).

    to_exchange / from_exchange          one JSON object per (prompt, labeler), all K answers
    to_pairs / from_pairs                prompt, chosen, rejected (TRL, HH-RLHF); ties are dropped
    to_messages / from_pairs             the same, each text as a list of chat messages (TRL's conversational format)
    to_argilla / from_argilla            records with a ranking question, and rating and flag questions per answer
    to_label_studio / from_label_studio  tasks with a Ranker; its buckets rank_1 ... rank_9 allow ties
"""

import csv
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from ..data.own import SCHEMA, finished, load_rankings
from ..data.records import FLAGS, RecordError, Row, check_rankings, to_dataset, untied_pairs
from ..data.sources import read_rows

_CONTEXT = ("prompt_id", "user_id", "task", "seconds", "seed")  # what travels beside the texts and the labels


# --- JSON lines, all K answers ------------------------------------------------------------------------------------


def to_exchange(rows: Iterable[Row]) -> list[Row]:
    """Ranking rows -> self-contained objects, each answer with an id."""
    return [
        {
            "schema": SCHEMA,
            **row,
            "completions": [{"id": name, "text": text} for name, text in _named(row).items()],
        }
        for row in rows
    ]


def save_rankings(rows: Iterable[Row], path: str | Path) -> None:
    """Rankings to .jsonl, .json, .csv or .parquet."""
    path = Path(path)
    rows = check_rankings(rows, allow_empty=True)
    write_rows(to_exchange(rows) if path.suffix in (".jsonl", ".json") else rows, path)


# --- pairs --------------------------------------------------------------------------------------------------------


def to_pairs(rows: Iterable[Row]) -> list[Row]:
    """Every untied pair of every ranking as {prompt, chosen, rejected}: K = 9 gives up to 36 rows per prompt.

    The texts are as they were typed. TRL joins them as they are, without our newline: for training there, `to_messages`."""
    return [
        {"prompt": row["prompt"], "chosen": row["completions"][i], "rejected": row["completions"][j]}
        for row in rows
        for i, j in untied_pairs(row["ranks"])
    ]


def to_messages(rows: Iterable[Row]) -> list[Row]:
    """`to_pairs` with a user's and an assistant's message in place of the texts. A trainer joins them by the chat template
    of its tokenizer; that of our models puts the newline between them and EOS at the end, as we do."""
    roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
    return [
        {name: [{"role": role, "content": pair[name]}] for name, role in roles.items()}
        for pair in to_pairs(rows)
    ]


# --- Argilla ------------------------------------------------------------------------------------------------------


def to_argilla(rows: Iterable[Row]) -> list[Row]:
    """Records as `dataset.records.to_json` writes them: questions ranking, quality_i (1-7), flags_i (labels)."""
    records = []
    for row in rows:
        ranking = [
            {"value": name, "rank": rank} for name, rank in zip(_named(row), row["ranks"], strict=True)
        ]
        answers: dict[str, Any] = {"ranking": ranking}
        answers |= {f"quality_{i}": quality for i, quality in enumerate(row.get("likert") or [], 1)}
        answers |= {
            f"flags_{i}": [k for k, v in f.items() if v] for i, f in enumerate(row.get("flags") or [], 1)
        }
        records.append(
            {
                "id": f"{row.get('prompt_id', '')}/{row.get('labeler', '')}",
                "fields": {"prompt": row["prompt"], **_named(row)},
                "metadata": {k: row[k] for k in _CONTEXT if row.get(k) is not None},
                "suggestions": {},
                "responses": {
                    q: [{"value": v, "user_id": row.get("labeler", "")}] for q, v in answers.items()
                },
                "vectors": {},
            }
        )
    return records


def from_argilla(records: Iterable[Row]) -> list[Row]:
    """One ranking per record and user. A ranking may also be a plain list of names, best first."""
    rows = []
    for record in records:
        texts = {name: text for name, text in record["fields"].items() if name != "prompt"}
        by_user: dict[str, dict] = {}
        for question, answers in record.get("responses", {}).items():
            for answer in answers:
                by_user.setdefault(str(answer["user_id"]), {})[question] = answer["value"]
        for user, said in by_user.items():
            if "ranking" not in said:
                continue
            places = {v["value"]: v.get("rank") or i for i, v in enumerate(_listed(said["ranking"]), 1)}
            extra = {k: v for k, v in (record.get("metadata") or {}).items() if k in _CONTEXT}
            ratings = [said.get(f"quality_{i}") for i in range(1, len(texts) + 1)]
            marks = [said.get(f"flags_{i}") for i in range(1, len(texts) + 1)]
            rows.append(
                _ranked(texts, places, ratings, marks)
                | extra
                | {
                    "prompt_id": extra.get("prompt_id") or str(record.get("id")),
                    "prompt": record["fields"]["prompt"],
                    "labeler": user,
                }
            )
    return finished(rows)


def _listed(ranking: list) -> list[dict]:
    return [item if isinstance(item, dict) else {"value": item} for item in ranking]


# --- Label Studio -------------------------------------------------------------------------------------------------


def label_studio_config(k: int = 9) -> str:
    """The labeling interface for `to_label_studio` tasks: drag each answer into a rank, several into one for a tie."""
    buckets = "".join(f'<Bucket name="rank_{i}" title="Rank {i}"/>' for i in range(1, k + 1))
    return (
        '<View><Text name="prompt" value="$prompt"/><List name="answers" value="$items" title="Answers"/>'
        f'<Ranker name="rank" toName="answers">{buckets}</Ranker></View>'
    )


def to_label_studio(rows: Iterable[Row]) -> list[Row]:
    """Tasks with one finished annotation each, as Label Studio imports and exports them."""
    tasks = []
    for row in rows:
        buckets: dict[str, list[str]] = {}
        for name, rank in zip(_named(row), row["ranks"], strict=True):
            buckets.setdefault(f"rank_{rank}", []).append(name)
        result = [_said("rank", "ranker", buckets)]
        result += [_said(f"quality_{i}", "rating", q) for i, q in enumerate(row.get("likert") or [], 1)]
        result += [
            _said(f"flags_{i}", "choices", [k for k, v in f.items() if v])
            for i, f in enumerate(row.get("flags") or [], 1)
        ]
        data = {k: row[k] for k in ("prompt", *_CONTEXT) if row.get(k) is not None and k != "seconds"}
        data["items"] = [{"id": name, "title": name, "body": text} for name, text in _named(row).items()]
        who, seconds = {"email": row.get("labeler", "")}, row.get("seconds")
        tasks.append(
            {"data": data, "annotations": [{"completed_by": who, "lead_time": seconds, "result": result}]}
        )
    return tasks


def from_label_studio(tasks: Iterable[Row]) -> list[Row]:
    """One ranking per finished annotation. Answers left outside the buckets were not ranked and are left out."""
    rows = []
    for task in tasks:
        data = task["data"]
        for note in task.get("annotations", []):
            said = {r["from_name"]: r["value"][r["type"]] for r in note["result"] if r["type"] in r["value"]}
            if note.get("was_cancelled") or "rank" not in said:
                continue
            order = said["rank"]
            order = (
                order if isinstance(order, dict) else {f"rank_{i}": [name] for i, name in enumerate(order, 1)}
            )
            order = {int(bucket.rsplit("_", 1)[1]): names for bucket, names in order.items() if bucket != "_"}
            places = {name: rank for rank, names in order.items() for name in names}
            texts = {item["id"]: item.get("body") or item.get("title", "") for item in data["items"]}
            who = note.get("completed_by")
            numbers = range(1, len(texts) + 1)
            ratings, marks = ([said.get(f"{what}_{i}") for i in numbers] for what in ("quality", "flags"))
            rows.append(
                {k: v for k, v in data.items() if k != "items"}
                | _ranked(texts, places, ratings, marks)
                | {
                    "labeler": str(who.get("email", "") if isinstance(who, dict) else who or ""),
                    "seconds": note.get("lead_time"),
                }
            )
    return finished(rows)


def _said(question: str, kind: str, value: Any) -> Row:
    return {"from_name": question, "to_name": "answers", "type": kind, "value": {kind: value}}


# --- by name ------------------------------------------------------------------------------------------------------

FORMS = ("rankings", "pairs", "messages", "argilla", "label-studio")


def save_as(form: str, rows: Iterable[Row], path: str | Path) -> None:
    """Rankings to a file in one of FORMS."""
    if _known_form(form) == "rankings":
        return save_rankings(rows, path)
    convert = {
        "pairs": to_pairs,
        "messages": to_messages,
        "argilla": to_argilla,
        "label-studio": to_label_studio,
    }[form]
    return write_rows(convert(check_rankings(rows, allow_empty=True)), path)


def load_from(form: str, path: str | Path) -> list[Row]:
    """Rankings from a file in one of FORMS; pairs are recognised as "rankings" too."""
    if _known_form(form) in ("rankings", "pairs"):
        return load_rankings(path)
    try:
        return {"argilla": from_argilla, "label-studio": from_label_studio}[form](read_rows(path))
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{path} is not what {form} exports ({error!r}).") from None


def _known_form(form: str) -> str:
    if form not in FORMS:
        raise RecordError(f"there is no form '{form}'; use {', '.join(FORMS)}.")
    return form


# --- shared -------------------------------------------------------------------------------------------------------


def _named(row: Row) -> dict[str, str]:
    return {f"answer_{i}": text for i, text in enumerate(row["completions"], 1)}


def _ranked(texts: dict[str, str], places: dict[str, int], ratings: list, marks: list) -> Row:
    """The ranked answers with their ranks, and ratings and flags where every one of them has some."""
    chosen = [i for i, name in enumerate(texts) if name in places]
    row: Row = {
        "completions": [text for name, text in texts.items() if name in places],
        "ranks": [places[name] for name in texts if name in places],
    }
    if chosen and all(ratings[i] is not None for i in chosen):
        row["likert"] = [ratings[i] for i in chosen]
    if chosen and all(marks[i] is not None for i in chosen):
        row["flags"] = [{name: name in marks[i] for name in FLAGS} for i in chosen]
    return row


def write_rows(rows: Iterable[Row], path: str | Path) -> None:
    """Rows to .jsonl, .json or .csv, rankings to .parquet too; the file appears under its name when it is complete."""
    path, rows = Path(path), list(rows)
    writers: dict[str, Callable[[IO], None]] = {
        ".jsonl": lambda file: file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        ".json": lambda file: json.dump(rows, file, ensure_ascii=False, indent=1),
        ".csv": lambda file: _write_csv(rows, file),
        ".parquet": lambda file: _write_parquet(rows, file),
    }
    if path.suffix not in writers:
        raise ValueError(f"{path.name}: cannot write '{path.suffix}' files; use {', '.join(writers)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(unfinished, "w", encoding="utf-8", newline="") as file:
            writers[path.suffix](file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_parquet(rows: list[Row], file: IO[str]) -> None:
    from pyarrow import parquet

    parquet.write_table(to_dataset(rows, "rankings", allow_empty=True).with_format("arrow")[:], file.buffer)


def _write_csv(rows: list[Row], file: IO[str]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = csv.DictWriter(file, names)
    table.writeheader()
    for row in rows:
        table.writerow(
            {k: v if isinstance(v, str) else "" if v is None else json.dumps(v) for k, v in row.items()}
        )
