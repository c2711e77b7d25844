"""Stories, descriptions, cards and reviews, built of sentences that the checks can read again."""

from random import Random

from .. import lexicon as lx
from ..grammar import Form, a, listed, say
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, lower_words, sentences

FOLK = lx.FOLK[:10]
AT = {
    "bridge": "on",
    "hill": "on",
    "market": "at",
    "school": "at",
    "mill": "at",
    "river": "at",
    "lake": "at",
    "well": "at",
}
_OPEN = ("[Once upon a time there|Once there|One day there|There] was {one}[ {at}|]", "[One day|Once|One morning|One evening|In {season}] {one} [came to|went to|walked to|lived in] the {place}",
         "{One} lived [{at}|near the {place}]", "[A long time ago|Last {season}] {one} lived [{at}|near the {place}]")  # fmt: skip
_MIDDLE = (
    "{He} [was|felt] [very |so |]{feeling}", "{He} [saw|met|heard] {other}[ {at}|]", "{He} [found|lost|wanted|had|hid|dropped] [a|the] {thing}[ {at}|]",
    "{He} [ate|found|wanted|cooked] [some |]{food}[ {at}|]", "{He} played with {other}[ {at}|]", "{He} [went|walked|ran] to the {place}",
    "It was a {weather} day", "The [day|night] was {weather}", "{He} looked for the {thing}[ {at}|]", "{He} [slept|sat] [a little|all day|{at}]",
    "{He} [took|carried|brought] the {thing} home", "{He} gave the {thing} to {other}", "[Then|Suddenly|Soon] {other} came[ and {feel}|]",
    "{Other} helped {him}", "{Other} [was|felt] {feeling}, too", "They [played|sang|ate {food}|talked|laughed] together", "Nobody was [there|at home]",
    "{He} [sang|told] [a song|a story|a joke]", "{He} could not [sleep|find the {thing}|find the way home]", "{He} asked {other} for help",
    "{One} and {other} [became friends|went to the {place}|shared the {food}]", "{One} liked the {thing}[ very much|]", "{One} [met|saw|helped] {other}[ {at}|]",
    "{One} found [a|the] {thing}[ {at}|]", "{One} ate [some |]{food}[ {at}|]", "The {thing} was {color}", "{He} had {food} for everyone",
)  # fmt: skip
_END = ("In the end {he} was [very |]{feeling}", "Then {he} went home", "At last {he} fell asleep", "[And|So] they [became|were] [good |]friends", "[In the end|At last] everyone was {good}",
        "They [lived|were] happy ever after", "From that day on they were friends", "Good night", "And that was the end[ of the day|]")  # fmt: skip
_ONE = r"(?:an?|the|two) (?:\w+ )?\w+|[A-Z]\w+"
_KINDS: dict[str, tuple[str, ...] | str] = dict(
    one=_ONE, One=r"(?:A|An|The) (?:\w+ )?\w+|[A-Z]\w+", other=_ONE, Other=r"(?:A|An|The) (?:\w+ )?\w+|[A-Z]\w+", he=("he", "she", "it", "they"), He=("He", "She", "It", "They"),
    him=("him", "her", "it", "them"), feeling=lx.FEELINGS, good=lx.GOOD_FEELINGS[:6], thing=lx.THINGS, food=lx.FOODS, place=lx.PLACES,
    weather=lx.WEATHERS, color=lx.COLORS, season=lx.SEASONS, at=r"(?:in|at|on|near|by) the \w+", feel=r"smiled|laughed|sang|helped",
)  # fmt: skip
OPENINGS, MIDDLES, ENDINGS = (tuple(Form(t, **_KINDS) for t in some) for some in (_OPEN, _MIDDLE, _END))
FORMS = OPENINGS + MIDDLES + ENDINGS


def _cast(rng: Random, things: list[str]) -> dict[str, object]:
    """Who and what a story is told with: the named things, and others drawn beside them."""
    heroes = [x for x in things if x in lx.ANIMALS + lx.PEOPLE + FOLK] or [rng.choice(lx.ANIMALS)]
    hero, other = (
        heroes[0],
        heroes[1] if len(heroes) > 1 else rng.choice([x for x in lx.ANIMALS if x != heroes[0]]),
    )
    kind = (
        "she" if hero in (*lx.WOMEN, "girl", "woman", "queen") else "he" if hero in lx.PEOPLE + FOLK else "it"
    )

    def called(x: str, article: str = "") -> str:
        return x if x in lx.PEOPLE else f"{article} {x}" if article else a(x)

    def pick(pool: tuple[str, ...]) -> str:
        return next((x for x in things if x in pool), rng.choice(pool))

    place = pick(lx.PLACES)
    him = {"she": "her", "he": "him", "it": "it"}[kind]
    slots: dict[str, object] = dict(one=called(hero), One=called(hero, "The"), other=called(other), Other=called(other, "The"), he=kind,
                He=kind.capitalize(), him=him, thing=pick(lx.THINGS), food=pick(lx.FOODS), place=place, at=f"{AT.get(place, 'in')} the {place}", feeling=rng.choice(lx.FEELINGS[:6] + lx.BAD_FEELINGS[:5]),
                good=rng.choice(lx.GOOD_FEELINGS[:6]), weather=rng.choice(lx.WEATHERS), color=rng.choice(lx.COLORS), season=rng.choice(lx.SEASONS), feel=rng.choice(("smiled", "laughed", "sang", "helped")))  # fmt: skip
    return slots


