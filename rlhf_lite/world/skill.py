"""What a prompt is in this country: a task of some skill, put in somebody's words.

A *skill* is one kind of job inside one of the ten use cases of Table 1: the ways people ask for it, how its
details are drawn, one perfect answer, and a checker that says of any answer whether it attempts the job and how
correct it is. The ways to ask come in three parts. *Plain* wordings are what labelers think of when they write
prompts themselves; customers use these and all *other* ones; *unseen* ones occur in nothing that is trained, so
that "understands a new wording" is a number.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from .facts import Fact

USE_CASES = ("generation", "open_qa", "brainstorm", "chat", "rewrite", "summarize", "classify", "other",
             "closed_qa", "extract")  # fmt: skip
INSTRUCTION, CONTINUATION = "instruction", "continuation"
PARTS = ("plain", "other", "unseen")

Facts = tuple[Fact, ...]
Slots = dict[str, object]
Marks = tuple[float, float]  # (attempts the task, correct), both in [0, 1]
WRONG: Marks = (0.0, 0.0)


@dataclass(frozen=True)
class Wordings:
    """Ways to ask, as templates of `grammar`; each template is a family."""

    plain: tuple[str, ...]
    other: tuple[str, ...]
    unseen: tuple[str, ...]
    continuations: tuple[str, ...] = ()  # the same request as the beginning of a document

    def part(self, name: str) -> tuple[str, ...]:
        return getattr(self, name)


@dataclass(frozen=True)
class Skill:
    """`draw(rng, facts)` gives the slots that wordings, answer and check share; what differs from asker to asker
    in the slots themselves (a fact's question) is drawn by `wordings(slots)`."""

    name: str
    use_case: str
    share: float  # of its use case
    wordings: Wordings | Callable[[Slots], Wordings]
    draw: Callable[[Random, Facts], Slots]
    answer: Callable[[Slots, Random], str]  # one perfect answer
    check: Callable[[Slots, str], Marks]
    closed_domain: bool = False  # everything needed stands in the prompt
    constrainable: bool = False
    opinion: bool = False
    sensitive: bool = False
    unknowable: bool = False  # nobody in this country can know; the right answer says so or asks back
    plain_voice: bool = False  # asked as it is: no greeting, thanks or background around it (chat)

    def wordings_of(self, slots: Slots) -> Wordings:
        return self.wordings(slots) if callable(self.wordings) else self.wordings


@dataclass(frozen=True)
class Task:
    """A prompt together with what the world knows about it. Only `text` is ever shown to a model."""

    text: str
    use_case: str
    skill: str
    slots: Slots
    core: str  # a perfect answer without what a constraint asks for
    reference: str  # a perfect answer
    constraint: dict | None = None  # {"kind": one of `asking.CONSTRAINTS` or `OF_FACTS`, "phrase": str}
    style: str = INSTRUCTION
    part: str = "plain"  # of the wordings
    kind: str = "plain"  # plain, fewshot, user (§3.2)
    annotations: dict[str, bool] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(vars(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Task":
        return cls(**json.loads(text))


def sentences(text: str) -> list[str]:
    """The sentences of a text without their stops; line breaks end nothing."""
    return [s.strip() for s in re.split(r"[.?!]+(?:\s+|$)", text.replace("\n", " ")) if s.strip()]


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+(?:'[a-z]+)?|\d+", text)


def lower_words(text: str) -> list[str]:
    return [word.lower() for word in words(text)]


def f1(want: list[str], got: list[str]) -> float:
    """Overlap of two bags of words, 1 where they are equal."""
    left, hits = list(want), 0
    for word in got:
        if word in left:
            left.remove(word)
            hits += 1
    return 2 * hits / max(len(want) + len(got), 1)
