"""Stages of the tiny world built in processes of their own, two at a time.

On two cores, two processes of one thread each are faster than one of two: small models spend much of a step
on work that threads cannot share. `sft` and `start` need only the base model, `ppo` and `ppo_ptx` only what
comes before both. What a stage leaves behind is the same as when a notebook builds it.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread

from ..data.files import read_json
from . import store
from .recipes import ChainConfig, TinyPlan

ERRORS = {
    kind.__name__: kind for kind in (ValueError, OSError, ArithmeticError, KeyboardInterrupt)
}  # told in one line
# They use all cores well, and all after them waits for them.
ALONE = ("base", "prompts", "rankings", "evaluation")


def build_all(
    plan: TinyPlan,
    stages: Sequence[str],
    jobs: int = 2,
    show: Callable[[dict[str, dict]], None] | None = None,
    device: str = "auto",
) -> None:
    """Build what is missing of `stages`, in an order that their inputs allow. `show({stage: progress})` is
    called about four times a second. Ctrl-C stops all; each goes on from its checkpoint next time."""
    running: dict[str, Worker] = {}
    waiting = [stage for stage in stages if not plan.find(stage)]
    try:
        while waiting or running:
            for stage in tuple(waiting):
                if _may_start(plan, stage, waiting, running, jobs):
                    waiting.remove(stage)
                    running[stage] = Worker(plan, stage, jobs if stage in ALONE else 1, device)
            for stage in [name for name, worker in running.items() if worker.ended()]:
                running.pop(stage).check()
            if show is not None:
                show({stage: progress(store.home() / plan.folder_name(stage)) for stage in running})
            wait(
                [worker.sentinel for worker in running.values()], timeout=0.25
            )  # the next begins when one ends
    except KeyboardInterrupt:
        for worker in running.values():  # they got the interrupt too, and write their checkpoints
            worker.process.join()
        raise
    finally:
        for worker in running.values():
            worker.process.terminate()


def _may_start(plan: TinyPlan, stage: str, waiting: Sequence[str], running: dict, jobs: int) -> bool:
    if any(needed in waiting or needed in running for needed in plan.needs[stage]):
        return False
    if stage in ALONE:
        return not running
    return len(running) < jobs and not any(other in ALONE for other in running)


@cache
def context():
    """Where processes come from: a server that has imported everything once and forks, on systems that have
    it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["rlhf_lite.chain.tiny", "datasets"])
    return server


class Worker:
    """A process that builds one stage, and what it says at its end."""

    def __init__(self, plan: TinyPlan, stage: str, threads: int, device: str = "auto"):
        self.stage = stage
        self.ear, mouth = context().Pipe(duplex=False)
        settings = {name: value for name, value in os.environ.items() if name.startswith("RLHF_LITE_")}
        order = (stage, plan.config.to_dict(), plan.shipped, threads, device, settings, mouth)
        self.process = context().Process(target=_build, args=order, daemon=True)
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
            text = f"Building {self.stage} ended with code {code}; was it killed, or is memory short?"
            raise RuntimeError(text) from None
        if kind == "KeyboardInterrupt":
            raise KeyboardInterrupt(message)
        if kind:
            raise ERRORS.get(kind, RuntimeError)(f"Building {self.stage} failed: {message}")


def _build(
    stage: str,
    config: dict,
    shipped: Sequence[str],
    threads: int,
    device: str,
    settings: dict[str, str],
    mouth: Connection,
) -> None:
    """What a process does: build one stage, then say "" or the kind and text of its error."""
    os.environ.update(settings)  # the server that this process was forked from may have others
    begin_process(threads)
    from .tiny import Chain

    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            chain = Chain(ChainConfig.from_dict(config), tuple(shipped), device=device, progress=False)
            chain.get(stage)
        mouth.send(("", ""))
    except tuple(ERRORS.values()) as error:
        kind = next(name for name, one in ERRORS.items() if isinstance(error, one))
        mouth.send((kind, str(error)))
    except BaseException:
        mouth.send(("RuntimeError", traceback.format_exc()[-2000:]))


def begin_process(threads: int) -> None:
    """What every process that works for another one does first: it ends if that one is killed, for nobody
    waits for its result any more, and what it had is in its checkpoint."""
    asked_by = multiprocessing.parent_process().sentinel

    def leave() -> None:
        wait([asked_by])
        os._exit(1)

    Thread(target=leave, daemon=True).start()
    import torch

    torch.set_num_threads(threads)


def progress(folder: Path) -> dict:
    """How far a stage is, read from what its loop writes: step, total (None: unknown), and its last
    metrics."""
    try:
        lines = (folder / "trace.jsonl").read_text().splitlines()
        last = json.loads(lines[-1]) if lines else {}
        return {"step": len(lines), "total": read_json(folder / "checkpoint-total.json")["total"], **last}
    except (OSError, ValueError, KeyError):
        return {"step": 0, "total": None}