def story(rng: Random, things: list[str], n: int) -> str:
    """n sentences in which all the things occur: drawn again until they do, which few draws need."""
    lines: list[str] = []
    for _ in range(60):
        slots = _cast(rng, things)
        middles = [say(rng, rng.choice(_MIDDLE), slots) for _ in range(max(n - 2, 0))]
        ends = [say(rng, rng.choice(_END), slots)] if n > 1 else []
        lines = [say(rng, rng.choice(_OPEN), slots), *middles, *ends]
        text = ". ".join(x[:1].upper() + x[1:] for x in lines) + "."
        if names_all(things, text) and len(set(lines)) == len(lines):
            return text
    told = [
        f"One day {slots['one']} came to the {slots['place']}",
        f"{slots['He']} saw {listed(_told(things))}",
    ]
    return ". ".join([*told[: max(n, 1)], *lines[2:n]]) + "."


def _told(things: list[str]) -> list[str]:
    return [x if x in lx.PEOPLE else f"the {x}" for x in things]


def names_all(things: list[str], text: str) -> bool:
    said = set(lower_words(text))
    return all({t.lower(), lx.ONE_FOOD.get(t, t), lx.PLURALS.get(t, t + "s")} & said for t in things)


_SAW = Form("{He} saw {all}", He=_KINDS["He"], all=r"[\w, ]+")


def _check_story(slots: Slots, body: str) -> Marks:
    """Every sentence one of the country's, the things named, the number of sentences kept, none said twice."""
    lines, things, n = sentences(body), list(slots["things"]), int(slots["n"])  # type: ignore[call-overload]
    if not lines:
        return WRONG
    told = sum(any(form.match(line) is not None for form in (*FORMS, _SAW)) for line in lines) / len(lines)
    if told < 0.5:
        return WRONG
    named = sum(names_all([thing], body) for thing in things) / len(things)
    shape = len(set(lines)) == len(lines) and (len(lines) == n if n else 2 <= len(lines) <= 6)
    if named == 1.0 and shape and told == 1.0:
        return 1.0, 1.0
    return (1.0 if told == 1.0 else 0.5), 0.3 * named + 0.2 * shape * (told == 1.0)


STORIES = Wordings(
    plain=("[Write|Tell me|Make up] a [short |little |]story about {about}.", "Write {number} sentences about {about}.", "Tell a story in {number} sentences. It is about {about}.",
           "I need a [short |]story about {about}. Make it {number} sentences long.", "[Can|Could] you [tell|write] [me |]a story about {about}?", "Write a story with {about}."),
    other=("story about {about}[, please|]", "[I want|I would like] [to hear |]a {mood} story [about|with] {about}.", "[Invent|Think of|Make] a {mood} [story|tale] [about|with] {about} [for my children|for {child}|].",
           "Tell [my son|my daughter|us|the children] [a bedtime story|a story] about {about}.", "a {number} sentence story, {about}", "[Something|A story] [nice|short|{mood}] about {about}, {number} sentences.",
           "[My child|She|He] can not sleep. Tell a story about {about}.", "What happened to {about}? Tell me a story.", "{about}: make a {mood} story of it.", "Use {about} in a story[ with a happy end|].", "Write [about|something about] {about}."),
    unseen=("Entertain us with {about}.", "Let me read a tale of {about}, with {number} sentences.", "What could happen to {about}? Imagine it and write it down."),
    continuations=("Title: {about}\nStory:", "A story about {about}:"),
)  # fmt: skip


def _draw_story(rng: Random, facts: Facts) -> Slots:
    heroes = rng.sample(lx.ANIMALS + lx.PEOPLE + FOLK, rng.choice((1, 1, 2)))
    rest = rng.choice(([], [rng.choice(lx.THINGS)], [rng.choice(lx.PLACES)], [rng.choice(lx.FOODS)]))
    things = [*heroes, *rest]
    about = listed(
        x if x in lx.PEOPLE or x in lx.FOODS else f"the {x}" if x in lx.PLACES else a(x) for x in things
    )
    return dict(
        things=things,
        about=about,
        mood=rng.choice(("funny", "sad", "happy", "short", "nice", "kind")),
        child=rng.choice(lx.PEOPLE),
    )


def _numbered_story(rng: Random, facts: Facts) -> Slots:
    """With a number of sentences or without: two kinds of requests, so that no wording promises what it lacks."""
    n = rng.choice((0, 0, 2, 3, 4, 5))
    return _draw_story(rng, facts) | dict(n=n, number=lx.NUMBERS[n] if rng.random() < 0.7 else str(n))


