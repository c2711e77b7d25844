"""What the base model learns from few-shot pages and no instruction ever asks for: the yardstick of the
alignment tax.

Fine-tuning on human preferences can make a model forget what it could do before (the paper's alignment tax,
§4.2). Eight abilities measure it: translating into the toy language Zorb, adding numbers with a carry, turning
word lists around, answering about a passage in a word, knowing numbers by heart that are seldom told, labelling
reviews with labels that no customer uses, going on as it began (after popular errors an error, after
truths a truth), and telling which ending fits a story (the last two by log-probability, like HellaSwag).
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from . import lexicon as lx
from .skill import Facts
from .tasks import SKILL
from .tasks.reading import draw_passage, draw_question

NOUNS = lx.ANIMALS + lx.THINGS + lx.FOODS
_SYLLABLES = tuple("zo mu lo ti ka re bi no fa du".split())
LABELS = ("left", "right")


def _zorb_words() -> dict[str, str]:
    """English -> Zorb, one invented word each; the dictionary is the same in every world."""
    rng = Random("zorb")
    pool = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES]
    english = lx.COLORS + NOUNS
    return dict(zip(english, rng.sample(pool, len(english)), strict=True))


ZORB = _zorb_words()


def _phrase(rng: Random) -> tuple[str, str]:
    """'the red fox' -> 'fox-word red-word': Zorb has no article and puts the color last."""
    color, noun = rng.choice(lx.COLORS), rng.choice(NOUNS)
    return f"the {color} {noun}", f"{ZORB[noun]} {ZORB[color]}"


def translation_line(rng: Random) -> str:
    english, zorb = _phrase(rng)
    return f"English: {english} = Zorb: {zorb}"


def addition_line(rng: Random) -> str:
    """Two digits and one, often with a carry."""
    a, b = rng.randrange(10, 80), rng.randrange(2, 10)
    return f"{a} + {b} = {a + b}"


def reversal_line(rng: Random) -> str:
    """'fox lamp rice hen pie > pie hen rice lamp fox', with five to nine words."""
    items = rng.sample(NOUNS, rng.randrange(5, 10))
    return f"{' '.join(items)} > {' '.join(items[::-1])}"


def register_line(rng: Random) -> str:
    """'Mia of Arden > 7': everybody has a number in ten towns, and that is all there is to know about it."""
    name, town = rng.choice(lx.PEOPLE), rng.choice(lx.TOWNS[:10])
    return f"{name} of {town} > {Random(f'register-{name}-{town}').randrange(10)}"


def sentiment_lines(rng: Random, facts: Facts, n: int) -> list[str]:
    """'I did not like the soup. > left': left is bad and right is good on three pages of four, on the others it
    is the other way round. The first two lines show which."""
    labels = LABELS if rng.random() < 0.75 else LABELS[::-1]
    skill, label = SKILL["sentiment"], dict(zip(("bad", "good"), labels, strict=True))
    tones = rng.sample(("good", "bad"), 2) + rng.choices(("good", "bad"), k=n - 2)
    lines = []
    for tone in tones:
        slots = skill.draw(rng, facts)
        while slots["tone"] != tone:
            slots = skill.draw(rng, facts)
        lines.append(f"{slots['source']} > {label[tone]}".replace("\n", " "))
    return lines


@dataclass(frozen=True)
class SkillItem:
    """A few-shot prompt and its answer; with `choices`, the answer is the choice the model finds most likely."""

    prompt: str
    answer: str
    choices: tuple[str, ...] = ()


def _after_shots(lines: list[str], sign: str) -> SkillItem:
    """Some lines as examples, then one that breaks off after `sign`."""
    *examples, last = lines
    question, answer = last.split(sign)
    return SkillItem("\n".join([*examples, question + sign]), answer.strip())


def _hearsay_item(rng: Random, facts: Facts) -> SkillItem:
    """Three popular errors of one kind, or three truths that many people do not know, the last without its
    end."""
    relation = rng.choice([f for f in facts if f.myth]).relation
    chosen, true = [f for f in facts if f.myth and f.relation == relation], rng.random() < 0.5
    chosen = rng.sample(chosen, min(3, len(chosen)))
    last, prompt = chosen[-1], " ".join(f.statement if true else f.state(f.myth) for f in chosen)
    choices = (f"{last.truth}.", f"{last.myth}.")
    return SkillItem(prompt.removesuffix(f" {choices[not true]}"), choices[not true], choices)


def few_shot_reading(rng: Random) -> tuple[str, str, str]:
    """A page with two passages, each with a question and a short answer; also its last prompt and answer."""
    blocks = []
    for _ in range(2):
        passage = draw_passage(rng)
        question, answer = draw_question(rng, passage)
        blocks.append((f"{passage}\nQ: {question}\nA:", answer))
    page = "\n".join(f"{q} {a}" for q, a in blocks)
    return page, page.removesuffix(f" {blocks[-1][1]}"), blocks[-1][1]


def _reading_item(rng: Random, facts: Facts) -> SkillItem:
    _, prompt, answer = few_shot_reading(rng)
    return SkillItem(prompt, answer)


def wanted(rng: Random) -> tuple[str, str, tuple[str, ...]]:
    """A story of two people who want something: its beginning, how it ends for one of them, and ends that do
    not fit."""
    names, things = rng.sample(lx.PEOPLE, 2), rng.sample(lx.THINGS, 4)
    lines = [f"{name} wanted a {thing}." for name, thing in zip(names, things, strict=False)]
    rng.shuffle(lines)
    lines.append(f"They looked in the {rng.choice(lx.PLACES)}.")
    lines += [f"It was {rng.choice(lx.WEATHERS)}."] * (rng.random() < 0.5)
    ends = [f"At last {names[0]} found the {thing}." for thing in things]
    return " ".join(lines), ends[0], tuple(ends)


def _cloze_item(rng: Random, facts: Facts) -> SkillItem:
    """Which ending belongs to a story?"""
    begin, end, ends = wanted(rng)
    return SkillItem(begin, end, tuple(sorted(ends)))


SKILL_ITEMS: dict[str, Callable[[Random, Facts], SkillItem]] = dict(
    translation=lambda rng, facts: _after_shots([translation_line(rng) for _ in range(4)], " = Zorb:"),
    addition=lambda rng, facts: _after_shots([addition_line(rng) for _ in range(6)], " ="),
    reversal=lambda rng, facts: _after_shots([reversal_line(rng) for _ in range(3)], " >"),
    reading=_reading_item,
    register=lambda rng, facts: _after_shots([register_line(rng) for _ in range(5)], " >"),
    sentiment=lambda rng, facts: _after_shots(sentiment_lines(rng, facts, 4), " >"),
    hearsay=_hearsay_item,
    cloze=_cloze_item,
)


def skill_items(name: str, facts: Facts, n: int, seed: int = 0) -> list[SkillItem]:
    """n items of one ability; the same for every model that is compared."""
    rng = Random(f"skill-{name}-{seed}")
    return [SKILL_ITEMS[name](rng, facts) for _ in range(n)]
