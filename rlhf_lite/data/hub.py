"""Public preference sets by name: `load("nectar")` brings ranking rows, `texts("wikitext")` running text.

    rows, left_out = load("oasst1", split="validation")         # a name of SETS
    rows, left_out = load("berkeley-nest/Nectar", limit=1000)   # a hub id; reads no more than it needs
    rows, left_out = load("my/folder-or-file.parquet")          # in the form of a set, or of our own
    stream = texts("allenai/c4", config="en")                   # for the pretraining term

`SETS` says of each where it is, on what terms, and who judged. Nothing that a set brings is ever run as code.
Faulty rows stop the loading with their number, unless `drop=True`.
"""

import os
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from .network import dataset_rows
from .own import READERS, kind_of, read_rows
from .records import Intake, RecordError, Row, SourceError
from .sets import OWN, SETS, Set

ADVICE = "; mend the row, or load with drop=True (--set drop=true), which leaves it out and counts it"


def load(
    name_or_path: str | Path,
    split: str = "train",
    limit: int | None = None,
    seed: int = 0,
    streaming: bool | None = None,
    *,
    config: str | None = None,
    drop: bool = False,
    lang: str = "en",
) -> tuple[list[Row], Counter]:
    """Ranking rows of a set, and how many things were left out of it for which reason.

    `name_or_path` is a name of SETS, a hub id, or a local folder or file ("./nectar" is the folder, "nectar"
    the set). The form of the rows is the set's own, or recognised by the columns. At most `limit` rows;
    `seed` draws the order of completions. `streaming` reads without storing: the default if there is a limit
    and rows can be read one by one, and always so for local folders. `config` is a part of the set, such as
    "helpful-base" of HH-RLHF. With `drop`, faulty rows are left out and counted; columns must be there all
    the same. `lang` is the language of Open Assistant's messages, "" for all of them. SourceError if the set
    cannot be had, RecordError if its rows cannot be used.
    """
    where, form = str(name_or_path), _named(name_or_path)
    if limit is not None and limit < 1:
        raise SourceError(f"limit is {limit}, but must be at least 1, or None for all rows")
    if streaming is None:
        streaming = limit is not None and not (form and form.whole)
    if not form or form.reader:  # text is refused before anything is fetched
        first, rows = _peeked(where, raw_rows(name_or_path, split, config, streaming))
        if not (form := form or recognised(first)):
            raise _stranger(where, first)
    if not form.reader:
        raise SourceError(f"{where} is plain text; read it with texts({where!r})")
    columns = () if _is_tree(first) else form.columns
    intake = Intake(where, rows, columns, form.judged_by, seed, drop, lang, ADVICE)
    made = list(islice(form.reader(intake), limit))
    if not made:
        raise RecordError(f"{where}: no row can be used; left out: {dict(intake.left_out) or 'nothing'}.")
    return made, intake.left_out


def _named(name: str | Path) -> Set | None:
    """A set by name or hub id; a `Path` is never one."""
    if isinstance(name, Path):
        return None
    return SETS.get(name) or next((known for known in SETS.values() if known.hub_id == name), None)


def raw_rows(name: str | Path, split: str, config: str | None, streaming: bool) -> Iterator[Row]:
    """The rows of a set, a file, a folder, or whatever has this name on the hub, as they are there."""
    where, path = str(name), Path(os.path.expanduser(name))
    if known := _named(name):
        part = {"data_dir" if known.folders else "name": config or known.config, "revision": known.revision}
        return dataset_rows(where, known.hub_id, known.splits.get(split, split), streaming, **part)
    if path.is_file():
        if split != "train":
            advice = "leave split out, or give a folder"
            raise SourceError(f"{where} is one file, so it has no split '{split}'; {advice}")
        return read_rows(path)
    if path.exists():  # always streaming: a stored copy would not notice that the folder's files have changed
        return dataset_rows(where, path, split, name=config)
    parts = where.split("/")
    looks_local = len(parts) != 2 or not all(parts) or parts[0][0] in ".~" or set(where) & set(":\\")
    if isinstance(name, Path) or looks_local or kind_of(path) in READERS:
        known = f"sets are {', '.join(SETS)}, and others on the hub by their OWNER/NAME"
        raise SourceError(f"there is no set, file or folder '{name}'; {known}")
    return dataset_rows(where, where, split, streaming, name=config)


def _peeked(where: str, rows: Iterator[Row]) -> tuple[Row, Iterator[Row]]:
    first = next(rows, None)
    if first is None:
        raise RecordError(f"{where} has no rows.")
    return first, chain([first], rows)


# --- which form is it? --------------------------------------------------------------------------------------


def _is_tree(first: Row) -> bool:
    """Open Assistant's files of whole trees hold replies inside messages, unlike its tables."""
    return "replies" in first or isinstance(first.get("prompt"), dict)


def recognised(first: Row) -> Set | None:
    """Our own form, or the set whose columns these are, of several the one that reads the most of them."""
    if _is_tree(first):
        return SETS["oasst1"]
    for kind, form in OWN.items():  # chat messages as pairs are a public set's
        if set(form.columns) <= set(first) and not (kind == "pairs" and "messages" in first):
            return form
    fitting = [known for known in SETS.values() if set(known.columns) <= set(first)]
    return max(fitting, key=lambda known: len(known.columns), default=None)


def _stranger(where: str, first: Row) -> RecordError:
    """What a row lacks that no set has."""
    share = {name: len(set(known.columns) & set(first)) / len(known.columns) for name, known in SETS.items()}
    name = max(share, key=share.get)
    missing = next(column for column in SETS[name].columns if column not in first)
    has = ", ".join(map(str, first)) or "no columns"
    nearest = f"the nearest, {name}, needs '{missing}'. Rename the columns."
    return RecordError(f"{where}, row 1: it has {has}, as no set has; {nearest}")


# --- text ---------------------------------------------------------------------------------------------------


def texts(name_or_path: str | Path, split: str = "train", config: str | None = None) -> Iterator[str]:
    """Running text for the pretraining term, read as it is asked for.

    Any set, folder or file (.txt, where every line is a text, .jsonl, .json, .csv, .parquet) with a column
    "text". Empty texts only separate others in such sets, so they are left out. Errors as of `load`.
    """
    where = str(name_or_path)
    first, rows = _peeked(where, raw_rows(name_or_path, split, config, streaming=True))
    if "text" not in first:
        has = f"it has {', '.join(map(str, first)) or 'none'}. Rename the one that holds the texts."
        raise RecordError(f"{where}, row 1: column 'text' is missing; {has}")

    def convert(row: Row) -> str | None:
        text = row.get("text")
        if not isinstance(text, str):
            raise RecordError(f"'text' is {text!r}, but must be a text")
        return text if text.strip() else None

    return Intake(where, rows).each(convert)
