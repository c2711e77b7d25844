"""Run the chain in several arms, with several seeds each, and keep the records.

Without a NAME: which experiments there are. An arm changes a few settings; of
a sweep (kl_beta, lr, ptx_gamma, k) any values may be asked for. Notebooks 04
to 06 and 08 show what is recorded. Runs that are recorded already are left
alone.

Takes:    a minute of one core a run, and once for each seed what it needs.
Leaves:   a file of some kilobytes for each run: its trace and some answers.
Example:  rlhf-lite experiment kl_beta --arms 0 0.05 --seeds 0 1 2
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ..chain import store
from .chains import profile
from .terminal import note, print_table, say


def options(option: Callable) -> None:
    option("name", nargs="?", metavar="NAME", help="which; without it they are listed")
    option("--arms", nargs="+", metavar="X", help="only these; of a sweep any values")
    seeds, into = (
        "one run of each (default 0 1 2)",
        "keep the records here (default: experiments in the run folder)",
    )
    option("--seeds", type=int, nargs="+", default=(0, 1, 2), metavar="N", help=seeds)
    option("--into", type=Path, metavar="FOLDER", help=into)
    option("--jobs", type=int, default=2, metavar="N", help="runs at a time (default 2)")
    option("--profile", default="tiny", metavar="NAME", help="tiny (default) or smoke, see run")


def run(args: argparse.Namespace) -> None:
    from ..chain import experiments
    from ..chain.questions import EXPERIMENTS
    from ..show.scorecard import scorecard

    if not args.name:
        found = EXPERIMENTS.items()
        rows = [(name, e.stage, ", ".join(map(experiments.called, e.arms)), e.says) for name, e in found]
        print_table(("name", "up to", "arms", "what differs"), rows)
        return
    into = (args.into or store.home() / "experiments").expanduser()
    base = profile(args.profile)

    def report(done: int, of: int) -> None:
        note(f"{done} of {of} runs")

    experiments.record_all(args.name, args.seeds, args.arms, into, args.jobs, base, report)
    found = experiments.load(args.name, into)
    logged = next(iter(found.values()))[0]["trace"][-1]
    watched = ("gold/mean", "objective/score", "objective/kl", "loss", "accuracy")
    metrics = [name for name in watched if name in logged]
    last = [experiments.ends(found, name, last=1) for name in metrics]
    rows = [(experiments.called(arm), len(found[arm]), *(end[arm] for end in last)) for arm in found]
    print_table((args.name, "runs", *metrics), rows, "Last step: mean over runs, lowest and highest")
    experiment = EXPERIMENTS[args.name]
    if experiment.claims and set(experiment.arms) <= set(found):
        print_table(*scorecard(experiments.by_seed(found), experiment.claims), "What was expected beforehand")
    say(f"\nRecords: {into / args.name}")
