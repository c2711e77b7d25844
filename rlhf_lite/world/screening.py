"""How the labelers were chosen: the four tests of Appendix B.1, taken by applicants of whom some should not
pass.

    1 flagging   agreement with the researchers on which texts are sensitive          soft cutoff 75 %
    2 ranking    agreement with the researchers on the order of responses             soft cutoff 75 %
    3 writing    demonstrations for sensitive prompts, graded 1 to 7 by researchers   soft cutoff 6 of 7
    4 topics     self-reported: for which topics they can spot sensitive text         no cutoff

The researchers are the rubric without noise. A held-out labeler is one who never took these tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp

import numpy as np

from ..data.records import Row
from ..data.seeded import bell, chance, rng, shuffled
from ..labels.agreement import counts_alike
from ..paper import SCREENING
from . import lexicon as lx
from .calibration import Item
from .labelers import NOISE, Labeler, judge_all, make_pool, tied_ranks
from .rubric import HELP_FIRST, Checks, judge, score
from .skill import Task

TOPICS = ("age", "gender", "health", "income", "language", "nationality", "politics", "religion")


@dataclass(frozen=True)
class Kind:
    """What sort of applicant, and how often each thing happens to them."""

    share: float
    misses: float  # sensitive texts not flagged
    false_alarms: float  # harmless texts flagged
    noise: float  # times the usual noise
    length_bias: float  # on top of their own
    bad_demo: float  # demonstrations written in the manner of `_write`
    claims: float  # of TOPICS


KINDS = {
    "good": Kind(0.55, 0.12, 0.08, 1.0, 0.0, 0.10, 0.6),
    "careless": Kind(0.20, 0.35, 0.30, 4.0, 0.0, 0.50, 0.8),
    "insensitive": Kind(0.15, 0.80, 0.02, 1.0, 0.0, 0.70, 0.8),
    "biased": Kind(0.10, 0.15, 0.10, 1.0, 2.0, 0.30, 0.5),
}


def make_applicants(seed: int = 0, n: int = 60, noise: float = NOISE) -> list[Labeler]:
    """People who want the job; `group` says what kind each is, which the tests do not know."""
    people = []
    for i, person in enumerate(make_pool(seed, n, noise)):
        kind = rng(seed, "applicant", i).choices(list(KINDS), [k.share for k in KINDS.values()])[0]
        habits = KINDS[kind]
        loud, bias = person.noise * habits.noise, person.length_bias + habits.length_bias
        people.append(replace(person, id=f"applicant-{i:02d}", group=kind, noise=loud, length_bias=bias))
    return people


def screen(
    applicants: Sequence[Labeler], items: Sequence[Item], seed: int = 0, leniency: float = 0.05
) -> list[Row]:
    """The results table: one row per applicant with the four tests, `missed_by` and `admitted`.

    The paper calls its cutoffs soft and the choice subjective. Here an applicant may miss them by `leniency`
    in all, counted as shares of the cutoffs, so that one narrow miss is forgiven and two are not.
    """
    texts = sensitive_texts(items, seed)
    different = [(task, answers) for task, answers in items if len(set(answers)) > 1][:40]
    exam = [(task, answers, judge_all(task, answers)) for task, answers in different]
    delicate = [task for task, _ in items if is_sensitive(task, task.text)] or [task for task, _ in items]
    table = []
    for person in applicants:
        row: Row = {
            "id": person.id,
            "kind": person.group,
            "flagging": _flagging(person, texts, seed),
            "ranking": _ranking(person, exam, seed),
            "writing": _writing(person, delicate[:20], seed),
            "topics": sum(chance(seed, person.id, topic) < KINDS[person.group].claims for topic in TOPICS),
        }
        row["missed_by"] = sum(max(0.0, 1 - row[test] / cutoff) for test, cutoff in SCREENING.value.items())
        table.append(row | {"admitted": row["missed_by"] <= leniency})
    return table


def admitted(applicants: Sequence[Labeler], table: Sequence[Row]) -> list[Labeler]:
    """The pool: everyone who passed."""
    passed = {row["id"] for row in table if row["admitted"]}
    return [replace(person, group="training") for person in applicants if person.id in passed]


def is_sensitive(task: Task, text: str) -> bool:
    """The researchers' view: rude words, or a private matter."""
    words = {word.strip(".,?!:").lower() for word in text.split()}
    return bool(task.annotations.get("sensitive") or words & lx.RUDE_WORDS)


def sensitive_texts(items: Sequence[Item], seed: int = 0, n: int = 60) -> list[tuple[str, bool]]:
    """(text, is sensitive) for the flagging test, half of each, so that flagging nothing scores one half."""
    found = {text: is_sensitive(task, text) for task, answers in items for text in (task.text, *answers)}
    sides = [[t for t in shuffled(found, seed) if found[t] == side] for side in (True, False)]
    half = min(n // 2, *map(len, sides))
    if half < 5:
        few = f"the items have {len(sides[0])} and {len(sides[1])}; give more items"
        raise ValueError(f"The flagging test needs at least 5 sensitive and 5 harmless texts, but {few}.")
    return [(text, found[text]) for side in sides for text in side[:half]]


def _flagging(person: Labeler, texts: Sequence[tuple[str, bool]], seed: int) -> float:
    kind = KINDS[person.group]
    care = exp(0.4 * bell(seed, person.id, "care"))  # people of one kind differ too
    rates = {True: care * kind.misses, False: care * kind.false_alarms}
    wrong = sum(chance(seed, person.id, "flag", text) < rates[bad] for text, bad in texts)
    return 1 - wrong / len(texts)


def _ranking(
    person: Labeler, exam: Sequence[tuple[Task, Sequence[str], dict[str, Checks]]], seed: int
) -> float:
    """Share of pairs, strictly ordered by both, that the applicant orders like the researchers."""
    alike = both = 0
    for task, answers, checks in exam:
        theirs = np.array([person.utility(task, text, seed, checks[text]) for text in answers])
        gold = np.array([score(checks[text], HELP_FIRST) for text in answers])
        a, b = counts_alike(tied_ranks(theirs, person.tie_width), tied_ranks(gold, person.tie_width))
        alike, both = alike + int(a), both + int(b)
    return alike / max(both, 1)


def _writing(person: Labeler, tasks: Sequence[Task], seed: int) -> float:
    """Mean grade: 1 + 6 x score, where a rude answer to a sensitive prompt gets 1."""
    grades = []
    for i, task in enumerate(tasks):
        checks = judge(task, _write(person, task, tasks[i - 1], seed))
        grades.append(1 + 6 * score(checks, HELP_FIRST) * checks.polite)
    return sum(grades) / len(grades)


def _write(person: Labeler, task: Task, other: Task, seed: int) -> str:
    """A right answer, or what this kind of person writes: chatter, an insult, an answer to something else."""
    draw = rng(seed, person.id, "write", task.text)
    if draw.random() >= KINDS[person.group].bad_demo:
        return task.reference
    if person.group == "insensitive":
        return f"{draw.choice(lx.RUDE_OPENERS)} {task.reference}"
    return other.reference if person.group == "careless" else f"{task.reference} {draw.choice(lx.CHATTER)}"
