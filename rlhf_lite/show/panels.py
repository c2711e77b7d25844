"""A panel that trains: sliders, Train, Pause, Stop, curves that grow, answers that change with the model.

    def practice(cfg, control):              # trains copies, so that a second run starts where the first did
        return train_ppo(*models(), cfg, loop={"control": control, "progress": False},
                         on_iteration=lambda i, batch: control.show({"prompt": ..., "answer": ...} for ...))

    show.TrainingPanel(practice, PPOConfig(), ("kl_beta", "lr", "clip"), ys=("objective/score", "gold/mean"))

Training runs in a thread that writes nothing but the values of widgets: the one way that works in every front
end. `run()` is the same without a thread and without a front end. Text of models is escaped.
"""

from __future__ import annotations

import math
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import ClassVar, NamedTuple

import ipywidgets

from ..config import Config, ConfigError, describe, meaning
from ..train.loop import MOVABLE
from .board import LiveBoard
from .sketch import sketch
from .style import Plot
from .text import Html, table
from .traces import MOVED, curves
from .verdicts import end_with_interrupts, stopped_run
from .widgets import Shown, words

_TURN = threading.Lock()  # two trainings at once would take each other's cores
KEPT = 4  # runs that stay in the picture, the new one included
# Where sliders begin and end; others go from what the config allows to four times the default.
RANGES = {
    "kl_beta": (0.0, 1.0),
    "ptx_gamma": (0.0, 6.0),
    "clip": (0.02, 1.0),
    "gae_lambda": (0.0, 1.0),
    "temperature": (0.2, 2.0),
}


class Run(NamedTuple):
    """A run that stays in the picture: what it was started with, and its trace, to which it adds."""

    number: int
    config: Config
    rows: list[dict]


class Control(LiveBoard):
    """What the training loop reports to: it draws into widgets, holds the run while it is paused, and hands
    on what is moved. `why` says who asked it to stop, if not the person at the panel."""

    def __init__(self, panel: TrainingPanel, total: int | None):
        super().__init__(panel.ys, total=total)
        self.panel, self.moved, self.why, self._go = panel, {}, "", threading.Event()
        self._go.set()

    def report(self, step: int, **metrics: float) -> None:
        super().report(step, **metrics)
        while not (self._go.wait(0.1) or self.stopped):
            pass

    def pause(self, wish: bool) -> None:
        self._go.clear() if wish else self._go.set()

    def show(self, rows: Iterable[Mapping]) -> None:
        """A table of what the model says now."""
        self.panel.samples.value = table(list(rows)).html

    def close(self) -> None:
        """Nothing: the panel draws the last picture when the training has ended."""

    def _picture(self, status: str) -> None:
        self.panel._redraw(status)

    def _tell(self, status: str) -> None:
        self.panel._tell(status)


