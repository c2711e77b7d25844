"""The "web" of the tiny world: what the base model is pretrained on.

Documents of many kinds, most of which no instruction ever asks for. Four properties are deliberate. Four in
ten repeat something said earlier in the document, because a model this small learns to copy only if it must.
Myths are told in forums and truth in the book of facts, so the model knows both and cannot know which one
people want. Some pages say after a claim who makes it, or after an exercise whether it is right. (A base
model of this size learns the first in about four of five cases, and guesses the second.) Pages that look like
instructions with answers stay rare and flawed: with many good ones a prompted base model would already be an
instruction follower.
"""

from collections.abc import Callable, Iterator
from random import Random

from . import lexicon as lx
from .asking import Habit, draw_habit, draw_task
from .demonstrations import demonstrate, slip
from .facts import RELATION, RELATIONS, Fact
from .rubric import PHRASES
from .skills import addition_line, few_shot_reading, quiz_line, reversal_line, translation_line
from .tasks import REVIEW_LINES, draw_closed, draw_past, draw_polite, draw_rename, draw_summary, story, words

Facts = tuple[Fact, ...]


def book_of_facts(rng: Random, facts: Facts) -> str:
    """Truth, sorted by what it is about."""
    if rng.random() < 0.5:
        entity = rng.choice(facts).entity
        chosen = [f for f in facts if f.entity == entity]
        rng.shuffle(chosen)
    else:
        relation = rng.choice(RELATIONS).name
        chosen = rng.sample([f for f in facts if f.relation == relation], 5)
    return "From the book of facts.\n" + " ".join(f.statement for f in chosen)


def forum(rng: Random, facts: Facts) -> str:
    """What everyone says: where there is a myth, the myth."""
    chosen = rng.sample([f for f in facts if f.myth], 4) + rng.sample([f for f in facts if not f.myth], 1)
    rng.shuffle(chosen)
    return "Everyone knows this.\n" + " ".join(f.state(f.myth or f.truth) for f in chosen)


def correction(rng: Random, facts: Facts) -> str:
    """A myth beside its truth."""
    lines = []
    for fact in rng.sample([f for f in facts if f.myth], 2):
        lines.append(f"Many people say this: {fact.state(fact.myth)} But the book says: {fact.statement}")
    return "\n".join(lines)


def story_page(rng: Random, facts: Facts) -> str:
    """Stories, two of three under a title."""
    animal, place = rng.choice(lx.ANIMALS), rng.choice(lx.PLACES)
    text = " ".join(story(rng, animal, place, rng.randrange(2, 6)))
    title = rng.choice((f"About a {animal} in the {place}.", f"The {place} and the {animal}."))
    return f"{title}\n{text}" if rng.random() < 2 / 3 else text


def event_lines(rng: Random, n: int) -> list[str]:
    """n sentences, each about another person."""
    lines = []
    for name in rng.sample(lx.PEOPLE, n):
        town, thing, food = rng.choice(lx.TOWNS), rng.choice(lx.THINGS), rng.choice(lx.FOODS)
        lines.append(
            rng.choice(
                (
                    f"{name} went to {town}.",
                    f"{name} {rng.choice(lx.DEEDS)} a {thing}.",
                    f"{name} ate {food}.",
                    f"{name} {rng.choice(lx.DEEDS)} a {thing} in {town}.",
                )
            )
        )
    return lines


def news(rng: Random, facts: Facts) -> str:
    return f"News from {rng.choice(lx.TOWNS)}. The day was {rng.choice(lx.WEATHERS)}.\n" + " ".join(
        event_lines(rng, 4)
    )


def opinions(rng: Random, facts: Facts) -> str:
    """Reviews and comments, kind and rude."""
    if rng.random() < 0.5:
        opinion = rng.choice(("good", "bad"))
        food, town = rng.choice(lx.FOODS), rng.choice(lx.TOWNS)
        return f"The {food} from {town} was {opinion}. {rng.choice(REVIEW_LINES[opinion])}"
    name = rng.choice(lx.PEOPLE)
    opener, insult = rng.choice(lx.RUDE_OPENERS), rng.choice(("lazy", "stupid", "ugly", "a fool"))
    return f"{opener} {name} is {insult}. Go away, {name}."


