"""What PPO on a GPT-2 takes of a card, before anybody has one: `memory.forecast` behind three switches.

show.MemoryPlanner()
"""

from __future__ import annotations

import ipywidgets

from ..config import PPOConfig
from ..hardware import forecast
from ..hardware.forecast import SHAPES, ComputeSettings, Forecast
from .plots import stacked_bars
from .style import Plot
from .widgets import Shown, words

CARDS = {"8 GB": 8, "16 GB": 16, "24 GB": 24}
GPUS = (1, 2, 4, 8)


class MemoryPlanner(Shown):
    """PPO's four models for each GPT-2: minibatches in parts, layers computed again, models cut over several
    GPUs."""

    def __init__(self, cfg: PPOConfig | None = None, prompt_tokens: int = 160, text_tokens: int = 256):
        self.cfg = cfg or PPOConfig.for_profile("gpt2", ptx_gamma=1.0)
        self.prompts, self.text_tokens = [prompt_tokens] * self.cfg.batch_size, text_tokens
        parts = [2**k for k in range(12) if 2**k <= min(self.cfg.minibatch_size, self.cfg.ptx_rows)]
        wide = {"style": {"description_width": "130px"}}
        self.parts = ipywidgets.SelectionSlider(
            options=parts, description="accumulation", tooltip="parts of a minibatch", **wide
        )
        self.gpus = ipywidgets.SelectionSlider(
            options=GPUS, description="GPUs", tooltip="models are cut over them", **wide
        )
        self.recompute = ipywidgets.Checkbox(
            False,
            description="compute layers again in the backward pass",
            indent=False,
            layout={"width": "400px"},
        )
        self.picture, self.remark = ipywidgets.HTML(), words()
        for name in ("parts", "gpus", "recompute", "picture", "remark"):
            getattr(self, name).add_class(f"rl-planner-{name}")
        for widget in (self.parts, self.gpus, self.recompute):
            widget.observe(lambda _: self._show(), "value")
        self._show()
        self.widget = ipywidgets.VBox(
            [ipywidgets.HBox([self.parts, self.gpus]), self.recompute, self.picture, self.remark]
        )

    def forecasts(self) -> dict[str, Forecast]:
        """PPO's worst moment on each process, by model, as the switches stand."""
        settings = ComputeSettings(
            half=True, recompute=self.recompute.value, processes=self.gpus.value, sharded=self.gpus.value > 1
        )
        cfg = self.cfg.replace(
            accumulation=min(self.parts.value, max(1, self.cfg.ptx_rows // self.gpus.value))
        )
        return {
            name: forecast.ppo(shape, cfg, self.prompts, settings, self.text_tokens)
            for name, shape in SHAPES.items()
        }

    def still(self) -> Plot:
        """The picture as the switches stand."""
        return _picture(self.forecasts())

    def _show(self) -> None:
        found = self.forecasts()
        self.picture.value = _picture(found).html()
        self.remark.value = words(
            "; ".join(f"{name}: most while {f.moment}" for name, f in found.items())
        ).value


def _picture(found: dict[str, Forecast]) -> Plot:
    bars = {name: {part: size / 1e9 for part, size in f.parts.items()} for name, f in found.items()}
    return stacked_bars(
        bars, unit="GB on each GPU, foretold", marks=CARDS, title="PPO-ptx in its worst moment"
    )
