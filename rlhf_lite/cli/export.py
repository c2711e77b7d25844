"""Write a model for plain transformers, with a card, and push it if asked.

A policy loads in AutoModelForCausalLM and pipeline("text-generation"), a reward
model in AutoModelForSequenceClassification; the tokenizer is set for it. The
card says how the model was made, as its run recorded it, and how to use it.

--push uploads the folder to the Hugging Face hub, with the token that `hf auth
login` left; a new repository is private. Nothing is ever pushed without it.

Takes:    seconds; a stage has to be finished (`rlhf-lite run`), or shipped.
Leaves:   DIR: weights, tokenizer, README.md, summary.json. An earlier export
          there is replaced; a folder with anything else is left alone.
Example:  rlhf-lite export ppo_ptx --to my-policy
          rlhf-lite export reward --to rm --precision bf16 --push me/rm
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ..chain.recipes import POLICIES, STAGES, TinyPlan
from .chains import chain_config, chain_options, how_to_build
from .terminal import say


def options(option: Callable) -> None:
    option(
        "source", metavar="STAGE_OR_FOLDER", help="a stage (base, sft, start, reward, ppo ...) or a folder"
    )
    option("--to", required=True, metavar="DIR", type=Path, help="the folder to write")
    option("--precision", default="fp32", metavar="P", help="of the weights: fp32 (default), or bf16")
    option("--license", metavar="NAME", help="for the card (default: mit for the chain's models, else other)")
    option("--overwrite", action="store_true", help="replace files of the same names, whatever DIR holds")
    option("--push", metavar="NAME", help="upload to this repository of the hub, e.g. me/my-policy")
    option("--public", action="store_true", help="make that repository public (default: private)")
    chain_options(option)


def run(args: argparse.Namespace) -> None:
    from .. import export as exporting

    if args.public and not args.push:
        raise ValueError("--public says how to push; say where to, with --push NAME")
    plan = TinyPlan(chain_config(args))
    source = _exported(plan, args.source, args)
    if args.push:
        exporting.check_push(args.push)
    command = _building(plan, source, args)
    card = {"name": args.push, "command": command, "license": args.license}
    exporting.export(source, args.to, dtype=args.precision, overwrite=args.overwrite, **card)
    say(f"{source.resolve().name}: {args.to}")
    if args.push:
        say(exporting.push(args.to.expanduser(), args.push, private=not args.public))


def _exported(plan: TinyPlan, source: str, args: argparse.Namespace) -> Path:
    """The folder of a finished stage with a model, or the folder itself."""
    if source in (*POLICIES, "reward"):
        if found := plan.find(source):
            return found.folder
        build = how_to_build(source, args)
        raise ValueError(f"'{source}' is not built with these settings; build it with: {build}")
    if not Path(source).expanduser().is_dir():
        stages = ", ".join((*POLICIES, "reward"))
        raise ValueError(f"'{source}' is neither a folder nor a stage with a model. Those are: {stages}.")
    return Path(source).expanduser()


def _building(plan: TinyPlan, source: Path, args: argparse.Namespace) -> str:
    """The command that builds a folder, if its name shows that it is what these settings lead to."""
    stage = source.resolve().name.rpartition("-")[0]
    if stage not in STAGES or source.resolve().name != plan.folder_name(stage):
        return ""
    return how_to_build(stage, args)
