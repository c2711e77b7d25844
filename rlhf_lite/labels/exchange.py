"""Rankings in the formats people have: JSON lines, preference pairs, Argilla, Label Studio, tables.

All conversions are between plain Python objects and need no client of any service. Text is data: nothing here
escapes, trims or interprets it. Files appear whole or not at all (`write_rows`).

    to_exchange       one JSON object per (prompt, labeler), all K answers
    to_pairs          prompt, chosen, rejected (TRL, HH-RLHF); ties are dropped
    to_messages       the same, each text as a list of chat messages (TRL's conversational format)
    to_argilla        records with a ranking question, with ratings and flags per answer; `from_argilla`
    to_label_studio   tasks with a Ranker; its buckets rank_1 ... rank_9 allow ties; `from_label_studio`

The first three come back by `data.own.load_rankings`. What a service's file holds beside finished rankings
(discarded, cancelled, half done) is left out, and a warning counts it.
"""

import csv
import io
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..data.files import atomic_write
from ..data.own import SCHEMA, finished, load_rankings, read_rows
from ..data.records import FLAGS, Intake, RecordError, Row, check_rankings, shown, to_dataset, untied_pairs

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
            "id": f"{row['prompt_id']}/{who}" if row.get("prompt_id") else None,
            "fields": {"prompt": row["prompt"], **answers},
            "metadata": {name: row[name] for name in CONTEXT if row.get(name) is not None},
            "suggestions": {},
            "responses": {name: [{"value": value, "user_id": who}] for name, value in said.items()},
            "vectors": {},
        }
        records.append(record)
    return records


def from_argilla(records: Iterable[Row], where: str = "") -> list[Row]:
    """One ranking per record and user who submitted one. It may also be a plain list of names, best first."""
    return _taken(_of_record, Intake(where, records))


def _of_record(record: Row, intake: Intake) -> Iterator[Row | None]:
    fields = _texts(record, "fields", "argilla")
    texts = {name: text for name, text in fields.items() if name != "prompt"}
    known = _known(fields, record.get("metadata") or {})
    if known.get("prompt_id") is None and record.get("id") is not None:
        known["prompt_id"] = str(record["id"])
    by_user: dict[str, dict] = {}
    unfinished: dict[str, str] = {}
    for question, answer in _responses(record):
        user, status = answer.get("user_id"), answer.get("status") or "submitted"
        user = "" if user is None else str(user)
        said = by_user.setdefault(user, {})
        if status != "submitted":
            unfinished[user] = status
        elif answer.get("value") is not None:
            said[question] = answer["value"]
    for user, said in by_user.items():
        name = _the_ranking({name: name == "ranking" or _has_ranks(value) for name, value in said.items()})
        if name is None:
            why = f"responses without a ranking, with {', '.join(said) or 'nothing'}"
            intake.left_out[f"{unfinished[user]} responses" if user in unfinished else why] += 1
            continue
        answers = [answer if isinstance(answer, dict) else {"value": answer} for answer in said[name]]
        plain = not _has_ranks(said[name])
        ranks = [(answer["value"], i if plain else answer.get("rank")) for i, answer in enumerate(answers, 1)]
        yield _ranking(texts, ranks, said, known | {"labeler": user}, intake)


def _responses(record: Row) -> Iterator[tuple[str, Row]]:
    """Question and answer, as Argilla 2 groups them, by question, or as Argilla 1 did, by user."""
    found = record.get("responses") or {}
    if isinstance(found, dict):
        yield from ((question, answer) for question, answers in found.items() for answer in answers or ())
    else:
        for said in found:
            for question, answer in (said.get("values") or {"": {}}).items():
                yield question, said | answer


def _has_ranks(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(answer, dict) and "rank" in answer for answer in value)


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
    return _taken(_of_task, Intake(where, tasks))


