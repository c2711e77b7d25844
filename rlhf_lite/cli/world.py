"""Show a few prompts of the tiny world, with a right answer and a human one.

The reference scores 1.000 by the gold rubric. The demonstration is what SFT
learns from: mostly right, and flawed the way people are. What these flaws
leave to gain is what human feedback can gain here.

Takes:    a second, leaves nothing behind.
Example:  rlhf-lite world --count 3 --use-case summarize
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from .terminal import print_table, say


def options(option: Callable) -> None:
    option("-n", "--count", type=int, default=5, metavar="N", help="how many prompts (default 5)")
    option("--use-case", metavar="NAME", help="of this use case only, e.g. summarize")
    option("--seed", type=int, default=0, metavar="N", help="another seed, other prompts (default 0)")


def run(args: argparse.Namespace) -> None:
    from random import Random

    from ..world import USE_CASES, World, gold

    if args.use_case not in (None, *USE_CASES):
        raise ValueError(f"There is no use case '{args.use_case}'. Use cases are: {', '.join(USE_CASES)}.")
    here, rng = World(), Random(f"look-{args.seed}")
    for _ in range(args.count):
        task = here.draw_task(rng, use_case=args.use_case)
        texts = {"reference": task.reference, "demonstration": here.demonstrate(task, rng)}
        rows = [(name, f"{gold(task, text):.3f}", text) for name, text in texts.items()]
        print_table((task.use_case, "gold", ""), [("prompt", "", task.text), *rows])
        say()
