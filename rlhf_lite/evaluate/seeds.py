"""The same chain with several seeds: what of one run is luck, and what comes back every time.

One folder per chain: `report.json`, and of every stage its settings, seconds and hash (`stages.json`) and its trace,
without the weights. `data/seeds` holds those that the README's claims stand on.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..data.files import ROOT, read_json, read_jsonl, write_json
from .intervals import Mean

if TYPE_CHECKING:
    from ..chain.plan import Plan

SHIPPED_SEEDS = ROOT / "data" / "seeds"
# Student's t, two-sided, by the number of runs; with more than ten the interval is a little too wide, never too narrow.
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


def archive(plan: Plan, folder: Path) -> None:
    """Copy what a finished chain measured to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    stages = {}
    for stage in (*plan.config_stages, "evaluation"):
        found = plan.find(stage)
        stages[stage] = {"key": plan.key(stage), "config": plan.config.stage(stage), **found.summary}
        if (found.folder / "trace.jsonl").exists():
            shutil.copyfile(found.folder / "trace.jsonl", folder / f"{stage}.trace.jsonl")
    shutil.copyfile(plan.find("evaluation").folder / "report.json", folder / "report.json")
    write_json(folder / "stages.json", stages)


def read_reports(folders: Sequence[Path] | None = None) -> list[dict]:
    """The reports of these archives; without a list, the shipped ones."""
    folders = _folders(folders)
    if not folders:
        raise ValueError(
            f"There are no archives in {SHIPPED_SEEDS}; make one with: rlhf-lite run --seed 1 --archive FOLDER"
        )
    return [read_json(Path(folder) / "report.json") for folder in folders]


def traces(stage: str, folders: Sequence[Path] | None = None) -> list[list[dict]]:
    """One stage's trace of each archive."""
    return [read_jsonl(Path(folder) / f"{stage}.trace.jsonl") for folder in _folders(folders)]


def _folders(folders: Sequence[Path] | None) -> Sequence[Path]:
    return sorted(SHIPPED_SEEDS.glob("*/")) if folders is None else folders


def over_seeds(reports: Sequence[dict], *path: str) -> Mean:
    """Mean of one number of each report, with the t-interval over seeds: over_seeds(all, "policies", "ppo", "kl")."""
    return interval(each(reports, *path))


def over_ratios(reports: Sequence[dict], path: Sequence[str], whole: Sequence[str]) -> Mean:
    """The same of a ratio of two numbers, e.g. what a policy kept of the base model's accuracy."""
    return interval(each_ratio(reports, path, whole))


def interval(numbers: Sequence[float]) -> Mean:
    """Mean of one number a run, with Student's t-interval over the runs; nan with a single run."""
    values = np.array(numbers, float)
    half = (
        T_95[min(len(values), 10)] * values.std(ddof=1) / len(values) ** 0.5
        if len(values) > 1
        else float("nan")
    )
    return Mean(float(values.mean()), float(values.mean() - half), float(values.mean() + half), len(values))


def each_ratio(reports: Sequence[dict], path: Sequence[str], whole: Sequence[str]) -> list[float]:
    """The ratio of each report; nan where the whole is 0."""
    pairs = zip(each(reports, *path), each(reports, *whole), strict=True)
    return [part / of if of else float("nan") for part, of in pairs]


def each(reports: Sequence[dict], *path: str) -> list[float]:
    """The number of each report."""
    return [_number(report, path) for report in reports]


def _number(report: dict, path: Sequence[str]) -> float:
    value = report
    for name in path:
        value = value[name]
    return value["mean"] if isinstance(value, dict) else value
