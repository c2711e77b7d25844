"""Merge, export, import or compare what people ranked.

merge: stores into one; of two labels by one person of the same answers, the
later one stays. Labels of one name that began in two stores may be of two
people: say that they are one, or merge each store by itself with a --labeler of
its own. export: to a file of rankings, of pairs (chosen, rejected; TRL and
HH-RLHF) as texts or as chat messages, for Argilla or for Label Studio. import:
the other way; if one row is bad, it is named and nothing is imported.
agreement: how often people order the same pair alike, and themselves at a
second look.

Takes:    seconds.
Leaves:   what --into names.
Example:  rlhf-lite labels merge hub/*.sqlite3 --into class.sqlite3
          rlhf-lite labels export class.sqlite3 --into pairs.jsonl --form pairs
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from .terminal import print_table, say


def options(option: Callable) -> None:
    option("action", metavar="ACTION", choices=("merge", "export", "import", "agreement"), help="what to do")
    option("files", nargs="+", metavar="FILE", type=Path, help="stores; to import: files of labels")
    option("--into", metavar="FILE", type=Path, help="the store; to export: .jsonl, .json, .csv or .parquet")
    forms = "rankings (default), pairs, messages, argilla or label-studio"
    option("--form", default="rankings", metavar="NAME", help=forms)
    whose = "only this person's; to import: whose, if the file does not say; to merge: the new name"
    option("--labeler", metavar="NAME", help=whose)
    one = "this name is one person's in all stores; may be given several times"
    option("--same-person", metavar="NAME", action="append", default=[], help=one)


def run(args: argparse.Namespace) -> None:
    from ..labels import exchange, store

    if args.action != "agreement" and not args.into:
        raise ValueError(f"labels {args.action}: say where to, with --into FILE")
    if missing := [path for path in args.files if not path.is_file()]:
        raise ValueError(f"there is no file {missing[0]}")
    match args.action:
        case "merge":
            taken = store.merge(args.files, args.into, args.same_person, args.labeler or "")
            rows = ((path, *(counts[state] for state in store.STATES)) for path, counts in taken.items())
            print_table(("store", *store.STATES), rows, str(args.into))
            say(_holds(args.into))
        case "import":
            files = {str(path): _named_rows(args, path) for path in args.files}
            counts = store.LabelStore(args.into).take(files)
            became = ", ".join(f"{counts[state]} {state}" for state in store.STATES if counts[state])
            say(f"{counts.total()} labels imported: {became or 'there were none'}. {_holds(args.into)}")
        case "export":
            rows, again = _stored(args)
            written = exchange.save_as(args.form, rows, args.into)
            more = f"; left out {len(again)} second looks" if again else ""
            say(f"{len(rows)} rankings as {args.form}, {written} rows: {args.into}{more}")
        case "agreement":
            _show_agreement(*_stored(args))


def _holds(path: Path) -> str:
    from ..labels.store import LabelStore

    counts = LabelStore(path).counts()
    return f"Labels in {path}: {', '.join(f'{name} {number}' for name, number in counts.items()) or 'none'}."


def _stored(args: argparse.Namespace) -> tuple[list[dict], list[dict]]:
    """The labels of all stores, those of a first and those of a second look at the prompts."""
    from ..labels.store import gathered

    looks = gathered(args.files, args.same_person).values()
    return tuple([row for row in rows if args.labeler in (None, row["labeler"])] for rows in looks)


def _named_rows(args: argparse.Namespace, path: Path) -> list[dict]:
    """The rows of a file, each with the name of who ranked it; on a terminal it is asked for."""
    from ..chain.store import home
    from ..labels.exchange import load_from
    from ..labels.names import known_name

    rows, name = load_from(args.form, path), args.labeler
    nameless = [number for number, row in enumerate(rows, 1) if row.get("labeler") in (None, "")]
    if nameless and not name:
        mine = known_name(home())
        if sys.stdin.isatty():
            name = input(f"Who ranked what is in {path}? {mine and f'[{mine}] '}").strip() or mine
        if not name:
            why = "it does not say who ranked; give --labeler NAME"
            raise ValueError(f"{path}, row {nameless[0]}: {why}{mine and f' (yours is {mine})'}")
    return [row if row.get("labeler") else {**row, "labeler": name} for row in rows]


def _show_agreement(rows: list[dict], again: list[dict]) -> None:
    """Of all, of each with the others, and of each with their own second look."""
    from ..labels.agreement import agreement, self_agreement

    def told(measured: Callable, *rankings: list[dict], **options) -> str:
        try:
            return str(measured(*rankings, **options))
        except ValueError:  # nothing to count
            return ""

    lines = [("everyone", len(rows), told(agreement, rows), "")]
    for labeler in sorted({row["labeler"] for row in rows}):
        first = [row for row in rows if row["labeler"] == labeler]
        second = [row for row in again if row["labeler"] == labeler]
        others = told(agreement, rows, of=labeler)
        lines.append((labeler, len(first), others, told(self_agreement, first, second)))
    columns = ("labeler", "labels", "agrees with others", "with themselves")
    print_table(columns, lines, "Pairs ordered alike, 95 % interval over prompts")