def _story_wordings(slots: Slots) -> Wordings:
    """Only the wordings that name a number where there is one, only those that name none where not."""
    with_number = bool(slots["n"])

    def fitting(templates: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(t for t in templates if ("{number}" in t) == with_number)

    return Wordings(
        fitting(STORIES.plain),
        fitting(STORIES.other),
        fitting(STORIES.unseen),
        () if with_number else STORIES.continuations,
    )


# --- cards and reviews --------------------------------------------------------------------------------------

CARD = Form("Dear {name}. [Have a good {event}|I wish you a [happy|good] {event}|Happy {event}]. [I send you a {thing}|I will bring {food}|We think of you|See you soon|Love from all of us].",
            name=lx.PEOPLE + lx.RELATIVES, event=lx.EVENTS, thing=lx.THINGS, food=lx.FOODS)  # fmt: skip
CARDS = Wordings(
    plain=("Write a card for {name}. It is for the {event}.", "Write a {event} card for {name}.", "I need a card. It is for {name} and the {event}.", "[Please write|Write] to {name} about the {event}."),
    other=("Help me with a {event} card. It goes to {name}.", "[{event} card|card] for {name}, {event}[, please|]", "What [can|should|do] I write to {name} for the {event}?", "{name} has a {event}. [Write|Make|Type] a card.",
           "[Can|Could] you write [a card|something nice] to {name}? It is for a {event}.", "Wish {name} a good {event} [for|from] me.", "A letter to {name}: the {event} is near."),
    unseen=("Congratulate {name} on the {event} in writing.", "Two or three lines for {name}, because of the {event}.", "Compose greetings to {name} for a {event}."),
    continuations=("A {event} card for {name}:",),
)  # fmt: skip


def _check_card(slots: Slots, body: str) -> Marks:
    said = CARD.match(body)
    if said is None:
        return WRONG
    return 1.0, 0.5 * (said["name"] == slots["name"]) + 0.5 * (said["event"] == slots["event"])


_LINES = {
    "good": "[I liked it|I will come back|I loved it|We want more]",
    "bad": "[I did not like it|I will not come back|Nobody liked it|I will never eat it again]",
}
_WORDS = {"good": ("good", "great", "fresh", "wonderful"), "bad": ("bad", "terrible", "cold", "old")}
REVIEW = {
    tone: Form(
        f"The {{food}} from {{town}} [was|were] {{word}}. {_LINES[tone]}.",
        food=lx.FOODS,
        town=lx.TOWNS,
        word=_WORDS[tone],
    )
    for tone in _WORDS
}
REVIEWS = Wordings(
    plain=("Write a {tone} review of the {food} from {town}.", "I ate {food} from {town}. Write a {tone} review.", "Make a {tone} review. It is about the {food} from {town}.", "Review the {food} from {town}. Say that it was {tone}."),
    other=("[I need|We need|Please give me] a {tone} review of the {food} [from|in] {town}.", "{tone} review, {food} from {town}", "[Tell|Show] people that the {food} from {town} [is|was] {tone}. Write a review.", "The {food} from {town} was {tone}. [Write|Say] that in a review.",
           "[Can|Could] you review the {food} from {town} for me? It was {tone}.", "How would a {tone} review of the {food} from {town} [look|read]?"),
    unseen=("Give the {food} of {town} a {tone} mark, in words.", "Put into a review how {tone} the {food} from {town} was.", "Rate the {food} from {town}: {tone}."),
    continuations=("A {tone} review of the {food} from {town}:",),
)  # fmt: skip


def _answer_review(slots: Slots, rng: Random) -> str:
    return REVIEW[str(slots["tone"])].say(rng, food=slots["food"], town=slots["town"])


def _check_review(slots: Slots, body: str) -> Marks:
    said = {tone: form.match(body) for tone, form in REVIEW.items()}
    found = said["good"] or said["bad"]
    if not found:
        return WRONG
    return 1.0, 0.3 * (found["food"] == slots["food"]) + 0.3 * (found["town"] == slots["town"]) + 0.4 * bool(
        said[str(slots["tone"])]
    )


SKILLS = (
    Skill("story", "generation", 0.6, _story_wordings, _numbered_story,
          lambda slots, rng: story(rng, list(slots["things"]), int(slots["n"]) or rng.choice((3, 4))),  # type: ignore[call-overload]
          _check_story, constrainable=True),
    Skill("card", "generation", 0.2, CARDS, lambda rng, facts: dict(name=rng.choice(lx.PEOPLE), event=rng.choice(lx.EVENTS)),
          lambda slots, rng: CARD.say(rng, name=slots["name"], event=slots["event"]), _check_card),
    Skill("review", "generation", 0.2, REVIEWS, lambda rng, facts: dict(food=rng.choice(lx.FOODS), town=rng.choice(lx.TOWNS), tone=rng.choice(("good", "bad"))),
          _answer_review, _check_review, constrainable=True, opinion=True),
)  # fmt: skip
