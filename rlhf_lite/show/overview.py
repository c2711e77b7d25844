"""The one picture of a whole chain, drawn from the report of its evaluation."""

from __future__ import annotations

from ..evaluate import MODELS
from .plots import bars_with_intervals
from .style import Plot
from .tables import NAMES


def overview(report: dict) -> Plot:
    """Gold score of every model, sampled at temperature 1 and greedy, with 95 % intervals."""
    policies = report["policies"]
    groups = {
        title: {name: policies[name][key]["gold"] for name in MODELS}
        for title, key in (("sampled", "t1"), ("greedy", "greedy"))
    }
    golds = [f"{NAMES[name]} {policies[name]['t1']['gold']['mean']:.2f}" for name in MODELS]
    return bars_with_intervals(
        groups,
        ylabel="gold score",
        title="How good the answers are, on prompts of new users",
        alt=f"Gold scores of all models: {'; '.join(golds)} (temperature 1).",
    )