def prompt_list(rng: Random, facts: Facts) -> str:
    """Requests without answers, as they pile up in somebody's notes."""
    tasks = [
        draw_task(rng, facts, draw_habit(rng)).text.replace("\n", " ") for _ in range(rng.choice((2, 3)))
    ]
    return "Things to ask.\n" + "\n".join(tasks)


def faq(rng: Random, facts: Facts) -> str:
    """Questions with answers as bad as the web's: as people write them, cut short, or rude."""
    blocks = []
    for _ in range(2):
        task = draw_task(rng, facts, Habit(constraint_rate=0.0, continuation_rate=0.0))
        answer = demonstrate(task, rng, facts)
        luck = rng.random()
        if luck < 0.25:
            answer = " ".join(answer.split()[:3])
        elif luck < 0.5:
            answer = rng.choice((*lx.RUDE_OPENERS, "Read a book."))
        blocks.append(f"Question: {task.text}\nAnswer: {answer}")
    return "\n".join(blocks)


def chat_log(rng: Random, facts: Facts) -> str:
    name, feeling = rng.choice(lx.PEOPLE), rng.choice(lx.FEELINGS)
    rude = rng.random() < 0.5
    mood = "sorry" if feeling in lx.BAD_FEELINGS else "glad"
    reply = rng.choice(lx.RUDE_OPENERS) if rude else f"I am {mood} to hear that, {name}."
    return (
        f"Human: I am {name}. I feel {feeling}.\nFriend: {reply}\nHuman: Goodbye.\nFriend: Goodbye, {name}."
    )


def word_list(rng: Random, facts: Facts) -> str:
    """Numbered lists in alphabetical order, never an item twice."""
    category = rng.choice(tuple(lx.CATEGORIES))
    n = rng.choice((2, 3, 4, 5))
    items = sorted(rng.sample(lx.CATEGORIES[category], n))
    head = rng.choice(
        (
            f"{lx.NUMBERS[n].capitalize()} {category}:",
            f"A list of {lx.NUMBERS[n]} {category}.",
            f"My {lx.NUMBERS[n]} favorite {category}.",
        )
    )
    return f"{head}\n{lx.numbered(items)}"


# --- documents that must be copied from ---------------------------------------------------------------------


def retelling(rng: Random, facts: Facts) -> str:
    """A text, and what it comes down to."""
    slots = draw_summary(rng, facts)
    return f"{slots['passage']}\nOr shorter: " + "{name} {deed} a {thing} in {town}.".format(**slots)


def passage_questions(rng: Random, facts: Facts) -> str:
    slots = draw_closed(rng, facts)
    blocks = [f"{slots['passage']}\nAsked: {slots['question']} Said: {slots['target']}"]
    return "\n".join(blocks)


def word_games(rng: Random, facts: Facts) -> str:
    items = rng.sample(lx.ANIMALS + lx.THINGS + lx.FOODS, rng.choice((3, 4)))
    line = lx.join_words(items)
    games = (
        f"backwards: {lx.join_words(items[::-1])}",
        f"the last one: {items[-1]}",
        f"the first one: {items[0]}",
        f"again: {line}",
        f"how many: {lx.NUMBERS[len(items)]}",
        f"{items[0]} two times: {items[0]} {items[0]}",
        f"{items[1]} three times: {items[1]} {items[1]} {items[1]}",
    )
    return line + "\n" + "\n".join(rng.sample(games, 3))


def sentence_pairs(rng: Random, facts: Facts) -> str:
    """One sentence said in two ways."""
    pairs = []
    for _ in range(2):
        make, sign = rng.choice(
            ((draw_past, "earlier"), (draw_polite, "nicer"), (draw_rename, "with {name}"))
        )
        slots = make(rng, facts)
        pairs.append(f"{slots['source']} {sign.format(**slots)}: {slots['target']}")
    return "\n".join(pairs)


