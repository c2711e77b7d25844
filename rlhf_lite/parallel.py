"""Stages built in processes of their own, two at a time.

On two cores, two processes of one thread each are faster than one of two: small models spend much of a step
on work that threads cannot share. `sft` and `start` need only the base model, `ppo` and `ppo_ptx` only what comes before both.
What a stage leaves behind is the same as when a notebook builds it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import runs

if TYPE_CHECKING:
    from .chain import Chain

ALONE = ("base", "rankings", "reward", "evaluation")  # on the way of everything after them: they get all threads


def build_all(chain: Chain, stages: tuple[str, ...], jobs: int = 2, show=None) -> None:
    """Build what is missing of `stages`, in an order that their inputs allow. `show({stage: progress})` is called
    about four times a second. Ctrl-C stops all; each goes on from its checkpoint next time."""
    running: dict[str, subprocess.Popen] = {}
    waiting = [stage for stage in stages if not chain.has(stage)]
    try:
        while waiting or running:
            for stage in [s for s in waiting if _may_start(chain, s, waiting, running, jobs)]:
                waiting.remove(stage)
                running[stage] = _start(chain, stage, threads=jobs if stage in ALONE else 1)
            for stage in [s for s, process in running.items() if process.poll() is not None]:
                _finish(stage, running.pop(stage))
            if show is not None:
                show({stage: progress(runs.home() / chain.folder_name(stage)) for stage in running})
            time.sleep(0.25)
    except KeyboardInterrupt:
        for process in running.values():  # they got the interrupt too, and write their checkpoints
            process.wait()
        raise


def _may_start(chain: Chain, stage: str, waiting: list[str], running: dict, jobs: int) -> bool:
    from .chain import INPUTS

    busy = {*waiting, *running} - {stage}
    if any(needed in busy for needed in INPUTS[stage]):
        return False
    return not running if stage in ALONE else len(running) < jobs and not any(s in ALONE for s in running)


def _start(chain: Chain, stage: str, threads: int) -> subprocess.Popen:
    order = {"stage": stage, "config": chain.config.to_dict(), "shipped": chain.shipped, "threads": threads}
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "rlhf_lite.parallel", json.dumps(order)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _finish(stage: str, process: subprocess.Popen) -> None:
    output = process.communicate()[0]
    if process.returncode == 130:
        raise KeyboardInterrupt
    if process.returncode:
        raise RuntimeError(f"Building {stage} failed:\n{output.strip()[-2000:]}")


def progress(folder: Path) -> dict:
    """How far a stage is, read from what its loop writes: step, total (None where unknown), and its last metrics."""
    try:
        lines = (folder / "trace.jsonl").read_text().splitlines()
        total = runs.read_json(folder / "checkpoint-total.json")["total"]
        return {"step": len(lines), "total": total, **(json.loads(lines[-1]) if lines else {})}
    except (OSError, ValueError, KeyError):
        return {"step": 0, "total": None}


def _child(order: dict) -> int:
    import torch

    from .chain import Chain, ChainConfig

    torch.set_num_threads(order["threads"])
    try:
        Chain(ChainConfig.from_dict(order["config"]), tuple(order["shipped"]), progress=False).get(order["stage"])
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(_child(json.loads(sys.argv[1])))
