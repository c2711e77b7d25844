"""Run one setting at several values, with several seeds, and keep the records.

kl_beta and lr: PPO; ptx_gamma: PPO-ptx; k: the reward model on rankings of
exactly k answers. Explorers in notebooks 04 to 06 show what is recorded.
Runs that are recorded already are left alone.

Takes:    a minute of one core a run, and once for each seed what it needs.
Leaves:   a file of some kilobytes for each run: its trace and some answers.
Example:  rlhf-lite sweep kl_beta --values 0 0.05 --seeds 0 1 2
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ..chain import store
from .chains import profile
from .terminal import note, print_table, say


def options(option: Callable) -> None:
    option("name", metavar="NAME", help="kl_beta, ptx_gamma, lr or k")
    option("--values", type=float, nargs="+", metavar="X", help="other values than the sweep's own")
    seeds, into = (
        "one run of each (default 0 1 2)",
        "keep the records here (default: sweeps in the run folder)",
    )
    option("--seeds", type=int, nargs="+", default=(0, 1, 2), metavar="N", help=seeds)
    option("--into", type=Path, metavar="FOLDER", help=into)
    option("--jobs", type=int, default=2, metavar="N", help="runs at a time (default 2)")
    option("--profile", default="tiny", metavar="NAME", help="tiny (default) or smoke, see run")


def run(args: argparse.Namespace) -> None:
    from ..chain import sweeps

    into = (args.into or store.home() / "sweeps").expanduser()
    base = profile(args.profile)

    def report(done: int, of: int) -> None:
        note(f"{done} of {of} runs")

    sweeps.record_all(args.name, args.seeds, args.values, into, args.jobs, base, report)
    found = sweeps.load(args.name, into)
    logged = found[min(found)][0]["trace"][-1]
    watched = ("gold/mean", "objective/score", "objective/kl", "loss", "accuracy")
    metrics = [name for name in watched if name in logged]
    last = [sweeps.ends(found, name, last=1) for name in metrics]
    rows = [(f"{value:g}", len(found[value]), *(end[value] for end in last)) for value in found]
    print_table((args.name, "runs", *metrics), rows, "Last step: mean over runs, lowest and highest")
    say(f"\nRecords: {into / args.name}")