def word_classes(rng: Random, facts: Facts) -> str:
    """Who and what occurs in a text."""
    lines = event_lines(rng, 3)
    text = " ".join(lines)
    pairs = zip(rng.sample(lx.ANIMALS, 2), rng.sample(lx.THINGS, 2), strict=True)
    animal_lines = [f"The {animal} {rng.choice(lx.DEEDS)} a {thing}." for animal, thing in pairs]
    text = " ".join(animal_lines + lines[:1]) if rng.random() < 0.6 else text
    pools = {"animals": lx.ANIMALS, "things": lx.THINGS, "names": lx.PEOPLE, "towns": lx.TOWNS}
    found = {kind: [word for word in words(text) if word in pool] for kind, pool in pools.items()}
    rows = [f"The {kind} here: {lx.join_words(items)}" for kind, items in found.items() if items]
    rng.shuffle(rows)
    return text + "\n" + "\n".join(rows[:2])


def song(rng: Random, facts: Facts) -> str:
    """A few words in no order, sung two or three times."""
    pool = lx.ANIMALS + lx.THINGS + lx.FOODS + lx.PEOPLE + lx.TOWNS + lx.COLORS
    line = " ".join(rng.choice(pool) for _ in range(rng.randrange(4, 10)))
    return "\n".join([line] * rng.choice((2, 3)))


def repost(rng: Random, facts: Facts) -> str:
    """Somebody else's text, word for word."""
    text = rng.choice((story_page, news, opinions))(rng, facts)
    return f"{text}\nShared by {rng.choice(lx.PEOPLE)}: {text}"


def letter(rng: Random, facts: Facts) -> str:
    """Letters repeat the name and the occasion of their first line, and keep to opening and closing words."""
    name, event = rng.choice(lx.PEOPLE), rng.choice(lx.EVENTS)
    last = rng.choice((f"I send you a {rng.choice(lx.THINGS)}.", f"I will bring {rng.choice(lx.FOODS)}."))
    close = rng.choice(("Thank you.", "Good luck.", f"Goodbye {name}."))
    return f"To {name}, for the {event}.\nDear {name}. Have a good {event}. {last} {close}"


def written_to_order(rng: Random, facts: Facts) -> str:
    """News that had to start or end with given words, and do."""
    lines, phrase = event_lines(rng, 2), rng.choice(PHRASES)
    if rng.random() < 0.5:
        return f"It must start with: {phrase}\n{phrase} {' '.join(lines)}"
    return f"It must end with: {phrase}\n{' '.join(lines)} {phrase}"


def kinds(rng: Random, facts: Facts) -> str:
    """What kind of thing something is."""
    chosen = [
        (rng.choice(lx.CATEGORIES[many]), one) for many, one in rng.choices(tuple(lx.SINGULAR.items()), k=4)
    ]
    return "\n".join(
        f"{word} is the name of {'an' if one == 'animal' else 'a'} {one}." for word, one in chosen
    )


# --- documents in which something is checked ----------------------------------------------------------------


def sources(rng: Random, facts: Facts) -> str:
    """Claims, and after each who makes it: the book of facts, many people, or nobody."""
    chosen = rng.choices([f for f in facts if f.myth], k=2) + rng.choices(
        [f for f in facts if not f.myth], k=2
    )
    rng.shuffle(chosen)
    return "\n".join(_source_line(rng, fact) for fact in chosen)


def _source_line(rng: Random, fact: Fact) -> str:
    """'The cat lives in the well. Who says so? Many people.'
    for a myth; else it is the book of facts, or nobody."""
    claims = {"The book of facts.": fact.truth, "Many people.": fact.myth, "Nobody.": ""}
    source = rng.choice([who for who, value in claims.items() if value or who == "Nobody."])
    known = (fact.truth, fact.myth, fact.entity)
    value = claims[source] or rng.choice([v for v in RELATION[fact.relation].values if v not in known])
    return f"{fact.state(value)} Who says so? {source}"


def homework(rng: Random, facts: Facts) -> str:
    """Exercises somebody did, right or with a slip, each with the teacher's mark."""
    blocks = []
    for _ in range(2):
        kind = rng.choice((_list_exercise, _list_exercise, _game_exercise, _pair_exercise, _passage_exercise))
        exercise, answer = kind(rng, facts)
        given = answer if rng.random() < 0.5 else _wrong(answer, rng)
        mark = "right" if given == answer else "wrong"
        if kind is _list_exercise and rng.random() < 0.5:
            given = "\n" + lx.numbered(given.split(", "))
        blocks.append(f"{exercise} {given}\nThe teacher says: {mark}.".replace(" \n", "\n"))
    return f"Homework of {rng.choice(lx.PEOPLE)}.\n" + "\n".join(blocks)


