"""Merge, export, import or compare what people ranked.

merge: stores into one; of two labels by one person of one prompt the later one
stays. export: to a file of rankings, of pairs (chosen, rejected; TRL and
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
from collections.abc import Callable
from pathlib import Path

from .terminal import print_table, say


def options(option: Callable) -> None:
    option("action", metavar="ACTION", choices=("merge", "export", "import", "agreement"), help="what to do")
    option("files", nargs="+", metavar="FILE", type=Path, help="stores; to import: files of labels")
    option("--into", metavar="FILE", type=Path, help="the store; to export: .jsonl, .json, .csv or .parquet")
    forms = "rankings (default), pairs, messages, argilla or label-studio"
    option("--form", default="rankings", metavar="NAME", help=forms)
    option("--labeler", metavar="NAME", help="only this person's; to import: whose, if the file does not say")


def run(args: argparse.Namespace) -> None:
    from ..labels import exchange, store

    if args.action != "agreement" and not args.into:
        raise ValueError(f"labels {args.action}: say where to, with --into FILE")
    if missing := [path for path in args.files if not path.is_file()]:
        raise ValueError(f"there is no file {missing[0]}")
    match args.action:
        case "merge":
            taken = store.merge(args.files, args.into)
            print_table(("store", "labels taken"), taken.items(), str(args.into))
        case "import":
            rows = _rows_with_labeler(args)
            say(f"{store.LabelStore(args.into).put_all(rows)} labels imported: {args.into}")
        case "export":
            rows = _stored(args, look=1)
            exchange.save_as(args.form, rows, args.into)
            say(f"{len(rows)} rankings as {args.form}: {args.into}")
        case "agreement":
            _show_agreement(_stored(args, look=1), _stored(args, look=2))


def _stored(args: argparse.Namespace, look: int) -> list[dict]:
    """The labels of all stores, of a first or second look at the prompts."""
    from ..labels.store import LabelStore

    return [row for path in args.files for row in LabelStore(path).rows(args.labeler, look)]


def _rows_with_labeler(args: argparse.Namespace) -> list[dict]:
    """The rows of all files, each with the name of who ranked it."""
    from ..labels.exchange import load_from

    rows = []
    for path in args.files:
        for number, row in enumerate(load_from(args.form, path), 1):
            labeler = row.get("labeler") or args.labeler
            if not labeler:
                raise ValueError(f"{path}, row {number}: it does not say who ranked; give --labeler NAME")
            rows.append({**row, "labeler": labeler})
    return rows


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
