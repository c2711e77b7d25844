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
from dataclasses import fields

import ipywidgets

from ..config import Config, ConfigError, describe, meaning
from ..train.loop import MOVABLE
from .board import LiveBoard
from .style import Plot
from .text import Html, table
from .traces import curves
from .widgets import Shown, words

_TRAINING = threading.Lock()  # two trainings at once would take each other's cores
# Where sliders begin and end; others go from what the config allows to four times the default.
RANGES = {
    "kl_beta": (0.0, 1.0),
    "ptx_gamma": (0.0, 6.0),
    "clip": (0.02, 1.0),
    "gae_lambda": (0.0, 1.0),
    "temperature": (0.2, 2.0),
}


class Control(LiveBoard):
    """What the training loop reports to: it draws into widgets, holds the run while it is paused, and hands
    on what is moved."""

    def __init__(self, panel: TrainingPanel, total: int | None):
        super().__init__(panel.ys, total=total)
        self.panel, self.moved, self._go = panel, {}, threading.Event()
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

    def _picture(self, status: str) -> None:
        self.panel._redraw(self.rows, status)


class TrainingPanel(Shown):
    """Sliders for `knobs`, fields of the config `start`, the paper's value beside each. Those with a * may be
    moved while it trains. train(cfg, control) does the work; ys are the metrics drawn; total(cfg) is the
    number of steps."""

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
        self.result, self.error, self.before, self._training = None, None, [], False
        self.knobs = {name: _knob(start, name) for name in knobs}
        self._make_widgets()

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

    def stop(self) -> None:
        """End the run after its current step."""
        if self.control:
            self.control.stop()
            self.stop_button.disabled = self.pause_button.disabled = True
            self._say("stopping after this step ...")

    def pause(self, wish: bool) -> None:
        """Hold the run after its current step, or let it go on."""
        if self.control:
            self.control.pause(wish)
            self._say(
                "paused after this step; press Pause again to go on, or Stop" if wish else "going on ..."
            )

    def still(self) -> Plot | Html:
        """The curves of the last run; before it, the settings."""
        if self.rows:
            return self._curves({"this run": self.rows})
        knobs = self.knobs.items()
        return table(
            [
                {"setting": name, "starts at": knob.value, "": _told(self.start_config, name)}
                for name, knob in knobs
            ]
        )

    # --- inside ---------------------------------------------------------------------------------------------

    def _begin(self) -> bool:
        """Take the right to train, or say why not."""
        try:
            self._chosen = self.config
        except ConfigError as error:
            self._say(str(error))
            return False
        if not _TRAINING.acquire(blocking=False):
            self._say("Another panel is training: stop it, or wait until it has finished.")
            return False
        self.before, self.error, self.result = self.rows, None, None
        self.control = Control(self, self.total(self._chosen) if self.total else None)
        self._buttons(training=True)
        self._say("starting ...")
        return True

    def _train(self) -> None:
        """The run; its end, however it ends, is shown."""
        try:
            self.result = self.train(self._chosen, self.control)
            self._say(f"{'stopped' if self.control.stopped else 'done'} after {len(self.rows)} steps")
        except KeyboardInterrupt:
            self._say(f"interrupted after {len(self.rows)} steps")
        except Exception as error:
            self.error = error
            self._say("".join(traceback.format_exception_only(error)).strip(), "Something went wrong")
        finally:
            _TRAINING.release()
            self._buttons(training=False)
            self._redraw(self.rows)

    def _redraw(self, rows: list[dict], status: str = "") -> None:
        if rows:
            before = {"the run before": self.before} if self.overlay.value and self.before else {}
            plot = self._curves({"this run": rows, **before})
            self.picture.value = (plot.quick() if status else plot).html()
        if status and not self._asked:
            self._say(status)

    def _curves(self, runs: Mapping[str, list[dict]]) -> Plot:
        named = dict.fromkeys(name for row in runs["this run"] for name in row)
        metrics = [name for name in named if name != "step" and not name.startswith("moved/")]
        return curves(runs, ys=[y for y in self.ys if y in named] or metrics[:3])

    @property
    def _asked(self) -> bool:
        """Whether a person has asked the run to hold or to end, and sees that said."""
        return bool(self.control) and (self.control.stopped or self.pause_button.value)

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
        self.overlay = ipywidgets.Checkbox(True, description="beside the run before", indent=False)
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
        self.overlay.observe(lambda _: self._redraw(self.rows), "value")
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
        low, high = meta["low"] or 0, max(4 * value, (meta["low"] or 0) + 8)
        return ipywidgets.IntSlider(
            value, min=low, max=high if meta["high"] is None else min(high, meta["high"]), **text
        )
    if name == "lr" or name.endswith("_lr"):
        exponent = round(math.log10(value), 2)
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
