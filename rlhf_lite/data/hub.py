"""Public preference sets by name: `load("nectar")` brings ranking rows, `texts("wikitext")` running text.

    rows, report = load("oasst1", split="validation")           # a name of SETS
    rows, report = load("berkeley-nest/Nectar", limit=1000)     # a hub id; reads no more rows than it needs
    rows, report = load("my/folder-or-file.parquet")            # rows in the form of any of the sets, or of our own
    stream, report = texts("allenai/c4", config="en")           # for the pretraining term

`SETS` says of each where it is, on what terms, who judged, and what it gives. Nothing that a set brings is ever run as
code. Faulty rows stop the loading with their number, unless `drop=True`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path

from . import schemas
from .reach import EXPORT, SourceError, find, raw_rows, text_file_rows
from .records import RecordError, Row
from .schemas import Intake
from .sources import Report


@dataclass(frozen=True)
class Set:
    """A public set: facts about it from its card on the hub, and how its rows are read."""

    hub_id: str
    licence: str  # as the card states it
    judged_by: str  # who ranked or wrote: "people", or the model that did
    columns: tuple[str, ...]  # the raw columns that are read
    split_by: str  # what a split keeps together: users where there are some, else conversations
    gives: dict[str, Callable[[Intake], Iterator[Row]]] = field(
        default_factory=dict
    )  # kind of rows -> reader, usual first
    config: str | None = None
    folders: bool = False  # its parts are folders, which its card does not declare as configurations
    revision: str | None = None  # where on the hub its files are, if not on the main branch
    splits: dict[str, str] = field(default_factory=dict)  # our name of a split -> theirs, where they differ
    whole: bool = False  # rows belong together, wherever they stand, so that all are read whatever the limit


def _oasst(hub_id: str) -> Set:
    """Card of OASST1: messages of conversation trees, 35 languages, `rank` 0 is the best reply, merged over volunteers."""
    return Set(
        hub_id,
        "apache-2.0",
        "people",
        ("message_id", "parent_id", "text", "role", "rank", "message_tree_id"),
        "message_tree_id",
        {kind: partial(schemas.oasst, kind=kind) for kind in ("rankings", "demonstrations")},
        whole=True,
    )


def _helpsteer(hub_id: str) -> Set:
    """Cards of HelpSteer and HelpSteer2: five attributes from 0 to 4, rated by paid annotators."""
    return Set(
        hub_id,
        "cc-by-4.0",
        "people",
        ("prompt", "response", "helpfulness"),
        "first turn of the prompt",
        {"rankings": schemas.helpsteer},
        whole=True,
    )


SETS = {
    "oasst1": _oasst("OpenAssistant/oasst1"),
    "oasst2": _oasst("OpenAssistant/oasst2"),
    "hh_rlhf": Set(
        "Anthropic/hh-rlhf", "mit", "people", ("chosen", "rejected"), "first turn of the conversation",
        {"rankings": schemas.hh_rlhf}, folders=True,
    ),
    "nectar": Set(
        "berkeley-nest/Nectar", "apache-2.0, not to compete with OpenAI", "GPT-4", ("prompt", "answers"),
        "first turn of the prompt", {"rankings": schemas.nectar},
    ),
    "ultrafeedback": Set(
        "openbmb/UltraFeedback", "mit", "GPT-4", ("instruction", "completions"), "instruction",
        {"rankings": schemas.ultrafeedback},
    ),
    "ultrafeedback_binarized": Set(
        "HuggingFaceH4/ultrafeedback_binarized", "mit", "GPT-4", ("prompt", "prompt_id", "chosen", "rejected", "messages"),
        "prompt", {"rankings": schemas.ultrafeedback_binarized}, splits={"train": "train_prefs", "test": "test_prefs"},
    ),
    "no_robots": Set(
        "HuggingFaceH4/no_robots", "cc-by-nc-4.0", "people", ("prompt", "prompt_id", "messages", "category"), "prompt_id",
        {kind: partial(schemas.no_robots, kind=kind) for kind in ("demonstrations", "prompts")},
    ),
    "helpsteer": _helpsteer("nvidia/HelpSteer"),
    "helpsteer2": _helpsteer("nvidia/HelpSteer2"),
    "summarize": Set(
        "openai/summarize_from_feedback", "not stated", "people", ("info", "summaries", "choice", "worker"),
        "info.id, else the post", {"rankings": schemas.summarize}, config="comparisons", folders=True, revision=EXPORT,
    ),
    "wikitext": Set("Salesforce/wikitext", "cc-by-sa-3.0 and gfdl", "people", ("text",), "", config="wikitext-2-raw-v1"),
    "c4": Set("allenai/c4", "odc-by", "people", ("text",), "", config="en"),
}  # fmt: skip


def kinds(name: str) -> tuple[str, ...]:
    """What a set of SETS gives, the usual first: rankings, demonstrations, prompts, or text."""
    return tuple(SETS[name].gives) or ("text",)


# --- rows ---------------------------------------------------------------------------------------------------------


def load(
    name_or_path: str | Path,
    split: str = "train",
    limit: int | None = None,
    seed: int = 0,
    streaming: bool | None = None,
    *,
    kind: str | None = None,
    like: str | None = None,
    config: str | None = None,
    lang: str | None = "en",
    drop: bool = False,
) -> tuple[list[Row], Report]:
    """Our rows of a set, and what was left out of it.

    `name_or_path` is a name of SETS, a hub id, or a local folder or file ("./nectar" is the folder, "nectar" the set).
    The form of the rows is the set's own, or that of the set named by `like`, or recognised by the columns. At most
    `limit` rows; `seed` draws the order of completions. `streaming` reads without storing: the default if there is
    a limit and rows can be read one by one, and always so for local folders. `kind` is one of `kinds(name)`, the first by
    default; `config` is a part of the set, such as "helpful-base" of HH-RLHF; `lang` is for Open Assistant, None takes
    all. With `drop`, faulty rows are left out and counted; columns must be there all the same. SourceError if the set
    cannot be had, RecordError if its rows cannot be used.
    """
    if limit is not None and limit < 1:
        raise SourceError(f"limit is {limit}, but must be at least 1, or None for all rows")
    where, known = str(name_or_path), _named(name_or_path)
    form = _must_be_named(like) if like else known
    if form:
        _reader(where, form, kind)  # a kind that it does not give is refused before anything is fetched
    if streaming is None:
        streaming = limit is not None and not (form and form.whole)
    first, rows = _peeked(where, _raw(name_or_path, known, split, config, streaming))
    form = form or _own_form(first) or _recognised(where, first)
    intake = Intake(where, rows, () if _is_tree(first) else form.columns, seed, drop, lang)
    made = list(islice(_reader(where, form, kind)(intake), limit))
    if not made:
        raise RecordError(
            f"{where}: no row can be used; left out: {dict(intake.report.counts) or 'nothing'}."
        )
    intake.report.kept = len(made)
    return made, intake.report


def _reader(where: str, known: Set, kind: str | None) -> Callable[[Intake], Iterator[Row]]:
    if not known.gives:
        raise SourceError(f"{where} is plain text; read it with texts({where!r})")
    if kind not in (None, *known.gives):
        raise SourceError(f"{where} gives no {kind}; it gives {' and '.join(known.gives)}")
    return known.gives[kind or next(iter(known.gives))]


def _named(name: str | Path) -> Set | None:
    """A set by name or hub id; a `Path` is never one."""
    if isinstance(name, Path):
        return None
    return SETS.get(name) or next((known for known in SETS.values() if known.hub_id == name), None)


def _must_be_named(name: str) -> Set:
    known = _named(name)
    if not known:
        raise SourceError(f"there is no set '{name}'; sets are {', '.join(SETS)}")
    return known


def _raw(
    name: str | Path, known: Set | None, split: str, config: str | None, streaming: bool
) -> Iterator[Row]:
    """Raw rows of a set by its own names of splits, or of whatever else has this name."""
    if known:
        part = {"data_dir" if known.folders else "config": config or known.config}
        return raw_rows(
            str(name),
            known.hub_id,
            known.splits.get(split, split),
            streaming=streaming,
            revision=known.revision,
            **part,
        )
    source = find(name, SETS)
    # A stored copy of a folder would not notice that its files have changed.
    return raw_rows(str(name), source, split, config, streaming=streaming or isinstance(source, Path))


def _peeked(where: str, rows: Iterator[Row]) -> tuple[Row, Iterator[Row]]:
    first = next(rows, None)
    if first is None:
        raise RecordError(f"{where} has no rows.")
    return first, chain([first], rows)


# --- which form is it? --------------------------------------------------------------------------------------------


def _is_tree(first: Row) -> bool:
    """Open Assistant's files of whole trees, unlike its tables, hold replies inside messages: other columns."""
    return "replies" in first or isinstance(first.get("prompt"), dict)


