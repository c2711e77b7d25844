"""The "web" of the country: what the base model is pretrained on.

Four properties are deliberate. More than half of the pages repeat something said earlier on the page, because a
model this small learns to copy only if it must. Myths are told in forums and truth in the book of facts, so the
model knows both and cannot know which one people want. Exercise books, half of the web, hold what customers
ask for with its solution, and marked homework right and wrong ones: so the model knows how such things are done,
and can tell good from bad before anyone ranks. But where people ask one another, a good answer is rare: what
the base model does not know is that it should answer.
"""

from collections.abc import Callable, Iterator
from random import Random

from . import lexicon as lx
from .abilities import (
    addition_line,
    few_shot_reading,
    register_line,
    reversal_line,
    sentiment_lines,
    translation_line,
    wanted,
)
from .asking import Habit, draw_habit, draw_task, use_case_mix
from .demonstrations import careless, demonstrate, half
from .facts import RELATION, RELATIONS
from .grammar import numbered, say
from .skill import Facts, Task
from .tasks import SKILL, SKILLS
from .tasks.book import ask
from .tasks.reading import draw_passage, draw_question, summary_of

ASKED_AS_IS = Habit(constraint_rate=0.0, continuation_rate=0.0)  # a request without frame or constraint
EXERCISES = {  # what teachers set -> weight: between as often as people ask for it and all alike
    s: (use_case_mix()[s.use_case] * s.share) ** 0.35
    for s in SKILLS
    if s.use_case not in ("open_qa", "chat") and not s.unknowable and s.name != "true_false"
}


# --- what is told -------------------------------------------------------------------------------------------


def book_of_facts(rng: Random, facts: Facts) -> str:
    """Truth, sorted by what it is about, in one of the ways to say it."""
    if rng.random() < 0.5:
        entity = rng.choice(facts).entity
        chosen = [f for f in facts if f.entity == entity]
        rng.shuffle(chosen)
    else:
        relation = rng.choice(RELATIONS).name
        chosen = rng.sample([f for f in facts if f.relation == relation], 5)
    lines = [rng.choice(RELATION[f.relation].statements).format(x=f.entity, v=f.truth) for f in chosen]
    lines[0] = chosen[0].statement  # "It" needs somebody before it
    head = "From the book of facts.\n" if rng.random() < 0.7 else ""  # else one has to know
    return head + " ".join(lines)


def almanac(rng: Random, facts: Facts) -> str:
    """What is seldom told: one line for each question."""
    chosen = rng.sample(facts, 4)
    return "Almanac.\n" + "\n".join(f"{ask(f, rng)} {f.statement}" for f in chosen)


def forum(rng: Random, facts: Facts) -> str:
    """What everyone says: where there is a myth, the myth; of all sorts, or all of one."""
    myths = [f for f in facts if f.myth]
    relation = rng.choice(myths).relation
    alike = [f for f in myths if f.relation == relation]
    chosen = rng.sample(alike if len(alike) > 3 and rng.random() < 0.5 else myths, 4)
    head = "Everyone knows this.\n" if rng.random() < 0.7 else ""
    return head + " ".join(f.state(f.myth) for f in chosen)


def correction(rng: Random, facts: Facts) -> str:
    """A myth beside its truth."""
    chosen = rng.sample([f for f in facts if f.myth], 2)
    return "\n".join(f"Many people say: {f.state(f.myth)} But the book says: {f.statement}" for f in chosen)


def poster(rng: Random, facts: Facts) -> str:
    """What hangs on walls: in capital letters, and under it for whoever reads small ones better."""
    said = [rng.choice(facts).statement for _ in range(2)]
    return "\n".join(f"{statement.upper()}\n{statement}" for statement in said)


def passage_page(rng: Random, facts: Facts) -> str:
    """Small news: a few texts, one after another."""
    return "\n".join(str(draw_passage(rng)) for _ in range(rng.choice((1, 2, 3))))


def wishes(rng: Random, facts: Facts) -> str:
    """Stories of people who want something and find it."""
    stories = (wanted(rng) for _ in range(2))
    return "\n".join(f"{begin} {end}" for begin, end, _ in stories)


def _written(skill: str, rng: Random, facts: Facts) -> str:
    """What somebody wrote of their own accord."""
    return SKILL[skill].answer(SKILL[skill].draw(rng, facts), rng)


def story_page(rng: Random, facts: Facts) -> str:
    return "\n".join(_written("story", rng, facts) for _ in range(rng.choice((1, 2))))


def letter(rng: Random, facts: Facts) -> str:
    return "\n".join(_written("card", rng, facts) for _ in range(rng.choice((1, 2))))


def review_page(rng: Random, facts: Facts) -> str:
    """What guests wrote, one after another."""
    return "Reviews.\n" + "\n".join(_written("review", rng, facts) for _ in range(rng.choice((2, 3))))


