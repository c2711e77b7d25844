"""The three kinds of rows, as plain dicts that anyone can make by hand (§3.2, §3.4, Table 6).

    prompts          prompt_id, user_id, source (customer or labeler), kind, use_case, text, task, annotations
    demonstrations   prompt_id, prompt, labeler, text
    rankings         RANKING_COLUMNS

`check_prompts` and `check_rankings` refuse bad rows before any work starts. `Intake` turns rows from
elsewhere into ours. Both name the row.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from .seeded import name_of, shuffled

Row = dict[str, Any]
T = TypeVar("T")
TURN = "\n\nAssistant:"  # what comes before an answer in a conversation
MAX_K = 9  # as many completions as a labeler of the paper ranks at most (§3.5)

RANKING_COLUMNS = {
    "prompt_id": "", "user_id": "", "prompt": "", "task": "", "labeler": "", "completions": [], "ranks": [],
    "likert": [], "flags": [], "seconds": None, "seed": None,
}  # fmt: skip
# Table 3: the eleven yes/no questions asked about every answer (the twelfth field is the Likert score).
FLAGS = {
    "fails_task": "Fails to follow the correct instruction / task",
    "inappropriate": "Inappropriate for customer assistant",
    "hallucination": "Hallucination",
    "satisfies_constraint": "Satisfies constraint provided in the instruction",
    "sexual": "Contains sexual content",
    "violent": "Contains violent content",
    "encourages_harm": "Encourages or fails to discourage violence/abuse/terrorism/self-harm",
    "denigrates": "Denigrates a protected class",
    "harmful_advice": "Gives harmful advice",
    "opinion": "Expresses opinion",
    "moral_judgment": "Expresses moral judgment",
}


class RecordError(ValueError):
    """Rows that cannot be used; the message names row numbers and says what to do.

    It may repeat what a file holds, however long, so it is cut in the middle.
    """

    def __init__(self, message: str = ""):
        super().__init__(message if len(message) <= 500 else f"{message[:300]} ... {message[-150:]}")


class SourceError(ValueError):
    """A set that cannot be had: there is no such name, split or file, or no way to the hub."""


# --- ranks --------------------------------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    """A finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def shown(value: Any) -> str:
    """A value in an error message: cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def normalise_ranks(ranks: Sequence[float]) -> list[int]:
    """Dense ranks from 1 = best, ties equal: [3, 0, 3] -> [2, 1, 2]."""
    place = {rank: i + 1 for i, rank in enumerate(sorted(set(ranks)))}
    return [place[rank] for rank in ranks]


def untied_pairs(ranks: Sequence[int]) -> list[tuple[int, int]]:
    """All (better, worse) index pairs of one ranking; ties are dropped (App. C.2)."""
    return [(i, j) for i, a in enumerate(ranks) for j, b in enumerate(ranks) if a < b]


# --- checks -------------------------------------------------------------------------------------------------


def check_prompts(rows: Iterable[Row]) -> list[Row]:
    """The prompt rows as a list, or a RecordError that names the first bad one (rows count from 1)."""
    return list(Intake("", rows).each(check_prompt))


def check_rankings(rows: Iterable[Row], allow_empty: bool = False) -> list[Row]:
    """The ranking rows as a list, or a RecordError that names the first bad one (rows count from 1).

    An empty completion is a slip in data from elsewhere; a model can mean it (`allow_empty`).
    """
    return list(Intake("", rows).each(lambda row: check_ranking(row, allow_empty)))


def check_prompt(row: Row) -> Row:
    """The prompt row, or a RecordError that says what is wrong with it."""
    _check_columns(row, ("user_id", "text"), "text")
    if row.get("source", "customer") not in ("customer", "labeler"):
        raise RecordError(f"source is {shown(row['source'])}, but must be 'customer' or 'labeler'")
    return row


def check_ranking(row: Row, allow_empty: bool = False) -> Row:
    """The ranking row, or a RecordError that says what is wrong with it."""
    _check_columns(row, ("prompt", "completions", "ranks"), "prompt")
    completions, ranks, likert = row["completions"], row["ranks"], row.get("likert") or []
    if not isinstance(completions, (list, tuple)) or not isinstance(ranks, (list, tuple)):
        raise RecordError("'completions' and 'ranks' must be lists, one entry per answer")
    k = len(completions)
    if not 2 <= k <= MAX_K:
        raise RecordError(f"{k} completions, but K must be 2 to {MAX_K}; drop or split the row")
    for i, text in enumerate(completions, 1):
        if not isinstance(text, str) or not (text.strip() or allow_empty):
            raise RecordError(f"completion {i} is {shown(text)}; drop empty answers first")
    for name in ("ranks", "likert", "flags"):
        if (name == "ranks" or row.get(name)) and len(row[name]) != k:
            raise RecordError(f"{len(row[name])} {name} for {k} completions; give one each")
    scales = {
        "rank": (ranks, k, "1 = best, ties equal; `normalise_ranks` makes such ranks of any numbers"),
        "likert": (likert, 7, "1 = worst, 7 = best"),
    }
    for name, (values, top, meaning) in scales.items():
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= top:
                raise RecordError(f"{name} {shown(value)} is not a whole number from 1 to {top} ({meaning})")
    return row


def finished(row: Row) -> Row:
    """The row with dense ranks, checked."""
    ranks = row.get("ranks")
    if isinstance(ranks, (list, tuple)) and all(is_number(rank) and rank >= 0 for rank in ranks):
        row["ranks"] = normalise_ranks(ranks)
    return check_ranking(row, allow_empty=True)


def _check_columns(row: Row, needed: Sequence[str], text: str) -> None:
    """All columns that are needed are there, and the text is one."""
    if not isinstance(row, dict):
        raise RecordError(f"a row must be a dict, but this is {type(row).__name__}")
    for name in needed:
        if name not in row:
            has = ", ".join(map(str, row)) or "nothing"
            raise RecordError(f"column '{name}' is missing; the row has {has}")
    if not isinstance(row[text], str) or not row[text].strip():
        raise RecordError(f"'{text}' must be a text that is not empty, but it is {shown(row[text])}")


def _check_cells(row: Row) -> None:
    """Every cell has a name, and every text is one: what files can hold and no reader expects."""
    if isinstance(row, dict) and None in row:
        cells, names = len(row) - 1 + len(row[None]), len(row) - 1
        advice = "texts that hold a separator must be in quotes"
        raise RecordError(f"it has {cells} cells, but the header {names} names; {advice}")
    try:
        json.dumps(row, ensure_ascii=False, default=str, skipkeys=True).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        fault = f"{half!r}, which is half a character; write U+FFFD for it"
        if "\udc80" <= half <= "\udcff":  # so Python calls a byte that it cannot read
            byte, advice = ord(half) - 0xDC00, "save the file as UTF-8 (spreadsheets: CSV UTF-8)"
            fault = f"byte 0x{byte:02x}, which is not UTF-8; {advice}"
        raise RecordError(f"a text holds {fault}") from None


# --- rows from elsewhere ------------------------------------------------------------------------------------


@dataclass
class Intake:
    """Raw rows on their way in: a faulty one stops the reading, with its number, or is left out (`drop`)."""

    where: str  # the set or file, as error messages call it
    raw: Iterable[Row]
    columns: Sequence[str] = ()  # what every row must have, even with `drop`
    judge: str = "people"  # who ranked, where a row does not say
    seed: int = 0
    drop: bool = False
    lang: str = "en"  # of the messages that are read, where they say their language; "" for all
    advice: str = ""  # after a message about a faulty row
    left_out: Counter = field(default_factory=Counter)  # by reason

    def each(self, convert: Callable[[Row], T | None]) -> Iterator[T]:
        """What `convert` makes of each raw row; None is left out."""
        for number, row in enumerate(self.raw, 1):
            place = f"{self.where}, row {number}" if self.where else f"row {number}"
            if missing := [name for name in self.columns if name not in row]:
                has, needs = ", ".join(map(str, row)) or "none", ", ".join(self.columns)
                lack = f"column '{missing[0]}' is missing"
                raise RecordError(f"{place}: {lack}; it has {has}, but needs {needs}.")
            try:
                _check_cells(row)
                made = convert(row)
            except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
                if not self.drop:
                    known = isinstance(error, ValueError)
                    fault = error if known else f"a field has another form than expected ({error!r})"
                    raise RecordError(f"{place}: {fault}{self.advice}.") from None
                self.left_out["row: faulty"] += 1
                continue
            if made is not None:
                yield made

    def ranking(
        self, prompt: str, texts: Sequence[str], ranks: Sequence[float], labeler: str = "", owner: str = ""
    ) -> Row | None:
        """A ranking row of texts with ranks (lower is better), or None (counted) if fewer than two differ.

        The order of completions is drawn by seed, so that place tells nothing. Without an owner, the
        conversation's first turn is it: a split must keep together prompts that share their text.
        """
        best, empty = first_of_equals(texts, ranks), texts.count("")
        counted = {
            "reply: empty": empty,
            "reply: same text as another": len(texts) - empty - len(best),
            f"reply: beyond the best {MAX_K}": len(best) - MAX_K,
            "prompt: fewer than two different replies": len(best) < 2,
        }
        self.left_out += Counter(counted)  # counts that are not above 0 do not remain
        if len(best) < 2:
            return None
        best = sorted(best, key=lambda i: ranks[i])
        best = shuffled(best[:MAX_K], self.seed, prompt, by=lambda i: texts[i])
        name = name_of(prompt, *sorted(texts))  # the same for everyone who judged the same texts
        known = {"prompt_id": name, "user_id": owner or first_turn(prompt), "labeler": labeler or self.judge}
        return self.row(prompt, [texts[i] for i in best], [ranks[i] for i in best], known)

    def row(self, prompt: str, texts: list[str], ranks: Sequence[float], known: Row) -> Row:
        """A ranking row with what is known of it, and defaults for the rest."""
        ranked = {"prompt": prompt, "completions": texts, "ranks": normalise_ranks(ranks), "seed": self.seed}
        return {**RANKING_COLUMNS, "likert": [], "flags": [], **known, **ranked}


def owner_of(row: Row) -> str:
    """The user that a raw row names, or "": a user may be called 0."""
    user = row.get("user_id")
    return "" if user is None or user != user else str(user)


def first_turn(prompt: str) -> str:
    """A name for the conversation that a prompt belongs to: everything before the assistant's first word. A
    prompt of one message begins without its speaker, those that go on with it."""
    return name_of("conversation", prompt.partition(TURN)[0].strip().removeprefix("User: "))


def first_of_equals(texts: Sequence[str], ranks: Sequence[int]) -> list[int]:
    """Places of the distinct texts that are not empty, of equals the one ranked best."""
    best: dict[str, int] = {}
    for i, text in enumerate(texts):
        if text.strip() and (text not in best or ranks[i] < ranks[best[text]]):
            best[text] = i
    return sorted(best.values())


# --- rankings on disk ---------------------------------------------------------------------------------------


def to_dataset(rows: Iterable[Row], **checks: Any):
    """Checked rankings as a `datasets.Dataset` of RANKING_COLUMNS; `checks` go to `check_rankings`."""
    from datasets import Dataset, Features, List, Value

    rows = check_rankings(rows, **checks)
    columns = {name: [row.get(name, default) for row in rows] for name, default in RANKING_COLUMNS.items()}
    columns["prompt_id"] = [row.get("prompt_id") or f"row-{number}" for number, row in enumerate(rows, 1)]
    columns["flags"] = [_flags(row, number) for number, row in enumerate(rows, 1)]
    types = {name: Value("string") for name in RANKING_COLUMNS}
    types |= {"completions": List(Value("string")), "seconds": Value("float64"), "seed": Value("int64")}
    types |= {name: List(Value("int32")) for name in ("ranks", "likert")}
    types["flags"] = List({name: Value("bool") for name in FLAGS})
    return Dataset.from_dict(columns, features=Features(types))


def _flags(row: Row, number: int) -> list[dict]:
    """Of each answer every question answered, or None."""
    answers = row.get("flags") or []
    if strange := [name for marks in answers for name in marks if name not in FLAGS]:
        raise RecordError(f"row {number}: unknown mark '{strange[0]}'; known are {', '.join(FLAGS)}.")
    return [{name: marks.get(name) for name in FLAGS} for marks in answers]


def write_rankings(folder: Path, rankings: dict[str, list[Row]]) -> None:
    """One Parquet file per set, with the declared columns."""
    from pyarrow import parquet  # comes with datasets

    for name, rows in rankings.items():
        parquet.write_table(to_dataset(rows).data.table, folder / f"{name}.parquet", compression="zstd")


def read_rankings(
    folder: Path, columns: Sequence[str] = (), sets: Sequence[str] = ()
) -> dict[str, list[Row]]:
    """The sets of a rankings stage, or some of them and some columns: flags and tasks take most memory."""
    from pyarrow import parquet  # comes with datasets

    files = [path for path in sorted(folder.glob("*.parquet")) if path.stem in sets or not sets]
    return {path.stem: parquet.read_table(path, columns=list(columns) or None).to_pylist() for path in files}
