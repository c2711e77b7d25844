"""What a person's rankings say of that person: whom they agree with, how much each criterion counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.records import Row, untied_pairs
from ..labels.agreement import Agreement, agreement
from .labelers import Labeler, label
from .rubric import HELP_FIRST, judge
from .skill import Task

CRITERIA = (*HELP_FIRST, "length")  # of `length` 1 is 15 words, at most 2


def agreement_with_each(rows: Sequence[Row], pool: Sequence[Labeler]) -> dict[str, Agreement]:
    """Of these rankings with each simulated labeler, who ranks the same answers."""
    asked = [(row | {"text": row["prompt"]}, row["completions"]) for row in rows]
    return {person.id: agreement([*rows, *(label(person, *those) for those in asked)]) for person in pool}


def implied_weights(rows: Sequence[Row], ridge: float = 1.0, steps: int = 50) -> dict[str, float]:
    """Weights of the rubric's criteria, scaled to sum 1 over those of the rubric, under which the rankings
    are likeliest.

    A logistic model of every untied pair on the difference of the two answers' checks (Bradley-Terry with
    features), with a ridge. A few rankings say little: trust no more than the order of the largest.
    """
    differences = []
    for row in rows:
        features = _features(row)  # (K, criteria)
        differences += [features[i] - features[j] for i, j in untied_pairs(row["ranks"])]
    if not differences:
        raise ValueError(f"{len(rows)} rankings hold no pair of answers that is not tied; rank some more")
    x = np.array(differences)  # (pairs, criteria), the better answer minus the worse one
    weights = np.zeros(x.shape[1])
    for _ in range(steps):  # Newton; the ridge keeps it well behaved
        p = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (1 - p) - ridge * weights
        curvature = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    total = np.abs(weights[:-1]).sum()
    return {name: float(w / total) if total else 0.0 for name, w in zip(CRITERIA, weights, strict=True)}


def _features(row: Row) -> np.ndarray:
    """The checks of each answer and its length, (K, criteria); a constraint that is not set holds for all."""
    if not row.get("task"):
        why = "has no task, so nobody can check its answers; take prompts of the tiny world"
        raise ValueError(f"prompt {row.get('prompt_id')} {why}")
    task, out = Task.from_json(row["task"]), []
    for text in row["completions"]:
        checks = judge(task, text)
        found = {name: getattr(checks, name) for name in HELP_FIRST}
        found["length"] = min(len(text.split()), 30) / 15
        out.append([1.0 if found[name] is None else float(found[name]) for name in CRITERIA])
    return np.array(out)
