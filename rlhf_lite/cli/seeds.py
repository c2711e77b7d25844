"""Compare several runs of the chain: means over seeds, with intervals.

Without folders: the runs that come with the repository, on which the README's
claims stand. 95 % intervals, Student's t over the runs.

Takes:    a second, leaves nothing behind.
Example:  rlhf-lite run --seed 5 --archive five
          rlhf-lite seeds five data/seeds/seed-0-base-0
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from .terminal import print_table


def options(option: Callable) -> None:
    option("folders", nargs="*", metavar="FOLDER", type=Path, help="archives of `rlhf-lite run --archive`")


def run(args: argparse.Namespace) -> None:
    from ..evaluate.seeds import read_reports
    from ..show.scorecard import scorecard
    from ..show.tables import seeds_table

    reports = read_reports(args.folders or None)
    print_table(*seeds_table(reports), f"{len(reports)} runs, mean and 95 % interval over them, and each run")
    print_table(*scorecard(reports), "What the paper claims, by rules that were written before the runs")
