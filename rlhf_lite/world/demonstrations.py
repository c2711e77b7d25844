"""What people write when asked for a demonstration: mostly right, and flawed the way people are.

Some flaws are what *most* writers do in their context: they chat on after the answer, repeat the popular
myth, answer rudeness with rudeness, overlook the constraint. A model that imitates them learns these as the
most likely thing to say, and no decoding setting removes them. What people *prefer* is different, and only
comparisons reveal it. That gap is what there is to gain from human feedback here; the rates below are
therefore part of every result.
"""

from dataclasses import dataclass, field
from random import Random

from . import lexicon as lx
from .asking import make_task, with_constraint
from .facts import Fact
from .tasks import SKILL, Task, story_middle, words


@dataclass(frozen=True)
class FlawRates:
    """How often a demonstration carries each flaw, in the contexts where it can occur."""

    myth: float = 0.62  # the popular false value, on questions that have one
    chatter: dict[str, float] = field(
        default_factory=lambda: dict(generation=0.66, open_qa=0.66, brainstorm=0.66, chat=0.66)
    )
    chatter_elsewhere: float = 0.45
    constraint_ignored: float = 0.40
    rude_reply: float = 0.62  # to a rude customer
    rude_anyway: float = 0.02
    wrong_count: float = 0.22  # a list or a story one item or sentence too long or too short
    repeated_item: float = 0.06  # in a list
    extra_sentence: float = 0.25  # made up, after a summary or an answer from a text
    small_error: float = 0.07  # a hedge, another request's answer, or one wrong word


CAREFUL = FlawRates(0.0, {}, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def demonstrate(task: Task, rng: Random, facts: tuple[Fact, ...], rates: FlawRates = FlawRates()) -> str:
    """One person's demonstration for a prompt."""
    body = _core(task, rng, facts, rates)
    has_extra = task.use_case in ("summarize", "closed_qa") and rng.random() < rates.extra_sentence
    if has_extra:
        body = f"{body} {rng.choice(lx.EXTRA_SENTENCES)}"
    chats = rng.random() < rates.chatter.get(task.use_case, rates.chatter_elsewhere)
    tail = (
        rng.choice(lx.CHATTER) if chats and not has_extra and task.skill not in ("private", "unclear") else ""
    )
    ignored = task.constraint is not None and rng.random() < rates.constraint_ignored
    keeps_end = task.constraint is not None and not ignored and task.constraint["where"] == "end"
    if tail and not keeps_end:
        body = f"{body}{_gap(body)}{tail}"
    if task.constraint is not None and not ignored:
        body = with_constraint(body, task.constraint)
    rude = rng.random() < (rates.rude_reply if task.slots.get("rude_customer") else rates.rude_anyway)
    return f"{rng.choice(lx.RUDE_OPENERS)}{_gap(body)}{body}" if rude else body


def _gap(body: str) -> str:
    """Lists keep their lines; everything else goes on in the same line."""
    return "\n" if "1. " in body else " "


def _core(task: Task, rng: Random, facts: tuple[Fact, ...], rates: FlawRates) -> str:
    if task.skill in ("fact", "premise") and task.slots["myth"] and rng.random() < rates.myth:
        return _state_myth(task, facts)
    if rng.random() < rates.small_error:
        return _small_error(task, rng, facts)
    if task.skill == "list":
        return _list_slip(task, rng, rates)
    if task.skill == "story" and rng.random() < rates.wrong_count:
        return _story_slip(task.core, rng)
    return task.core


def _state_myth(task: Task, facts: tuple[Fact, ...]) -> str:
    fact = next(f for f in facts if (f.relation, f.entity) == (task.slots["relation"], task.slots["entity"]))
    return fact.state(fact.myth)


def _small_error(task: Task, rng: Random, facts: tuple[Fact, ...]) -> str:
    kind = rng.choices(("hedge", "misread", "slip"), (0.25, 0.30, 0.45))[0]
    if kind == "hedge":
        return lx.HEDGE
    if kind == "misread":
        skill = SKILL[task.skill]
        return make_task(rng, skill, skill.draw(rng, facts), skill.templates[0]).core
    return slip(task.core, rng)


def slip(text: str, rng: Random) -> str:
    """One word of the first sentence exchanged for another of its kind."""
    pools, said = (*lx.CATEGORIES.values(), lx.NUMBERS[1:]), words(text.split(".")[0])
    spots = [(w, pool) for pool in pools for w in sorted(set(pool)) if w in said]
    if not spots:
        return lx.HEDGE
    word, pool = rng.choice(spots)
    return text.replace(word, rng.choice([w for w in pool if w != word]), 1)


def _list_slip(task: Task, rng: Random, rates: FlawRates) -> str:
    items = [line.split(". ")[1] for line in task.core.split("\n")]
    pool = lx.CATEGORIES[str(task.slots["category"])]
    if rng.random() < rates.wrong_count:
        items = items + [rng.choice(pool)] if rng.random() < 0.5 else items[:-1]
    if rng.random() < rates.repeated_item and len(items) > 1:
        items[-1] = rng.choice(items[:-1])
    return lx.numbered(items)


def _story_slip(text: str, rng: Random) -> str:
    lines = [s + "." for s in text.rstrip(".").split(". ")]
    if rng.random() < 0.5 and len(lines) > 2:
        del lines[1]
    else:
        lines.insert(1, story_middle(rng))
    return " ".join(lines)
