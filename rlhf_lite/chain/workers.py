"""Stages built in processes of their own, two at a time.

On two cores, two processes of one thread each are faster than one of two: small models spend much of a step
on work that threads cannot share. `sft` and `start` need only the base model, `ppo` and `ppo_ptx` only what comes before both.
What a stage leaves behind is the same as when a notebook builds it.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import traceback
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread

from ..data.files import read_json
from . import store
from .plan import INPUTS, ChainConfig, Plan

KNOWN_ERRORS = {"ValueError": ValueError, "OSError": OSError, "ArithmeticError": ArithmeticError}
ALONE = (
    "base",
    "prompts",
    "rankings",
    "evaluation",
)  # they use all cores well, and everything after them waits for them


def build_all(plan: Plan, stages: tuple[str, ...], jobs: int = 2, show=None) -> None:
    """Build what is missing of `stages`, in an order that their inputs allow. `show({stage: progress})` is called
    about four times a second. Ctrl-C stops all; each goes on from its checkpoint next time."""
    running: dict[str, _Child] = {}
    waiting = [stage for stage in stages if not plan.has(stage)]
    try:
        while waiting or running:
            for stage in tuple(waiting):
                if _may_start(stage, waiting, running, jobs):
                    waiting.remove(stage)
                    running[stage] = _Child(plan, stage, threads=jobs if stage in ALONE else 1)
            for stage in [s for s, child in running.items() if child.ended()]:
                running.pop(stage).check()
            if show is not None:
                show({stage: progress(store.home() / plan.folder_name(stage)) for stage in running})
            wait(
                [child.sentinel for child in running.values()], timeout=0.25
            )  # the next begins when one ends
    except KeyboardInterrupt:
        for child in running.values():  # they got the interrupt too, and write their checkpoints
            child.process.join()
        raise
    finally:
        for child in running.values():
            child.process.terminate()


def _may_start(stage: str, waiting: list[str], running: dict, jobs: int) -> bool:
    busy = {*waiting, *running} - {stage}
    if any(needed in busy for needed in INPUTS[stage]):
        return False
    return not running if stage in ALONE else len(running) < jobs and not any(s in ALONE for s in running)


@cache
def processes():
    """Where processes come from: a server that has imported everything once and forks, on systems that have it."""
    kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(kind)
    if kind == "forkserver":
        context.set_forkserver_preload(["rlhf_lite.chain.tiny", "datasets"])
    return context


class _Child:
    """One stage being built, and what it says at its end."""

    def __init__(self, plan: Plan, stage: str, threads: int):
        self.stage, context = stage, processes()
        self.ear, mouth = context.Pipe(duplex=False)
        order = (stage, plan.config.to_dict(), plan.shipped, threads, mouth)
        self.process = context.Process(target=_build, args=order, daemon=True)
        self.process.start()
        self.sentinel = self.process.sentinel
        mouth.close()

    def ended(self) -> bool:
        return not self.process.is_alive()

    def check(self) -> None:
        """Raise here what went wrong there."""
        self.process.join()
        try:
            kind, message = self.ear.recv()
        except EOFError:  # killed before it could say anything
            code = self.process.exitcode
            raise RuntimeError(
                f"Building {self.stage} ended with code {code}; was it killed, or is memory short?"
            ) from None
        if kind == "KeyboardInterrupt":
            raise KeyboardInterrupt(message)
        if kind:
            raise KNOWN_ERRORS.get(kind, RuntimeError)(f"Building {self.stage} failed: {message}")


def _build(stage: str, config: dict, shipped: tuple[str, ...], threads: int, mouth: Connection) -> None:
    """What a process does: build one stage, then say "" or the kind and text of its error."""
    begin_process(threads)
    from .tiny import Chain

    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            Chain(ChainConfig.from_dict(config), tuple(shipped), progress=False).get(stage)
        mouth.send(("", ""))
    except (KeyboardInterrupt, *KNOWN_ERRORS.values()) as error:
        mouth.send(
            (
                next((k for k, v in KNOWN_ERRORS.items() if isinstance(error, v)), "KeyboardInterrupt"),
                str(error),
            )
        )
    except BaseException:
        mouth.send(("RuntimeError", traceback.format_exc()[-2000:]))


def begin_process(threads: int) -> None:
    """What every process that works for another one does first."""
    _leave_with_parent()
    import torch

    torch.set_num_threads(threads)


def _leave_with_parent() -> None:
    """End this process if the one that asked for it is killed: nobody waits for its result any more."""
    asked_by = multiprocessing.parent_process().sentinel

    def leave() -> None:
        wait([asked_by])
        os._exit(1)  # what it had is in its checkpoint

    Thread(target=leave, daemon=True).start()


def progress(folder: Path) -> dict:
    """How far a stage is, read from what its loop writes: step, total (None where unknown), and its last metrics."""
    try:
        lines = (folder / "trace.jsonl").read_text().splitlines()
        total = read_json(folder / "checkpoint-total.json")["total"]
        return {"step": len(lines), "total": total, **(json.loads(lines[-1]) if lines else {})}
    except (OSError, ValueError, KeyError):
        return {"step": 0, "total": None}
