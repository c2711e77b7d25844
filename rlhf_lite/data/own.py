"""Rankings and pairs of one's own: our form, JSON lines, preference pairs, tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .records import RecordError, Row, check_rankings, normalise_ranks
from .sources import read_rows

SCHEMA = 1


def from_exchange(objects: Iterable[Row]) -> list[Row]:
    """The other way; answers may also be plain texts, ranks may be any numbers (lower is better)."""
    rows = []
    for number, thing in enumerate(objects, 1):
        if thing.get("schema", SCHEMA) != SCHEMA:
            raise RecordError(
                f"row {number}: schema {thing['schema']!r} is not known; this version reads {SCHEMA}."
            )
        row = {k: v for k, v in thing.items() if k != "schema"}
        if isinstance(row.get("completions"), list):
            row["completions"] = [c["text"] if isinstance(c, dict) else c for c in row["completions"]]
        rows.append(row)
    return finished(rows)


def load_rankings(path: str | Path, columns: dict[str, str] | None = None) -> list[Row]:
    """Rankings from a .jsonl, .json, .csv or .parquet file of ours or of one's own.

    `columns` maps our names to the file's, e.g. {"prompt": "question", "completions": "answers"}. A file with chosen
    and rejected answers is read as pairs. In CSV, lists are written as JSON.
    """
    rows = read_rows(path)
    renamed = {theirs: ours for ours, theirs in (columns or {}).items()}
    if rows and (missing := [name for name in renamed if name not in rows[0]]):
        raise RecordError(f"{path} has no column '{missing[0]}'; it has {', '.join(rows[0])}.")
    rows = [{renamed.get(name, name): value for name, value in row.items()} for row in rows]
    if rows and {"chosen", "rejected"} <= set(rows[0]):
        return from_pairs(rows)
    return from_exchange(decoded(row, number) for number, row in enumerate(rows, 1))


def decoded(row: Row, number: int = 1) -> Row:
    """Lists and numbers that a CSV file could only hold as text."""
    out = dict(row)
    for name in ("completions", "ranks", "likert", "flags", "seconds", "seed"):
        if isinstance(out.get(name), str):
            try:
                out[name] = json.loads(out[name]) if out[name] else None
            except json.JSONDecodeError:
                raise RecordError(
                    f"row {number}: {name} is {out[name]!r}, which is not a JSON list."
                ) from None
    return {k: v for k, v in out.items() if v is not None}


def from_pairs(rows: Iterable[Row]) -> list[Row]:
    """Preference pairs -> rankings with K = 2. Without a prompt column, the answers are whole HH-RLHF conversations and
    the prompt is everything up to the last "Assistant:". A pair of equal texts becomes a tie."""
    out = []
    for number, row in enumerate(rows, 1):
        if missing := [name for name in ("chosen", "rejected") if row.get(name) is None]:
            raise RecordError(
                f"row {number}: column '{missing[0]}' is missing; the row has {', '.join(row)}."
            )
        prompt, chosen, rejected = _plain(row.get("prompt")), _plain(row["chosen"]), _plain(row["rejected"])
        if not prompt:
            prompt, chosen, rejected = _split_conversation(chosen, rejected, number)
        texts, ranks = [chosen, rejected], [1, 1 if chosen == rejected else 2]
        out.append(
            {
                "prompt_id": f"pair-{number}",
                "prompt": prompt,
                "completions": texts,
                "ranks": ranks,
                "labeler": str(row.get("labeler") or ""),
            }
        )
    return finished(out)


def _plain(text: Any) -> str:
    """A text as it is; a list of chat messages as "Role: content" turns, a lone message without its role."""
    if not isinstance(text, list):
        return text or ""
    if len(text) == 1:
        return text[0]["content"]
    return "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in text)


def _split_conversation(chosen: str, rejected: str, number: int) -> tuple[str, str, str]:
    mark = "\n\nAssistant:"
    prompt, found, _ = chosen.rpartition(mark)
    prompt += found
    if not found or not rejected.startswith(prompt):
        raise RecordError(
            f"row {number}: there is no prompt column, and chosen and rejected do not share a conversation up to their "
            f"last {mark.strip()!r}."
        )
    return prompt, chosen[len(prompt) :].strip(), rejected[len(prompt) :].strip()


def finished(rows: list[Row]) -> list[Row]:
    """Dense ranks, then every check."""
    for row in rows:
        ranks = row.get("ranks")
        if isinstance(ranks, (list, tuple)) and all(isinstance(r, (int, float)) for r in ranks):
            row["ranks"] = normalise_ranks(ranks)
    return check_rankings(rows, allow_empty=True)