class TrainingPanel(Shown):
    """Sliders for `knobs`, fields of the config `start`, the paper's value beside each. Those with a * may be
    moved while it trains. train(cfg, control) does the work; ys are the metrics drawn; total(cfg) is the
    number of steps. One panel trains at a time: Train ends the run of any other, also of one that is no
    longer on the page because its cell was run again."""

    _training_now: ClassVar[TrainingPanel | None] = None

    def __init__(
        self,
        train: Callable,
        start: Config,
        knobs: Sequence[str],
        ys: Sequence[str] = (),
        *,
        total: Callable[[Config], int] | None = None,
    ):
        self.train, self.start_config, self.ys, self.total = train, start, tuple(ys), total
        self.control: Control | None = None
        self.thread: threading.Thread | None = None
        self.runs: list[Run] = []
        self._spare: Plot | None = None  # the figure of the last sketch
        self.result, self.error, self._training = None, None, False
        self.knobs = {name: _knob(start, name) for name in knobs}
        self._make_widgets()
        end_with_interrupts(_end_the_run)

    # --- what a program does --------------------------------------------------------------------------------

    @property
    def config(self) -> Config:
        """As the sliders stand."""
        return self.start_config.replace(**{name: knob.value for name, knob in self.knobs.items()})

    @property
    def rows(self) -> list[dict]:
        """The trace of the last run."""
        return self.control.rows if self.control else []

    def run(self):
        """Train now, here, to the end or until the kernel is interrupted; returns what `train` returns."""
        if self._begin():
            self._train()
        if self.error:
            raise self.error
        return self.result

    def start(self) -> None:
        """Train in a thread; where those cannot show anything (Colab), here."""
        if "google.colab" in sys.modules:
            self._say("This front end shows a run only when it is over; to stop it, interrupt the kernel.")
            if self._begin():
                self._train()
        elif self._begin():
            self.thread = threading.Thread(target=self._train, daemon=True)
            self.thread.start()

    def stop(self, why: str = "") -> None:
        """End the run after its current step."""
        if self.control:
            self.stop_button.disabled = self.pause_button.disabled = True
            self._say("stopping after this step ...")
            self.control.why = why
            self.control.stop()  # last: whatever the run says at its end stays

    def pause(self, wish: bool) -> None:
        """Hold the run after its current step, or let it go on."""
        if self.control:
            self.control.pause(wish)
            self._say(
                "paused after this step; press Pause again to go on, or Stop" if wish else "going on ..."
            )

    def still(self) -> Plot | Html:
        """The curves of the last runs; before the first, the settings."""
        if self.rows:
            return self._curves()
        knobs = self.knobs.items()
        return table(
            [
                {"setting": name, "starts at": knob.value, "": _told(self.start_config, name)}
                for name, knob in knobs
            ]
        )

    # --- inside ---------------------------------------------------------------------------------------------

    def _begin(self) -> bool:
        """Make ready for a run, or say why there can be none."""
        if self._training:
            self._say("This panel trains already: stop it, or wait until it has finished.")
            return False
        try:
            self._chosen = self.config
        except ConfigError as error:
            self._say(str(error))
            return False
        self.error, self.result = None, None
        self.control = Control(self, self.total(self._chosen) if self.total else None)
        self._buttons(training=True)
        self._say("starting ...")
        return True

    def _train(self) -> None:
        """The run; its end, however it ends, is shown."""
        try:
            with self._turn() as mine:
                if mine:
                    self.result = self.train(self._chosen, self.control)
            self._say(self._ended())
        except KeyboardInterrupt:
            self._say(f"interrupted after {len(self.rows)} steps")
        except Exception as error:
            self.error = error
            self._say("".join(traceback.format_exception_only(error)).strip(), "Something went wrong")
        finally:
            self._buttons(training=False)
            self._redraw()

    @contextmanager
    def _turn(self):
        """Ask any other panel that trains to end, and wait for it; whether there is still a wish to train."""
        while not (mine := _TURN.acquire(timeout=0.1)) and not self.control.stopped:
            other = TrainingPanel._training_now
            if other and not other.control.stopped:
                self._say("ending the run of another panel first ...")
                other.stop("another panel began to train")
        if not mine:
            yield False
            return
        TrainingPanel._training_now = self
        try:
            yield True
        finally:
            TrainingPanel._training_now = None
            _TURN.release()

    def _ended(self) -> str:
        """How the run ended, in words: by itself, by somebody's wish, or by ■."""
        steps = f"after {len(self.rows)} steps"
        if self.control.stopped:
            return f"stopped {steps}" + (f": {self.control.why}" if self.control.why else "")
        return stopped_run(self.control) or f"done {steps}"

    def _redraw(self, status: str = "") -> None:
        """Draw the runs: lightly while there is a status, in full at the end."""
        if self.rows and not (self.runs and self.runs[-1].rows is self.rows):
            number = self.runs[-1].number + 1 if self.runs else 1
            self.runs = [*self.runs, Run(number, self._chosen, self.rows)][-KEPT:]
        if self.runs:
            if status:
                self._spare = self._curves(onto=self._spare)
            self.picture.value = sketch(self._spare) if status else self._curves().html()
        self._tell(status)

    def _tell(self, status: str) -> None:
        if status and not (self.control.stopped or self.pause_button.value):  # then that stands there
            self._say(status)

    def _curves(self, onto: Plot | None = None) -> Plot:
        runs = self.runs if self.overlay.value else self.runs[-1:]
        named = dict.fromkeys(name for row in runs[-1].rows for name in row)
        metrics = [name for name in named if name != "step" and not name.startswith(MOVED)]
        ys = [y for y in self.ys if y in named] or metrics[:3]
        return curves(dict(zip(self._names(runs), (run.rows for run in runs), strict=True)), ys=ys, onto=onto)

    def _names(self, runs: Sequence[Run]) -> list[str]:
        """What the legend calls runs: by the settings in which they differ, and what was moved on the way."""
        told = []
        for run in runs:
            values = {name: [getattr(run.config, name)] for name in self.knobs}
            for row in run.rows:
                for name in values:
                    values[name] += [row[MOVED + name]] if MOVED + name in row else []
            told.append({name: " → ".join(map(_short, found)) for name, found in values.items()})
        first = {name: _short(getattr(self.start_config, name)) for name in self.knobs}
        differ = [name for name in self.knobs if {each[name] for each in told} != {first[name]}]
        return [
            f"{run.number}: {', '.join(f'{name} {each[name]}' for name in differ) or 'as set at first'}"
            for run, each in zip(runs, told, strict=True)
        ]

    # --- what a person sees ---------------------------------------------------------------------------------

    def _make_widgets(self) -> None:
        button = {"layout": {"width": "90px"}}
        self.train_button = ipywidgets.Button(
            description="Train", button_style="success", tooltip="Train with these settings", **button
        )
        self.pause_button = ipywidgets.ToggleButton(
            description="Pause", tooltip="Hold the run between two steps", disabled=True, **button
        )
        self.stop_button = ipywidgets.Button(
            description="Stop", button_style="danger", tooltip="End after this step", disabled=True, **button
        )
        self.overlay = ipywidgets.Checkbox(True, description="beside earlier runs", indent=False)
        self.status, self.picture, self.samples = words(), ipywidgets.HTML(), ipywidgets.HTML()
        for name, widget in (
            ("train", self.train_button),
            ("pause", self.pause_button),
            ("stop", self.stop_button),
            ("status", self.status),
            ("picture", self.picture),
            ("samples", self.samples),
        ):
            widget.add_class(f"rl-{name}")
        self.train_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        self.pause_button.observe(lambda change: self._training and self.pause(change["new"]), "value")
        self.overlay.observe(lambda _: self._redraw(), "value")
        for name, knob in self.knobs.items():
            knob.add_class(f"rl-{name}")
            if name in MOVABLE:
                knob.observe(lambda change, name=name: self._move(name, change["new"]), "value")
        lines = [
            ipywidgets.HBox([knob, words(_told(self.start_config, name))])
            for name, knob in self.knobs.items()
        ]
        buttons = ipywidgets.HBox([self.train_button, self.pause_button, self.stop_button, self.overlay])
        self.widget = ipywidgets.VBox([*lines, buttons, self.status, self.picture, self.samples])

    def _move(self, name: str, value: float) -> None:
        if self.control:
            self.control.moved = {**self.control.moved, name: value}

    def _buttons(self, training: bool) -> None:
        self.train_button.disabled = training
        self.stop_button.disabled = self.pause_button.disabled = not training
        self._training = training
        self.pause_button.value = False
        for name, knob in self.knobs.items():
            knob.disabled = training and name not in MOVABLE

    def _say(self, text: str, title: str = "") -> None:
        self.status.value = words(
            f"{title}: {text}" if title else text, "font-weight:bold" if title else ""
        ).value


