"""The chain on a real GPT-2 and on what people ranked: SFT, RM, PPO, a judge.

Public sets by name (oasst1, hh_rlhf, nectar, helpsteer, summarize ...) or files
of yours, split by user: one part trains SFT, reward model and PPO, another a
judge, who compares PPO with SFT on prompts of the rest. Stages are found
again; after Ctrl-C they go on. With --set ppo.ptx_gamma=1 and --text it is
PPO-ptx. With --only reward it ends with a reward model and its accuracy on
users that nobody trained on. On several GPUs start it with torchrun, see the
README.

Takes:    hours with GPT-2 on a CPU, so give it a GPU; a minute on two cores
          with --model "" --size S and a hundred conversations.
Leaves:   a folder per stage in the run folder: models that transformers loads,
          traces, answers, and the report in the summary of the last.
Example:  rlhf-lite real --rankings oasst1 --model gpt2 --limit-tokens 512
          rlhf-lite real --rankings trees.jsonl --model "" --tokenizer gpt2/
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields

from ..chain.recipes import REAL_STAGES, RealChainConfig
from .chains import with_settings
from .terminal import print_table, say

OPTIONS = "rankings split limit model size tokenizer text limit_tokens seed device".split()


def options(option: Callable) -> None:
    for field in fields(RealChainConfig):
        if field.name in OPTIONS:
            shown = field.metadata["help"] + (f" (default {field.default})" if field.default != "" else "")
            flag, kind = f"--{field.name.replace('_', '-')}", type(field.default)
            option(flag, type=kind, metavar=field.name[0].upper(), default=field.default, help=shown)
    settings = "other settings: accumulation=4, recompute=true, or of a stage, ppo.ptx_gamma=1"
    option("--set", nargs="+", default=[], metavar="NAME=X", help=settings)
    option("--only", metavar="STAGE", help=f"only this stage and what it needs: {', '.join(REAL_STAGES)}")
    forecast = "only say what memory each stage takes, and what fits 8 to 24 GB"
    option("--forecast", action="store_true", help=forecast)
    option("--fit", action="store_true", help="compute in parts so small that it fits, see --forecast")
    option("--processes", type=int, metavar="N", help="how many torchrun starts; another number is an error")


def run(args: argparse.Namespace) -> None:
    from ..chain.real import RealChain
    from ..hardware import processes

    config = RealChainConfig(**{name: getattr(args, name) for name in OPTIONS})
    chain = RealChain(with_settings(config, args.set), world_size=args.processes)
    try:
        if args.forecast:
            return _show_forecast(chain)
        if args.fit:
            chain = chain.fitted()
        found = chain.get(args.only or "evaluation")
        if not processes.is_main_process():
            return
        left_out = sorted(chain.left_out.items(), key=lambda pair: -pair[1])
        print_table(("left out or cut", "times"), left_out, config.rankings)
        if args.only in ("reward", "judge"):
            _show_accuracy(args.only, found.summary["result"])
        elif not args.only:
            _show(chain.report)
        say(f"\n{found.folder}")
    finally:
        processes.leave()


def _show_forecast(chain) -> None:
    """What each stage will take, and the settings with which all of them fit on usual cards."""
    from ..chain import memory
    from ..hardware.forecast import amount

    here, rows = memory.forecasts(chain), []
    for name, on_gpu in memory.forecasts(chain, on_gpu=True).items():
        rows.append((name, amount(here[name].total), amount(on_gpu.total), on_gpu.moment))
    print_table(("stage", "here", "on a GPU", "most while"), rows, "Memory of the training, on each process")
    fitting = []
    for size in (8, 16, 24):
        changes = memory.leaner(chain, size * 1e9, on_gpu=True)
        advice = f"--set {memory.as_words(changes)}" if changes else "as they are"
        if changes is None:
            advice = "a smaller model, a lower --limit-tokens, or more GPUs"
        fitting.append((size, advice))
    print_table(("GB", "settings"), fitting, "To fit into so many free GB of a GPU, and learn the same")


def _show_accuracy(stage: str, result: dict) -> None:
    """How a reward model does on users that nobody trained on, beside two things that it should beat."""
    from ..show.tables import bracketed

    rows = [
        (stage, bracketed(result["test"]["accuracy"])),
        ("the longer answer wins", bracketed(result.get("longer_answer"))),
        ("chance", "0.500"),
    ]
    print_table(("who", "agrees with people"), rows, "Pairs of the test side, 95 % interval over users")
    low, high = result["test"]["accuracy"]["low"], result["test"]["accuracy"]["high"]
    verdict = "cannot be told from" if low <= 0.5 <= high else "is above" if low > 0.5 else "is below"
    say(f"\nOn users whose rankings nobody trained on, this model {verdict} chance.")


def _show(report: dict) -> None:
    """What the judge prefers, and how far the judge can be trusted."""
    from ..show.tables import bracketed

    counts = [(side, *found.values()) for side, found in report["data"].items()]
    print_table(("side", *report["data"]["test"]), counts, "Split by user")
    trust = [(name, bracketed(mean)) for name, mean in report["agreement_with_people"].items()]
    title = "Pairs of the test side, 95 % interval over users; chance is 0.5"
    print_table(("who", "agrees with people"), trust, title)
    rows = []
    for name, mean in report["wins_against_sft"].items():
        scores = [bracketed(report["scores"][who][name]) for who in ("judge", "reward_model")]
        rows.append((name, bracketed(mean), *scores))
    columns = ("answers", "wins against SFT", "judge's score", "reward model's score")
    print_table(columns, rows, "By the judge, on prompts of the test side")
