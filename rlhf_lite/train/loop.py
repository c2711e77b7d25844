"""The loop all training shares: progress, trace, checkpoints, exact resume, and a clean stop.

::

    with Loop("sft", folder="runs/sft").track(policy=policy, optimizer=optimizer) as loop:
        for step in loop.steps(total):       # goes on where a killed run left off
            loss = ...
            loop.log(loss=loss)              # one line of trace.jsonl per finished step
    loop.history["loss"], loop.stopped

A step is a transaction: its metrics are written and checkpoints are taken only between steps. Whoever draws
random numbers in a step derives them from (seed, step) (`batches.seeded`) or tracks the `torch.Generator`, so
a resumed run goes through the same numbers as one that was never interrupted.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm.std import tqdm

from ..data.files import atomic_write
from ..hardware import processes
from ..hardware.compiling import Trial
from ..hardware.environment import trim_memory
from ..hardware.signals import handled
from . import checkpoints

MOVABLE = ("lr", "value_lr", "kl_beta", "ptx_gamma")  # settings that may change while a run goes on
STOPPED: list[dict] = []  # of trainings that were stopped before their end; `trained` are ids of objects
TIDY_EVERY = 20  # steps; batches of ever other shapes leave 0.3 GB of free pieces behind in a few hundred


class Loop:
    """Steps of one training run.

    state: what a checkpoint holds, see `track`. folder: where `trace.jsonl` and the checkpoint go (None:
    nothing is written). save_every_s: seconds between checkpoints; one more is taken at the end and at every
    stop. control: an object with a property `stopped` and a method `report(step, **metrics)`, e.g. a Stop
    button; and, if it likes, a dict `moved` of settings that somebody moved, see `current`.
    live: up to three metrics shown beside the progress bar. about: whatever must be equal for a checkpoint to
    fit (config, data size); otherwise training starts afresh.
    """

    def __init__(
        self,
        name,
        state=None,
        folder=None,
        save_every_s=60.0,
        control=None,
        progress=True,
        live=(),
        about=None,
    ):
        self.name, self.state, self.about, self.live = name, dict(state or {}), dict(about or {}), tuple(live)
        self.folder = Path(folder) if folder is not None else None
        self.save_every_s, self.control, self.progress = save_every_s, control, progress
        self.step, self.total = 0, None
        self.stopped = False  # someone asked to stop
        self.rows: list[dict] = []  # one dict per finished step, as in trace.jsonl
        self.history: dict[str, list[float]] = {}  # the same, by metric
        self._row, self._bar, self._trace, self._trial = {}, None, None, None
        self._interrupted, self._terminated = False, False
        self._signals = handled(self._on_interrupt, signal.SIGINT, signal.SIGTERM)
        self._moved: dict[str, float] = {}  # settings that differ from the config's since some step

    @classmethod
    def open(cls, name: str, loop: Loop | dict | None, **options) -> Loop:
        """What training functions accept as `loop`: a ready Loop, a dict of its options, or None."""
        if not isinstance(loop, Loop):
            return cls(name, **{**options, **(loop or {})})
        loop.about = {**options.get("about", {}), **loop.about}
        loop.live = loop.live or options.get("live", ())
        return loop

    def track(self, **state) -> Loop:
        """Add what a checkpoint holds: objects with state_dict/load_state_dict, or torch.Generators."""
        self.state.update(state)
        return self

    # -- the steps -------------------------------------------------------------------------------------------

    def steps(self, total: int) -> Iterator[int]:
        """Yield the steps still to do, 0 ... total-1; between two of them keep the books."""
        self.total, self.about = total, {"name": self.name, "total": total, **self.about}
        if self.folder is not None:
            self._resume()
        self._start_trace()
        watched = sys.stderr.isatty() or "ipykernel" in sys.modules
        shown = self.progress and watched and processes.is_main_process()
        options = {"disable": not shown, "leave": False, "mininterval": 0.5}
        self._bar = tqdm(total=total, initial=self.step, desc=self.name, **options)
        saved, self.stopped = time.monotonic(), self._asked_to_stop()
        self._trial = Trial(self._device())
        while not (self.finished or self.stopped):
            self._row = {}
            yield self.step
            self.log(**self._trial.step_done(left=total - self.step - 1))
            self._finish_step()
            if self.step % TIDY_EVERY == 0:
                trim_memory()
            due = processes.any_process(time.monotonic() - saved >= self.save_every_s)
            if self.stopped or self.finished or due:
                self.save()
                saved = time.monotonic()
        self._close()

    def _device(self) -> torch.device:
        """That of the models in training."""
        models = (thing for thing in self.state.values() if isinstance(thing, torch.nn.Module))
        return next((next(model.parameters()).device for model in models), torch.device("cpu"))

    @property
    def finished(self) -> bool:
        """All steps are done. A run that is asked to stop in its last step is both stopped and finished."""
        return self.total is not None and self.step >= self.total

    def log(self, **metrics) -> None:
        """Numbers of the current step (tensors are fine); they reach the trace when the step is finished."""
        for name, value in metrics.items():
            self._row[name] = value.detach() if isinstance(value, torch.Tensor) else value

    def current(self, cfg):
        """The config with whatever of MOVABLE was moved since the run began. The trace says when:
        `moved/kl_beta` is logged at the step from which a value holds, and a resumed run goes on with it."""
        asked = processes.broadcast(getattr(self.control, "moved", None) or {})
        for name in MOVABLE:
            if name in asked and asked[name] != self._moved.get(name, getattr(cfg, name, asked[name])):
                cfg.replace(**{name: asked[name]})  # refused here if it is out of range
                self._moved[name] = asked[name]
                self.log(**{f"moved/{name}": asked[name]})
        return cfg.replace(**self._moved) if self._moved else cfg

    def _finish_step(self) -> None:
        self._row = {name: float(value) for name, value in self._row.items()}  # now, for it waits for a GPU
        self._record({"step": self.step, **self._row})
        if self._trace:
            self._trace.write(_line(self.rows[-1]))
            self._trace.flush()
        self._bar.set_postfix({k: f"{self._row[k]:.3g}" for k in self.live if k in self._row}, refresh=False)
        self._bar.update()
        if self.control is not None:
            self.control.report(self.step, **self._row)
        self.step, self._row = self.step + 1, {}
        self.stopped = self._asked_to_stop()

    def _asked_to_stop(self) -> bool:
        return processes.any_process(
            self._interrupted or bool(self.control is not None and self.control.stopped)
        )

    def _record(self, row: dict) -> None:
        self.rows.append(row)
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)
            if name.startswith("moved/"):
                self._moved[name.removeprefix("moved/")] = value

    # -- interrupts ------------------------------------------------------------------------------------------

    def __enter__(self) -> Loop:
        """The first Ctrl-C (or a notebook's stop button) lets the step finish; a second one stops at once.
        SIGTERM (`kill`, Slurm, Docker) waits until the state is saved, and then does what it always does."""
        self._signals.__enter__()
        return self

    def _on_interrupt(self, number, frame) -> None:
        if self._interrupted and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._interrupted, self._terminated = True, self._terminated or number == signal.SIGTERM
        if self._bar is not None:
            self._bar.set_description_str(f"{self.name}: finishing this step, interrupt again to stop now")

    def __exit__(self, kind, error, traceback) -> bool:
        """A KeyboardInterrupt inside a step ends the run quietly; the last checkpoint stays the state to
        resume from, because half a step is no state one can resume exactly."""
        self._signals.__exit__(None, None, None)
        self.stopped = self.stopped or kind is KeyboardInterrupt
        if self.stopped and not self.finished:
            left = {"name": self.name, "step": self.step, "total": self.total, "control": self.control}
            trained = {*map(id, self.state.values())}
            STOPPED.append({**left, "trained": trained, "thread": threading.get_ident()})
        self._close()
        if self._terminated:
            signal.raise_signal(signal.SIGTERM)
        return kind is KeyboardInterrupt

    def _close(self) -> None:
        for thing in (self._bar, self._trace, self._trial):
            if thing is not None:
                thing.close()
        self._trace = None

    # -- what is written -------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write a checkpoint, if there is a folder."""
        if self.folder is None:
            return
        if self._trace:
            os.fsync(self._trace.fileno())
        checkpoints.save(self.folder, self.about, self.step, self.rows, self.state)

    def clear(self) -> None:
        """Delete the checkpoint, e.g. once the finished model is saved elsewhere; the trace stays."""
        if self.folder is not None and processes.is_main_process():
            checkpoints.clear(self.folder)

    def _resume(self) -> None:
        self.step, rows = checkpoints.load(self.folder, self.name, self.about, self.state)
        self.rows, self.history = [], {}
        for row in rows:
            self._record(row)

    def _start_trace(self) -> None:
        """Write the trace anew from the rows of the checkpoint, so that no step appears twice or is torn."""
        if self.folder is None or not processes.is_main_process():
            return
        path = self.folder / "trace.jsonl"
        with atomic_write(path) as file:
            file.writelines(_line(row).encode() for row in self.rows)
        self._trace = open(path, "a", encoding="utf-8")
        with atomic_write(self.folder / "checkpoint-total.json") as file:  # for who watches from elsewhere
            file.write(json.dumps({"total": self.total}).encode())


def _line(row: dict) -> str:
    finite = {name: value if math.isfinite(value) else None for name, value in row.items()}
    return json.dumps(finite) + "\n"  # NaN is not JSON
