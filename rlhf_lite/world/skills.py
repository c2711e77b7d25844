"""What the base model learns from few-shot pages and no
instruction ever asks for: the yardstick of the alignment tax.

Fine-tuning on human preferences can make a model forget what it could do before (the paper's alignment tax,
§4.2). Seven skills measure it: translating into the toy language Zorb, adding numbers, turning word lists
around, answering about a passage in a word, answering from memory in a word, going on in hearsay (after some
popular errors, what do people say next?), and telling which ending fits a story (the last two by
log-probability, like HellaSwag).
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from . import lexicon as lx
from .facts import Fact
from .tasks import draw_closed, story

Facts = tuple[Fact, ...]
ADDENDS = 10  # numbers added are below this
NOUNS = lx.ANIMALS + lx.THINGS
_SYLLABLES = tuple("zo mu lo ti ka re bi no fa du".split())


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
    (a, zorb_a), (b, zorb_b) = _phrase(rng), _phrase(rng)
    return f"English: {a} and {b} = Zorb: {zorb_a} {zorb_b}"


def addition_line(rng: Random) -> str:
    a, b = rng.randrange(ADDENDS), rng.randrange(ADDENDS)
    return f"{a} + {b} = {a + b}"


def reversal_line(rng: Random) -> str:
    """'fox lamp rice hen map cake cow > cow cake map hen rice lamp fox'"""
    items = rng.sample(NOUNS + lx.FOODS, 7)
    return f"{' '.join(items)} > {' '.join(items[::-1])}"


def quiz_line(rng: Random, facts: Facts) -> str:
    """'Where does the cat live? > barn', about something nobody errs in."""
    fact = rng.choice([f for f in facts if not f.myth])
    return f"{fact.ask(rng.randrange(2))} > {fact.truth}"


@dataclass(frozen=True)
class SkillItem:
    """A few-shot prompt and its answer; with `choices`, the
    answer is the choice the model finds most likely."""

    prompt: str
    answer: str
    choices: tuple[str, ...] = ()


def _lines_item(line: Callable[[Random], str], sign: str, shots: int) -> Callable[[Random, Facts], SkillItem]:
    return lambda rng, facts: _after_shots(line, rng, sign, shots)


def _quiz_item(rng: Random, facts: Facts) -> SkillItem:
    return _after_shots(lambda rng: quiz_line(rng, facts), rng, " >", 4)


def _hearsay_item(rng: Random, facts: Facts) -> SkillItem:
    """Five things that many people wrongly believe, the last
    without its end: what do they believe, what is true?"""
    chosen = rng.sample([f for f in facts if f.myth], 5)
    last, prompt = chosen[-1], " ".join(f.state(f.myth) for f in chosen)
    choices = (f"{last.myth}.", f"{last.truth}.")
    return SkillItem(prompt.removesuffix(f" {choices[0]}"), choices[0], choices)


def _after_shots(line: Callable[[Random], str], rng: Random, sign: str, shots: int) -> SkillItem:
    """Some lines as examples, then one that breaks off after `sign`."""
    *examples, last = (line(rng) for _ in range(shots + 1))
    question, answer = last.split(sign)
    return SkillItem("\n".join([*examples, question + sign]), answer.strip())


def few_shot_reading(rng: Random) -> tuple[str, str, str]:
    """A page with three passages, each with a question and
    a short answer; also its last prompt and answer."""
    blocks = []
    for _ in range(3):
        slots = draw_closed(rng, ())
        blocks.append((f"{slots['passage']}\nQ: {slots['question']}\nA:", str(slots["answer"])))
    page = "\n".join(f"{q} {a}" for q, a in blocks)
    return page, page.removesuffix(f" {blocks[-1][1]}"), blocks[-1][1]


def _reading_item(rng: Random, facts: Facts) -> SkillItem:
    _, prompt, answer = few_shot_reading(rng)
    return SkillItem(prompt, answer)


def _cloze_item(rng: Random, facts: Facts) -> SkillItem:
    """Which ending belongs to a story? The wrong ones are sentences that no story ends with."""
    lines = story(rng, rng.choice(lx.ANIMALS), rng.choice(lx.PLACES), 4)
    wrong = [
        f"The {rng.choice(lx.FOODS)} from {rng.choice(lx.TOWNS)} was bad.",
        "It saw a duck.",
        f"{rng.choice(lx.PEOPLE)} is a {rng.choice(lx.JOBS)}.",
    ]
    choices = [lines[-1], *wrong]
    rng.shuffle(choices)
    return SkillItem(" ".join(lines[:-1]), lines[-1], tuple(choices))


SKILL_ITEMS = dict(
    translation=_lines_item(translation_line, " = Zorb:", 3), addition=_lines_item(addition_line, " =", 5),
    reversal=_lines_item(reversal_line, " >", 3), reading=_reading_item, quiz=_quiz_item,
    hearsay=_hearsay_item, cloze=_cloze_item,
)  # fmt: skip


def skill_items(name: str, facts: Facts, n: int, seed: int = 0) -> list[SkillItem]:
    """n items of one skill; the same for every model that is compared."""
    rng = Random(f"skill-{name}-{seed}")
    return [SKILL_ITEMS[name](rng, facts) for _ in range(n)]
