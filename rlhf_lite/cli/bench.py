"""Measure our code against TRL and transformers, in turns on this machine.

Reward model, PPO, PPO-ptx, sampling and SFT, on the same weights, batches and
precision. A ratio says how many times longer the peer took; "of the floor" is
the time of the unavoidable matrix products at this machine's peak, as a share
of our time. Whether both sides computed the same is checked in the same run.
Peers: pip install -e ".[bench]"; TRL's last PPO is fetched by pip once.

Takes:    about fifteen minutes for the tiny model on two CPU cores, hours for
          gpt2 (less with --cores one and few --rounds), --grow six minutes.
Leaves:   the files that --json and --figure name, and TRL's last PPO in the run
          folder. --grow writes to benchmarks/growth.png and results/.
Example:  rlhf-lite bench --jobs rm_32_32 sample --precision fp32 --cores one
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ..data.files import ROOT
from . import terminal

BENCHMARKS = ROOT / "benchmarks"


def options(option: Callable) -> None:
    option("--jobs", nargs="+", metavar="JOB", help="rm_32_32, rm_96_32, ppo, ptx, sample, sft (default all)")
    option("--model", default="tiny", metavar="NAME", help="tiny (default), or gpt2: GPT-2's 124M shape")
    option("--precision", nargs="+", default=["fp32", "bf16"], metavar="P", help="fp32, bf16 (default: both)")
    option("--rounds", type=int, default=7, metavar="N", help="how often each side does each job (default 7)")
    option("--cores", default="both", metavar="X", help="one (CPU seconds), all (wall time), both (default)")
    option("--device", default="cpu", metavar="NAME", help="cpu (default) or cuda")
    where = "write the numbers here; without FILE, to one in benchmarks/results"
    option("--json", nargs="?", const=True, metavar="FILE", type=Path, help=where)
    option("--figure", metavar="FILE", type=Path, help="draw them here, as PNG")
    option("--grow", action="store_true", help="instead: how our jobs grow with lengths, batch and model")


def run(args: argparse.Namespace) -> int:
    if not BENCHMARKS.is_dir():
        raise ValueError(f"{BENCHMARKS} is missing: benchmarks come with the repository only")
    sys.path.insert(0, str(BENCHMARKS.parent))
    from benchmarks import command

    return command.run(args, terminal)
