"""Execute the notebooks without a browser, in order.

Fails if a cell raises, or if a number leaves its expected band.

Takes:    minutes each; with --fast less than one each.
Leaves:   nothing; with --write the notebooks with their new outputs.
Example:  rlhf-lite notebooks 04 05 --fast
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..terminal import say


def options(option: Callable) -> None:
    option("names", nargs="*", metavar="NAME", help="e.g. 05 or 05_ppo (default: all)")
    option("--fast", action="store_true", help="a few steps of everything: does every cell run?")
    option("--write", action="store_true", help="keep the new outputs in the files")


def run(args: argparse.Namespace) -> int:
    from ..show.notebooks import run_notebooks

    def report(result) -> None:
        say(f"{result.name}: {'ok' if result.ok else 'FAILED'}, {result.seconds:.0f} s")
        for problem in (result.error, *result.problems):
            say(problem) if problem else None

    results = run_notebooks(args.names or None, fast=args.fast, write=args.write, report=report)
    return 0 if all(result.ok for result in results) else 1
