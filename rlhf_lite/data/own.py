"""Files of one's own: rows of any kind, and rankings or preference pairs in the forms that people have."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from .records import TURN, Intake, RecordError, Row, SourceError, finished, shown
from .seeded import name_of

SCHEMA = 1  # of rankings as `labels.exchange.to_exchange` writes them
_TURNS = re.compile(r"(?:\A|\n\n)\s*(Human|User|Assistant):")  # where somebody begins to speak
_MESSAGES = re.compile(r"""\[\s*\{\s*['"](?:role|content)['"]""")  # how a text that holds messages begins


# --- files --------------------------------------------------------------------------------------------------


def read_rows(path: str | Path) -> Iterator[Row]:
    """The rows of a .jsonl, .json, .csv, .txt (each line is a text) or .parquet file, which may be in a .gz.

    CSV may be separated by commas, semicolons or tabs. Its cells stay text: "007" and "NA" too.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind not in READERS:
        raise SourceError(f"{path.name}: cannot read '{path.suffix}' files; use {', '.join(READERS)}.")
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    mode, text = "rt", {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
    if kind == ".parquet":
        mode, text = "rb", {}
    number = 0
    try:
        with opened(path, mode, **text) as file:
            for number, row in enumerate(READERS[kind](file), 1):
                if not isinstance(row, dict):
                    raise ValueError(f"row {number}: a row must be an object with named columns.")
                yield row
    except csv.Error as error:
        raise RecordError(f"{path}, row {number + 1}: {error}; quotes in a text must be doubled.") from None
    except (ValueError, EOFError, RecursionError, gzip.BadGzipFile, zlib.error) as error:
        raise RecordError(f"{path}: {error}") from None


def kind_of(path: Path) -> str:
    """The suffix that says how a file is read, whatever its case and whether or not it is compressed."""
    path = Path(path.name.lower())
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def _json_lines(file: IO[str]) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        if number == 1 and line.startswith("["):  # a list after all
            yield from _json(io.StringIO(line + file.read()))
        elif line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number} is not JSON ({error}).") from None


def _json(file: IO[str]) -> Iterable[Row]:
    text = file.read()
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.startswith("{"):  # lines after all
            return _json_lines(io.StringIO(text))
        raise
    if not isinstance(found, list):
        raise ValueError(
            f"it holds {json.dumps(found)[:40]}, not a list of rows, objects with named columns."
        )
    return found


def _csv(file: IO[str]) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)  # a cell may hold nine long answers
    header = file.readline()
    if "\0" in header:
        raise ValueError("it is UTF-16; save it as UTF-8 (spreadsheets: CSV UTF-8).")
    if header.startswith("sep="):  # Excel's own way to name it, in a line before the header
        header = file.readline()
    delimiter = max(",;\t", key=header.count)
    rows = csv.DictReader(chain([header], file), delimiter=delimiter, strict=True)
    names = [name for name in rows.fieldnames or () if name]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two columns are called '{twice[0]}'; rename one.")
    return rows


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
        raise RecordError(f"schema {shown(row['schema'])} is not known; this version reads {SCHEMA}")
    made = {name: value for name, value in decoded(row).items() if name != "schema"}
    if missing := [name for name in ("prompt", "completions", "ranks") if name not in made]:
        has = f"the row has {', '.join(map(str, row)) or 'nothing'}"
        forms = "rankings have prompt, completions and ranks, pairs have chosen and rejected"
        raise RecordError(f"column '{missing[0]}' is missing; {has}, but {forms}")
    if isinstance(made.get("completions"), list):
        made["completions"] = [c["text"] if isinstance(c, dict) else c for c in made["completions"]]
    return finished(made)


def decoded(row: Row) -> Row:
    """The row with lists and numbers that a CSV file could only hold as text, without empty fields."""
    made = dict(row)
    for name in ("completions", "ranks", "likert", "flags", "seconds", "seed"):
        if isinstance(made.get(name), str):
            made[name] = _json_cell(name, made[name]) if made[name] else None
    return {name: value for name, value in made.items() if value is not None}


def _json_cell(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        fault = f"{name} is {shown(text)}, which is not JSON, as lists in a CSV file must be"
        raise RecordError(fault) from None


def from_pair(row: Row) -> Row:
    """A ranking row with K = 2 of a prompt, a chosen and a rejected answer (`split_pair`). A pair of equal
    texts becomes a tie."""
    if missing := [name for name in ("chosen", "rejected") if row.get(name) is None]:
        has = ", ".join(str(name) for name, value in row.items() if value is not None)
        raise RecordError(f"column '{missing[0]}' is missing; the row has {has or 'nothing'}")
    prompt, *texts = split_pair(row)
    made = {"prompt_id": name_of(prompt, *texts), "prompt": prompt, "labeler": str(row.get("labeler") or "")}
    return finished(made | {"completions": texts, "ranks": [1, 1 if texts[0] == texts[1] else 2]})


def split_pair(row: Row) -> tuple[str, str, str]:
    """Prompt, chosen and rejected answer of a pair of texts or of lists of chat messages.

    Without a prompt, both answers are whole conversations, and the prompt is what comes before the last word
    of the assistant. Messages before an answer may also repeat the prompt. An answer in a conversation in
    which somebody speaks again is a RecordError: what people compared was longer than one answer.
    """
    found = {name: row[name] for name in ("prompt", "chosen", "rejected") if row.get(name)}
    if all(isinstance(value, str) and _MESSAGES.match(value.strip()) for value in found.values()):
        found = {name: _json_cell(name, value) for name, value in found.items()}  # as CSV holds them
    prompt, chosen, rejected = (found.get(name, "") for name in ("prompt", "chosen", "rejected"))
    if isinstance(prompt, list):
        prompt = _asked(prompt, "prompt")
    if isinstance(chosen, list) or isinstance(rejected, list):
        prompt, chosen, rejected = _split_messages(prompt, chosen, rejected)
    elif not prompt:
        prompt, chosen, rejected = split_conversation(chosen, rejected)
    check_turns(prompt, (chosen, rejected))
    return prompt, chosen, rejected


def check_turns(prompt: str, texts: Iterable[str]) -> None:
    """Answers are one turn each: nobody speaks again in a conversation, and no answer is one."""
    allowed = 0 if f"\n\n{prompt}".rstrip().endswith(TURN) else 1  # an answer may well be some scene
    for text in texts:
        turns = list(dict.fromkeys(_TURNS.findall(text) if isinstance(text, str) else ()))
        if len(turns) > allowed:
            raise RecordError(f"'{turns[0]}:' begins another turn inside an answer; cut it there")


def _asked(messages: list, name: str) -> str:
    """Chat messages as "Role: content" turns, up to the assistant's next; a lone one without its role."""
    for turn in messages:
        if not isinstance(turn, dict) or not all(isinstance(turn.get(n), str) for n in ("role", "content")):
            raise RecordError(f"'{name}' holds {shown(turn)}, but messages need a 'role' and a 'content'")
    if len(messages) == 1:
        return messages[0]["content"]
    return "".join(f"{turn['role'].capitalize()}: {turn['content']}\n\n" for turn in messages) + TURN.strip()


def _split_messages(prompt: str, *answers: Any) -> tuple[str, str, str]:
    """The prompt and two answers, which are messages; those before the last must be the prompt."""
    before, last = [], []
    for name, messages in zip(("chosen", "rejected"), answers, strict=True):
        if not isinstance(messages, list):
            raise RecordError(f"'{name}' is {shown(messages)}, but must be a list of messages as the other")
        _asked(messages, name)
        if messages[-1]["role"] != "assistant":
            raise RecordError(f"the last message of '{name}' is not the assistant's")
        before.append(messages[:-1])
        last.append(messages[-1]["content"])
    if before[0] != before[1]:
        raise RecordError("chosen and rejected do not share all messages but the last")
    if not before[0]:
        return prompt, *last
    asked = _asked(before[0], "chosen")
    if prompt and prompt.strip() not in (asked.strip(), before[0][-1]["content"].strip()):
        raise RecordError("the messages before the answer are not the prompt, so which to take is not clear")
    return asked, *last


def split_conversation(chosen: str, rejected: str) -> tuple[str, str, str]:
    """The prompt that two conversations share, and the two last answers."""
    start, found, _ = chosen.rpartition(TURN)
    prompt = start + found
    if not found or not rejected.startswith(prompt):
        shared = f"a conversation up to their last {TURN.strip()!r}"
        raise RecordError(f"there is no prompt column, and chosen and rejected do not share {shared}")
    return prompt, chosen[len(prompt) :].strip(), rejected[len(prompt) :].strip()
