"""What the commands about a chain share: which chain is meant, what there is of it, and how the rest is
built."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..chain import store
from ..chain.plan import Plan
from ..chain.recipes import ChainConfig, TinyPlan
from ..config import Config, DataConfig
from ..hardware.cores import cores
from .terminal import Board, note

PROFILES = {
    "tiny": "",
    # every stage in seconds, to see that all of it runs; the models learn nothing
    "smoke": "model.size=XS base.tokens=20000 data.scale=0.002 data.sft_scale=0.002 sft.epochs=1 "
    "start.epochs=1 rankings.valid_prompts=10 rankings.calibration_prompts=10 rankings.max_new_tokens=10 "
    "ppo.episodes=32 ppo.batch_size=32 ppo.minibatches=2 ppo.max_new_tokens=10 ppo_ptx.ptx_gamma=0.5 "
    "ppo_ptx.episodes=32 ppo_ptx.batch_size=32 ppo_ptx.minibatches=2 ppo_ptx.max_new_tokens=10 "
    "evaluation.prompts=20 evaluation.skill_items=10 evaluation.endings=20 evaluation.case_prompts=2 "
    "evaluation.max_new_tokens=10",
}
DATA = DataConfig()


def chain_options(option: Callable, seed: str = "--seed") -> None:
    """Which chain: a profile, and what is changed of it."""
    scale = f"sizes of the sets, of the paper's Table 6 (default {DATA.scale:g}, SFT {DATA.sft_scale:g})"
    option(seed, dest="run_seed", type=int, metavar="N", help="seed of all after the base model (default 0)")
    option("--base-seed", type=int, metavar="N", help="seed of the base model (default 0, the shipped one)")
    option("--scale", type=float, metavar="X", help=scale)
    option("--size", metavar="S|M|L", help="size of the model (default S)")
    option("--profile", default="tiny", metavar="NAME", help="tiny (default); smoke: every stage in a minute")
    option("--set", nargs="+", default=[], metavar="NAME=X", help="other settings, e.g. ppo.kl_beta=0.1")
    option("--device", default="auto", metavar="D", help="cuda, cpu or auto: a GPU if there is one (default)")


def chain_config(args: argparse.Namespace) -> ChainConfig:
    """The profile's settings with the changes that were asked for."""
    config = profile(args.profile)
    changes = {"seed": args.run_seed, "base_seed": args.base_seed, "model.size": args.size}
    if args.scale is not None:  # all sets in proportion, but none beyond Table 6 before all of them are there
        sft_scale = round(args.scale * config.data.sft_scale / config.data.scale, 6)
        changes |= {"data.scale": args.scale, "data.sft_scale": min(sft_scale, max(1.0, args.scale))}
    config = config.replace(**{name: value for name, value in changes.items() if value is not None})
    return with_settings(config, args.set)


def profile(name: str) -> ChainConfig:
    """The settings that a profile of the chain stands for."""
    if name not in PROFILES:
        raise ValueError(f"There is no profile '{name}'. Profiles are: {', '.join(PROFILES)}.")
    return with_settings(ChainConfig(), PROFILES[name].split())


def with_settings(config: Config, settings: Iterable[str]) -> Config:
    """The config with settings as they are typed, like "seed=3" or "ppo.kl_beta=0.1"."""
    changes = {}
    for setting in settings:
        name, sign, text = setting.partition("=")
        if not (name and sign and text):
            raise ValueError(f"--set {setting}: write NAME=VALUE, or PART.NAME=VALUE as in ppo.kl_beta=0.1")
        default = config
        for part in name.split("."):
            default = getattr(default, part, None)
        changes[name] = _read_like(default, text)
    return config.replace(**changes)


def _read_like(default: Any, text: str) -> Any:
    """A text as a value of the default's kind; as it is, if it is none: the config says what it should be."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(default, (int, float)):
        with suppress(ValueError):
            return type(default)(text)
    return text


def how_to_build(stage: str, args: argparse.Namespace) -> str:
    """The command that builds a stage with these settings."""
    given = {
        "--seed": args.run_seed,
        "--base-seed": args.base_seed,
        "--scale": args.scale,
        "--size": args.size,
    }
    given["--profile"] = None if args.profile == "tiny" else args.profile
    given["--set"] = " ".join(args.set) or None
    options = (f"{name} {value}" for name, value in given.items() if value is not None)
    return " ".join([f"rlhf-lite run --only {stage}", *options])


def where(plan: Plan, stage: str) -> tuple[str, Path, float | None]:
    """built, shipped, unfinished or missing; the folder; the seconds it took to build."""
    name = plan.folder_name(stage)
    places = {"built": store.home()}
    if stage in plan.shipped:
        places["shipped"] = store.SHIPPED
    for state, place in places.items():
        if found := store.find(name, [place]):
            return state, found.folder, found.summary["seconds"]
    return "unfinished" if (store.home() / name).exists() else "missing", store.home() / name, None


def jobs_option(option: Callable) -> None:
    text = "stages built at a time, in processes of their own (default 2); 1: in this one"
    option("--jobs", type=int, metavar="N", help=text)


def build(plan: TinyPlan, wanted: Sequence[str], args: argparse.Namespace) -> None:
    """Build what is missing of these stages, two at a time (smoke ends before a second process began)."""
    from ..chain.workers import build_all

    jobs = args.jobs or (1 if args.profile == "smoke" else min(2, cores()))
    try:
        if jobs > 1:
            with Board() as board:
                build_all(plan, wanted, jobs, board, args.device)
        else:
            chain = chain_of(plan, args.device)
            for stage in wanted:
                chain.get(stage)
    except KeyboardInterrupt:
        again = "What is finished is kept; the same command, without --fresh, goes on from there."
        raise KeyboardInterrupt(again) from None


def chain_of(plan: TinyPlan, device: str = "auto"):
    """The plan's chain, which says what it builds."""
    from ..chain.tiny import Chain

    def report(stage: str, how: str, seconds: float) -> None:
        note(f"{stage}: building ..." if how == "building" else f"{stage}: built in {seconds:.0f} s")

    return Chain(plan.config, plan.shipped, device=device, report=report)
