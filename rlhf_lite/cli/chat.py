"""Talk to the base model, SFT, PPO and PPO-ptx side by side.

All answer the same prompt; beside each answer stands its reward model score.
They know a little country of animals, people, towns and foods in simple
English (`rlhf-lite world` shows what to ask), and nothing else.

Inside, `again` draws new answers, `temperature X` and `greedy` change how they
are drawn, `quit` ends. With a PROMPT, or one prompt a line from a file or
pipe, answers are printed without questions.

Takes:    seconds to load, less than a second an answer. Models that are
          neither shipped nor built are built first, like `rlhf-lite run`.
Leaves:   nothing.
Example:  rlhf-lite chat "List three animals."
          rlhf-lite chat --greedy < prompts.txt
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from ..chain.recipes import TinyPlan
from .chains import build, chain_config, chain_of, chain_options, jobs_option


def options(option: Callable) -> None:
    option("prompt", nargs="?", metavar="PROMPT", help="answer this and end")
    option("--temperature", type=float, default=1.0, metavar="X", help="of sampling (default 1, as trained)")
    option("--greedy", action="store_true", help="always the likeliest token")
    option("--seed", type=int, default=0, metavar="N", help="of sampling (default 0)")
    chain_options(option, "--run-seed")
    jobs_option(option)


def run(args: argparse.Namespace) -> int:
    if args.prompt is not None and not args.prompt.strip():
        raise ValueError("the prompt is empty; write an instruction or a question")
    from ..show.answers import Settings
    from .conversation import MODELS, Panel

    settings, plan = Settings(args.temperature, args.greedy, args.seed), TinyPlan(chain_config(args))
    build(plan, plan.needed(*MODELS.values(), "reward", but_found=True), args)
    panel = Panel(chain_of(plan, args.device), settings)
    if args.prompt is not None:
        return 0 if panel.ask(os.fsencode(args.prompt).decode(errors="replace")) else 2
    if sys.stdin.isatty():
        return panel.talk()
    return panel.follow(sys.stdin)
