"""A slider over recorded runs: every curve is a real run, with its spread over seeds and its model's answers.

show.Explorer("kl_beta") shows the sweep of that name in `data/sweeps` (see `chain.sweeps`), beside the run
at our value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ipywidgets

from ..chain.sweeps import SHIPPED_SWEEPS, SWEEPS, load
from .style import Plot
from .text import Html, table
from .traces import curves
from .widgets import Shown, words

METRICS = {
    "ppo": (
        "gold/mean",
        "objective/score",
        "objective/kl",
        "policy/clipfrac",
        "objective/entropy",
        "loss/value",
    ),
    "reward": ("loss", "accuracy", "grad_norm"),
}
TITLES = {
    "gold/mean": "gold (never trained on)",
    "objective/score": "score of the reward model",
    "objective/kl": "KL, nats",
    "policy/clipfrac": "clip fraction",
    "objective/entropy": "entropy per token",
    "loss/value": "loss of the value model",
    "loss/ptx": "loss on web text",
}


class Explorer(Shown):
    """Move through the values of a recorded sweep; all pictures are drawn at the beginning."""

    def __init__(self, name: str, ys: Sequence[str] = (), place: Path = SHIPPED_SWEEPS):
        self.name, self.runs, self.sweep = name, load(name, place), SWEEPS.get(name)
        stage = next(iter(self.runs.values()))[0]["stage"]
        self.ys = tuple(ys) or METRICS["reward" if stage == "reward" else "ppo"]
        ours = self.sweep.ours if self.sweep else None
        self.ours = ours if ours in self.runs else None
        self.values = list(self.runs)
        says = self.sweep.says if self.sweep else name
        self.slider = ipywidgets.SelectionSlider(
            options=[(f"{v:g}", v) for v in self.values],
            value=self.ours or self.values[0],
            description=name,
            layout={"width": "430px"},
            tooltip=says,
        )
        self.slider.add_class("rl-explorer")
        paper = f" The paper: {self.sweep.papers}." if self.sweep else ""
        repeats = len(self.runs[self.values[0]])
        here = f" Ours: {self.ours:g}." if self.ours is not None else ""
        self.note = words(
            f"{says}.{here}{paper} Recorded runs, {repeats} {'seed' if repeats == 1 else 'seeds'} each."
        )
        self.picture, self.answers = ipywidgets.HTML(), ipywidgets.HTML()
        self._pictures = {value: self.plot(value).html() for value in self.values}
        self._answers = {value: self.samples(value).html for value in self.values}
        self.slider.observe(lambda change: self._show(change["new"]), "value")
        self._show(self.slider.value)
        self.widget = ipywidgets.VBox([self.slider, self.note, self.picture, self.answers])

    def plot(self, *values: float) -> Plot:
        """The runs at these values beside those at ours: means, and bands from lowest to highest seed."""
        chosen = dict.fromkeys((*([self.ours] if self.ours is not None else []), *values))
        named = {
            f"{self.name} {value:g}{' (ours)' if value == self.ours else ''}": [
                run["trace"] for run in self.runs[value]
            ]
            for value in chosen
        }
        return curves(named, ys=self.ys, titles=TITLES)

    def samples(self, value: float) -> Html:
        """Answers of the first seed's model at this value."""
        rows = self.runs[value][0]["samples"]
        columns = {"prompt": "prompt", "response": f"answer at {self.name} {value:g}", "gold": "gold"}
        return table(rows, columns, digits=2) if rows else Html("")

    def still(self) -> Plot:
        """All values at once, by the first two metrics, smoothed: noisy curves are hard to tell apart."""
        named = {f"{value:g}": [run["trace"] for run in runs] for value, runs in self.runs.items()}
        steps = min(len(trace) for runs in named.values() for trace in runs)
        return curves(named, ys=self.ys[:2], titles=TITLES, title=self.name, smooth=max(1, steps // 10))

    def _show(self, value: float) -> None:
        self.picture.value, self.answers.value = self._pictures[value], self._answers[value]
