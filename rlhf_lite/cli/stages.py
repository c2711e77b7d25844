"""List the stages of the chain, and which of them are there.

built: in your run folder. shipped: in the repository. unfinished: stopped, and
goes on from there. missing: is built when something asks for it.

Takes:    seconds; builds nothing, leaves nothing behind.
Example:  rlhf-lite stages --seed 1
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..chain.recipes import STAGES, TinyPlan
from .chains import chain_config, chain_options, where
from .terminal import print_table


def options(option: Callable) -> None:
    chain_options(option)


def run(args: argparse.Namespace) -> None:
    plan = TinyPlan(chain_config(args))
    rows = []
    for stage in STAGES:
        state, folder, seconds = where(plan, stage)
        rows.append((stage, state, "" if seconds is None else f"{seconds:.0f}", folder))
    print_table(("stage", "state", "seconds", "folder"), rows)
