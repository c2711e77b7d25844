"""The one picture and the one table of a whole chain, drawn from the report of its evaluation."""

from __future__ import annotations

from ..evaluate import MODELS
from ..evaluate.intervals import plus_minus
from ..evaluate.tables import markdown
from .plots import bars_with_intervals
from .style import Plot

NAMES = dict(
    base="base",
    prompted="base, prompted",
    sft="SFT",
    start="SFT + pretraining mix",
    ppo="PPO",
    ppo_ptx="PPO-ptx",
    reference="reference answers",
)


def overview(report: dict) -> Plot:
    """Gold score of every model, sampled at temperature 1 and greedy, with 95 % intervals."""
    groups = {
        label: {name: report["policies"][name][key]["gold"] for name in MODELS}
        for label, key in (("sampled", "t1"), ("greedy", "greedy"))
    }
    return bars_with_intervals(
        groups,
        ylabel="gold score",
        title="How good the answers are, on prompts of new users",
        alt="Gold scores of all models: " + described(report),
    )


def described(report: dict) -> str:
    return (
        "; ".join(f"{NAMES[n]} {report['policies'][n]['t1']['gold']['mean']:.2f}" for n in MODELS)
        + " (temperature 1)."
    )


def markdown_table(report: dict) -> str:
    """The README's table."""
    head = (
        "model",
        "gold, T = 1",
        "gold, greedy",
        "wins against SFT, training labelers",
        "held-out labelers",
        "web loss",
    )
    rows = []
    for name in MODELS:
        found = report["policies"][name]
        t1, greedy = found["t1"], found["greedy"]
        wins = [t1["wins_against_sft"][who] for who in ("training", "held_out")]
        loss = f"{found['web_loss']:.3f}" if "web_loss" in found else ""
        rows.append(
            (NAMES[name], plus_minus(t1["gold"]), plus_minus(greedy["gold"]), *map(plus_minus, wins), loss)
        )
    return markdown(head, rows)
