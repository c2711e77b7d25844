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
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from multiprocessing import connection
from pathlib import Path

from ..data.files import read_json
from ..hardware.signals import deferred
from . import store
from .recipes import ChainConfig, TinyPlan

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
    called about four times a second. Ctrl-C, or SIGTERM, stops all; each goes on from its checkpoint next
    time."""
    running: dict[str, Future] = {}
    waiting = [stage for stage in stages if not plan.find(stage)]
    with ended_with_this():
        while waiting or running:
            for stage in tuple(waiting):
                if _may_start(plan, stage, waiting, running, jobs):
                    waiting.remove(stage)
                    running[stage] = start(plan, stage, jobs if stage in ALONE else 1, device)
            for stage in [name for name, building in running.items() if building.done()]:
                check(stage, running.pop(stage))
            if show is not None:
                show({stage: progress(store.home() / plan.folder_name(stage)) for stage in running})
            wait(running.values(), timeout=0.25, return_when=FIRST_COMPLETED)  # the next begins when one ends


@contextmanager
def ended_with_this() -> Iterator[None]:
    """Processes that are begun in here end before anything that goes wrong leaves it: they are asked to
    (SIGTERM), and those in training write their checkpoints first."""
    others = {*multiprocessing.active_children(), *threading.enumerate()}
    try:
        yield
    except BaseException:
        processes = [process for process in multiprocessing.active_children() if process not in others]
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for thread in set(threading.enumerate()) - others:  # of pools: at the exit they would speak of what
            thread.join(5)  # is closed
        raise


def _may_start(plan: TinyPlan, stage: str, waiting: Sequence[str], running: dict, jobs: int) -> bool:
    if any(needed in waiting or needed in running for needed in plan.needs[stage]):
        return False
    if stage in ALONE:
        return not running
    return len(running) < jobs and not any(other in ALONE for other in running)


@cache
def context():
    """Where processes come from: where systems have it, a server that has imported everything, and forks."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["rlhf_lite.chain.tiny", "datasets"])
    return server


def pool(processes: int, threads: int) -> ProcessPoolExecutor:
    """So many processes of so many threads each, with the settings in this one's environment: those of the
    server that they are forked from may be older."""
    settings = {name: value for name, value in os.environ.items() if name.startswith("RLHF_LITE_")}
    return ProcessPoolExecutor(processes, context(), begin_process, (threads, settings))


def start(plan: TinyPlan, stage: str, threads: int, device: str = "auto") -> Future:
    """Build one stage in a process of its own, which ends with it."""
    own = pool(1, threads)
    with deferred():  # a process that is only half begun could not be ended
        building = own.submit(_build, stage, plan.config.to_dict(), plan.shipped, device)
    own.shutdown(wait=False)
    return building


def check(stage: str, building: Future) -> None:
    """Raise here what went wrong there: what a user can mend, in one line that says where."""
    try:
        building.result()
    except BrokenProcessPool as error:
        text = f"Building {stage} ended without a word; was it killed, or is memory short?"
        raise ChildProcessError(text) from error
    except (ValueError, OSError, ArithmeticError) as error:
        kind = next(kind for kind in (ValueError, OSError, ArithmeticError) if isinstance(error, kind))
        raise kind(f"Building {stage} failed: {error}") from error


def _build(stage: str, config: dict, shipped: Sequence[str], device: str) -> None:
    from .tiny import Chain

    shown = sys.stderr
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"note: {message}", file=shown, flush=True)
        Chain(ChainConfig.from_dict(config), tuple(shipped), device=device, progress=False).get(stage)


def begin_process(threads: int, settings: dict[str, str]) -> None:
    """What every process that works for another one does first: it ends if that one is killed, for nobody
    waits for its result any more. A training saves its state before."""
    os.environ.update(settings)
    asked_by = multiprocessing.parent_process().sentinel

    def leave() -> None:
        connection.wait([asked_by])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=leave, daemon=True).start()
    import torch
    from tqdm.std import tqdm

    torch.set_num_threads(threads)
    tqdm.set_lock(
        threading.RLock()
    )  # its own would be a semaphore, which a process that is ended leaves behind


def progress(folder: Path) -> dict:
    """How far a stage is, by what its loop writes: step, total (None: unknown), and its last metrics."""
    try:
        lines = (folder / "trace.jsonl").read_text().splitlines()
        last = json.loads(lines[-1]) if lines else {}
        return {"step": len(lines), "total": read_json(folder / "checkpoint-total.json")["total"], **last}
    except (OSError, ValueError, KeyError):
        return {"step": 0, "total": None}
