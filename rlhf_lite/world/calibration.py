"""How much noise makes simulated labelers agree on 72.6 % of pairs, as the paper's people did (§3.4)."""

from collections.abc import Sequence

import numpy as np

from ..data.seeded import shuffled
from ..labels.agreement import Agreement, counts_alike, summary
from ..paper import AGREEMENT
from .labelers import Labeler, judge_all, tied_ranks, with_noise
from .skill import Task

Item = tuple[Task, Sequence[str]]  # a prompt and the responses to compare


def pool_agreement(
    pool: Sequence[Labeler], items: Sequence[Item], per_item: int = 4, seed: int = 0, bootstrap: int = 500
) -> Agreement:
    """Agreement of a pool on these responses: each item is ranked by `per_item` people, drawn by seed."""
    opinions, moods, noise = _views(pool, items, per_item, seed)
    return summary(*_counts(opinions + noise * moods, pool[0].tie_width), bootstrap, seed)


def calibrate_noise(
    pool: Sequence[Labeler], items: Sequence[Item], target: float = AGREEMENT.value[0] / 100, seed: int = 0
) -> list[Labeler]:
    """The pool with the noise at which its people agree `target` of the time on these very responses.

    Bisection with common random numbers: every step multiplies the same z by another noise, so that agreement
    falls with noise instead of jumping about. Do it again for every new model: other samples, other noise. Where
    all responses to every prompt are worth the same, the noise stays as it is.
    """
    opinions, moods, _ = _views(pool, items, 4, seed)

    def share(noise: float) -> float:
        alike, both = _counts(opinions + noise * moods, pool[0].tie_width)
        return alike.sum() / max(both.sum(), 1)

    if not _counts(opinions, pool[0].tie_width)[1].sum():  # no response is better than another
        return list(pool)
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
