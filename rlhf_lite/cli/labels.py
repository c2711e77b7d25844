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
    option(
        "action", metavar="ACTION", choices=("merge", "export", "import", "agreement"), help="one of the four"
    )
    option("files", nargs="+", metavar="FILE", type=Path, help="stores; to import: files of labels")
    option(
        "--into",
        metavar="FILE",
        type=Path,
        help="the store, or to export the file (.jsonl, .json, .csv, .parquet)",
    )
    option(
        "--form",
        default="rankings",
        metavar="NAME",
        help="rankings (default), pairs, messages, argilla or label-studio",
    )
    option(
        "--labeler", metavar="NAME", help="only this person's; to import: whose, where the file does not say"
    )


def run(args: argparse.Namespace) -> None:
    from ..labels import store

    if args.action != "agreement" and not args.into:
        raise ValueError(f"labels {args.action}: say where to, with --into FILE")
    if missing := [path for path in args.files if not path.is_file()]:
        raise ValueError(f"there is no file {missing[0]}")
    if args.action == "merge":
        taken = store.merge(args.files, args.into)
        print_table(("store", "labels taken"), taken.items(), str(args.into))
    elif args.action == "import":
        _import_labels(args)
    else:
        stores = [store.LabelStore(path) for path in args.files]
        rows, again = ([row for it in stores for row in it.rows(args.labeler, look)] for look in (1, 2))
        if args.action == "agreement":
            _show_agreement(rows, again)
        else:
            from ..labels.exchange import save_as

            save_as(args.form, rows, args.into)
            say(f"{len(rows)} rankings as {args.form}: {args.into}")


def _import_labels(args: argparse.Namespace) -> None:
    from ..labels.exchange import load_from
    from ..labels.store import LabelStore

    rows = []
    for path in args.files:
        for number, row in enumerate(load_from(args.form, path), 1):
            if not (row.get("labeler") or args.labeler):
                raise ValueError(f"{path}, row {number}: it does not say who ranked; give --labeler NAME")
            rows.append({**row, "labeler": row.get("labeler") or args.labeler})
    say(f"{LabelStore(args.into).put_all(rows)} labels imported: {args.into}")


def _show_agreement(rows: list[dict], again: list[dict]) -> None:
    """Of all, of each with the others, and of each with their own second look."""
    from ..labels.agreement import agreement, self_agreement

    def told(measure: Callable, *rankings: list[dict], **options) -> str:
        try:
            return str(measure(*rankings, **options))
        except ValueError:  # nothing to count
            return ""

    lines = [("everyone", len(rows), told(agreement, rows), "")]
    for labeler in sorted({row["labeler"] for row in rows}):
        own, second = ([row for row in found if row["labeler"] == labeler] for found in (rows, again))
        lines.append(
            (labeler, len(own), told(agreement, rows, of=labeler), told(self_agreement, own, second))
        )
    columns = ("labeler", "labels", "agrees with others", "with themselves")
    print_table(columns, lines, "Pairs ordered alike, 95 % interval over prompts")
