"""The three kinds of rows, as plain dicts that anyone can make by hand (§3.2, §3.4, Table 6).

    prompts          prompt_id, user_id, source (customer or labeler), kind, use_case, text, task, annotations
    demonstrations   prompt_id, prompt, labeler, text
    rankings         RANKING_COLUMNS

`check_prompts` and `check_rankings` refuse bad rows before any work starts. `Intake` turns rows from
elsewhere into ours. Both name the row.
"""

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
    """Rows that cannot be used; the message names row numbers and says what to do."""


class SourceError(ValueError):
    """A set that cannot be had: there is no such name, split or file, or no way to the hub."""


@dataclass
class Report:
    """What was kept, and what was dropped or changed, counted by reason, with a few examples of each."""

    kept: int = 0
    counts: Counter = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, reason: str, what: str) -> None:
        self.counts[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < 3:
            shown.append(what[:80])


# --- ranks --------------------------------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    """A finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def normalise_ranks(ranks: Sequence[float]) -> list[int]:
    """Dense ranks from 1 = best, ties equal: [3, 0, 3] -> [2, 1, 2]."""
    place = {rank: i + 1 for i, rank in enumerate(sorted(set(ranks)))}
    return [place[rank] for rank in ranks]


def untied_pairs(ranks: Sequence[int]) -> list[tuple[int, int]]:
    """All (better, worse) index pairs of one ranking; ties are dropped (App. C.2)."""
    return [(i, j) for i, a in enumerate(ranks) for j, b in enumerate(ranks) if a < b]


# --- checks -------------------------------------------------------------------------------------------------


def check_prompts(rows: Iterable[Row]) -> list[Row]:
    """The prompt rows as a list, or a RecordError that names the bad ones (rows count from 1)."""
    return _checked(rows, "prompts", prompt_faults)


def check_rankings(
    rows: Iterable[Row], min_k: int = 2, max_k: int = MAX_K, allow_empty: bool = False
) -> list[Row]:
    """The ranking rows as a list, or a RecordError that names the bad ones. Labelers of the paper rank K = 4
    ... 9.

    An empty completion is a slip in data from elsewhere; a model can mean it (`allow_empty`).
    """
    return _checked(rows, "rankings", lambda row: ranking_faults(row, min_k, max_k, allow_empty))


def _checked(rows: Iterable[Row], kind: str, faults: Callable[[Row], list[str]]) -> list[Row]:
    rows = list(rows)
    bad = [f"row {number}: {fault}" for number, row in enumerate(rows, 1) for fault in faults(row)]
    if bad:
        more = f"\n  ... and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise RecordError(f"These {kind} cannot be used:\n  " + "\n  ".join(bad[:5]) + more)
    return rows


def _column_faults(row: Row, needed: Sequence[str], text: str) -> list[str]:
    """What is missing of the columns that are needed, and whether the text is one."""
    if not isinstance(row, dict):
        return [f"a row must be a dict, but this is {type(row).__name__}"]
    has = ", ".join(map(str, row)) or "nothing"
    if missing := [name for name in needed if name not in row]:
        return [f"column '{name}' is missing; the row has {has}" for name in missing]
    if not isinstance(row[text], str) or not row[text].strip():
        return [f"'{text}' must be a text that is not empty, but it is {row[text]!r}"]
    return []


def prompt_faults(row: Row) -> list[str]:
    """What is wrong with one prompt row."""
    faults = _column_faults(row, ("user_id", "text"), "text")
    if not faults and row.get("source", "customer") not in ("customer", "labeler"):
        faults.append(f"source is {row['source']!r}, but must be 'customer' or 'labeler'")
    return faults


def ranking_faults(row: Row, min_k: int = 2, max_k: int = MAX_K, allow_empty: bool = False) -> list[str]:
    """What is wrong with one ranking row."""
    if faults := _column_faults(row, ("prompt", "completions", "ranks"), "prompt"):
        return faults
    completions, ranks = row["completions"], row["ranks"]
    if not isinstance(completions, (list, tuple)) or not isinstance(ranks, (list, tuple)):
        return ["'completions' and 'ranks' must be lists, one entry per answer"]
    k, faults = len(completions), []
    if not min_k <= k <= max_k:
        faults.append(f"{k} completions, but K must be {min_k} to {max_k}; drop or split the row")
    for i, text in enumerate(completions, 1):
        if not isinstance(text, str) or not (text.strip() or allow_empty):
            faults.append(f"completion {i} is {text!r}; drop empty answers first")
    for name in ("ranks", "likert", "flags"):
        if (name == "ranks" or row.get(name)) and len(row[name]) != k:
            faults.append(f"{len(row[name])} {name} for {k} completions; give one each")
    hint = "1 = best, ties equal; `normalise_ranks` makes such ranks of any numbers"
    faults += _range_faults("rank", ranks, k, hint)
    return faults + _range_faults("likert", row.get("likert") or [], 7, "1 = worst, 7 = best")


def check_ranking(row: Row, allow_empty: bool = False) -> Row:
    """The ranking row, or its first fault as a RecordError."""
    if faults := ranking_faults(row, allow_empty=allow_empty):
        raise RecordError(faults[0])
    return row


def _range_faults(what: str, numbers: Sequence, top: int, hint: str) -> list[str]:
    bad = [x for x in numbers if isinstance(x, bool) or not isinstance(x, int) or not 1 <= x <= top]
    return [f"{what} {bad[0]!r} is not a whole number from 1 to {top} ({hint})"] if bad else []


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
    advice: str = ""  # after a message about a faulty row
    report: Report = field(default_factory=Report)

    def each(self, convert: Callable[[Row], T | None]) -> Iterator[T]:
        """What `convert` makes of each raw row; None is left out."""
        for number, row in enumerate(self.raw, 1):
            place = f"{self.where}, row {number}" if self.where else f"row {number}"
            if missing := [name for name in self.columns if name not in row]:
                raise RecordError(
                    f"{place}: column '{missing[0]}' is missing; it has "
                    f"{', '.join(map(str, row)) or 'none'}, but needs {', '.join(self.columns)}."
                )
            try:
                made = convert(row)
            except (ValueError, TypeError, AttributeError, LookupError) as error:
                fault = str(error)
                if not isinstance(error, ValueError):
                    fault = f"a field has another form than expected ({error!r})"
                if not self.drop:
                    raise RecordError(f"{place}: {fault}{self.advice}.") from None
                self.report.note("row: faulty", f"row {number}: {fault}")
                continue
            if made is not None:
                yield made

    def ranking(
        self,
        prompt: str,
        texts: Sequence[str],
        ranks: Sequence[float],
        labeler: str | None = None,
        owner: str | None = None,
    ) -> Row | None:
        """A ranking row of texts with ranks (lower is better), or None (reported) if fewer than two differ.

        The order of completions is drawn by seed, so that place tells nothing. Without an owner, the
        conversation's first turn is it: prompts that share it share their text, so a split must keep them
        together.
        """
        best, empty = first_of_equals(texts, ranks), texts.count("")
        for _ in range(empty):
            self.report.note("reply: empty", prompt)
        if len(best) + empty < len(texts):
            self.report.note("reply: same text as another", prompt)
        best = sorted(best, key=lambda i: ranks[i])
        for i in best[MAX_K:]:
            self.report.note(f"reply: beyond the best {MAX_K}", texts[i])
        if len(best) < 2:
            self.report.note("prompt: fewer than two different replies", prompt)
            return None
        best = shuffled(best[:MAX_K], self.seed, prompt, by=lambda i: texts[i])
        name = name_of(prompt, *sorted(texts))  # the same for everyone who judged the same texts
        known = {"prompt_id": name, "user_id": owner or first_turn(prompt), "labeler": labeler or self.judge}
        return self.row(prompt, [texts[i] for i in best], [ranks[i] for i in best], known)

    def row(self, prompt: str, texts: list[str], ranks: Sequence[float], known: Row) -> Row:
        """A ranking row with what is known of it, and defaults for the rest."""
        ranked = {"prompt": prompt, "completions": texts, "ranks": normalise_ranks(ranks), "seed": self.seed}
        return {**RANKING_COLUMNS, "likert": [], "flags": [], **known, **ranked}


def first_turn(prompt: str) -> str:
    """A name for the conversation that a prompt belongs to: everything before the assistant's first word."""
    return name_of("conversation", prompt.partition(TURN)[0].strip())


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
    columns["flags"] = [
        [_flags(marks, number) for marks in row.get("flags") or []] for number, row in enumerate(rows, 1)
    ]
    types = {name: Value("string") for name in RANKING_COLUMNS} | {
        "completions": List(Value("string")),
        "ranks": List(Value("int32")),
        "likert": List(Value("int32")),
        "flags": List({name: Value("bool") for name in FLAGS}),
        "seconds": Value("float64"),
        "seed": Value("int64"),
    }
    return Dataset.from_dict(columns, features=Features(types))


def _flags(marks: dict, number: int) -> dict:
    """Every question answered, or None."""
    if strange := [name for name in marks if name not in FLAGS]:
        raise RecordError(f"row {number}: unknown mark '{strange[0]}'; known are {', '.join(FLAGS)}.")
    return {name: marks.get(name) for name in FLAGS}


def write_rankings(folder: Path, rankings: dict[str, list[Row]]) -> None:
    """One Parquet file per set, with the declared columns."""
    from datasets import disable_progress_bars

    disable_progress_bars()
    for name, rows in rankings.items():
        to_dataset(rows).to_parquet(str(folder / f"{name}.parquet"))


def read_rankings(
    folder: Path, columns: Sequence[str] = (), sets: Sequence[str] = ()
) -> dict[str, list[Row]]:
    """The sets of a rankings stage, or some of them and some columns: flags and tasks take most memory."""
    from pyarrow import parquet  # comes with datasets

    files = [path for path in sorted(folder.glob("*.parquet")) if path.stem in sets or not sets]
    return {path.stem: parquet.read_table(path, columns=list(columns) or None).to_pylist() for path in files}