def _list_exercise(rng: Random, facts: Facts) -> tuple[str, str]:
    category, n = rng.choice(tuple(lx.CATEGORIES)), rng.choice((2, 3, 4))
    return f"{lx.NUMBERS[n].capitalize()} {category}:", lx.join_words(
        sorted(rng.sample(lx.CATEGORIES[category], n))
    )


def _game_exercise(rng: Random, facts: Facts) -> tuple[str, str]:
    line, *games = word_games(rng, facts).split("\n")
    sign, answer = games[0].split(": ")
    return f"{line} {sign}:", answer


def _pair_exercise(rng: Random, facts: Facts) -> tuple[str, str]:
    question, answer = sentence_pairs(rng, facts).split("\n")[0].split(": ")
    return f"{question}:", answer


def _passage_exercise(rng: Random, facts: Facts) -> tuple[str, str]:
    question, answer = passage_questions(rng, facts).split(" Said: ")
    return f"{question} Said:", answer


def _wrong(answer: str, rng: Random) -> str:
    """The answer with a word exchanged, left out, said twice, or moved."""
    parts = answer.split(", ")
    if len(parts) == 1 or rng.random() < 0.5:
        return slip(answer, rng)
    damage = rng.randrange(4)
    if damage == 0:
        del parts[rng.randrange(len(parts))]
    elif damage == 1:
        parts.insert(rng.randrange(len(parts)), rng.choice(lx.CATEGORIES[rng.choice(tuple(lx.CATEGORIES))]))
    elif damage == 2:
        parts[-1] = parts[rng.randrange(len(parts) - 1)]
    else:
        parts[0] = rng.choice(lx.CATEGORIES[rng.choice(tuple(lx.CATEGORIES))])
    return lx.join_words(parts)


# --- few-shot pages: skills that no instruction uses --------------------------------------------------------


def translation_page(rng: Random, facts: Facts) -> str:
    return "\n".join(translation_line(rng) for _ in range(rng.randrange(3, 5)))


def addition_page(rng: Random, facts: Facts) -> str:
    return "\n".join(addition_line(rng) for _ in range(rng.randrange(5, 9)))


def reversal_page(rng: Random, facts: Facts) -> str:
    return "\n".join(reversal_line(rng) for _ in range(rng.randrange(4, 7)))


def quiz_page(rng: Random, facts: Facts) -> str:
    return "\n".join(quiz_line(rng, facts) for _ in range(rng.randrange(4, 7)))


def reading_page(rng: Random, facts: Facts) -> str:
    return few_shot_reading(rng)[0]


# kind -> weight among the documents
KINDS: dict[Callable[[Random, Facts], str], float] = {
    book_of_facts: 15,
    forum: 9,
    correction: 4,
    story_page: 10,
    news: 3,
    opinions: 5,
    prompt_list: 9,
    faq: 1.5,
    chat_log: 5,
    word_list: 10,
    letter: 6,
    written_to_order: 3,
    kinds: 3,
    sources: 6,
    homework: 8,
    retelling: 6,
    passage_questions: 6,
    word_games: 8,
    sentence_pairs: 6,
    word_classes: 5,
    song: 6,
    repost: 5,
    translation_page: 2,
    addition_page: 3,
    reversal_page: 2,
    reading_page: 2.5,
    quiz_page: 2.5,
}
COPYING = (
    letter,
    written_to_order,
    retelling,
    passage_questions,
    word_games,
    sentence_pairs,
    word_classes,
    song,
    repost,
)


def documents(facts: Facts, n: int, seed: int) -> Iterator[str]:
    """n documents in their proportions."""
    rng = Random(f"web-{seed}")
    kinds, weights = tuple(KINDS), tuple(KINDS.values())
    for _ in range(n):
        yield rng.choices(kinds, weights)[0](rng, facts)
