"""The command `rlhf-lite bench`: from its options to tables and files."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rlhf_lite.data.files import write_json

from . import grow, jobs, measure, report
from .machine import device_name

HERE = Path(__file__).parent


def run(args: argparse.Namespace, terminal) -> int:
    """0 if all checks passed, else 1. What was measured before an error or Ctrl-C is shown and written all
    the same. terminal: the module `rlhf_lite.cli.terminal`, which prints."""
    wishes = (args.jobs or jobs.NAMES, args.model, args.precision, args.rounds, args.cores, args.device)
    measure.check_wishes(*wishes)
    with tempfile.TemporaryDirectory(prefix="rlhf-lite-bench-") as folder:
        if args.grow:
            return _grow(args, Path(folder), terminal)
        rows: list[dict] = []
        try:
            for row in measure.run(*wishes, Path(folder), say=terminal.note):
                rows.append(row)
        finally:
            if rows:
                _show(args, rows, terminal)
    failed = [f"{row['job']} in {row['precision']}: {name}" for row in rows for name in report.failures(row)]
    if failed:
        terminal.note(f"rlhf-lite: error: failed checks: {'; '.join(failed)}")
    return 1 if failed else 0


def _show(args: argparse.Namespace, rows: list[dict], terminal) -> None:
    """The table, and the files that were asked for."""
    device = rows[0]["device"]
    title = f"{args.model}, {device}: median of {rows[0]['rounds']} rounds"
    terminal.print_table(*report.table_of(rows), title)
    if args.json:
        _write(args.json, f"{device} {args.model}", [{**row, **report.made()} for row in rows], terminal)
    if args.figure:
        from . import draw

        draw.write(draw.ratios(rows, title), args.figure)


def _grow(args: argparse.Namespace, folder: Path, terminal) -> int:
    """Measure how our jobs grow; draw and write it beside the other results."""
    from . import draw

    device = device_name(args.device)
    curves = grow.curves(grow.run(folder, args.device, say=terminal.note))
    terminal.print_table(
        *report.growth_table(curves), f"Growth on {device}: exponents of the upper half of the points"
    )
    draw.write(draw.growth(curves, f"rlhf_lite on {device}: one thread"), args.figure or HERE / "growth.png")
    made = {"device": device, **report.made(), "curves": curves}
    _write(args.json or True, f"growth {device}", made, terminal)
    return 0


def _write(wanted: Path | bool, title: str, content, terminal) -> None:
    """To the file that was asked for, else to one in results/ that is called like the title."""
    path = HERE / "results" / f"{report.file_name(title)}.json" if wanted is True else wanted
    write_json(path, content)
    terminal.say(f"\nWritten: {path}")
