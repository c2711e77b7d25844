"""Preference: how often labelers like one model's response better than another's (§3.6, Fig. 1 and 3)."""

from collections.abc import Sequence

from ..data.seeded import shuffled
from ..labels.labelers import Labeler, judge_all
from ..world import Checks, Task
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
