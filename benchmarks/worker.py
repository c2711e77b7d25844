"""The process of one side of one job: it sets up, and then does one step each time it is told to.

`Worker` is what the measuring process holds, `Gate` is what the job meets inside the process. They talk in
lines of JSON: {"threads": 1} asks for a step, {"check": true} for the comparison with plain transformers, no
line for the end.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from .jobs import Case
from .packages import Missing, ppo_folder

ROOT = Path(__file__).resolve().parents[1]
# What rlhf_lite sets in the environment.
OWN = (
    "LRU_CACHE_CAPACITY",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    "KMP_BLOCKTIME",
)
_NUMBERS = itertools.count()  # of logs


class Finished(BaseException):
    """The parent has seen enough. No `Exception`, so that no trainer catches it."""


class Gate:
    """Lets one step through each time the parent asks for one, and measures it.

    The first step, which nobody counts, may include setting up.
    """

    def __init__(self, case: Case, commands, answers):
        self.commands, self.answers, self.cuda = commands, answers, case.device == "cuda"
        self.optimizer_steps: Counter[int] = Counter()  # by optimizer
        self.check: Callable[[], dict] = dict  # what the job wants to compare with plain transformers
        self.stopped = False  # for `Loop`, which asks
        register_optimizer_step_post_hook(lambda optimizer, *_: self.optimizer_steps.update([id(optimizer)]))

    def begin(self) -> None:
        """Wait for the parent, then start the clocks."""
        while "check" in (command := self._next()):
            self.send(self.check())
        torch.set_num_threads(command["threads"])
        self.optimizer_steps.clear()
        gc.collect()
        self._wait_for_gpu()
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def end(self, **facts) -> None:
        """Stop the clocks and report."""
        self._wait_for_gpu()
        cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        memory = {"peak_mb": self._peak_mb(), "imports_mb": self.imports_mb}
        steps = sorted(self.optimizer_steps.values())
        self.send({"cpu_s": cpu, "wall_s": wall, **memory, "optimizer_steps": steps, **facts})

    def imported(self) -> None:
        """All libraries are there, and no model yet: what they take is no fault of the job's."""
        self.imports_mb = self._peak_mb()

    def report(self, step: int, **metrics) -> None:
        """What a `Loop` of rlhf_lite calls between two steps."""
        self.end(**metrics)
        self.begin()

    def _next(self) -> dict:
        line = self.commands.readline()
        if not line:
            raise Finished
        return json.loads(line)

    def send(self, facts: dict) -> None:
        self.answers.write(json.dumps(facts) + "\n")
        self.answers.flush()

    def _wait_for_gpu(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()

    def _peak_mb(self) -> float:
        """Most memory so far: of the GPU, else of this process."""
        if self.cuda:
            return torch.cuda.max_memory_allocated() / 2**20
        return _peak_of_process()


def _peak_of_process() -> float:
    """In MB. On Linux from VmHWM, for getrusage counts what the parent had there."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class Worker:
    """A running process that does one side of a case."""

    def __init__(self, side: str, case: Case):
        self.log = Path(case.folder, f"{side}-{next(_NUMBERS)}.log")
        command = [sys.executable, "-c", "from benchmarks.worker import main; main()", side, case.to_json()]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment(side, case),
                text=True,
                stderr=log,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )

    def step(self, threads: int) -> dict:
        """One step: seconds, peak memory, and what the job reports."""
        return self._ask({"threads": threads})

    def check(self) -> dict:
        """How far what was computed is from what plain transformers compute."""
        return self._ask({"check": True})

    def _ask(self, command: dict) -> dict:
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer = json.loads(line) if line else {"error": f"it ended: {_last_line(self.log)}"}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error) -> None:
        with suppress(BrokenPipeError):  # it has ended by itself
            self.process.stdin.close()
        self.process.stdout.close()
        if error[0] is not None:
            self.process.kill()
        self.process.wait()


def environment(side: str, case: Case) -> dict[str, str]:
    """No network, no GPU unless it is asked for; the peer gets nothing that importing rlhf_lite sets."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]  # TRL would spread over several
    settings = {
        "CUDA_VISIBLE_DEVICES": visible if case.device == "cuda" else "",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(Path(case.folder, "huggingface")),
        "TOKENIZERS_PARALLELISM": "false",
        "TRL_EXPERIMENTAL_SILENCE": "1",
    }
    if side == "ours":
        return {**os.environ, **settings, "RLHF_LITE_PRECISION": case.precision}
    if case.job.kind == "ppo":
        settings["PYTHONPATH"] = str(ppo_folder())  # before the newest TRL
    return {name: value for name, value in os.environ.items() if name not in OWN} | settings


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def main() -> None:
    """What runs in the process: `main` of a `Worker`'s command."""
    side, case = sys.argv[1], Case.from_json(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints goes to the log
    gate = Gate(case, sys.stdin, answers)
    try:
        import_module("benchmarks.ours" if side == "ours" else "benchmarks.peers").run(case, gate)
    except Finished:
        pass
    except Exception as error:
        gate.send({"error": str(error) if isinstance(error, Missing) else f"{type(error).__name__}: {error}"})
        raise
