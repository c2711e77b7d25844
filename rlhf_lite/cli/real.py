"""The chain on a real GPT-2 and on what people ranked: SFT, RM, PPO, a judge.

Public sets by name (oasst1, hh_rlhf, nectar, helpsteer, summarize ...) or files
of yours, split by user: one part trains SFT, reward model and PPO, another a
judge, who compares PPO with SFT on prompts of the rest. Stages are found
again; after Ctrl-C they go on. With --set ppo.ptx_gamma=1 and --text it is
PPO-ptx. On several GPUs start it with torchrun, see the README.

Takes:    hours with GPT-2 on a CPU, so give it a GPU; a minute on two cores
          with --model "" --size tiny and a hundred conversations.
Leaves:   a folder per stage in the run folder: models that transformers loads,
          traces, answers, and the report in the summary of the last.
Example:  rlhf-lite real --rankings oasst1 --model gpt2 --limit-tokens 512
          rlhf-lite real --rankings trees.jsonl --model "" --tokenizer gpt2/
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..config import RealChainConfig, RealStages
from .terminal import print_table, say


def options(option: Callable) -> None:
    for name in (
        "rankings",
        "split",
        "limit",
        "model",
        "size",
        "tokenizer",
        "text",
        "limit_tokens",
        "seed",
        "device",
    ):
        about, default = (
            RealChainConfig.__dataclass_fields__[name].metadata["help"],
            getattr(RealChainConfig(), name),
        )
        shown = f" (default {default})" if default != "" else ""
        option(
            f"--{name.replace('_', '-')}",
            type=type(default),
            metavar=name[0].upper(),
            default=default,
            help=about + shown,
        )
    option(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=X",
        help="other settings: accumulation=4, recompute=true, or of a stage, ppo.ptx_gamma=1",
    )
    option("--only", metavar="STAGE", help="only this stage and what it needs: sft, reward, judge, ppo")
    option(
        "--forecast",
        action="store_true",
        help="only say what memory each stage will take, and what fits 8, 16 and 24 GB",
    )
    option(
        "--fit",
        action="store_true",
        help="where that is more than there is: compute in smaller parts, see --forecast",
    )
    option(
        "--processes",
        type=int,
        metavar="N",
        help="how many processes torchrun was asked for; another number is an error",
    )


def run(args: argparse.Namespace) -> None:
    from ..chain.real import RealChain
    from ..hardware import processes

    config = RealChainConfig(
        **{name: getattr(args, name) for name in RealChainConfig.__dataclass_fields__ if hasattr(args, name)}
    )
    chain = RealChain(*with_settings(config, args.set), processes_expected=args.processes)
    try:
        if args.forecast:
            return _show_forecast(chain)
        if args.fit:
            chain = chain.fitted()
        found = chain.get(args.only or "evaluation")
        if not processes.is_main_process():
            return
        print_table(
            ("left out or cut", "times"),
            sorted(chain.left_out.items(), key=lambda pair: -pair[1]),
            config.rankings,
        )
        if not args.only:
            _show(chain.report)
        say(f"\n{found.folder}")
    finally:
        processes.leave()


def with_settings(config: RealChainConfig, changes: list[str]) -> tuple[RealChainConfig, RealStages]:
    """The chain's config and its stages (of the gpt2 profile) with settings like accumulation=4 or
    ppo.kl_beta=0.1 changed."""
    stages, wanted = RealStages(), {}
    for change in changes:
        place, _, text = change.partition("=")
        stage, _, name = place.rpartition(".")
        if not hasattr(stages, stage or "sft") or not text:
            raise ValueError(
                f"--set {change}: write NAME=VALUE, or STAGE.NAME=VALUE with a stage of sft, reward, ppo"
            )
        wanted[place] = _read_like(getattr(getattr(stages, stage) if stage else config, name, text), text)
    return stages.replace(wanted, config)


def _read_like(default, text: str):
    """A text as a value of the default's kind; as it is, if it is none: the config says what it should be."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return type(default)(text)
    except ValueError:
        return text


def _show_forecast(chain) -> None:
    """What each stage will take, and the settings with which all of them fit on usual cards."""
    from ..chain import memory
    from ..hardware.forecast import amount

    here, card = memory.forecasts(chain), memory.forecasts(chain, card=True)
    rows = [
        (name, amount(here[name].total), amount(found.total), found.moment) for name, found in card.items()
    ]
    print_table(("stage", "here", "on a GPU", "most while"), rows, "Memory of the training, on each process")
    print_table(
        ("GB", "settings"),
        [(size, _fitting(memory.leaner(chain, size * 1e9, card=True))) for size in (8, 16, 24)],
        "To fit into so many GB that are free on a GPU, and learn the same",
    )


def _fitting(changes: dict | None) -> str:
    from ..chain.memory import as_words

    if changes is None:
        return "a smaller model, a lower --limit-tokens, or more GPUs"
    return f"--set {as_words(changes)}" if changes else "as they are"


def _show(report: dict) -> None:
    """What the judge prefers, and how far the judge can be trusted."""
    from ..show.tables import bracketed

    counts = [(side, *found.values()) for side, found in report["data"].items()]
    print_table(("side", *report["data"]["test"]), counts, "Split by user")
    trust = [(name, bracketed(mean)) for name, mean in report["agreement_with_people"].items()]
    print_table(
        ("who", "agrees with people"),
        trust,
        "Pairs of the test side, 95 % interval over users; chance is 0.5",
    )
    rows = [
        (
            name,
            bracketed(mean),
            *(bracketed(report["scores"][who][name]) for who in ("judge", "reward_model")),
        )
        for name, mean in report["wins_against_sft"].items()
    ]
    print_table(
        ("answers", "wins against SFT", "judge's score", "reward model's score"),
        rows,
        "By the judge, on prompts of the test side",
    )
