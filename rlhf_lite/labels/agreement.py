"""How often two people order the same pair of responses alike (§3.4), and how much noise makes that 72.6 %.

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
from ..data.seeded import shuffled
from ..paper import AGREEMENT
from ..world import Task
from .labelers import Labeler, judge_all, tied_ranks, with_noise

Item = tuple[Task, Sequence[str]]  # a prompt and the responses to compare


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
    return _summary(alike, both, bootstrap, seed)


def self_agreement(first: Sequence[Row], second: Sequence[Row]) -> Agreement:
    """Of one person with themselves: pairs ordered alike in two looks at the same prompts."""
    return agreement([*first, *({**row, "labeler": f"{row['labeler']}, again"} for row in second)])


def _ranks_by_text(row: Row) -> np.ndarray:
    """The ranks in an order of the completions that is the same for everyone: each may have seen another."""
    order = np.argsort(np.array(row["completions"], dtype=object), kind="stable")
    return np.array(row["ranks"], float)[order]


def pool_agreement(
    pool: Sequence[Labeler], items: Sequence[Item], per_item: int = 4, seed: int = 0, bootstrap: int = 500
) -> Agreement:
    """Agreement of a pool on these responses: each item is ranked by `per_item` people, drawn by seed."""
    opinions, moods, noise = _views(pool, items, per_item, seed)
    return _summary(*_counts(opinions + noise * moods, pool[0].tie_width), bootstrap, seed)


def calibrate_noise(
    pool: Sequence[Labeler], items: Sequence[Item], target: float = AGREEMENT.value[0] / 100, seed: int = 0
) -> list[Labeler]:
    """The pool with the noise at which its people agree `target` of the time on these very responses.

    Bisection with common random numbers: every step multiplies the same z by another noise, so that agreement
    falls with noise instead of jumping about. Do it again for every new model: other samples, other noise.
    """
    opinions, moods, _ = _views(pool, items, 4, seed)

    def share(noise: float) -> float:
        alike, both = _counts(opinions + noise * moods, pool[0].tie_width)
        return alike.sum() / max(both.sum(), 1)

    if not share(0.0) >= target:
        few = f"Without any noise these labelers agree on {share(0.0):.1%} of pairs, below the {target:.1%}"
        advice = "Take responses that differ more, or people whose weights differ less."
        raise ValueError(f"{few} asked for. {advice}")
    low, high = 0.0, 0.1
    while share(high) > target:
        low, high = high, 2 * high
        if high > 1e3:
            noise = f"even pure noise gives {share(high):.1%}"
            raise ValueError(f"Agreement {target:.1%} is out of reach: {noise}.")
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) > target else (low, middle)
    return with_noise(pool, (low + high) / 2)


def _views(
    pool: Sequence[Labeler], items: Sequence[Item], per_item: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Opinions without noise, the z of the noise, and its size: (items, people, K), (items, people, K),
    (items, people, 1).

    nan where an item has fewer responses than the others.
    """
    people = min(per_item, len(pool))
    if people < 2 or not items:
        has = f"{len(pool)} and {len(items)}"
        raise ValueError(f"Agreement needs at least 2 people and 1 item, but has {has}.")
    shape = (len(items), people, max(len(texts) for _, texts in items))
    opinions, moods, noise = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros((*shape[:2], 1))
    for i, (task, texts) in enumerate(items):
        checks = judge_all(task, texts)
        for j, labeler in enumerate(shuffled(pool, seed, i, by=lambda person: person.id)[:people]):
            noise[i, j] = labeler.noise
            for k, text in enumerate(texts):
                opinions[i, j, k] = labeler.opinion(checks[text], text)
                moods[i, j, k] = labeler.mood(task, text, seed)
    return opinions, moods, noise


def _counts(utilities: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Utilities (items, people, K) -> pairs ordered alike, pairs that both ordered, (items,) each."""
    ranks = tied_ranks(utilities, width)
    first, second = np.triu_indices(ranks.shape[1], 1)
    alike, both = counts_alike(ranks[:, first], ranks[:, second])  # (items, pairs of people)
    return alike.sum(1), both.sum(1)


def _summary(alike: np.ndarray, both: np.ndarray, bootstrap: int, seed: int) -> Agreement:
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
