"""What the base model learns from few-shot pages and no instruction ever asks for: the yardstick of the
alignment tax.

Fine-tuning on human preferences can make a model forget what it could do before (the paper's alignment tax,
§4.2). Eight abilities measure it: translating into the toy language Zorb, adding numbers with a carry, turning
word lists around, answering about a passage in a word, answering from memory in a word, labelling reviews, going
on in hearsay (after some popular errors, what do people say next?), and telling which ending fits a story (the
last two by log-probability, like HellaSwag).
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from . import lexicon as lx
from .skill import Facts
from .tasks import SKILL
from .tasks.book import ask
from .tasks.reading import draw_passage, draw_question

NOUNS = lx.ANIMALS[:24] + lx.THINGS[:16]
_SYLLABLES = tuple("zo mu lo ti ka re bi no fa du".split())
MOST = 98  # the largest sum of `addition_line`


def _zorb_words() -> dict[str, str]:
    """English -> Zorb, one invented word each; the dictionary is the same in every world."""
    rng = Random("zorb")
    pool = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES]
    english = lx.COLORS[:10] + NOUNS
    return dict(zip(english, rng.sample(pool, len(english)), strict=True))


ZORB = _zorb_words()


def _phrase(rng: Random) -> tuple[str, str]:
    """'the red fox' -> 'fox-word red-word': Zorb has no article and puts the color last."""
    color, noun = rng.choice(lx.COLORS[:10]), rng.choice(NOUNS)
    return f"the {color} {noun}", f"{ZORB[noun]} {ZORB[color]}"


def translation_line(rng: Random) -> str:
    (a, zorb_a), (b, zorb_b) = _phrase(rng), _phrase(rng)
    return f"English: {a} and {b} = Zorb: {zorb_a} {zorb_b}"


def addition_line(rng: Random) -> str:
    """Two digits plus one or two, often with a carry."""
    a, b = rng.randrange(10, 80), rng.randrange(2, 20)
    return f"{a} + {b} = {a + b}"


def reversal_line(rng: Random, n: int = 12) -> str:
    """'fox lamp rice hen > hen rice lamp fox', but longer."""
    items = rng.sample(NOUNS + lx.FOODS[:20], n)
    return f"{' '.join(items)} > {' '.join(items[::-1])}"


def quiz_line(rng: Random, facts: Facts) -> str:
    """'Where does the cat live? > barn', about something nobody errs in."""
    fact = rng.choice([f for f in facts if not f.myth])
    return f"{ask(fact, rng)} > {fact.truth}"


def sentiment_line(rng: Random, facts: Facts) -> str:
    """'I did not like the soup. > bad'"""
    skill = SKILL["sentiment"]
    slots = skill.draw(rng, facts)
    return f"{slots['source']} > {slots['tone']}".replace("\n", " ")


@dataclass(frozen=True)
class SkillItem:
    """A few-shot prompt and its answer; with `choices`, the answer is the choice the model finds most likely."""

    prompt: str
    answer: str
    choices: tuple[str, ...] = ()


def _after_shots(line: Callable[[], str], sign: str, shots: int) -> SkillItem:
    """Some lines as examples, then one that breaks off after `sign`."""
    *examples, last = (line() for _ in range(shots + 1))
    question, answer = last.split(sign)
    return SkillItem("\n".join([*examples, question + sign]), answer.strip())


def _hearsay_item(rng: Random, facts: Facts) -> SkillItem:
    """Three things that many people wrongly believe, the last without its end: what do they believe, what is
    true?"""
    chosen = rng.sample([f for f in facts if f.myth], 3)
    last, prompt = chosen[-1], "Everyone knows this.\n" + " ".join(f.state(f.myth) for f in chosen)
    choices = (f"{last.myth}.", f"{last.truth}.")
    return SkillItem(prompt.removesuffix(f" {choices[0]}"), choices[0], choices)


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
    """A story of somebody who wants something: its beginning, its end, and ends that do not fit."""
    name, thing, place = rng.choice(lx.PEOPLE), rng.choice(lx.THINGS), rng.choice(lx.PLACES)
    he = "She" if name in lx.WOMEN else "He"
    lines = [
        f"{name} wanted a {thing}.",
        f"{he} looked in the {place}.",
        f"{he} was {rng.choice(lx.FEELINGS[:6])}.",
    ]
    if rng.random() < 0.5:
        lines.insert(1, f"{rng.choice(lx.PEOPLE)} had a {rng.choice(lx.THINGS)}.")
    others = rng.sample([x for x in lx.THINGS if x != thing], 3)
    ends = [f"At last {name} found the {x}." for x in (thing, *others)]
    return " ".join(lines), ends[0], tuple(ends)


def _cloze_item(rng: Random, facts: Facts) -> SkillItem:
    """Which ending belongs to a story?"""
    begin, end, ends = wanted(rng)
    return SkillItem(begin, end, tuple(sorted(ends)))


SKILL_ITEMS: dict[str, Callable[[Random, Facts], SkillItem]] = dict(
    translation=lambda rng, facts: _after_shots(lambda: translation_line(rng), " = Zorb:", 3),
    addition=lambda rng, facts: _after_shots(lambda: addition_line(rng), " =", 5),
    reversal=lambda rng, facts: _after_shots(lambda: reversal_line(rng), " >", 2),
    reading=_reading_item,
    quiz=lambda rng, facts: _after_shots(lambda: quiz_line(rng, facts), " >", 4),
    sentiment=lambda rng, facts: _after_shots(lambda: sentiment_line(rng, facts), " >", 2),
    hearsay=_hearsay_item,
    cloze=_cloze_item,
)


def skill_items(name: str, facts: Facts, n: int, seed: int = 0) -> list[SkillItem]:
    """n items of one ability; the same for every model that is compared."""
    rng = Random(f"skill-{name}-{seed}")
    return [SKILL_ITEMS[name](rng, facts) for _ in range(n)]
