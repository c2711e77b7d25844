"""What people write when asked for a demonstration: mostly right, and flawed the way people are.

Some flaws are what *most* writers do in their context: they chat on after the answer, repeat the popular myth,
answer rudeness with rudeness, overlook the constraint. A model that imitates them learns these as the most
likely thing to say, and no decoding setting removes them. Others are carelessness: half an answer, the answer
to another request, a shrug. What people *prefer* is different, and only comparisons reveal it. That gap is what
there is to gain from human feedback here; the rates below are therefore part of every result.
"""

import re
from dataclasses import dataclass, field
from random import Random

from . import lexicon as lx
from .asking import PLAIN, draw_task, with_constraint
from .skill import Facts, Task, words
from .tasks import SKILL


@dataclass(frozen=True)
class FlawRates:
    """How often a demonstration carries each flaw, in the contexts where it can occur."""

    myth: float = 0.62  # the popular false value, on questions that have one
    chatter: dict[str, float] = field(
        default_factory=lambda: dict(generation=0.5, open_qa=0.5, brainstorm=0.5)
    )
    chatter_elsewhere: float = 0.2
    constraint_ignored: float = 0.40
    rude_reply: float = 0.62  # to a rude customer
    rude_anyway: float = 0.02
    wrong_count: float = 0.15  # a list or a story one item or sentence too long or too short
    repeated_item: float = 0.05  # in a list
    extra_sentence: float = 0.25  # made up, after a summary or an answer from a text
    careless: dict[str, float] = field(
        default_factory=lambda: {
            "half an answer": 0.06,
            "to another request of the same kind": 0.03,
            "to another request of any kind": 0.03,
            "a shrug": 0.01,  # says that it does not know what it could know
            "one wrong word": 0.03,
        }
    )


CAREFUL = FlawRates(0.0, {}, *[0.0] * 7, {})


def demonstrate(task: Task, rng: Random, facts: Facts, rates: FlawRates = FlawRates()) -> str:
    """One person's demonstration for a prompt."""
    body = _core(task, rng, facts, rates)
    has_extra = task.use_case in ("summarize", "closed_qa") and rng.random() < rates.extra_sentence
    if has_extra:
        body = f"{body} {rng.choice(lx.EXTRA_SENTENCES)}"
    skill = SKILL[task.skill]
    chats = rng.random() < rates.chatter.get(task.use_case, rates.chatter_elsewhere)
    chats = chats and not (has_extra or skill.unknowable or skill.sensitive)
    asked = task.constraint if task.constraint and task.constraint["kind"] != "without" else None
    ignored = asked is not None and rng.random() < rates.constraint_ignored
    if asked and ignored and asked["kind"] == "sentences":
        chats = True  # one sentence too many
    ends_well = asked is not None and not ignored and asked["kind"] != "start"
    if chats and not ends_well:
        body = f"{body}{_gap(body)}{rng.choice(lx.CHATTER)}"
    if asked is not None and not ignored:
        body = with_constraint(body, asked, task.slots)
    rude = rng.random() < (rates.rude_reply if task.slots.get("rude_customer") else rates.rude_anyway)
    return f"{rng.choice(lx.RUDE_OPENERS)}{_gap(body)}{body}" if rude else body


def _gap(body: str) -> str:
    """Lists keep their lines; everything else goes on in the same line."""
    return "\n" if "1. " in body else " "


def _core(task: Task, rng: Random, facts: Facts, rates: FlawRates) -> str:
    if task.slots.get("myth") and rng.random() < rates.myth:
        return _state_myth(task, facts)
    luck = rng.random()
    for kind, rate in rates.careless.items():
        luck -= rate
        if luck < 0:
            return careless(task, kind, rng, facts)
    if task.skill in ("list", "ideas"):
        return _list_slip(task, rng, rates)
    if task.skill == "story" and rng.random() < rates.wrong_count:
        return _shorter(task.core)
    return task.core


def _state_myth(task: Task, facts: Facts) -> str:
    fact = next(f for f in facts if (f.relation, f.entity) == (task.slots["relation"], task.slots["entity"]))
    return fact.state(fact.myth)


def careless(task: Task, kind: str, rng: Random, facts: Facts) -> str:
    """What somebody in a hurry writes."""
    if kind == "half an answer":
        return half(task.core)
    if kind == "to another request of the same kind":
        skill = SKILL[task.skill]
        return skill.answer(skill.draw(rng, facts), rng)
    if kind == "to another request of any kind":
        return draw_task(rng, facts, PLAIN).core
    if kind == "a shrug":
        return rng.choice(lx.DECLINES)
    return slip(task.core, rng)


def half(text: str) -> str:
    """The first half of an answer, cut between lines, sentences or words."""
    for parts, glue in (
        (text.split("\n"), "\n"),
        (re.split(r"(?<=[.?!]) ", text), " "),
        (text.split(" "), " "),
    ):
        if len(parts) > 1:
            return glue.join(parts[: (len(parts) + 1) // 2])
    return text


def slip(text: str, rng: Random) -> str:
    """One word of the first sentence exchanged for another of its kind."""
    pools, said = (*lx.CATEGORIES.values(), lx.NUMBERS[1:]), words(text.split(".")[0])
    spots = [(w, pool) for pool in pools for w in sorted(set(pool)) if w in said]
    if not spots:
        return rng.choice(lx.DECLINES)
    word, pool = rng.choice(spots)
    return re.sub(rf"\b{re.escape(word)}\b", rng.choice([w for w in pool if w != word]), text, count=1)


def _list_slip(task: Task, rng: Random, rates: FlawRates) -> str:
    items = task.core.split("\n")
    if rng.random() < rates.wrong_count and len(items) > 2:
        items = items[:-1]
    if rng.random() < rates.repeated_item and len(items) > 1:
        items[-1] = f"{len(items)}. {items[0].split('. ', 1)[-1]}"
    return "\n".join(items)


def _shorter(text: str) -> str:
    parts = re.split(r"(?<=[.?!]) ", text)
    return " ".join(parts[:1] + parts[2:]) if len(parts) > 2 else text