def _end_the_run() -> None:
    """What ■ does to a panel that trains."""
    if panel := TrainingPanel._training_now:
        panel.stop("the kernel was interrupted")


def _short(value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _knob(cfg: Config, name: str):
    """A widget for a setting, which can only take values that the setting can."""
    about = {f.name: f for f in fields(cfg)}
    if name not in about:
        raise ConfigError(f"{type(cfg).__name__} has no setting '{name}'. It has: {', '.join(about)}.")
    value, meta = getattr(cfg, name), about[name].metadata
    text = {
        "description": name + (" *" if name in MOVABLE else ""),
        "tooltip": meaning(cfg, name),
        "style": {"description_width": "120px"},
        "layout": {"width": "430px"},
    }
    if meta["choices"]:
        return ipywidgets.Dropdown(options=meta["choices"], value=value, **text)
    if isinstance(value, bool):
        return ipywidgets.Checkbox(value, **text)
    if isinstance(value, int):
        least = meta["low"] or 0
        low, step = (cfg.batch_size, cfg.batch_size) if name == "episodes" else (least, 1)  # whole batches
        high = max(4 * value, least + 8)
        high = high if meta["high"] is None else min(high, meta["high"])
        return ipywidgets.IntSlider(value, min=low, max=high, step=step, **text)
    if name == "lr" or name.endswith("_lr"):
        exponent = math.log10(value)  # not rounded: the front end keeps to whole steps from the lowest value
        return ipywidgets.FloatLogSlider(
            value,
            base=10,
            min=exponent - 2,
            max=min(0, exponent + 1),
            step=0.05,
            readout_format=".2g",
            **text,
        )
    low, high = RANGES.get(name, (meta["low"] or 0.0, meta["high"] or 4 * value or 1.0))
    low, high = min(low, value), max(high, value)
    return ipywidgets.FloatSlider(value, min=low, max=high, step=0.01, **text)


def _told(cfg: Config, name: str) -> str:
    """The paper's value, to stand beside the slider."""
    (paper,) = (paper for setting, _, paper, _ in describe(cfg) if setting == name)
    paper = f"{paper:,g}" if isinstance(paper, (int, float)) else paper
    return f"paper: {paper}" if paper not in ("", None) else ""
