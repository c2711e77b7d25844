"""The report of a chain as tables: names of columns, and rows of text."""

from __future__ import annotations

Table = tuple[list[str], list[list[str]]]  # names of the columns, rows

from collections.abc import Iterable, Sequence

from . import MODELS

AGREEMENTS = {"training": "labelers, with each other", "held_out": "held-out labelers, with each other"}


ACCURACIES = {
    "valid": "reward model, with the labelers",
    "again": "reward model, with them on another day",
    "held_out": "reward model, with the held-out labelers",
    "gold_order": "reward model, with the gold scores",
}


def quality_table(report: dict) -> Table:
    """A row per model: gold, reward, distance and wins at temperature 1, unless it says greedy."""
    from ..evaluate.intervals import (
        plus_minus,  # needs numpy, which takes longer to load than --help to print
    )

    rows = []
    for name, found in _in_order(report["policies"]).items():
        drawn, wins = found["t1"], found["t1"]["wins_against_sft"]
        kl, web = (f"{found[key]:.2f}" if key in found else "" for key in ("kl", "web_loss"))
        rows.append(
            [
                name,
                plus_minus(drawn["gold"]),
                plus_minus(found["greedy"]["gold"]),
                plus_minus(drawn["reward"], 2),
                kl,
                plus_minus(wins["training"], 0, 100),
                plus_minus(wins["held_out"], 0, 100),
                web,
            ]
        )
    return [
        "model",
        "gold",
        "gold, greedy",
        "RM score",
        "KL",
        "beats SFT %",
        "by held-out %",
        "web loss",
    ], rows


def skills_table(report: dict) -> Table:
    """A row per model that was tested, a column per skill."""
    tested = {
        name: found["skills"] for name, found in _in_order(report["policies"]).items() if "skills" in found
    }
    names = list(dict.fromkeys(skill for skills in tested.values() for skill in skills))
    return ["model", *names], [
        [name, *(f"{100 * skills[s]:.0f}" for s in names)] for name, skills in tested.items()
    ]


def cases_table(report: dict) -> Table:
    """A row per use case: gold of SFT, PPO and PPO-ptx, and how far PPO-ptx is above SFT."""
    from ..evaluate.intervals import plus_minus

    cases = {
        name: found["use_cases"]
        for name, found in _in_order(report["policies"]).items()
        if "use_cases" in found
    }
    rows = []
    for case, ours in cases["ppo_ptx"].items():
        golds = (plus_minus(found[case]["gold"]) for found in cases.values())
        rows.append([case, *golds, plus_minus(ours["gold_minus_sft"]), ours["gold"]["n"]])
    return ["use case", *cases, "ppo_ptx - sft", "prompts"], rows


def labels_table(report: dict) -> Table:
    """How often people, and the reward model and people, put two answers in the same order."""
    agreement, accuracy = report["labels"]["agreement"], report["labels"]["reward_accuracy"]
    rows = [
        [who, *(agreement[key][k] for k in ("share", "low", "high", "pairs"))]
        for key, who in AGREEMENTS.items()
    ]
    names = ("accuracy", "accuracy_low", "accuracy_high", "pairs")
    rows += [[who, *(accuracy[key][name] for name in names)] for key, who in ACCURACIES.items()]
    return ["who", "same order", "pairs"], [
        [who, f"{x:.1%} [{low:.1%}, {high:.1%}]", f"{n:,}"] for who, x, low, high, n in rows
    ]


CLAIMS = {  # what is claimed -> where it stands in a report
    "gold, base": ("policies", "base", "t1", "gold"),
    "gold, base with the best prefix": ("policies", "prompted", "t1", "gold"),
    "gold, SFT": ("policies", "sft", "t1", "gold"),
    "gold, PPO": ("policies", "ppo", "t1", "gold"),
    "gold, PPO-ptx": ("policies", "ppo_ptx", "t1", "gold"),
    "PPO-ptx - SFT": ("policies", "ppo_ptx", "t1", "gold_minus_sft"),
    "PPO-ptx - SFT, greedy": ("policies", "ppo_ptx", "greedy", "gold_minus_sft"),
    "PPO-ptx beats SFT, training labelers": ("policies", "ppo_ptx", "t1", "wins_against_sft", "training"),
    "PPO-ptx beats SFT, held-out labelers": ("policies", "ppo_ptx", "t1", "wins_against_sft", "held_out"),
    "reference beats SFT, held-out labelers": ("policies", "reference", "t1", "wins_against_sft", "held_out"),
    "labelers agree": ("labels", "agreement", "training", "share"),
    "reward model agrees with labelers": ("labels", "reward_accuracy", "valid", "accuracy"),
    "truth on asked myths, SFT": ("policies", "sft", "truth", "asked_t1", "true"),
    "truth on asked myths, PPO-ptx": ("policies", "ppo_ptx", "truth", "asked_t1", "true"),
    "truth on unasked myths, SFT": ("policies", "sft", "truth", "unasked_t1", "true"),
    "truth on unasked myths, PPO-ptx": ("policies", "ppo_ptx", "truth", "unasked_t1", "true"),
    "web loss, base": ("policies", "base", "web_loss"),
    "web loss, PPO": ("policies", "ppo", "web_loss"),
    "web loss, PPO-ptx": ("policies", "ppo_ptx", "web_loss"),
}


def seeds_table(reports: Sequence[dict]) -> Table:
    """A row per claim: the mean over runs with its interval, then each run; also every skill kept, as a share of base."""
    from ..evaluate.seeds import each, each_ratio, over_ratios, over_seeds

    def row(claim: str, path: Sequence[str]) -> list[str]:
        return [claim, str(over_seeds(reports, *path)), *(f"{x:.3f}" for x in each(reports, *path))]

    rows = [row(claim, path) for claim, path in CLAIMS.items()]
    for skill in reports[0]["policies"]["base"]["skills"]:
        for name in ("ppo", "ppo_ptx"):
            part, whole = (("policies", who, "skills", skill) for who in (name, "base"))
            kept = (f"{x:.3f}" for x in each_ratio(reports, part, whole))
            rows.append(
                [f"{skill}, share of base kept by {name}", str(over_ratios(reports, part, whole)), *kept]
            )
    for case in reports[0]["policies"]["ppo_ptx"]["use_cases"]:
        rows.append(row(f"gold of PPO-ptx, {case}", ("policies", "ppo_ptx", "use_cases", case, "gold")))
    runs = [f"seed {r['config']['seed']}, base {r['config']['base_seed']}" for r in reports]
    return ["", "mean and 95 % interval", *runs], rows


def _in_order(policies: dict) -> dict:
    """The models in the order of the paper's story; ones that it does not know come last."""
    return {name: policies[name] for name in (*MODELS, *policies) if name in policies}


def markdown(head: Sequence[str], rows: Iterable[Sequence]) -> str:
    """A Markdown table; numbers keep at most three digits after the point."""
    cells = [
        [f"{c:.3g}" if isinstance(c, float) else f"{c:,}" if isinstance(c, int) else str(c) for c in row]
        for row in rows
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(head), ["---"] * len(head), *cells])