def _recognised(where: str, first: Row) -> Set:
    """The set whose columns these are, of several the one that reads the most of them."""
    if _is_tree(first):
        return SETS["oasst1"]
    fitting = [known for known in SETS.values() if set(known.columns) <= set(first)]
    if fitting:
        return max(fitting, key=lambda known: len(known.columns))
    name, near = max(
        SETS.items(), key=lambda item: len(set(item[1].columns) & set(first)) / len(item[1].columns)
    )
    missing = [column for column in near.columns if column not in first]
    raise RecordError(
        f"{where}, row 1: it has {', '.join(map(str, first)) or 'no columns'}, as no set has; the nearest, "
        f"{name}, needs '{missing[0]}'. Rename the columns, or say which set it is like (like=NAME)."
    )


def _own_form(first: Row) -> Set | None:
    """Rankings or pairs as this package writes them; chat messages as pairs are a public set's."""
    for form, columns in (
        ("rankings", ("prompt", "completions", "ranks")),
        ("pairs", ("prompt", "chosen", "rejected")),
    ):
        if set(columns) <= set(first) and not (form == "pairs" and "messages" in first):
            return Set("", "", "", columns, "user_id", {"rankings": partial(schemas.own, form=form)})
    return None


# --- text ---------------------------------------------------------------------------------------------------------


