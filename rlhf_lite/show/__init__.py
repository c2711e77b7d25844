"""What notebooks use to show things: figures, tokens, texts, source code, a live board.

    from rlhf_lite import show
    show.curves(chain.trace("ppo"), ys=("objective/score", "objective/kl"))

Everything here is an object that a cell ends with; nothing is printed, and everything works without a screen.
Text that a model or a person wrote is data: it is always escaped. Names are imported at their first use.
"""

import sys
from importlib import import_module

_HOME = {
    "curves": "traces",
    "lines": "traces",
    "bars_with_intervals": "plots",
    "mix_table": "plots",
    "funnel": "plots",
    "histogram": "plots",
    "scatter": "plots",
    "heat": "plots",
    "stacked_bars": "plots",
    "three_steps": "diagrams",
    "ppo_flow": "diagrams",
    "Plot": "style",
    "colour": "style",
    "label": "style",
    "show_tokens": "tokens",
    "token_table": "tokens",
    "safe_text": "text",
    "side_by_side": "responses",
    "table": "text",
    "Exercise": "exercises",
    "Predict": "predict",
    "predictions": "predict",
    "expect": "verdicts",
    "show_source": "source",
    "LiveBoard": "board",
    "TrainingPanel": "panels",
    "Explorer": "explorer",
    "RankingPanel": "ranking",
    "RolloutInspector": "inspector",
    "PromptBench": "bench",
    "MemoryPlanner": "planner",
    "ClassView": "class_view",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")


def __dir__():
    return sorted([*globals(), *__all__])


if "ipykernel" in sys.modules:  # a notebook: its cells are followed, to say what rests on a stopped training
    import_module(f"{__name__}.verdicts").follow()
