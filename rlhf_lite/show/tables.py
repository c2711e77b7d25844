"""The report of a chain as tables for people: names of columns, and rows of text. Needs no matplotlib.

`rlhf-lite run` and `seeds` print them, notebook 00 shows them, the README holds `readme_table`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..evaluate import MODELS
from ..evaluate.intervals import Mean
from ..evaluate.seeds import each, each_ratio, over_ratios, over_seeds

Table = tuple[Sequence[str], list[Sequence[str]]]  # names of the columns, rows

NAMES = {
    "base": "base",
    "prompted": "base, prompted",
    "flan": "FLAN-like collection",
    "t0": "T0-like collection",
    "sft": "SFT",
    "start": "SFT + pretraining mix",
    "ppo": "PPO",
    "ppo_ptx": "PPO-ptx",
    "reference": "reference answers",
}
AGREEMENTS = {"training": "labelers, with each other", "held_out": "held-out labelers, with each other"}
ACCURACIES = {
    "valid": "reward model, with the labelers",
    "again": "reward model, with them on another day",
    "held_out": "reward model, with the held-out labelers",
    "gold_order": "reward model, with the gold scores",
}
CLAIMS = {  # what is claimed: where it stands in a report
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


# --- one run ------------------------------------------------------------------------------------------------


def quality_table(report: dict) -> Table:
    """A row per model: gold, reward, distance and wins at temperature 1, unless it says greedy."""
    columns = ["model", "gold", "gold, greedy", "RM score", "KL", "beats SFT %", "by held-out %", "web loss"]
    rows = []
    for name, found in _in_order(report["policies"]).items():
        sampled = found["t1"]
        row = [name, plus_minus(sampled["gold"]), plus_minus(found["greedy"]["gold"])]
        row += [plus_minus(sampled["reward"], digits=2), _if_there(found, "kl", ".2f")]
        wins = sampled["wins_against_sft"]
        row += [plus_minus(wins[who], digits=0, times=100) for who in ("training", "held_out")]
        rows.append([*row, _if_there(found, "web_loss", ".2f")])
    return columns, rows


def skills_table(report: dict) -> Table:
    """A row per model that was tested, a column per skill: % right."""
    policies = _in_order(report["policies"])
    tested = {name: found["skills"] for name, found in policies.items() if "skills" in found}
    skills = list(dict.fromkeys(skill for accuracy in tested.values() for skill in accuracy))
    rows = [[name, *(f"{100 * accuracy[s]:.0f}" for s in skills)] for name, accuracy in tested.items()]
    return ["model", *skills], rows


def cases_table(report: dict) -> Table:
    """A row per use case: gold of SFT, PPO and PPO-ptx, and how far PPO-ptx is above SFT."""
    policies = _in_order(report["policies"])
    cases = {name: found["use_cases"] for name, found in policies.items() if "use_cases" in found}
    rows = []
    for case, ours in cases["ppo_ptx"].items():
        golds = [plus_minus(found[case]["gold"]) for found in cases.values()]
        rows.append([case, *golds, plus_minus(ours["gold_minus_sft"]), ours["gold"]["n"]])
    return ["use case", *cases, "ppo_ptx - sft", "prompts"], rows


def labels_table(report: dict) -> Table:
    """How often people, and the reward model and people, put two answers in the same order."""

    def row(who: str, found: dict, *names: str) -> list[str]:
        share, low, high = (found[name] for name in names)
        return [who, f"{share:.1%} [{low:.1%}, {high:.1%}]", f"{found['pairs']:,}"]

    people, model = report["labels"]["agreement"], report["labels"]["reward_accuracy"]
    rows = [row(who, people[key], "share", "low", "high") for key, who in AGREEMENTS.items()]
    for key, who in ACCURACIES.items():
        rows.append(row(who, model[key], "accuracy", "accuracy_low", "accuracy_high"))
    return ["who", "same order", "pairs"], rows


def readme_table(report: dict) -> str:
    """The table in the README, as Markdown."""
    columns = ["model", "gold, T = 1", "gold, greedy", "wins against SFT, training labelers"]
    columns += ["held-out labelers", "web loss"]
    rows = []
    for name in MODELS:
        found = report["policies"][name]
        wins = found["t1"]["wins_against_sft"]
        means = [found["t1"]["gold"], found["greedy"]["gold"], wins["training"], wins["held_out"]]
        rows.append([NAMES[name], *map(plus_minus, means), _if_there(found, "web_loss", ".3f")])
    return markdown_table(columns, rows)


def _in_order(policies: dict) -> dict:
    """The models in the order of the paper's story; ones that it does not know come last."""
    return {name: policies[name] for name in (*MODELS, *policies) if name in policies}


def _if_there(found: dict, name: str, form: str) -> str:
    return format(found[name], form) if name in found else ""


# --- several runs -------------------------------------------------------------------------------------------


def seeds_table(reports: Sequence[dict]) -> Table:
    """A row per claim: the mean over runs with its interval, then each run; also of skills kept."""
    rows = []

    def add(claim: str, mean: Mean, numbers: list[float]) -> None:
        rows.append([claim, str(mean), *(f"{x:.3f}" for x in numbers)])

    for claim, path in CLAIMS.items():
        add(claim, over_seeds(reports, *path), each(reports, *path))
    for skill in reports[0]["policies"]["base"]["skills"]:
        whole = ("policies", "base", "skills", skill)
        for name in ("ppo", "ppo_ptx"):
            part = ("policies", name, "skills", skill)
            kept = each_ratio(reports, part, whole)
            add(f"{skill}, share of base kept by {name}", over_ratios(reports, part, whole), kept)
    for case in reports[0]["policies"]["ppo_ptx"]["use_cases"]:
        path = ("policies", "ppo_ptx", "use_cases", case, "gold")
        add(f"gold of PPO-ptx, {case}", over_seeds(reports, *path), each(reports, *path))
    runs = [f"seed {r['config']['seed']}, base {r['config']['base_seed']}" for r in reports]
    return ["", "mean and 95 % interval", *runs], rows


# --- cells --------------------------------------------------------------------------------------------------


def plus_minus(mean: dict, digits: int = 3, times: float = 1.0) -> str:
    """A `Mean` of a report as text: times the mean, and half the width of its interval."""
    half = (mean["high"] - mean["low"]) / 2
    return f"{times * mean['mean']:.{digits}f} ± {times * half:.{digits}f}"


def bracketed(mean: dict | None) -> str:
    """A `Mean` of a report as text: the mean with its interval in brackets; nothing where there is none."""
    return str(Mean(**mean)) if mean else ""


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence]) -> str:
    """Rows as a Markdown table; numbers keep at most three digits after the point."""
    lines = [columns, ["---"] * len(columns), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