def _of_task(task: Row, intake: Intake) -> Iterator[Row | None]:
    data = _texts(task, "data", "label-studio")
    known, items = _known(data, data), data.get("items") or next(filter(_is_items, data.values()), ())
    texts = {
        str(item["id"]): next((text for n in BODY if (text := item.get(n)) is not None), "") for item in items
    }
    if not task.get("annotations"):
        intake.left_out["tasks without annotations"] += 1
    for note in task.get("annotations") or ():
        results = [r for r in note.get("result") or () if "from_name" in r]
        said = {r["from_name"]: r["value"].get(r["type"]) for r in results}
        name = _the_ranking({r["from_name"]: r["type"] == "ranker" for r in results}, preferred="rank")
        if note.get("was_cancelled") or name is None:
            there = ", ".join(f"{r['type']} {r['from_name']!r}" for r in results) or "nothing"
            why = f"annotations without a Ranker, with {there}"
            intake.left_out["cancelled annotations" if note.get("was_cancelled") else why] += 1
            continue
        who = note.get("completed_by")
        who = (who.get("email") or who.get("id")) if isinstance(who, dict) else who
        labeler = {"labeler": "" if who is None else str(who), "seconds": note.get("lead_time")}
        yield _ranking(texts, _placed(said[name], name), said, known | labeler, intake)


def _is_items(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) and "id" in v for v in value)


def _placed(buckets: Any, ranker: str) -> Iterator[tuple[str, int]]:
    """(name, rank) of what a Ranker holds: one list in order, also under its name, or numbered buckets."""
    if isinstance(buckets, dict) and set(buckets) - {"_"} == {ranker} and not RANKED.fullmatch(ranker):
        buckets = buckets[ranker]
    if isinstance(buckets, list):  # a strict order, best first
        buckets = {f"rank_{i}": [name] for i, name in enumerate(buckets, 1)}
    buckets = {bucket: names for bucket, names in buckets.items() if bucket != "_"}
    if unordered := [bucket for bucket in buckets if not RANKED.fullmatch(bucket)]:
        which = ", ".join(map(shown, unordered))
        raise RecordError(
            f"buckets {which} do not say which is better; call them rank_1 (best), rank_2 and so on"
        )
    for bucket, names in buckets.items():
        yield from ((str(name), int(RANKED.fullmatch(bucket)[1])) for name in names)


BODY = ("body", "html", "title")  # where an item's text is
RANKED = re.compile(r"(?:(?:rank|place|position)[ _-]?)?(\d+)", re.IGNORECASE)  # a bucket's name


# --- shared -------------------------------------------------------------------------------------------------


def _texts(raw: Row, name: str, service: str) -> Row:
    """The part of a row that holds its texts, with a prompt among them."""
    texts = raw.get(name)
    if not isinstance(texts, dict):
        why = f"perhaps this is not what {service} exports as JSON"
        raise RecordError(f"'{name}' is missing; the row has {', '.join(raw)}; {why}")
    if "prompt" not in texts:
        raise RecordError(f"'prompt' is missing in '{name}'; there are {', '.join(texts)}")
    return texts


def _known(texts: Row, context: Row) -> Row:
    """The prompt, and what travels beside it."""
    return {name: context[name] for name in CONTEXT if name in context} | {"prompt": texts["prompt"]}


def _answers(row: Row) -> dict[str, str]:
    return {f"answer_{i}": text for i, text in enumerate(row["completions"], 1)}


def _opinions(row: Row) -> dict[str, Any]:
    """Ratings and flags as answers to the questions quality_1, ..., flags_1, ..."""
    said = {f"quality_{i}": quality for i, quality in enumerate(row.get("likert") or [], 1)}
    for i, marks in enumerate(row.get("flags") or [], 1):
        said[f"flags_{i}"] = [name for name, yes in marks.items() if yes]
    return said


def _taken(read: Callable[[Row, Intake], Iterator[Row | None]], intake: Intake) -> list[Row]:
    """All rankings that `read` finds in the raw rows; what was left out is said."""
    found = [row for rows in intake.each(lambda raw: list(read(raw, intake))) for row in rows if row]
    if intake.left_out:
        reasons = "; ".join(f"{reason}: {number}" for reason, number in intake.left_out.items())
        told = f"{len(found)} rankings taken, left out: {reasons}"
        warnings.warn(f"{intake.where}: {told}" if intake.where else told, stacklevel=3)
    return found