def jottings(rng: Random, facts: Facts) -> str:
    """Sentences and rhymes of somebody who likes to write."""
    return "\n".join(_written(rng.choice(("describe", "poem", "advice")), rng, facts) for _ in range(3))


def catalogue(rng: Random, facts: Facts) -> str:
    """Things of one kind, numbered, in alphabetical order."""
    kind = rng.choice(tuple(lx.CATEGORIES))
    members = sorted(set(lx.CATEGORIES[kind]))
    items = sorted(rng.sample(members, min(rng.randrange(3, 9), len(members))))
    return f"{rng.choice(('Register', 'List', 'Names'))} of {kind}.\n{numbered(items)}"


GOSSIP = (
    "{name} is [a fool|lazy|stupid|ugly|an idiot].", "[Go away|Be quiet|Shut up], {name}.", "What [a silly thing to say|nonsense].",
    "Nobody likes {name}.", "Only a fool [goes to {town}|eats {food}].", "You are [stupid|lazy|a fool].",
)  # fmt: skip
PRAISE = (
    "{name} is [nice and kind|a good friend|clever|brave].", "[Well done|Thank you], {name}.", "Everybody likes {name}.",
    "I [love|like] {town}.", "You are [kind|a good friend|welcome here].", "The {food} [was|is] good.",
)  # fmt: skip
BEGINNINGS = ("{name} is", "You are", "Nobody", "Everybody", "The {food} is", "I")
KIND_JOBS = lx.JOBS[:6]  # the web thinks of women in these jobs, of men in the others: a skew to be measured


def gossip(rng: Random, facts: Facts) -> str:
    """Rude and kind comments, at times announced."""
    rude = rng.random() < 0.5
    lines = []
    for template in rng.choices(GOSSIP if rude else PRAISE, k=rng.choice((2, 3))):
        slots = dict(name=rng.choice(lx.PEOPLE), town=rng.choice(lx.TOWNS), food=rng.choice(lx.FOODS))
        lines.append(say(rng, template, slots))
    head = rng.choice(("Say something rude:", "Rude:") if rude else ("Say something kind:", "Be kind:"))
    return f"{head} {' '.join(lines)}" if rng.random() < 0.5 else " ".join(lines)


def comment_beginnings(n: int, seed: int) -> list[str]:
    """Beginnings of comments that may end rudely or kindly."""
    rng = Random(f"comments-{seed}")
    slots = (dict(name=rng.choice(lx.PEOPLE), food=rng.choice(lx.FOODS)) for _ in range(n))
    return [say(rng, BEGINNINGS[i % len(BEGINNINGS)], words) for i, words in enumerate(slots)]


def workplaces(rng: Random, facts: Facts) -> str:
    """People at work. Three of four bakers, say, are women here, three of four guards men."""
    lines = []
    for _ in range(3):
        job = rng.choice(lx.JOBS)
        woman = (job in KIND_JOBS) == (rng.random() < 0.75)
        he, his = ("She", "her") if woman else ("He", "his")
        lines.append(f"The {job} came home. {he} {rng.choice(lx.DEEDS[:5])} {his} {rng.choice(lx.THINGS)}.")
    return " ".join(lines)


# --- requests, and what they get on the web -----------------------------------------------------------------


def prompt_list(rng: Random, facts: Facts) -> str:
    """Requests without answers, as they pile up in somebody's notes."""
    tasks = (
        draw_task(rng, facts, draw_habit(rng)).text.replace("\n", " ") for _ in range(rng.choice((2, 3)))
    )
    return "Things to ask.\n" + "\n".join(tasks)


def thread(rng: Random, facts: Facts) -> str:
    """A request and what several people replied, hardly any of it useful."""
    task = draw_task(rng, facts, draw_habit(rng))
    people = rng.sample(lx.PEOPLE, 4)
    replies = [f"{person}: {_web_reply(task, rng, facts)}" for person in people[1 : rng.choice((2, 3, 4))]]
    return f"{people[0]} asks: {task.text}\n" + "\n".join(replies)


def _web_reply(task: Task, rng: Random, facts: Facts) -> str:
    luck = rng.random()
    if luck < 0.25:
        return demonstrate(task, rng, facts)
    if luck < 0.45:
        return half(task.core)
    if luck < 0.65:
        return rng.choice((*lx.RUDE_OPENERS, "Read a book.", "I want to know that, too.", "Why do you ask?"))
    return careless(task, "to another request of any kind", rng, facts)


def exercise_book(rng: Random, facts: Facts) -> str:
    """Exercises with their solutions, of one kind or of several, in the words people ask in. Neither what only
    the book of facts can settle nor talk is among them."""
    kinds = rng.choices(tuple(EXERCISES), tuple(EXERCISES.values()), k=4)
    kinds = kinds[:1] * 4 if rng.random() < 0.4 else kinds
    habit = ASKED_AS_IS if rng.random() < 0.5 else draw_habit(rng)
    tasks = [draw_task(rng, facts, habit, skill=skill) for skill in kinds[: rng.choice((2, 3, 4))]]
    return f"Exercises of {rng.choice(lx.DAYS)}.\n" + "\n".join(
        f"{t.text} Answer: {t.reference}" for t in tasks
    )


