"""Build the whole chain: SFT, rankings, reward model, PPO, PPO-ptx, evaluation.

Starts from the shipped base model, says which stage runs, and ends with tables
of the evaluation. Finished stages of an earlier run are used again.

Takes:    four minutes on two CPU cores that do 110 float32 and 220 bfloat16
          GFLOP/s each, eight on two with AVX2 only; --scale 0.05 less than half
          of it, --profile smoke a minute. A base model of another seed or size
          is pretrained first, which takes longer than all the rest.
Leaves:   a folder per stage in the run folder: weights, trace.jsonl (a line
          per step), summary.json. The numbers of the evaluation are in the
          report.json of its folder. Ctrl-C, or kill, saves what is in training.
Example:  rlhf-lite run --seed 1 --report report-1.json
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ..chain import store
from ..chain.plan import Plan
from ..chain.recipes import TinyPlan
from ..chain.store import Found
from ..data.files import read_json, write_json
from .chains import build, chain_config, chain_options, jobs_option, where
from .terminal import note, print_table, say


def options(option: Callable) -> None:
    option("--only", metavar="STAGE", help="only this stage and what it needs, e.g. reward")
    fresh = "throw finished stages away first (the base model only with --only base)"
    option("--fresh", action="store_true", help=fresh)
    option("--report", metavar="FILE", type=Path, help="write the report here too, as JSON")
    archive = "copy the report, and every stage's settings and trace, here"
    option("--archive", metavar="FOLDER", type=Path, help=archive)
    chain_options(option)
    jobs_option(option)


def run(args: argparse.Namespace) -> None:
    if args.report and not args.report.expanduser().absolute().parent.is_dir():
        raise ValueError(f"--report {args.report}: its folder does not exist; make it first")
    plan = TinyPlan(chain_config(args), shipped=("base", "prompts"))
    wanted = plan.needed(args.only or "evaluation")
    say(f"Run folder: {store.home()}")
    if args.fresh:
        _forget(plan, [args.only] if args.only else [stage for stage in wanted if stage != "base"])
    for stage in wanted:
        state, folder, seconds = where(plan, stage)
        if seconds is not None:
            say(f"{stage}: {state}, took {seconds:.0f} s, in {folder}")
    build(plan, wanted, args)
    if wanted[-1] == "evaluation":
        _show_report({stage: plan.find(stage) for stage in wanted}, args.report)
        if args.archive:
            plan.archive(args.archive.expanduser())
            say(f"        {args.archive}")


def _forget(plan: Plan, unwanted: Sequence[str]) -> None:
    """Delete what the user's run folder holds of these stages; shipped ones stay."""
    for stage in unwanted:
        folder = store.home() / plan.folder_name(stage)
        if folder.exists():
            with store.claimed(folder, wait=False):
                note(f"{stage}: throwing away {folder}")
                shutil.rmtree(folder)


def _show_report(found: dict[str, Found], copy: Path | None) -> None:
    """Tables of the evaluation and of the seconds, and where the whole report is."""
    from ..show.tables import cases_table, labels_table, quality_table, skills_table

    last = found["evaluation"]
    report = read_json(last.folder / "report.json")
    seconds = {stage: it.summary["seconds"] for stage, it in found.items()}
    print_table(("stage", "seconds"), [(stage, f"{s:.0f}") for stage, s in seconds.items()], "Stages")
    title = f"{report['prompts']} test prompts of {report['users']} users; ± half a 95 % interval"
    print_table(*quality_table(report), title)
    print_table(*skills_table(report), "Few-shot skills, % right")
    print_table(*cases_table(report), "Gold by use case: validation prompts, temperature 1")
    print_table(*labels_table(report), "Pairs of answers put in the same order, with a 95 % interval")
    say(f"\n{_computed_with(last.summary)}\nReport: {last.folder / 'report.json'}")
    if copy:
        made = {name: last.summary[name] for name in ("commit", "versions", "hardware")}
        write_json(copy.expanduser(), report | {"seconds": seconds, "made": made})
        say(f"        {copy}")


def _computed_with(summary: dict) -> str:
    """On what the last stage ran, and which of several ways to compute it took, in one sentence."""
    here = summary["hardware"]
    device = here["gpu"] or f"{here['cores']} cores"
    ways = [here[way] for way in ("precision", "kernels") if way in here]  # older stages do not say
    return f"Computed on {device}. " + " ".join(f"{way[:1].upper()}{way[1:]}." for way in ways)
