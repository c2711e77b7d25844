"""Collections of public tasks, as FLAN and T0 are (§3.5, App. C.5): what researchers have data sets for.

Questions with one answer, texts to read, labels, sentences to change by a rule: each in templates of whoever
collected it, each answered right. Nobody chats here, wants a story or ideas, is rude, or asks what nobody can know.
That customers do, and in other words, is why the paper's models of this kind come out behind SFT.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from .asking import Habit, draw_task
from .skill import Facts, Task


@dataclass(frozen=True)
class Collection:
    """Tasks of these use cases, equally often, in a collector's words."""

    use_cases: tuple[str, ...]
    habit: Habit


def _templates(parts: tuple[str, ...], variety: float) -> Habit:
    return Habit(parts=parts, variety=variety, continuation_rate=0.0, constraint_rate=0.0)


COLLECTIONS = {
    # A few templates for each task, by a handful of people; and those of a crowd.
    "flan": Collection(("open_qa", "closed_qa", "classify", "summarize", "rewrite"), _templates(("plain",), 0.4)),
    "t0": Collection(("open_qa", "closed_qa", "classify", "summarize", "extract"), _templates(("plain", "other"), 0.5)),
}  # fmt: skip


def public_tasks(facts: Facts, name: str, n: int, seed: int) -> Iterator[Task]:
    """n tasks of a collection."""
    rng, collection = Random(f"{name}-{seed}"), COLLECTIONS[name]
    for _ in range(n):
        yield draw_task(rng, facts, collection.habit, rng.choice(collection.use_cases))
