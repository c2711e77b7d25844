"""A slider over recorded runs: every curve is a real run, with its spread over seeds and its model's answers.

show.Explorer("kl_beta") shows the experiment of that name in `data/experiments` (see `chain.experiments`),
each arm beside our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ipywidgets

from ..chain.experiments import SHIPPED_EXPERIMENTS, called, load
from ..chain.questions import EXPERIMENTS, Arm
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
    """Move through the arms of a recorded experiment; all pictures are drawn at the beginning."""

    def __init__(self, name: str, ys: Sequence[str] = (), place: Path = SHIPPED_EXPERIMENTS):
        self.name, self.runs = name, load(name, place)
        known = EXPERIMENTS.get(name)
        stage = next(iter(self.runs.values()))[0]["stage"]
        self.ys = tuple(ys) or METRICS["reward" if stage == "reward" else "ppo"]
        ours = known.ours if known else None
        self.ours = ours if ours in self.runs else None
        self.arms = list(self.runs)
        says = known.says if known else name
        self.slider = ipywidgets.SelectionSlider(
            options=[(called(arm), arm) for arm in self.arms],
            value=self.arms[0] if self.ours is None else self.ours,
            description=name,
            layout={"width": "430px"},
            tooltip=says,
        )
        self.slider.add_class("rl-explorer")
        paper = f" The paper: {known.papers}." if known and known.papers else ""
        repeats = len(self.runs[self.arms[0]])
        here = f" Ours: {called(self.ours)}." if self.ours is not None else ""
        self.note = words(
            f"{says}.{here}{paper} Recorded runs, {repeats} {'seed' if repeats == 1 else 'seeds'} each."
        )
        self.picture, self.answers = ipywidgets.HTML(), ipywidgets.HTML()
        self._pictures = {arm: self.plot(arm).html() for arm in self.arms}
        self._answers = {arm: self.samples(arm).html for arm in self.arms}
        self.slider.observe(lambda change: self._show(change["new"]), "value")
        self._show(self.slider.value)
        self.widget = ipywidgets.VBox([self.slider, self.note, self.picture, self.answers])

    def plot(self, *arms: Arm) -> Plot:
        """The runs of these arms beside ours: means, and bands from lowest to highest seed."""
        chosen = dict.fromkeys((*([self.ours] if self.ours is not None else []), *arms))
        named = {
            f"{self.name} {called(arm)}{' (ours)' if arm == self.ours else ''}": [
                run["trace"] for run in self.runs[arm]
            ]
            for arm in chosen
        }
        return curves(named, ys=self.ys, titles=TITLES)

    def samples(self, arm: Arm) -> Html:
        """Answers of the first seed's model of this arm."""
        rows = self.runs[arm][0]["samples"]
        columns = {"prompt": "prompt", "response": f"answer at {self.name} {called(arm)}", "gold": "gold"}
        return table(rows, columns, digits=2) if rows else Html("")

    def still(self) -> Plot:
        """All arms at once, by the first two metrics, smoothed: noisy curves are hard to tell apart."""
        named = {called(arm): [run["trace"] for run in runs] for arm, runs in self.runs.items()}
        steps = min(len(trace) for runs in named.values() for trace in runs)
        return curves(named, ys=self.ys[:2], titles=TITLES, title=self.name, smooth=max(1, steps // 10))

    def _show(self, arm: Arm) -> None:
        self.picture.value, self.answers.value = self._pictures[arm], self._answers[arm]
