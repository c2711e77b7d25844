"""The same chain with several seeds: what of one run is luck, and what comes back every time.

`Plan.archive` keeps what a run measured; `data/seeds` holds the runs that the README's claims stand on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.files import ROOT, check_sums, read_json
from .intervals import Mean

SHIPPED_SEEDS = ROOT / "data" / "seeds"
# Student's t, two-sided, by the number of runs; above ten the interval is a little too wide.
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


def read_reports(folders: Sequence[Path] | None = None) -> list[dict]:
    """The reports of these archives; without a list, of the shipped ones."""
    if folders is None:
        folders = sorted(SHIPPED_SEEDS.glob("*/"))
    if not folders:
        make = "rlhf-lite run --seed 1 --archive FOLDER"
        raise ValueError(f"There are no archives in {SHIPPED_SEEDS}; make one with: {make}")
    for folder in folders:
        check_sums(Path(folder), ["report.json"])
    return [read_json(Path(folder) / "report.json") for folder in folders]


def each(reports: Sequence[dict], *path: str) -> list[float]:
    """One number of each report: each(reports, "policies", "ppo", "kl"); of a `Mean` the mean."""
    numbers = []
    for value in reports:
        for name in path:
            value = value[name]
        numbers.append(value["mean"] if isinstance(value, dict) else value)
    return numbers


def each_ratio(reports: Sequence[dict], path: Sequence[str], whole: Sequence[str]) -> list[float]:
    """The ratio of two numbers of each report, e.g. accuracy to base's; nan where the whole is 0."""
    pairs = zip(each(reports, *path), each(reports, *whole), strict=True)
    return [part / of if of else float("nan") for part, of in pairs]


def over_seeds(reports: Sequence[dict], *path: str) -> Mean:
    """The mean of `each` with its interval."""
    return interval(each(reports, *path))


def over_ratios(reports: Sequence[dict], path: Sequence[str], whole: Sequence[str]) -> Mean:
    """The mean of `each_ratio` with its interval."""
    return interval(each_ratio(reports, path, whole))


def interval(numbers: Sequence[float]) -> Mean:
    """Mean of one number a run, with Student's t-interval over the runs; nan with a single run."""
    values = np.array(numbers, float)
    mean, n = float(values.mean()), len(values)
    half = T_95[min(n, 10)] * values.std(ddof=1) / n**0.5 if n > 1 else float("nan")
    return Mean(mean, float(mean - half), float(mean + half), n)