def _the_ranking(questions: dict[str, bool], preferred: str = "ranking") -> str | None:
    """The question that is a ranking: the preferred one, or else the only one."""
    rankings = [name for name, yes in questions.items() if yes]
    if len(rankings) > 1 and preferred not in rankings:
        there = ", ".join(rankings)
        raise RecordError(f"there are several rankings, {there}; call the one to take {preferred!r}")
    return preferred if preferred in rankings else next(iter(rankings), None)


def _ranking(
    texts: dict[str, str], placed: Iterable[tuple[str, Any]], said: Row, known: Row, intake: Intake
) -> Row | None:
    """The ranked answers with their ranks, and with ratings and flags where every one of them has some."""
    placed = [(name, rank) for name, rank in placed if rank is not None]
    ranks, names = dict(placed), [name for name in texts if name in dict(placed)]
    if strange := [name for name in ranks if name not in texts]:
        there = ", ".join(texts) or "not there"
        raise RecordError(f"{shown(strange[0])} was ranked, but the answers are {there}")
    if len(ranks) < len(placed):
        raise RecordError("an answer was ranked twice")
    if len(names) < 2:
        intake.left_out["rankings of fewer than two answers"] += 1
        return None
    places = [i for i, name in enumerate(texts, 1) if name in ranks]
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


def save_as(form: str, rows: Iterable[Row], path: str | Path) -> int:
    """Rankings to a file in one of FORMS. -> how many rows were written"""
    _check_form(form)
    path, rows = Path(path), check_rankings(rows, allow_empty=True)
    table = path.suffix.lower() in (".csv", ".parquet")
    if table and form in ("argilla", "label-studio"):
        raise RecordError(f"{path.name}: {form} reads .json and .jsonl only.")
    if not (table and form == "rankings"):
        rows = FORMS[form](rows)
    write_rows(rows, path)
    return len(rows)


def save_rankings(rows: Iterable[Row], path: str | Path) -> None:
    """Rankings to .jsonl, .json, .csv or .parquet."""
    save_as("rankings", rows, path)


def load_from(form: str, path: str | Path) -> list[Row]:
    """Rankings from a file in one of FORMS; pairs, also of messages, are recognised as "rankings" too."""
    _check_form(form)
    back = {"argilla": from_argilla, "label-studio": from_label_studio}
    if form in back:
        return back[form](read_rows(path), str(path))
    try:
        return load_rankings(path)
    except RecordError:
        first = next(iter(read_rows(path)), {})
        for column, other in (("responses", "argilla"), ("annotations", "label-studio")):
            if column in first:
                raise RecordError(f"{path} looks like {other}'s; read it with --form {other}") from None
        raise


def write_rows(rows: Iterable[Row], path: str | Path) -> None:
    """Rows to .jsonl, .json, .csv or .parquet; the file appears when it is complete."""
    path, rows = Path(path), list(rows)
    kind = path.suffix.lower()
    if kind == ".parquet":
        with atomic_write(path) as file:
            _parquet(rows, file)
        return
    if kind == ".jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif kind == ".json":
        text = json.dumps(rows, ensure_ascii=False, indent=1)
    elif kind == ".csv":
        text = _csv(rows)
    else:
        use = "use .jsonl, .json, .csv or .parquet"
        raise ValueError(f"{path.name}: cannot write '{path.suffix}' files; {use}.")
    with atomic_write(path) as file:
        file.write(text.encode())


def _parquet(rows: list[Row], file: Any) -> None:
    """Rankings with the columns that they are declared to have, other rows with their own."""
    if all("ranks" in row for row in rows):
        to_dataset(rows, allow_empty=True).to_parquet(file)
        return
    from pyarrow import Table, parquet  # comes with datasets

    parquet.write_table(Table.from_pylist(rows), file)


def _csv(rows: list[Row]) -> str:
    """Texts as they are, nothing for None, everything else as JSON."""
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, dict.fromkeys(name for row in rows for name in row))
    table.writeheader()
    for row in rows:
        plain = {name: "" if value is None else value for name, value in row.items()}
        table.writerow({k: v if isinstance(v, str) else json.dumps(v) for k, v in plain.items()})
    return out.getvalue()
