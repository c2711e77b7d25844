"""The three kinds of rows, as plain dicts: prompts, demonstrations, rankings (§3.2, §3.4, Table 6).

A row is a plain dict so that anyone can make one by hand; `to_dataset` turns rows into a `datasets.Dataset` whose
columns are declared below. `check_rows` refuses bad input before any work starts, and names the row.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..paper import TABLE_7

Row = dict[str, Any]

PROMPT_COLUMNS = ("prompt_id", "user_id", "source", "kind", "use_case", "text", "task", "annotations")
DEMONSTRATION_COLUMNS = ("prompt_id", "prompt", "labeler", "text")
RANKING_COLUMNS = (
    "prompt_id",
    "user_id",
    "prompt",
    "task",
    "labeler",
    "completions",
    "ranks",
    "likert",
    "flags",
    "seconds",
    "seed",
)
COLUMNS = {"prompts": PROMPT_COLUMNS, "demonstrations": DEMONSTRATION_COLUMNS, "rankings": RANKING_COLUMNS}
REQUIRED = {
    "prompts": ("user_id", "text"),
    "demonstrations": ("prompt", "text"),
    "rankings": ("prompt", "completions", "ranks"),
}
_DEFAULTS = {
    "user_id": "",
    "source": "customer",
    "kind": "plain",
    "use_case": "",
    "task": "",
    "labeler": "",
    "likert": [],
    "flags": [],
    "seconds": None,
    "seed": None,
}

ANNOTATIONS = tuple(TABLE_7.value)  # what labelers marked on prompts; what nobody asked is None

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


def normalise_ranks(ranks: Sequence[float]) -> list[int]:
    """Dense ranks from 1 = best, ties equal: [3, 0, 3] -> [2, 1, 2]."""
    place = {rank: i + 1 for i, rank in enumerate(sorted(set(ranks)))}
    return [place[rank] for rank in ranks]


def untied_pairs(ranks: Sequence[int]) -> list[tuple[int, int]]:
    """All (better, worse) index pairs of one ranking; ties are dropped, as for the reward model (App. C.2)."""
    return [(i, j) for i, a in enumerate(ranks) for j, b in enumerate(ranks) if a < b]


def check_rankings(
    rows: Iterable[Row], min_k: int = 2, max_k: int = 9, allow_empty: bool = False
) -> list[Row]:
    """Returns the rows, or refuses them all with row numbers. Labelers of the paper rank K = 4 ... 9 (`min_k=4`).

    An empty completion is a slip in data from elsewhere; a model can mean it (`allow_empty`).
    """
    return _checked(rows, "rankings", lambda row: _ranking_faults(row, min_k, max_k, allow_empty))


def check_rows(rows: Iterable[Row], kind: str) -> list[Row]:
    """Returns the rows as a list, or raises a RecordError that names the first bad ones (row numbers start at 1)."""
    if kind not in COLUMNS:
        raise RecordError(f"There are no rows of kind '{kind}'. Use one of {', '.join(COLUMNS)}.")
    return check_rankings(rows) if kind == "rankings" else _checked(rows, kind, _source_faults)


def _checked(rows: Iterable[Row], kind: str, faults: Callable[[Row], list[str]]) -> list[Row]:
    rows, bad = list(rows), []
    for number, row in enumerate(rows, 1):
        bad += [f"row {number}: {fault}" for fault in _column_faults(row, kind) or faults(row)]
    if bad:
        more = f"\n  ... and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise RecordError(f"These {kind} cannot be used:\n  " + "\n  ".join(bad[:5]) + more)
    return rows


def _column_faults(row: Row, kind: str) -> list[str]:
    if not isinstance(row, dict):
        return [f"a row must be a dict, but this is {type(row).__name__}"]
    missing = [name for name in REQUIRED[kind] if name not in row]
    if missing:
        return [
            f"column '{name}' is missing; the row has {', '.join(map(str, row)) or 'nothing'}"
            for name in missing
        ]
    texts = [name for name in ("text", "prompt") if name in REQUIRED[kind]]
    return [
        f"'{name}' must be a text that is not empty, but it is {row[name]!r}"
        for name in texts
        if not isinstance(row[name], str) or not row[name].strip()
    ]


def _source_faults(row: Row) -> list[str]:
    source = row.get("source", "customer")
    return (
        []
        if source in ("customer", "labeler")
        else [f"source is {source!r}, but must be 'customer' or 'labeler'"]
    )


def _ranking_faults(row: Row, min_k: int, max_k: int, allow_empty: bool) -> list[str]:
    completions, ranks = row["completions"], row["ranks"]
    if not isinstance(completions, (list, tuple)) or not isinstance(ranks, (list, tuple)):
        return ["'completions' and 'ranks' must be lists, one entry per answer"]
    k, out = len(completions), []
    if not min_k <= k <= max_k:
        out.append(f"{k} completions, but K must be {min_k} to {max_k}; drop or split the row")
    for i, text in enumerate(completions, 1):
        if not isinstance(text, str) or not (text.strip() or allow_empty):
            out.append(f"completion {i} is {text!r}; drop empty answers first")
    for name in ("ranks", "likert", "flags"):
        if (name == "ranks" or row.get(name)) and len(row[name]) != k:
            out.append(f"{len(row[name])} {name} for {k} completions; give one each")
    out += _range_faults(
        "rank", ranks, k, "1 = best, ties equal; `normalise_ranks` makes such ranks of any numbers"
    )
    return out + _range_faults("likert", row.get("likert") or [], 7, "1 = worst, 7 = best")


def _range_faults(what: str, numbers: Sequence, top: int, hint: str) -> list[str]:
    bad = [x for x in numbers if isinstance(x, bool) or not isinstance(x, int) or not 1 <= x <= top]
    return [f"{what} {bad[0]!r} is not a whole number from 1 to {top} ({hint})"] if bad else []


def features(kind: str):
    """The declared columns of a kind of rows, as `datasets.Features`."""
    from datasets import Features, List, Value

    text, yes_no = Value("string"), Value("bool")
    special = {
        "annotations": {name: yes_no for name in ANNOTATIONS},
        "completions": List(text),
        "ranks": List(Value("int32")),
        "likert": List(Value("int32")),
        "flags": List({name: yes_no for name in FLAGS}),
        "seconds": Value("float64"),
        "seed": Value("int64"),
    }
    return Features({name: special.get(name, text) for name in COLUMNS[kind]})


def to_dataset(rows: Iterable[Row], kind: str, **checks: Any):
    """Checked rows as a `datasets.Dataset` with declared columns; columns that are not declared are left out.

    `checks` go to `check_rankings`.
    """
    from datasets import Dataset

    rows = check_rankings(rows, **checks) if kind == "rankings" else check_rows(rows, kind)
    rows = [_filled(row, kind, number) for number, row in enumerate(rows, 1)]
    return Dataset.from_dict(
        {name: [row[name] for row in rows] for name in COLUMNS[kind]}, features=features(kind)
    )


def _filled(row: Row, kind: str, number: int) -> Row:
    """The row with every declared column, and every yes/no question answered or None."""
    out = {name: row.get(name, _DEFAULTS.get(name)) for name in COLUMNS[kind]}
    out["prompt_id"] = row.get("prompt_id") or f"row-{number}"
    if kind == "prompts":
        out["annotations"] = _known(row.get("annotations") or {}, ANNOTATIONS, number)
    if kind == "rankings":
        out["flags"] = [_known(flags, FLAGS, number) for flags in row.get("flags") or []]
    return out


def _known(marks: dict, names: Iterable[str], number: int) -> dict:
    strange = [name for name in marks if name not in names]
    if strange:
        raise RecordError(f"row {number}: unknown mark '{strange[0]}'; known are {', '.join(names)}.")
    return {name: marks.get(name) for name in names}


def write_rankings(folder: Path, rankings: dict[str, list[Row]]) -> None:
    """One Parquet file per set, with the declared columns."""
    from datasets import disable_progress_bars

    disable_progress_bars()
    for name, rows in rankings.items():
        to_dataset(rows, "rankings").to_parquet(str(folder / f"{name}.parquet"))


def read_rankings(
    folder: Path, columns: Sequence[str] = (), sets: Sequence[str] = ()
) -> dict[str, list[Row]]:
    """The sets of a rankings stage, or only some of them and some columns: flags and tasks are most of the memory."""
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    options = {"keep_in_memory": True, **({"columns": list(columns)} if columns else {})}
    files = [path for path in sorted(folder.glob("*.parquet")) if path.stem in sets or not sets]
    return {path.stem: Dataset.from_parquet(str(path), **options).to_list() for path in files}