def texts(
    name_or_path: str | Path,
    split: str = "train",
    limit: int | None = None,
    streaming: bool = True,
    *,
    config: str | None = None,
    column: str = "text",
) -> tuple[Iterator[str], Report]:
    """Running text for the pretraining term: an iterator of texts, and a report that counts while it is read.

    Any set, folder or file (.txt, where every line is a text, .jsonl, .json, .csv, .parquet) with a column of texts.
    Empty texts only separate others in such sets, so they are left out and counted. Errors as of `load`.
    """
    where, known, path = str(name_or_path), _named(name_or_path), Path(name_or_path).expanduser()
    if path.is_file() and not known:
        rows = text_file_rows(path)
    else:
        rows = _raw(name_or_path, known, split, config, streaming)
    first, rows = _peeked(where, rows)
    if column not in first:
        raise RecordError(
            f"{where}, row 1: column '{column}' is missing; it has {', '.join(map(str, first)) or 'none'}. "
            "Say which holds the texts with column=NAME."
        )
    report = Report()
    return islice(_each_text(where, rows, column, report), limit), report


def _each_text(where: str, rows: Iterable[Row], column: str, report: Report) -> Iterator[str]:
    for number, row in enumerate(rows, 1):
        text = row.get(column)
        if not isinstance(text, str):
            raise RecordError(f"{where}, row {number}: '{column}' is {text!r}, but must be a text.")
        if not text.strip():
            report.note("empty", f"row {number}")
            continue
        report.kept += 1
        yield text
