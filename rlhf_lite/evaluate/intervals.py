"""Means with 95 % intervals. Prompts of one user are alike, so the bootstrap draws users, not prompts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Mean:
    """A mean, its 95 % interval and how many values it stands on."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def to_dict(self) -> dict:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def mean_with_interval(
    values: Sequence[float], users: Sequence[str] | None = None, draws: int = 1000, seed: int = 0
) -> Mean:
    """The mean of `values` (n,) with a percentile bootstrap over users, if there are any, or over values."""
    values = np.asarray(values, float)
    if not len(values):
        raise ValueError("There are no values to average; evaluate at least one prompt.")
    groups = np.arange(len(values))
    if users is not None:
        groups = np.unique(np.asarray(users), return_inverse=True)[1]
    sums, counts = np.bincount(groups, values), np.bincount(groups)  # (users,)
    picks = np.random.default_rng(seed).integers(len(sums), size=(draws, len(sums)))  # (draws, users)
    means = sums[picks].sum(1) / counts[picks].sum(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Mean(float(values.mean()), float(low), float(high), len(values))


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], users: Sequence[str] | None = None
) -> Mean:
    """Mean of ours - theirs on the same prompts: much narrower than the difference of two separate means."""
    return mean_with_interval(np.asarray(ours, float) - np.asarray(theirs, float), users)
