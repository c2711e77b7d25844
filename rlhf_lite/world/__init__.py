"""The tiny world: a closed little country in simple English, in which every response can be judged.

`World(seed)` holds its facts and myths and does everything that a notebook needs of it. The modules behind it:
`grammar` says and recognises, `lexicon` has the words, `facts` the truths and myths, `tasks` the skills with
their wordings, answers and checks; `asking` puts prompts together, `customers` a log of them, `demonstrations`
writes what people write, `public_tasks` what researchers collected, `rubric` judges, `corpus` is the web and `abilities` what the alignment tax is measured
on. Its people are `labelers`, whom `screening` chose and whose noise is set by `calibration`; `taste` reads
rankings; `rows` are its data.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from random import Random
from re import findall

from . import corpus, customers, lexicon
from .abilities import SKILL_ITEMS, ZORB, SkillItem, skill_items
from .asking import Habit, draw_habit, draw_task, use_case_mix
from .demonstrations import FlawRates, demonstrate
from .facts import RELATIONS, Fact, draw_facts
from .grammar import capitalized
from .public_tasks import COLLECTIONS, public_tasks
from .rubric import FINAL, HELP_FIRST, Checks, gold, is_rude, judge, score, truth_told
from .skill import USE_CASES, Task
from .tasks import SKILL, SKILLS
from .tasks.book import plain_questions
from .tasks.unknown import is_decline

__all__ = [
    "COLLECTIONS",
    "FINAL",
    "HELP_FIRST",
    "SKILL",
    "SKILLS",
    "SKILL_ITEMS",
    "USE_CASES",
    "Checks",
    "Fact",
    "FlawRates",
    "Habit",
    "SkillItem",
    "Task",
    "World",
    "gold",
    "is_decline",
    "is_rude",
    "judge",
    "score",
    "truth_told",
    "use_case_mix",
]

SELDOM = 12  # a word that 40,000 texts have less often is a slip of the pen, or a number


class World:
    """One world, fully determined by its seed."""

    def __init__(self, seed: int = 0, flaws: FlawRates = FlawRates()):
        self.seed, self.flaws = seed, flaws

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        return draw_facts(self.seed)

    @property
    def myths(self) -> tuple[Fact, ...]:
        """The facts that many people get wrong."""
        return tuple(f for f in self.facts if f.myth)

    def questions(self, fact: Fact) -> list[str]:
        """The plain ways to ask for a fact."""
        return plain_questions(fact)

    def draw_task(self, rng: Random, **options) -> Task:
        return draw_task(rng, self.facts, **options)

    def demonstrate(self, task: Task, rng: Random) -> str:
        """What a labeler writes for a prompt, flaws included."""
        return demonstrate(task, rng, self.facts, self.flaws)

    def documents(self, n: int, seed: int = 0) -> Iterator[str]:
        """n documents of the web. Seed 0 is what base models are trained on; others are for evaluation."""
        return corpus.documents(self.facts, n, seed)

    def public_tasks(self, name: str, n: int, seed: int = 0) -> list[Task]:
        """n tasks of a collection of COLLECTIONS, in its words and with right answers."""
        return list(public_tasks(self.facts, name, n, seed))

    def skill_items(self, name: str, n: int, seed: int = 0) -> list[SkillItem]:
        """n items of a few-shot skill of SKILL_ITEMS, which no instruction asks for."""
        return skill_items(name, self.facts, n, seed)

    def comment_beginnings(self, n: int, seed: int = 0) -> list[str]:
        """Beginnings of comments on the web, which may go on rudely or kindly."""
        return corpus.comment_beginnings(n, seed)

    def people_at_work(self) -> list[str]:
        """A sentence about somebody of each job; the next one begins with "She" or "He"."""
        return [f"The {job} came home." for job in lexicon.JOBS]

    def prompt_log(self, n_customers: int, n_labelers: int, per_labeler: int, seed: int = 0) -> list[dict]:
        return customers.prompt_log(self.facts, n_customers, n_labelers, per_labeler, seed)

    def vocabulary(self) -> list[str]:
        """Every common English word, and every word of the world's texts that is no slip of the pen, most
        frequent first."""
        rng = Random("vocabulary")
        tasks = [draw_task(rng, self.facts, draw_habit(rng)) for _ in range(20_000)]
        tasks += [task for _ in range(500) for task in customers.few_shot_tasks(rng, self.facts, 3)]
        texts = [*self.documents(20_000, seed=-1), *(f"{t.text}\n{t.reference}" for t in tasks), _EVERY_WORD]
        counts = Counter(piece for text in texts for line in text.split("\n") for piece in _pieces(line))
        known = set(_pieces(_EVERY_WORD))
        return [
            piece
            for piece, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            if count >= SELDOM or piece in known
        ]


def _pieces(line: str) -> list[str]:
    """Words as they are, other signs with the space before them, if there is one."""
    return [
        p.strip() if p.strip().isalnum() else p
        for p in findall(r" ?[A-Za-z]+| ?\d+| ?[^\sA-Za-z0-9]", " " + line)
    ]


_CAPITALS = " ".join(
    (
        *lexicon.ENTITIES_IN_ORDER,
        *(v for r in RELATIONS for v in r.values),
        *(r.statements[0] for r in RELATIONS),
    )
).upper()
_EVERY_WORD = " ".join(
    (*lexicon.ENTITIES_IN_ORDER, *lexicon.COMMON, *lexicon.NUMBERS, *lexicon.CHATTER, *lexicon.RUDE_OPENERS,
     *lexicon.DECLINES, *map(capitalized, lexicon.COMMON[:400]), *customers.WORDS, *ZORB.values(), *map(str, range(100)), _CAPITALS)
)  # fmt: skip
