"""Simulated labelers: about 40 people who want much the same, see it with noise, and have a taste for length
(§3.4).

A labeler's utility of a response is

    u = rubric score with the labeler's own weights  +  length_bias * min(words, 30) / 15  +  noise * z

with z standard normal, fixed by a hash of (seed, labeler, prompt, response): labelling twice gives the same
labels, another seed is another day, and two identical responses always tie. Ratings and flags are given
first, the ranking after (Figure 12).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..data.records import FLAGS, Row
from ..data.seeded import bell, chance
from .rubric import FINAL, HELP_FIRST, Checks, judge, score
from .skill import Task

NOISE = 0.2  # until `calibration.calibrate_noise` has seen the actual responses
WEIGHT_SPREAD = 0.35
READING_SPEED = 4.0  # words per second
LIKERT_STEPS = (0.15, 0.35, 0.5, 0.65, 0.8, 0.92)


@dataclass(frozen=True)
class Labeler:
    """One person. `group` is "training", "held_out", or what kind of applicant this is (see `screening`)."""

    id: str
    weights: dict[str, float] = field(default_factory=lambda: dict(HELP_FIRST))
    length_bias: float = 0.0
    noise: float = NOISE
    group: str = "training"
    tie_width: float = 0.02
    slip_rate: float = 0.02  # a yes/no question answered wrongly

    def opinion(self, checks: Checks, text: str) -> float:
        """The utility without noise."""
        return score(checks, self.weights) + self.length_bias * min(len(text.split()), 30) / 15

    def utility(self, task: Task, text: str, seed: int = 0, checks: Checks | None = None) -> float:
        """What this labeler thinks of a response on the day `seed`. `checks` saves judging it again."""
        return self.opinion(checks or judge(task, text), text) + self.noise * self.mood(task, text, seed)

    def mood(self, task: Task, text: str, seed: int = 0) -> float:
        """The z of the noise."""
        return bell(seed, self.id, task.text, text)


def make_pool(seed: int = 0, n: int = 40, noise: float = NOISE, first: str = "help") -> list[Labeler]:
    """The labelers who make the training labels: help first, each in their own way (§3.4, App. B.2). With
    first="truth" they were told what the final evaluation asks for."""
    center = HELP_FIRST if first == "help" else FINAL
    return [_person(seed, "training", i, center, noise) for i in range(n)]


def held_out_pool(seed: int = 0, n: int = 15, noise: float = NOISE) -> list[Labeler]:
    """People who label only for the evaluation: truth and harmlessness first (§3.4)."""
    return [_person(seed, "held_out", i, FINAL, noise) for i in range(n)]


def _person(seed: int, group: str, i: int, center: dict[str, float], noise: float) -> Labeler:
    """Weights are the group's times exp(N(0, 0.35)), renormalised; length bias is N(0.03, 0.03)."""
    key = (seed, group, i)
    raw = {name: w * np.exp(WEIGHT_SPREAD * bell(*key, name)) for name, w in center.items()}
    weights = {name: float(w * sum(center.values()) / sum(raw.values())) for name, w in raw.items()}
    return Labeler(f"{group}-{i:02d}", weights, 0.03 + 0.03 * bell(*key, "length"), noise, group)


def with_noise(pool: Iterable[Labeler], noise: float) -> list[Labeler]:
    return [replace(labeler, noise=noise) for labeler in pool]


def judge_all(task: Task, texts: Iterable[str]) -> dict[str, Checks]:
    """The checks of each distinct response, judged once."""
    return {text: judge(task, text) for text in dict.fromkeys(texts)}


