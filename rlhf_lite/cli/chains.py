"""What the commands about the chain share: which chain is meant, what there is of it, and how the rest is
built."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..chain import store
from ..chain.plan import ChainConfig, Plan
from ..config import DataConfig, EvalConfig, ModelConfig, PPOConfig, PretrainConfig, RankingsConfig, SFTConfig
from ..hardware.cores import cores
from .terminal import Board, note

if TYPE_CHECKING:
    from ..chain.tiny import Chain

_DATA = DataConfig()
_SCALE_HELP = (
    f"sizes of the data sets as a share of the paper's Table 6 (default {_DATA.scale:g}; "
    f"SFT sets: {_DATA.sft_scale:g})"
)


def chain_options(option: Callable, seed: str = "--seed") -> None:
    """Which chain: a profile, and what is changed of it."""
    option(
        seed,
        dest="run_seed",
        type=int,
        metavar="N",
        help="seed of all that follows the base model (default 0)",
    )
    option("--base-seed", type=int, metavar="N", help="seed of the base model (default 0, the shipped one)")
    option("--scale", type=float, metavar="X", help=_SCALE_HELP)
    option("--size", metavar="S|M|L", help="size of the model (default S)")
    option(
        "--profile",
        default="tiny",
        metavar="NAME",
        help="tiny (default); smoke: all stages in a minute, nothing learned",
    )


def chain_config(args: argparse.Namespace) -> ChainConfig:
    """The profile's settings with the changes that were asked for."""
    cfg = profile(args.profile)
    changes = {
        "seed": args.run_seed,
        "base_seed": args.base_seed,
        "data": None if args.scale is None else _scaled(cfg.data, args.scale),
        "model": None if args.size is None else cfg.model.replace(size=args.size),
    }
    return replace(cfg, **{name: value for name, value in changes.items() if value is not None})


def profile(name: str) -> ChainConfig:
    """The settings that a profile of the chain stands for."""
    profiles = {"tiny": ChainConfig, "smoke": smoke_config}
    if name not in profiles:
        raise ValueError(f"There is no profile '{name}'. Profiles are: {', '.join(profiles)}.")
    return profiles[name]()


def _scaled(data: DataConfig, scale: float) -> DataConfig:
    """All sets in proportion, but none beyond Table 6 before all of them are there."""
    sft_scale = round(scale * data.sft_scale / data.scale, 6)
    return data.replace(scale=scale, sft_scale=min(sft_scale, max(1.0, scale)))


def smoke_config() -> ChainConfig:
    """Every stage in seconds, to see that all of it runs; the models learn nothing."""
    ppo = PPOConfig(episodes=32, batch_size=32, minibatches=2, max_new_tokens=10)
    return ChainConfig(
        model=ModelConfig(size="XS"),
        base=PretrainConfig(tokens=20_000),
        data=DataConfig(scale=0.002, sft_scale=0.002),
        sft=SFTConfig(epochs=1),
        start=SFTConfig(epochs=1, pretrain_mix=0.1),
        ppo=ppo,
        ppo_ptx=ppo.replace(ptx_gamma=0.5),
        rankings=RankingsConfig(valid_prompts=10, calibration_prompts=10, max_new_tokens=10),
        evaluation=EvalConfig(prompts=20, skill_items=10, endings=20, case_prompts=2, max_new_tokens=10),
    )


def how_to_build(stage: str, args: argparse.Namespace) -> str:
    """The command that builds a stage with these settings."""
    given = {
        "--seed": args.run_seed,
        "--base-seed": args.base_seed,
        "--scale": args.scale,
        "--size": args.size,
        "--profile": None if args.profile == "tiny" else args.profile,
    }
    options = (f"{name} {value}" for name, value in given.items() if value is not None)
    return " ".join([f"rlhf-lite run --only {stage}", *options])


def where(plan: Plan, stage: str) -> tuple[str, Path, float | None]:
    """built, shipped, unfinished or missing; the folder; the seconds it took to build."""
    name = plan.folder_name(stage)
    places = (
        {"built": store.home(), "shipped": store.SHIPPED}
        if stage in plan.shipped
        else {"built": store.home()}
    )
    for state, place in places.items():
        if found := store.find(name, (place,)):
            return state, found.folder, found.summary["seconds"]
    return "unfinished" if (store.home() / name).exists() else "missing", store.home() / name, None


def jobs_option(option: Callable) -> None:
    option(
        "--jobs",
        type=int,
        metavar="N",
        help="stages built at a time, in processes of their own (default 2); 1: in this one",
    )


def build(plan: Plan, wanted: Sequence[str], args: argparse.Namespace) -> None:
    """Build what is missing of these stages, two at a time (the smoke profile ends before a second process
    began)."""
    from ..chain.workers import build_all

    jobs = args.jobs or (1 if args.profile == "smoke" else min(2, cores()))
    try:
        if jobs > 1:
            with Board() as board:
                build_all(plan, tuple(wanted), jobs, board)
        else:
            chain = chain_of(plan)
            for stage in wanted:
                chain.get(stage)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "What is finished is kept; the same command, without --fresh, goes on from there."
        ) from None


def chain_of(plan: Plan) -> Chain:
    """The plan's chain, which says what it builds."""
    from ..chain.tiny import Chain

    def report(stage: str, how: str, seconds: float) -> None:
        note(f"{stage}: building ..." if how == "building" else f"{stage}: built in {seconds:.0f} s")

    return Chain(plan.config, plan.shipped, report=report)