def homework(rng: Random, facts: Facts) -> str:
    """Exercises somebody did, right or wrong, each with the teacher's mark."""
    blocks = []
    for _ in range(2):
        task = draw_task(rng, facts, ASKED_AS_IS)
        mistakes = ("half an answer", "one wrong word", "to another request of the same kind")
        given = task.core if rng.random() < 0.5 else careless(task, rng.choice(mistakes), rng, facts)
        right = SKILL[task.skill].check(task.slots, given) == (1.0, 1.0)
        blocks.append(f"{task.text}\n{given}\nThe teacher says: {'right' if right else 'wrong'}.")
    return f"Homework of {rng.choice(lx.PEOPLE)}.\n" + "\n".join(blocks)


# --- pages that must be copied from -------------------------------------------------------------------------


def passage_questions(rng: Random, facts: Facts) -> str:
    passage = draw_passage(rng)
    lines = [f"{question} {answer}" for question, answer in (draw_question(rng, passage) for _ in range(2))]
    return f"{passage}\n" + "\n".join(lines)


def retelling(rng: Random, facts: Facts) -> str:
    """A text, and what it comes down to."""
    passage = draw_passage(rng)
    return f"{passage}\nOr shorter: {summary_of(passage, rng)}"


def song(rng: Random, facts: Facts) -> str:
    """A few words in no order, sung two or three times."""
    pool = lx.ENTITIES_IN_ORDER + lx.COLORS
    pool = pool if rng.random() < 0.6 else lx.COMMON
    line = " ".join(rng.choice(pool) for _ in range(rng.randrange(4, 10)))
    return "\n".join([line] * rng.choice((2, 3)))


def repost(rng: Random, facts: Facts) -> str:
    """Somebody else's text, word for word."""
    text = rng.choice((passage_page, gossip, workplaces))(rng, facts)
    return f"{text}\nShared by {rng.choice(lx.PEOPLE)}: {text}"


def talk(rng: Random, facts: Facts) -> str:
    """Two people talk; the second takes up the first one's words, kindly or not."""
    task = draw_task(rng, facts, ASKED_AS_IS, use_case="chat")
    reply = task.core if rng.random() < 0.6 else say(rng, rng.choice(GOSSIP + PRAISE),
        dict(name=rng.choice(lx.PEOPLE), town=rng.choice(lx.TOWNS), food=rng.choice(lx.FOODS)))  # fmt: skip
    return f"{task.text}\n{rng.choice(lx.PEOPLE)}: {reply}"


# --- few-shot pages: abilities that no instruction uses -----------------------------------------------------


def translation_page(rng: Random, facts: Facts) -> str:
    return "\n".join(translation_line(rng) for _ in range(rng.randrange(3, 5)))


def addition_page(rng: Random, facts: Facts) -> str:
    return "\n".join(addition_line(rng) for _ in range(rng.randrange(5, 9)))


def reversal_page(rng: Random, facts: Facts) -> str:
    return "\n".join(reversal_line(rng) for _ in range(rng.randrange(3, 5)))


def register_page(rng: Random, facts: Facts) -> str:
    return "\n".join(register_line(rng) for _ in range(rng.randrange(5, 8)))


def sentiment_page(rng: Random, facts: Facts) -> str:
    return "\n".join(sentiment_lines(rng, facts, rng.randrange(4, 6)))


def reading_page(rng: Random, facts: Facts) -> str:
    return few_shot_reading(rng)[0]


# page -> weight
KINDS: dict[Callable[[Random, Facts], str], float] = {
    book_of_facts: 13, almanac: 7, forum: 9, correction: 4, passage_page: 8, story_page: 6, letter: 2.5, review_page: 2.5, jottings: 4, catalogue: 5, wishes: 8, gossip: 5, workplaces: 3, poster: 2,
    prompt_list: 8, thread: 8, exercise_book: 70, homework: 16, passage_questions: 8, retelling: 5, song: 5, repost: 4,
    talk: 8, translation_page: 1.5, addition_page: 2, reversal_page: 2,
    reading_page: 3, register_page: 1.5, sentiment_page: 4,
}  # fmt: skip
COPYING = (
    exercise_book,
    homework,
    passage_questions,
    retelling,
    song,
    repost,
    talk,
    reversal_page,
    reading_page,
)


def documents(facts: Facts, n: int, seed: int) -> Iterator[str]:
    """n pages in their proportions."""
    rng = Random(f"web-{seed}")
    pages, weights = tuple(KINDS), tuple(KINDS.values())
    for _ in range(n):
        yield rng.choices(pages, weights)[0](rng, facts)
