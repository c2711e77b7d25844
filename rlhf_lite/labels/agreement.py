"""How often two people order the same pair of responses alike (§3.4).

Agreement is counted over pairs of responses that *both* people put in a strict order; a tie of either is left
out. (The paper does not say how it treats ties.)
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import asin, pi, sqrt

import numpy as np

from ..data.records import Row


@dataclass(frozen=True)
class Agreement:
    """The share, its 95 % bootstrap interval over prompts, and what it was counted on."""

    share: float
    low: float
    high: float
    pairs: int
    prompts: int

    def __str__(self) -> str:
        interval = f"[{self.low:.1%}, {self.high:.1%}]"
        return f"{self.share:.1%} {interval} of {self.pairs:,} pairs from {self.prompts:,} prompts"


def counts_alike(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (..., K) of two people, nan is none -> pairs ordered alike, pairs both ordered, (...) each."""
    a_first = a[..., :, None] < a[..., None, :]  # (..., K, K): i before j; nan compares False
    b_first = b[..., :, None] < b[..., None, :]
    alike = (a_first & b_first).sum((-1, -2))
    return alike, alike + (a_first & np.swapaxes(b_first, -1, -2)).sum((-1, -2))


def agreement(
    rankings: Iterable[Row], bootstrap: int = 500, seed: int = 0, of: str | None = None
) -> Agreement:
    """Agreement of rankings in which several labelers ranked the same completions.

    Over all pairs of people, or `of` one labeler with each of the others.
    """
    by_prompt = defaultdict(list)
    for row in rankings:
        by_prompt[row["prompt_id"]].append(row)
    alike, both = np.zeros(len(by_prompt)), np.zeros(len(by_prompt))
    for i, rows in enumerate(by_prompt.values()):
        for a, b in combinations(rows, 2):
            asked = a["labeler"] != b["labeler"] and of in (None, a["labeler"], b["labeler"])
            if asked and sorted(a["completions"]) == sorted(b["completions"]):
                found = counts_alike(_ranks_by_text(a), _ranks_by_text(b))
                alike[i], both[i] = alike[i] + found[0], both[i] + found[1]
    return summary(alike, both, bootstrap, seed)


def self_agreement(first: Sequence[Row], second: Sequence[Row]) -> Agreement:
    """Of one person with themselves: pairs ordered alike in two looks at the same prompts."""
    return agreement([*first, *({**row, "labeler": f"{row['labeler']}, again"} for row in second)])


def _ranks_by_text(row: Row) -> np.ndarray:
    """The ranks in an order of the completions that is the same for everyone: each may have seen another."""
    order = np.argsort(np.array(row["completions"], dtype=object), kind="stable")
    return np.array(row["ranks"], float)[order]


def summary(alike: np.ndarray, both: np.ndarray, bootstrap: int, seed: int) -> Agreement:
    """Of pairs ordered alike and pairs both ordered, (prompts,) each; the bootstrap draws whole prompts."""
    if not both.sum():
        raise ValueError(
            "No pair of responses was ordered strictly by two labelers: there is nothing to count."
        )
    draws = np.random.default_rng(seed).integers(len(both), size=(bootstrap, len(both)))
    shares = alike[draws].sum(1) / np.maximum(both[draws].sum(1), 1)
    low, high = np.quantile(shares, (0.025, 0.975)) if bootstrap else (np.nan, np.nan)
    share = float(alike.sum() / both.sum())
    return Agreement(share, float(low), float(high), int(both.sum()), int((both > 0).sum()))


# --- in theory ----------------------------------------------------------------------------------------------


def expected_agreement(noise: float) -> float:
    """Two people's, with utilities N(0, 1) and N(0, noise^2) on top: 1/2 + asin(1 / (1 + noise^2)) / pi."""
    return 0.5 + asin(1 / (1 + noise**2)) / pi


def expected_accuracy(noise: float) -> float:
    """How often one such person orders a pair as the true utility does, so the ceiling of a reward model on
    labels: 1/2 + asin(1 / sqrt(1 + noise^2)) / pi.
    """
    return 0.5 + asin(1 / sqrt(1 + noise**2)) / pi
