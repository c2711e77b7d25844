"""Talk to the base model, SFT, PPO and PPO-ptx side by side.

All answer the same prompt; beside each answer stands its reward model score.
They know a little country of animals, people, towns and foods in simple
English (`rlhf-lite world` shows what to ask), and nothing else.

Answers are drawn as in training, at temperature 1. Inside, `again` draws new
ones, `temperature X` and `greedy` change how they are drawn, `quit` ends. With
PROMPTs, or one a line from a file or pipe, answers are printed without
questions. --json prints a line for each prompt and model, with the keys prompt,
model, answer and score; each line that comes in is a prompt then, or an object
of JSON with a "prompt", which may have lines of its own.

Takes:    seconds to load, less than a second an answer. Models that are
          neither shipped nor built are built first, like `rlhf-lite run`.
Leaves:   nothing.
Example:  rlhf-lite chat "List three animals."
          rlhf-lite chat --json --models sft ppo_ptx < prompts.txt
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from ..chain.recipes import POLICIES, TinyPlan
from .chains import build, chain_config, chain_of, chain_options, jobs_option
from .terminal import speak_utf8

MODELS = ("base", "sft", "ppo", "ppo_ptx")


def options(option: Callable) -> None:
    option("prompts", nargs="*", metavar="PROMPT", help="answer these and end")
    text = f"who answers: any of {', '.join(POLICIES)} (default: {', '.join(MODELS)})"
    option("--models", nargs="+", choices=POLICIES, default=MODELS, metavar="NAME", help=text)
    option("--json", action="store_true", help="print lines of JSON, and nothing else")
    option("--temperature", type=float, default=1.0, metavar="X", help="of sampling (default 1, as trained)")
    option("--greedy", action="store_true", help="always the likeliest token")
    option("--seed", type=int, default=0, metavar="N", help="of sampling (default 0)")
    chain_options(option, "--run-seed")
    jobs_option(option)


def run(args: argparse.Namespace) -> int:
    from ..show.answers import Settings
    from .conversation import Panel, read_prompts

    settings, plan = Settings(args.temperature, args.greedy, args.seed), TinyPlan(chain_config(args))
    build(plan, plan.needed(*args.models, "reward", but_found=True), args)
    panel = Panel(chain_of(plan, args.device), args.models, settings, args.json)
    if args.json:
        speak_utf8()
    if args.prompts:
        return panel.ask_all(os.fsencode(prompt).decode(errors="replace") for prompt in args.prompts)
    if args.json:
        return panel.ask_all(read_prompts(sys.stdin))
    return panel.talk() if sys.stdin.isatty() else panel.follow(sys.stdin)
