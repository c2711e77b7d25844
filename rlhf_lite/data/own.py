"""Files of one's own: rows of any kind, and rankings or preference pairs in the forms that people have."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from .records import TURN, Intake, RecordError, Row, SourceError, check_ranking, is_number, normalise_ranks
from .seeded import name_of

SCHEMA = 1  # of rankings as `labels.exchange.to_exchange` writes them


# --- files --------------------------------------------------------------------------------------------------


def read_rows(path: str | Path) -> Iterator[Row]:
    """The rows of a .jsonl, .json, .csv, .txt (each line is a text) or .parquet file, which may be in a .gz.

    CSV may be separated by commas or semicolons. Its cells stay text: "007" and "NA" too.
    """
    path = Path(path)
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind not in READERS:
        raise SourceError(f"{path.name}: cannot read '{path.suffix}' files; use {', '.join(READERS)}.")
    opened = gzip.open if path.suffix == ".gz" else open
    mode, text = "rt", {"encoding": "utf-8-sig", "newline": ""}
    if kind == ".parquet":
        mode, text = "rb", {}
    try:
        with opened(path, mode, **text) as file:
            for number, row in enumerate(READERS[kind](file), 1):
                if not isinstance(row, dict):
                    raise ValueError(f"row {number}: a row must be an object with named columns.")
                yield row
    except (ValueError, EOFError, RecursionError, csv.Error, gzip.BadGzipFile, zlib.error) as error:
        raise RecordError(f"{path}: {error}") from None


def _json_lines(file: IO[str]) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number} is not JSON ({error}).") from None


def _json(file: IO[str]) -> list:
    found = json.load(file)
    if not isinstance(found, list):
        raise ValueError(
            f"it holds {json.dumps(found)[:40]}, not a list of rows, objects with named columns."
        )
    return found


def _csv(file: IO[str]) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)  # a cell may hold nine long answers
    header = file.readline()
    delimiter = ";" if header.count(";") > header.count(",") else ","
    return csv.DictReader(chain([header], file), delimiter=delimiter)


def _lines(file: IO[str]) -> Iterator[Row]:
    return ({"text": line.rstrip("\r\n")} for line in file)


def _parquet(file: IO[bytes]) -> Iterator[Row]:
    from pyarrow import parquet  # comes with datasets, whose own reader shows progress and fills a cache

    for batch in parquet.ParquetFile(file).iter_batches():
        yield from batch.to_pylist()


READERS = {".jsonl": _json_lines, ".json": _json, ".csv": _csv, ".txt": _lines, ".parquet": _parquet}


# --- rankings and pairs -------------------------------------------------------------------------------------


def load_rankings(path: str | Path) -> list[Row]:
    """Rankings from a .jsonl, .json, .csv or .parquet file of ours or of one's own (`own_rankings`)."""
    return own_rankings(read_rows(path), str(path))


def own_rankings(rows: Iterable[Row], where: str = "") -> list[Row]:
    """Ranking rows of rankings, or of pairs: rows with a chosen and a rejected answer."""
    rows = list(rows)
    pairs = bool(rows) and "chosen" in rows[0]
    return list(Intake(where, rows).each(from_pair if pairs else from_ranking))


def from_ranking(row: Row) -> Row:
    """A ranking row of a prompt, completions (texts, or objects with one) and ranks (lower is better)."""
    if row.get("schema", SCHEMA) != SCHEMA:
        raise RecordError(f"schema {row['schema']!r} is not known; this version reads {SCHEMA}")
    made = {name: value for name, value in decoded(row).items() if name != "schema"}
    if isinstance(made.get("completions"), list):
        made["completions"] = [c["text"] if isinstance(c, dict) else c for c in made["completions"]]
    return finished(made)


def decoded(row: Row) -> Row:
    """The row with lists and numbers that a CSV file could only hold as text, without empty fields."""
    made = dict(row)
    for name in ("completions", "ranks", "likert", "flags", "seconds", "seed"):
        if isinstance(made.get(name), str):
            try:
                made[name] = json.loads(made[name]) if made[name] else None
            except json.JSONDecodeError:
                raise RecordError(f"{name} is {made[name]!r}, which is not a JSON list") from None
    return {name: value for name, value in made.items() if value is not None}


def from_pair(row: Row) -> Row:
    """A ranking row with K = 2 of a prompt, a chosen and a rejected answer, as texts or as lists of chat
    messages.

    Without a prompt, the answers are whole conversations of HH-RLHF, and the prompt is all up to the last
    "Assistant:". A pair of equal texts becomes a tie.
    """
    if missing := [name for name in ("chosen", "rejected") if row.get(name) is None]:
        has = ", ".join(map(str, row))
        raise RecordError(f"column '{missing[0]}' is missing; the row has {has}")
    prompt, chosen, rejected = (_plain(row.get(name)) for name in ("prompt", "chosen", "rejected"))
    if not prompt:
        prompt, chosen, rejected = split_conversation(chosen, rejected)
    texts = [chosen, rejected]
    made = {"prompt_id": name_of(prompt, *texts), "prompt": prompt, "labeler": str(row.get("labeler") or "")}
    return finished(made | {"completions": texts, "ranks": [1, 1 if chosen == rejected else 2]})


def _plain(text: Any) -> str:
    """A text as it is; a list of chat messages as "Role: content" turns, a lone message without its role."""
    if not isinstance(text, list):
        return text or ""
    if len(text) == 1:
        return text[0]["content"]
    return "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in text)


def split_conversation(chosen: str, rejected: str) -> tuple[str, str, str]:
    """The prompt that two conversations share, and the two last answers."""
    start, found, _ = chosen.rpartition(TURN)
    prompt = start + found
    if not found or not rejected.startswith(prompt):
        shared = f"a conversation up to their last {TURN.strip()!r}"
        raise RecordError(f"there is no prompt column, and chosen and rejected do not share {shared}")
    return prompt, chosen[len(prompt) :].strip(), rejected[len(prompt) :].strip()


def finished(row: Row) -> Row:
    """The row with dense ranks, checked."""
    ranks = row.get("ranks")
    if isinstance(ranks, (list, tuple)) and all(map(is_number, ranks)):
        row["ranks"] = normalise_ranks(ranks)
    return check_ranking(row, allow_empty=True)
