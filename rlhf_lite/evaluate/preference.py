"""Preference: how often labelers like one model's response better than another's (§3.6, Fig. 1 and 3)."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from ..data.records import Row, untied_pairs
from ..data.seeded import shuffled
from ..models.losses import ranking_loss
from ..world import Checks, Task, gold
from ..world.labelers import Labeler, judge_all, likert
from .intervals import Mean, mean_with_interval


def wins(
    labeler: Labeler,
    task: Task,
    ours: str,
    theirs: str,
    seed: int = 0,
    checks: dict[str, Checks] | None = None,
) -> float:
    """1 if this labeler prefers ours, 0 if theirs, 0.5 for a tie; `checks` as in `label`."""
    checks = checks or judge_all(task, (ours, theirs))
    our_utility = labeler.utility(task, ours, seed, checks[ours])
    their_utility = labeler.utility(task, theirs, seed, checks[theirs])
    if abs(our_utility - their_utility) < labeler.tie_width:
        return 0.5
    return float(our_utility > their_utility)


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
    for i, (task, our_text, their_text) in enumerate(zip(tasks, ours, theirs, strict=True)):
        people = shuffled(pool, seed, i, by=lambda person: person.id)[:per_prompt]
        checks = judge_all(task, (our_text, their_text))
        won = [wins(person, task, our_text, their_text, seed, checks) for person in people]
        rates.append(sum(won) / len(won))
    return mean_with_interval(rates, users)


def mean_rating(pool: Sequence[Labeler], tasks: Sequence[Task], texts: Sequence[str], seed: int = 0) -> float:
    """Mean overall quality, 1 to 7, each answer rated by one person of the pool (Fig. 5)."""
    people = (shuffled(pool, seed, i, by=lambda person: person.id)[0] for i in range(len(tasks)))
    ratings = [likert(p.utility(t, y, seed)) for p, t, y in zip(people, tasks, texts, strict=True)]
    return sum(ratings) / len(ratings)


def gold_ranks(row: Row) -> list[int]:
    """The ranks of a ranking's completions by their gold scores; 1 is best."""
    task = Task.from_json(row["task"])
    golds = [round(gold(task, text), 6) for text in row["completions"]]
    return [1 + sum(other > own for other in set(golds)) for own in golds]


def gold_accuracy(rows: Sequence[Row]) -> float:
    """How often the order by gold predicts a label (its ties count half): what perfect knowledge reaches."""
    outcomes = []
    for row in rows:
        ranks = gold_ranks(row)
        for better, worse in untied_pairs(row["ranks"]):
            tied = ranks[better] == ranks[worse]
            outcomes.append(0.5 if tied else float(ranks[better] < ranks[worse]))
    return sum(outcomes) / len(outcomes)


def best_of_k(rows: Sequence[Row], scores: Sequence[Tensor]) -> dict[str, float]:
    """Mean gold of all completions, of the one with the highest score (K,), and of the truly best."""
    golds_of = defaultdict(list)
    for row, row_scores in zip(rows, scores, strict=True):
        task = Task.from_json(row["task"])
        golds = [gold(task, text) for text in row["completions"]]
        golds_of["mean"].append(sum(golds) / len(golds))
        golds_of["reward_model"].append(golds[int(row_scores.argmax())])
        golds_of["oracle"].append(max(golds))
    return {chosen: sum(values) / len(values) for chosen, values in golds_of.items()}


def order_accuracy(rows: Sequence[Row], scores: Sequence[Sequence[float]]) -> dict[str, dict]:
    """How often scores (K,) put a ranking's untied pairs in people's order, and the loss of Eq. 1, with 95 %
    intervals.

    The bootstrap draws whole conversations (or users): prompts of one share their text.
    """
    right, owners, losses = [], [], []
    for row, given in zip(rows, scores, strict=True):
        for better, worse in untied_pairs(row["ranks"]):
            gap = given[better] - given[worse]
            right.append(0.5 if gap == 0 else float(gap > 0))
            owners.append(row["user_id"])
        losses.append(float(ranking_loss(torch.tensor([given]), torch.tensor([row["ranks"]]))))
    return {
        "accuracy": mean_with_interval(right, owners).to_dict(),
        "loss": mean_with_interval(losses, [row["user_id"] for row in rows]).to_dict(),
    }
