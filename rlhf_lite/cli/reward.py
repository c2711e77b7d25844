"""Train the reward model on real human rankings, e.g. of Open Assistant.

The code of the tiny world on a file of yours (.jsonl, .json, .csv, .parquet):
Open-Assistant trees or messages, rankings (prompt, completions, ranks) or
pairs (prompt, chosen, rejected). Long texts are cut; conversations are split so
that none is on both sides. The accuracy on those kept aside comes with its
95 % interval, beside chance and the rule "the longer answer is better". From
random weights and a hundred conversations expect little more than chance.

Takes:    a minute or two, and 2 GB, for a hundred trees on two CPU cores.
Leaves:   a folder in the run folder: the model (AutoModelForSequence-
          Classification loads it), trace.jsonl, report.json. The same command
          shows its result again; after Ctrl-C it goes on.
Example:  rlhf-lite reward --rankings trees.jsonl --tokenizer gpt2-tokenizer/
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..chain.store import Found
from .terminal import print_table, say

if TYPE_CHECKING:
    from ..chain.real_reward import RealConfig


def options(option: Callable) -> None:
    option("--rankings", required=True, metavar="FILE", help="trees, rankings or pairs, see above")
    option(
        "--tokenizer",
        metavar="DIR",
        default=os.environ.get("RLHF_LITE_TOKENIZER"),
        help="GPT-2's "
        "vocab.json and merges.txt, or any tokenizer (default: $RLHF_LITE_TOKENIZER, or --model's)",
    )
    option("--model", metavar="DIR", help="a GPT-2 checkpoint to start from (default: random weights)")
    option("--size", metavar="NAME", help="shape of random weights: tiny (default), small or gpt2")
    option("--epochs", type=int, metavar="N", help="passes over the rankings (default 2)")
    option("--lr", type=float, metavar="X", help="peak learning rate (default 0.0005)")
    option(
        "--limit-tokens",
        type=int,
        metavar="N",
        help="longest prompt and answer together (default 384); longer ones are cut",
    )
    option("--steps", type=int, metavar="N", help="stop after so many steps")
    option("--minutes", type=float, metavar="X", help="stop after so many minutes")
    option("--seed", type=int, metavar="N", help="of the split, the weights and the order (default 0)")
    option("--fresh", action="store_true", help="train anew even if the result of these settings is there")
    option("--out", metavar="DIR", type=Path, help="copy the result to this new folder")


def run(args: argparse.Namespace) -> None:
    from ..chain import real_reward

    out = args.out and args.out.expanduser()
    if out and out.exists():
        raise ValueError(f"--out {out} is there already; give a new folder")
    cfg = _config(args)
    tokenizer = real_reward.find_tokenizer(args.tokenizer or args.model)
    data = real_reward.prepare(args.rankings, tokenizer, cfg)
    print_table(("left out or cut", "times"), data.notes.most_common(), str(args.rankings))
    found = real_reward.train(data, tokenizer, cfg, args.model, args.fresh)
    _show(found)
    if out:
        shutil.copytree(found.folder, out)
        say(f"       {out}")


def _config(args: argparse.Namespace) -> RealConfig:
    from ..chain.real_reward import RealConfig

    names = ("size", "epochs", "lr", "limit_tokens", "steps", "minutes", "seed")
    return RealConfig(**{name: getattr(args, name) for name in names if getattr(args, name) is not None})


def _show(found: Found) -> None:
    """What the model was trained on, and its accuracy beside chance."""
    from ..show.tables import bracketed

    report = found.summary["result"]
    steps, chance, units = report["steps"], report["chance"], ("conversations", "prompts", "answers", "pairs")
    counts = [(side, *(report["data"][side][unit] for unit in units)) for side in ("train", "held_out")]
    print_table(("side", *units), counts, "Split by conversation")
    say(
        f"\nGPT-2 with {report['parameters']:,} parameters, started from {report['start']}: {steps['done']} of "
        f"{steps['planned']} steps, {found.summary['seconds']:.0f} s in all."
    )
    measured = {
        "held-out": report["held_out"],
        "held-out, before training": report["untrained"],
        "train": report["train"],
        "held-out, if the longer answer always wins": {"accuracy": report["longer_answer"]},
    }
    rows = [(name, bracketed(it["accuracy"]), bracketed(it.get("loss"))) for name, it in measured.items()]
    rows.append(("chance", f"{chance['accuracy']:.3f}", f"{chance['loss']:.3f}"))
    print_table(
        ("", "accuracy", "loss"), rows, "Pairs ordered as people did, with a 95 % interval over conversations"
    )
    low, high = (report["held_out"]["accuracy"][end] for end in ("low", "high"))
    verdict = (
        "is above chance" if low > 0.5 else "is below chance" if high < 0.5 else "cannot be told from chance"
    )
    say(f"\nOn conversations it has never seen, this model {verdict}.\n\nModel: {found.folder}")