def tied_ranks(utilities: np.ndarray, width: float = 0.02) -> np.ndarray:
    """Utilities (..., K) -> dense ranks (..., K), 1 = best; a missing answer is nan in both.

    Going down from the best, an answer ties with the head of the current group if it is less than `width`
    below it: no tie ever spans more than `width`, however many answers lie close together.
    """
    order = np.argsort(-utilities, axis=-1, kind="stable")  # nan last
    down = np.take_along_axis(utilities, order, -1)
    ranks, head, rank = np.full(down.shape, np.nan), down[..., 0], np.ones(down.shape[:-1])
    for k in range(down.shape[-1]):
        below = (down[..., k] < head) & (head - down[..., k] >= width)
        head, rank = np.where(below, down[..., k], head), rank + below
        ranks[..., k] = np.where(np.isnan(down[..., k]), np.nan, rank)
    out = np.empty_like(ranks)
    np.put_along_axis(out, order, ranks, -1)
    return out


def likert(utility: float) -> int:
    """Overall quality 1 ... 7 by steps of the utility; the upper ones are narrow: 7 means flawless."""
    return 1 + bisect_right(LIKERT_STEPS, utility)


def label(labeler: Labeler, prompt: Row, completions: Sequence[str], seed: int = 0) -> Row:
    """One labeler rates, flags, then ranks the responses to one prompt, a row with a task: a ranking row."""
    if not prompt.get("task"):
        why = "has no task, so no simulated labeler can judge it; rank it yourself or take another"
        raise ValueError(f"Prompt {prompt.get('prompt_id')} {why}.")
    task = Task.from_json(prompt["task"])
    checks = judge_all(task, completions)
    utilities = np.array([labeler.utility(task, text, seed, checks[text]) for text in completions])
    return {
        "prompt_id": prompt["prompt_id"],
        "user_id": prompt.get("user_id", ""),
        "prompt": prompt["text"],
        "task": prompt["task"],
        "labeler": labeler.id,
        "completions": list(completions),
        "ranks": [int(rank) for rank in tied_ranks(utilities, labeler.tie_width)],
        "likert": [likert(u) for u in utilities],
        "flags": [flags(labeler, task, text, checks[text], seed) for text in completions],
        "seconds": _seconds(labeler, prompt["text"], completions, seed),
        "seed": seed,
    }


def label_all(
    pool: Sequence[Labeler], prompts: Iterable[Row], completions: Iterable[Sequence[str]], seed: int = 0
) -> list[Row]:
    """Every prompt by one labeler, drawn by seed: most comparisons were labeled only once (§5.3)."""
    return [
        label(pool[int(chance(seed, "assigned", p["prompt_id"]) * len(pool))], p, texts, seed)
        for p, texts in zip(prompts, completions, strict=True)
    ]


def flags(labeler: Labeler, task: Task, text: str, checks: Checks, seed: int = 0) -> dict[str, bool]:
    """Table 3's yes/no fields. Four of them can occur in the tiny world; each is mistaken with `slip_rate`.

    Hallucination is asked in closed-domain prompts only, the constraint only where there is one: elsewhere
    both are False and mean nothing (§4.1). The other seven (sexual or violent content ...) cannot occur and
    are always False.
    """
    seen = {"fails_task": checks.attempts < 0.5, "inappropriate": checks.polite < 0.5}
    if task.annotations.get("closed_domain"):
        seen["hallucination"] = checks.honest < 0.5
    if checks.constraint is not None:
        seen["satisfies_constraint"] = checks.constraint >= 0.5
    slips = {name: chance(seed, labeler.id, task.text, text, name) < labeler.slip_rate for name in seen}
    return {name: bool(seen.get(name, False) != slips.get(name, False)) for name in FLAGS}


def _seconds(labeler: Labeler, prompt: str, completions: Sequence[str], seed: int) -> float:
    """Reading, 6 s of questions per answer, 2 s to place it in the ranking, give or take a quarter."""
    read = sum(len(text.split()) for text in (prompt, *completions)) / READING_SPEED
    pace = np.exp(0.25 * bell(seed, labeler.id, prompt, "seconds"))
    return round(float(pace * (10 + read + 8 * len(completions))), 1)
