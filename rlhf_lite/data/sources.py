"""Where rows come from: the tiny world, or human rankings from Open Assistant. Each source reports what it left out."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..world import Task, World
from .records import Row, normalise_ranks
from .seeded import chance, rng, shuffled


@dataclass
class Report:
    """What a source kept, and what it dropped or changed, counted by reason, with a few examples of each."""

    kept: int = 0
    counts: Counter = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, reason: str, what: str) -> None:
        self.counts[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < 3:
            shown.append(what[:80])


# --- the tiny world -----------------------------------------------------------------------------------------------


def tiny_world(
    world: Any, sizes: dict[str, dict[str, int]], seed: int = 0, n_labelers: int = 40
) -> list[Row]:
    """The raw prompt log of a `rlhf_lite.world.World`: rows of user_id, source, kind, text, task.

    Long enough to fill sets of these sizes (see `pipeline.table6_sizes`) with different prompts: a customer leaves about
    16 usable ones, and half as many again are drawn because whole users move between the sides of a split.
    """
    need = {who: sum(parts[who] for parts in sizes.values()) for who in ("customer", "labeler")}
    n_customers = max(80, round(1.5 * need["customer"] / 16))
    per_labeler = max(10, round(1.6 * need["labeler"] / n_labelers))
    return [dict(row) for row in world.prompt_log(n_customers, n_labelers, per_labeler, seed)]


def tiny_demonstrations(
    world: World, prompts: Sequence[Row], labelers: Sequence[str] = ("labeler",), seed: int = 0
) -> list[Row]:
    """One demonstration per prompt, each by one labeler, with the flaws people have. Fixed per prompt by the seed."""
    rows = []
    for row in prompts:
        key = (seed, "demonstration", row["prompt_id"])
        text = world.demonstrate(Task.from_json(row["task"]), rng(*key))
        writer = labelers[int(chance(*key, "writer") * len(labelers))]
        rows.append({"prompt_id": row["prompt_id"], "prompt": row["text"], "labeler": writer, "text": text})
    return rows


# --- Open Assistant -----------------------------------------------------------------------------------------------


def open_assistant(
    source: str | Path | Iterable[Row],
    speakers: tuple[str, str] = ("User", "Assistant"),
    max_k: int = 9,
    seed: int = 0,
) -> tuple[list[Row], Report]:
    """Ranked replies of OASST1/OASST2 -> ranking rows: one per prompter message with at least two ranked replies.

    `source` is a file (see `read_rows`) of trees, of nested messages, or of flat messages linked by `parent_id` (the
    hub's tables), or such rows themselves. The prompt is the conversation so far, one "Speaker: text" per turn, and
    ends with the assistant's name. `user_id` is the tree: two prompts of one tree share text, so a split must keep
    them together. The files list the best reply first; here the order is drawn by seed, so that place tells nothing.
    """
    messages, report = flat_messages(source), Report()
    replies: dict[str, list[Row]] = {}
    for message in messages.values():
        replies.setdefault(message.get("parent_id") or "", []).append(message)
    rows = []
    for message in messages.values():
        if message["role"] != "prompter":
            continue
        turns, fault = _conversation(message, messages)
        if fault:
            report.note(f"prompt: {fault}", message["text"])
            continue
        ranked = _ranked_replies(message, replies.get(message["message_id"], []), max_k, report)
        if ranked:
            ranked = shuffled(ranked, seed, by=lambda m: m["message_id"])
            rows.append(_oasst_row(message, _as_prompt(turns, speakers), ranked, seed))
    report.kept = len(rows)
    return rows, report


def flat_messages(source: str | Path | Iterable[Row]) -> dict[str, Row]:
    """All messages by id, whatever shape they came in, each with its parent and tree."""
    messages: dict[str, Row] = {}
    for number, row in enumerate(read_rows(source) if isinstance(source, (str, Path)) else source, 1):
        tree = row.get("message_tree_id")
        root = row.get("prompt") if isinstance(row.get("prompt"), dict) else row
        stack = [(root, root.get("parent_id"), tree or root.get("message_id"))]
        while stack:
            node, parent, tree = stack.pop()
            missing = [name for name in ("message_id", "text", "role") if not isinstance(node.get(name), str)]
            if missing:
                raise ValueError(
                    f"row {number}: a message has no '{missing[0]}'; this is not Open-Assistant data. "
                    f"It has {', '.join(map(str, node))}."
                )
            messages[node["message_id"]] = {k: v for k, v in node.items() if k != "replies"} | {
                "parent_id": parent,
                "message_tree_id": tree,
            }
            stack += [(reply, node["message_id"], tree) for reply in reversed(node.get("replies") or [])]
    return messages


def _conversation(message: Row, messages: dict[str, Row]) -> tuple[list[Row], str]:
    """The turns from the first message to this one, and why they cannot be used (or "")."""
    turns = [message]
    while turns[0]["parent_id"]:
        if turns[0]["parent_id"] not in messages:
            return turns, "an earlier message is missing"
        turns.insert(0, messages[turns[0]["parent_id"]])
    if any(turn.get("deleted") for turn in turns):
        return turns, "deleted"
    return turns, "" if all(turn["text"].strip() for turn in turns) else "empty"


def _as_prompt(turns: Sequence[Row], speakers: tuple[str, str]) -> str:
    user, assistant = speakers
    said = [f"{user if turn['role'] == 'prompter' else assistant}: {turn['text'].strip()}" for turn in turns]
    return "\n\n".join([*said, f"{assistant}:"])


def _ranked_replies(message: Row, replies: Sequence[Row], max_k: int, report: Report) -> list[Row]:
    """The replies that can be compared, best first, or [] (reported)."""
    usable = []
    for reply in replies:
        fault = (
            "deleted"
            if reply.get("deleted")
            else "empty"
            if not reply["text"].strip()
            else "unranked"
            if reply.get("rank") is None
            else ""
        )
        if fault:
            report.note(f"reply: {fault}", reply["text"])
        else:
            usable.append(reply)
    if len(usable) < 2:
        report.note(
            "prompt: no reply" if not replies else f"prompt: {len(usable)} ranked reply", message["text"]
        )
        return []
    usable.sort(key=lambda reply: reply["rank"])
    for reply in usable[max_k:]:
        report.note(f"reply: beyond the best {max_k}", reply["text"])
    return usable[:max_k]


def _oasst_row(message: Row, prompt: str, ranked: Sequence[Row], seed: int) -> Row:
    return {
        "prompt_id": message["message_id"],
        "user_id": message["message_tree_id"],
        "prompt": prompt,
        "task": "",
        "labeler": "open-assistant",  # ranks are already merged over several people
        "completions": [reply["text"].strip() for reply in ranked],
        "ranks": normalise_ranks([reply["rank"] for reply in ranked]),
        "likert": [],
        "flags": [],
        "seconds": None,
        "seed": seed,
    }


# --- files of one's own -------------------------------------------------------------------------------------------


def read_rows(path: str | Path) -> list[Row]:
    """The rows of a .jsonl (or .jsonl.gz), .json, .csv or .parquet file. CSV cells stay text: "007" and "NA" too."""
    path = Path(path)
    kind = Path(path.stem).suffix + ".gz" if path.suffix == ".gz" else path.suffix
    if kind == ".parquet":
        from pyarrow import parquet  # comes with datasets, whose own reader shows progress and fills a cache

        return parquet.read_table(path).to_pylist()
    readers = {".jsonl": _json_lines, ".jsonl.gz": _json_lines, ".json": json.load, ".csv": csv.DictReader}
    if kind not in readers:
        raise ValueError(f"{path.name}: cannot read '{kind}' files; use {', '.join(readers)} or .parquet.")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as file:
        csv.field_size_limit(2**31 - 1)  # a cell may hold nine long answers
        try:
            rows = list(readers[kind](file))
        except (ValueError, csv.Error) as error:
            raise ValueError(f"{path}: {error}") from None
    if odd := [i for i, row in enumerate(rows, 1) if not isinstance(row, dict)]:
        raise ValueError(f"{path}, row {odd[0]}: a row must be an object with named columns.")
    return rows


def _json_lines(file: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number} is not JSON ({error}).") from None


# --- making rows fit a model --------------------------------------------------------------------------------------


def cut_to_fit(
    rows: Iterable[Row], tokenizer: Any, max_tokens: int, max_response: int | None = None
) -> tuple[list[Row], Report]:
    """Shortens rankings so that prompt + separator + completion + end token is at most `max_tokens` long.

    A completion keeps its beginning, at most `max_response` tokens (default half the limit). A prompt keeps its end,
    where the question is, and gets the room that is left. Of completions that became equal by the cut the best ranked
    stays; rows left with one completion are dropped.
    """
    max_response = max_tokens // 2 if max_response is None else max_response
    if not 0 < max_response <= max_tokens - 3:
        raise ValueError(
            f"max_response {max_response} leaves no room for a prompt within max_tokens {max_tokens}."
        )
    report, out = Report(), []
    for row in rows:
        texts, longest = [], 0
        for text in row["completions"]:
            short, length = _cut(text, tokenizer, max_response, keep="start")
            texts.append(short)
            longest = max(longest, length)
            if short != text:
                report.note(f"completion cut to its first {max_response} tokens", text)
        prompt, _ = _cut(row["prompt"], tokenizer, max_tokens - 2 - longest, keep="end")
        if prompt != row["prompt"]:
            report.note(
                f"prompt cut to its last tokens (limit {max_tokens} with its completion)", row["prompt"]
            )
        best = first_of_equals(texts, row["ranks"])
        if len(best) < len(texts):
            report.note("completions equal after the cut", row["prompt"])
        if len(best) < 2:
            report.note("row dropped: one completion left", row["prompt"])
            continue
        out.append(_only(row, best) | {"prompt": prompt, "completions": [texts[i] for i in best]})
    report.kept = len(out)
    return out, report


def _cut(text: str, tokenizer: Any, limit: int, keep: str) -> tuple[str, int]:
    """The text's first or last `limit` tokens, cut in the text so that no character breaks, and how many they are."""
    while True:
        spans = tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            split_special_tokens=True,
            verbose=False,
        )["offset_mapping"]
        if len(spans) <= limit:
            return text, len(spans)
        shorter = text[: spans[limit - 1][1]] if keep == "start" else text[spans[-limit][0] :]
        # A character of several tokens can straddle the cut; then give up one character more.
        text = shorter if len(shorter) < len(text) else text[:-1] if keep == "start" else text[1:]


def first_of_equals(texts: Sequence[str], ranks: Sequence[int]) -> list[int]:
    """Places of the distinct texts that are not empty, of equals the one ranked best."""
    best: dict[str, int] = {}
    for i, text in enumerate(texts):
        if text.strip() and (text not in best or ranks[i] < ranks[best[text]]):
            best[text] = i
    return sorted(best.values())


def _only(row: Row, places: Sequence[int]) -> Row:
    """The row with only these completions."""
    picked = {name: [row[name][i] for i in places] for name in ("likert", "flags") if row.get(name)}
    return row | picked | {"ranks": normalise_ranks([row["ranks"][i] for i in places])}
