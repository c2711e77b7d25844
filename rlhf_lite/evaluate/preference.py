"""Preference: how often labelers like one model's response better than another's (§3.6, Fig. 1 and 3)."""

from collections.abc import Sequence

from torch import Tensor

from ..data.records import Row, untied_pairs
from ..data.seeded import shuffled
from ..labels.labelers import Labeler, judge_all
from ..world import Checks, Task, gold, judge, score
from .intervals import Mean, mean_with_interval


def wins(
    labeler: Labeler,
    task: Task,
    ours: str,
    theirs: str,
    seed: int = 0,
    checks: dict[str, Checks] | None = None,
) -> float:
    """1 if this labeler prefers ours, 0 if theirs, 0.5 for a tie (identical texts always tie); `checks` as in `label`."""
    checks = checks or judge_all(task, (ours, theirs))
    gap = labeler.utility(task, ours, seed, checks[ours]) - labeler.utility(
        task, theirs, seed, checks[theirs]
    )
    return 0.5 if abs(gap) < labeler.tie_width else float(gap > 0)


def win_rate(
    pool: Sequence[Labeler],
    tasks: Sequence[Task],
    ours: Sequence[str],
    theirs: Sequence[str],
    users: Sequence[str] | None = None,
    per_prompt: int = 3,
    seed: int = 0,
) -> Mean:
    """Share of comparisons won against `theirs`, each prompt judged by `per_prompt` people of the pool."""
    rates = []
    for i, (task, a, b) in enumerate(zip(tasks, ours, theirs, strict=True)):
        people = shuffled(pool, seed, i, by=lambda person: person.id)[:per_prompt]
        checks = judge_all(task, (a, b))
        rates.append(sum(wins(person, task, a, b, seed, checks) for person in people) / len(people))
    return mean_with_interval(rates, users)


def gold_ranks(row: Row) -> list[int]:
    task = Task.from_json(row["task"])
    scores = [round(gold(task, text), 6) for text in row["completions"]]
    return [1 + sum(other > own for other in set(scores)) for own in scores]


def gold_accuracy(rows: Sequence[Row]) -> float:
    """How often the rubric's own order predicts a label (ties of the rubric count half): perfect knowledge's score."""
    right = pairs = 0.0
    for row in rows:
        ranks = gold_ranks(row)
        for better, worse in untied_pairs(row["ranks"]):
            right += 1.0 if ranks[better] < ranks[worse] else 0.5 if ranks[better] == ranks[worse] else 0.0
            pairs += 1
    return right / pairs


def best_of_k(rows: Sequence[Row], scores: Sequence[Tensor]) -> dict[str, float]:
    """Mean gold of all completions, of the one with the highest score (K,), and of the truly best."""
    mean, best, oracle = [], [], []
    for row, given in zip(rows, scores, strict=True):
        task = Task.from_json(row["task"])
        golds = [score(judge(task, text)) for text in row["completions"]]
        mean.append(sum(golds) / len(golds))
        best.append(golds[int(given.argmax())])
        oracle.append(max(golds))
    return {
        "mean": sum(mean) / len(rows),
        "reward_model": sum(best) / len(rows),
        "oracle": sum(oracle) / len(rows),
    }
