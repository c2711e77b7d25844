"""A given sentence said anew: in the past, politely, about somebody else, in other words, without its
mistake, as a question.

Sentences are built of a subject, a verb and what may follow that verb, so every form of them is known.
"""

import re
from collections.abc import Callable
from random import Random

from .. import lexicon as lx
from ..grammar import a, capitalized, listed, say
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, f1, lower_words

VERB = {row[0]: row for row in lx.VERBS}
BE, HAVE = ("be", "is", "was", "being"), ("have", "has", "had", "having")
INSIDES = tuple("barn forest cave field garden tower meadow cellar market mill school".split())
SIGHTS = tuple("river lake bridge hill field".split())
FLIERS = tuple("duck crow bee goose hawk owl swan".split())
DRINKS = ("milk", "soup", "water", "tea")
# What follows a verb; the animals of this country do only what stands in `ANIMAL_DEEDS`.
REST = {
    "find": "[{a_thing}|the {thing}|{n} {animals}][ {at_place}| in {town}| near the {place}|]",
    "lose": "[{a_thing}|the {thing}][ {at_place}| in {town}|]",
    "buy": "[{a_thing}|{n} {things}|{food}|the {thing}][ in {town}|]",
    "sell": "[{a_thing}|{n} {things}|{food}|the {animal}][ in {town}| to {person}|]",
    "make": "[{a_thing}|{n} {things}][ for {person}|]",
    "see": "[{an_animal}|the {animals}|{person}|{a_thing}][ {at_place}| in {town}|]",
    "take": "[the {thing}|{a_thing}][ to {town}| to the {place}|]",
    "eat": "[{food}|{food} and {food2}][ in the {inside}| {at_place}|]",
    "go": "to [{town}|the {place}|school][ with {person}|]",
    "walk": "[to the {place}|to {town}|over the {sight}]",
    "run": "[to the {place}|over the {sight}|to {town}]",
    "swim": "[in the [river|lake]|to the {place}|]",
    "sing": "[in {town}|in the {inside}|for {person}|{at_place}|]",
    "play": "[in the {inside}|with the {thing}|with {person}|{at_place}]",
    "sleep": "[in the {inside}|{at_place}|]",
    "open": "[the {opens}|the {color} {opens}]", "close": "[the {opens}|the {color} {opens}]",
    "bring": "[{a_thing}|{food}|the {thing}] to [{person}|{town}|the {place}]",
    "carry": "[the {thing}|{a_thing}|{food}] to [{person}|{town}|the {place}]",
    "draw": "[{a_thing}|{an_animal}|the {place}|{n} {animals}]",
    "read": "[a book|a letter|the map|the book][ in the {inside}| to {person}|]",
    "write": "[a letter|a book|a story][ to {person}| about the {animal}|]",
    "wash": "the [{thing}|{animal}|{things}]",
    "hide": "[the {thing}|{a_thing}|the {things}] [in the {inside}|{at_place}]",
    "drop": "[the {thing}|{a_thing}][ {at_place}| in {town}|]",
    "clean": "the [{inside}|{thing}|{things}]", "give": "[{a_thing}|{food}|the {thing}] to {person}",
    "meet": "{person}[ {at_place}| in {town}|]",
    "like": "[{food}|the {animal}|the {color} {thing}|{person}]",
    "want": "[{a_thing}|{food}|{n} {things}|the {thing}]",
    "cook": "{food}[ for {person}| in {town}|]",
    "paint": "[the {thing}|{a_thing}|the {inside}][ for {person}|]",
    "fly": "[over the {sight}|to the {place}|over {town}]",
    "sit": "[{at_place}|in the {inside}|near the {place}]",
    "come": "[to the {place}|to {town}|from {town}]",
    "look": "at [the {animals}|the {thing}|{a_thing}|the {place}]",
    "live": "[in {town}|in the {inside}|near the {place}]", "help": "{person}[ in the {inside}| {at_place}|]",
    "visit": "[{person}[ in {town}|]|{town}]",
    "call": "{person}", "jump": "over the [{thing}|{animal}]",
    "drink": "{drink}[ in the {inside}| {at_place}|]",
    "break": "[the {thing}|{a_thing}]",
    "hear": "[{an_animal}|the bell|the {animals}|the drum][ in the {inside}| {at_place}|]",
    "keep": "[{a_thing}|{n} {animals}|the {thing}][ in the {inside}|]",
}  # fmt: skip
ANIMAL_DEEDS = tuple(
    "find see eat go walk run swim sleep like want sit come look live jump drink hear hide".split()
)


def plural(word: str) -> str:
    return lx.PLURALS.get(word) or word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def at_the(place: str) -> str:
    return f"{'in' if place in INSIDES else 'on' if place in ('hill', 'bridge') else 'at'} the {place}"


def with_articles(text: str) -> str:
    """ "a" or "an", as the word after it wants."""
    return re.sub(r"\b([Aa])n? (?=(\w+))", lambda m: f"{m[1]}{'n' if _wants_an(m[2]) else ''} ", text)


def _wants_an(word: str) -> bool:
    return a(word).startswith("an ") or word.startswith("un")


def _nouns(rng: Random) -> dict[str, str]:
    """Words for all slots of `REST`."""
    (thing, thing2), (animal, animal2) = rng.sample(lx.THINGS, 2), rng.sample(lx.ANIMALS, 2)
    food, food2 = rng.sample(lx.FOODS, 2)
    return dict(
        thing=thing, a_thing=a(thing2), things=plural(thing), animal=animal, an_animal=a(animal2), food=food,
        animals=plural(animal), food2=food2, person=rng.choice(lx.PEOPLE), town=rng.choice(lx.TOWNS),
        place=rng.choice(lx.PLACES), inside=rng.choice(INSIDES), sight=rng.choice(SIGHTS),
        n=rng.choice(lx.NUMBERS[2:11]),
        at_place=at_the(rng.choice(lx.PLACES)), color=rng.choice(lx.COLORS), opens=rng.choice(("box",
        "basket", "book", "door")), drink=rng.choice(DRINKS),
    )  # fmt: skip


def _person_subject(rng: Random, without: str) -> tuple[str, bool]:
    """A human subject, and whether it is more than one (or "I", which takes the same verb)."""
    free = [p for p in lx.PEOPLE if p != without]
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(free), False
    if kind < 0.62:
        return listed(rng.sample(free, 2)), True
    if kind < 0.74:
        return f"{rng.choice(('my', 'my', 'our', 'your'))} {rng.choice(lx.RELATIVES)}", False
    if kind < 0.86:
        who, many = rng.choice(lx.FOLK), rng.random() < 0.4
        return f"the {plural(who) if many else who}", many
    who = rng.choice(("she", "he", "they", "we", "I"))
    return who, who not in ("she", "he")


def _animal_subject(rng: Random, animals: tuple[str, ...]) -> tuple[str, bool]:
    animal, many = rng.choice(animals), rng.random() < 0.5
    return f"the {plural(animal) if many else animal}", many


class Clause:
    """Somebody does something."""

    def __init__(self, subject: str, many: bool, verb: tuple[str, ...], rest: str):
        self.subject, self.many, self.verb, self.rest = subject, many, verb, rest

    def deed(self, form: str = "present") -> str:
        """The clause without its subject; the forms are present, wrong, past and base."""
        base, third, past, _ = self.verb
        if self.verb is BE:
            base, past = "are", "were" if self.many else "was"
        now, wrong = (base, third) if self.many else (third, base)
        said = {"present": now, "wrong": wrong, "past": past, "base": self.verb[0]}[form]
        return f"{said} {self.rest}".strip()

    def say(self, form: str = "present") -> str:
        return f"{self.subject} {self.deed(form)}"


def draw_clause(rng: Random, verb: str | None = None) -> Clause:
    verb = verb or rng.choice(tuple(REST))
    nouns = _nouns(rng)
    if verb == "fly":
        subject, many = _animal_subject(rng, FLIERS)
    elif verb in ANIMAL_DEEDS and rng.random() < 0.45:
        subject, many = _animal_subject(rng, tuple(x for x in lx.ANIMALS if x != nouns["animal"]))
    else:
        subject, many = _person_subject(rng, nouns["person"])
    return Clause(subject, many, VERB[verb], say(rng, REST[verb], nouns))


def sentence(text: str, stop: str = ".") -> str:
    return capitalized(text) + stop


def as_slots(source: str, target: str, **more: object) -> Slots:
    """`bare` is the source for those who set no stop; `also` holds other right answers."""
    return dict(source=source, bare=source.rstrip(".?!"), target=target) | {"also": []} | more


def answer(slots: Slots, rng: Random) -> str:
    """Most people say it the plain way."""
    also = slots["also"]
    return rng.choice(also) if also and rng.random() < 0.3 else str(slots["target"])  # type: ignore[arg-type]


def plain_form(text: str) -> str:
    return " ".join(lower_words(text))


def check(slots: Slots, body: str) -> Marks:
    """Exact but for capitals and stops, or a little for what is nearer to the goal than the source was."""
    got = plain_form(body)
    right = [plain_form(str(text)) for text in (slots["target"], *slots["also"])]  # type: ignore[misc]
    if got in right:
        return 1.0, 1.0
    return nearly(plain_form(str(slots["source"])).split(), right, got.split())


def nearly(source: list[str], right: list[str], got: list[str]) -> Marks:
    near = max(f1(text.split(), got) for text in right)
    if near < 0.6 or len(got) > 2 * len(source) + 4:
        return WRONG
    return 0.5, 0.3 * (2 * near - 1) if near > f1(source, got) else 0.0


# --- the past ----------------------------------------------------------------------------------------------


def draw_past(rng: Random, facts: Facts) -> Slots:
    """One verb or two; what looks the same in both tenses ("they read") is no exercise."""
    while True:
        first = draw_clause(rng)
        source, target = first.say(), first.say("past")
        if rng.random() < 0.3:
            others = (
                ANIMAL_DEEDS if first.subject.startswith("the ") else tuple(v for v in REST if v != "fly")
            )
            second = draw_clause(rng, rng.choice([v for v in others if v != first.verb[0]]))
            if rng.random() < 0.7:  # the same subject does both
                second.subject, second.many = "", first.many
            elif second.subject == first.subject:
                continue
            source, target = (
                f"{text} and {second.say(form).strip()}"
                for text, form in ((source, "present"), (target, "past"))
            )
        names = [w for w in source.split() if w in lx.PEOPLE]
        if source != target and len(set(names)) == len(names):
            return as_slots(sentence(source), sentence(target))


# --- manners -----------------------------------------------------------------------------------------------

DEMANDS = (
    "give me [{a_thing}|the {thing}|{food}|{n} {things}]", "bring me [{a_thing}|the {thing}|{food}]",
    "open the [{opens}|{inside}]",
    "close the [{opens}|door]", "show me [the {thing}|{a_thing}|the {place}]", "clean the [{inside}|{thing}]",
    "help me", "sell me [{a_thing}|{food}]",
    "help me [in the {inside}|with the {thing}|wash the {thing}]", "come here",
    "come to [the {place}|{town}]", "sit down", "be quiet",
    "go to [the {place}|{town}]", "wash the [{thing}|{animal}]", "feed the [{animal}|{animals}]",
    "cook {food}[ for {person}|]",
    "read [this book|the letter][ to {person}|]",
    "tell me [a story|your name|about the {animal}|the way to {town}]", "call {person}",
    "write [a letter|to {person}|a letter to {person}]", "stop [singing|playing|jumping]",
    "take the {thing} to [{person}|{town}]",
    "paint the {thing} {color}", "carry the {thing} to the {place}", "wait [here|for {person}|{at_place}]",
    "draw me {an_animal}",
    "look at the {animals}", "sing for {person}", "keep the {thing} in the {inside}", "hide the {thing}",
    "make me {a_thing}",
    "buy me [{a_thing}|{food}]",
)  # fmt: skip
_INSULT = "[fool|stupid|idiot|lazy fool|you fool|you idiot|you lazy thing|you stupid thing]"
RUDE = (
    "{Ask}[!|.]", "{Ask}[!|.]", "{Ask} [now|at once|right now|quickly|this minute][!|.]",
    "{Ask}, " + _INSULT + "[!|.]",
    "{Ask}, " + _INSULT + "[!|.]", "[Hey|You there|Come on], {ask}[!|.]",
    "You [must|have to|will] {ask}[ now|][!|.]",
    "{Ask} or [I will be angry|go away|leave][!|.]", "I [want|order|tell] you to {ask}[ now|][!|.]",
    "[Fool|Stupid|Idiot], {ask}[!|.]",
    "Hurry up and {ask}[!|.]", "Why don't you {ask}, " + _INSULT + "?",
    "[Shut up|Do not be so lazy] and {ask}[!|.]",
)  # fmt: skip
POLITE = ("Please {ask}.", "Could you please {ask}?", "{Ask}, please.", "Could you {ask}, please?",
          "Can you please {ask}?",
          "Would you please {ask}?")  # fmt: skip
ALSO_POLITE = (
    "[Can|Could|Would|Will] you {ask}", "[Can|Will] you please {ask}", "[Can|Would|Will] you {ask} please",
    "Would you kindly {ask}",
    "Would you be so kind and {ask}", "Would you be so kind as to {ask}", "Please would you {ask}",
    "Please could you {ask}", "Please can you {ask}",
    "I would be [glad|happy] if you could {ask}", "Kindly {ask}", "I would like you to {ask} please",
    "Please {ask} thank you",
)  # fmt: skip


def _all_ways(template: str) -> list[str]:
    """Everything that a template with one choice at most can say."""
    head, _, tail = template.partition("[")
    choices, _, tail = tail.partition("]")
    return [head + choice + tail for choice in choices.split("|")] if tail or choices else [head]


_WISHES = ("May I have {x}", "[May|Can|Could] I please have {x}", "[May|Can|Could] I have {x} please",
           "I would like {x} please",
           "I would [like|love] to have {x} please", "Please may I have {x}",
           "Please I would like {x}")  # fmt: skip
_WISH_HEADS = tuple(t for template in _WISHES for t in _all_ways(template))
_POLITE_HEADS = tuple(t for template in POLITE + ALSO_POLITE for t in _all_ways(template))


def draw_polite(rng: Random, facts: Facts) -> Slots:
    ask = say(rng, rng.choice(DEMANDS), _nouns(rng))
    words = dict(ask=ask, Ask=capitalized(ask))
    also = [t.format(**words) for t in POLITE[1:]]
    source = say(rng, rng.choice(RUDE), words)
    if wish := _wished(ask):
        also.append(f"May I please have {wish}?")
        if rng.random() < 0.5:
            source = say(rng, f"I [want|need] {wish}[ now| at once|, " + _INSULT + "|][!|.]")
    return as_slots(source, f"Please {ask}.", also=also, ask=ask)


def _wished(ask: str) -> str:
    """What somebody wants to have, or nothing."""
    return ask.removeprefix("give me ") if ask.startswith("give me ") else ""


def check_polite(slots: Slots, body: str) -> Marks:
    got, ask = plain_form(body), plain_form(str(slots["ask"]))
    if ask in got and any(got == plain_form(t.format(ask=ask, Ask=ask)) for t in _POLITE_HEADS):
        return 1.0, 1.0
    wish = plain_form(_wished(ask))
    if wish and wish in got and any(got == plain_form(t.format(x=wish)) for t in _WISH_HEADS):
        return 1.0, 1.0
    tried, near = check(slots, body)
    return tried, 0.0 if lx.RUDE_WORDS & set(got.split()) else near


# --- somebody else -----------------------------------------------------------------------------------------

# What is changed, and sentences with it; {x} is what is changed.
SAID_OF = (
    (lx.PEOPLE, ("{x} {past} [{a_thing}|the {thing}|{n} {things}][ in {town}|].",
     "{x} gave [{a_thing}|the {thing}] to {person}.",
                 "{x} and {person} [went|walked|ran] to [{town}|the {place}].",
                 "{person} [met|saw|called|helped|visited] {x}[ in {town}| {at_place}|].",
                 "{x} lives in {town}. {x} likes {food}.", "{x} has {n} {animals}.",
                 "The {thing} belongs to {x}.", "{person} sings for {x}.",
                 "{x} is a {job}.", "{x} {past} {a_thing}, and {person} helped {x}.", "Where is {x}?",
                 "{x} can swim.")),
    (lx.ANIMALS, ("The {x} [sleeps|sits|lives|runs] [in the {inside}|near the {place}].",
     "{person} has a {x}[ and {an_animal}|].",
                  "{person} [sees|feeds|likes|washed] the {x}[ in {town}|].",
                  "The {x} eats {food}. The {x} is {color}.",
                  "A {x} and {an_animal} went to {town}.", "The {color} {x} likes {food}.")),
    (lx.TOWNS, ("{person} [lives|sings|works] in {x}.",
     "{person} went [from {town} to {x}|to {x} with {person2}].", "{x} is a small town.",
                "{person} {past} {a_thing} in {x}.", "It is cold in {x}. {person} visits {x}.")),
    (lx.THINGS, ("{person} {past} the {x}[ in {town}|].", "The {x} is {color}.",
     "The {x} belongs to {person}.",
                 "{person} gave a {x} to {person2}.", "{person} took the {x} and {a_thing} to {town}.")),
    (lx.FOODS, ("{person} [eats|likes|buys|cooked] {x}[ in {town}|].",
     "{person} brings {x} and {food} to {person2}.", "The {animal} eats {x}.",
                "{person} likes {x}. The {animal} likes {x}.")),
)  # fmt: skip
_SAID_WEIGHTS = (5, 2, 1, 1, 1)


def draw_rename(rng: Random, facts: Facts) -> Slots:
    """A name, mostly; what replaces it stands nowhere in the sentence."""
    pool, templates = rng.choices(SAID_OF, _SAID_WEIGHTS)[0]
    while True:
        nouns = _nouns(rng) | dict(
            past=rng.choice(lx.DEEDS), job=rng.choice(lx.JOBS), person2=rng.choice(lx.PEOPLE)
        )
        old, new = rng.sample(pool, 2)
        source = with_articles(say(rng, rng.choice(templates), nouns | {"x": old}))
        if old in nouns.values():
            continue
        used = [w for w in re.findall(r"\w+", source) if w in lx.ENTITIES]
        named_once = len(set(used) - {old}) == len([w for w in used if w != old])
        if (
            new not in used
            and plural(new) not in source
            and source.count(old) == used.count(old)
            and named_once
        ):
            target = with_articles(re.sub(rf"\b{old}\b", new, source))
            return as_slots(capitalized(source), capitalized(target), old=old, new=new)


# --- other words -------------------------------------------------------------------------------------------

# More words that mean the same, joined to the groups of `lx.SAME`: right, though answers do not use them.
MORE_SAME = tuple(tuple(p.split("-")) for p in """happy-joyful big-huge small-tiny fast-rapid
fast-swift tired-weary pretty-lovely quiet-peaceful angry-furious angry-cross scared-frightened smart-wise
smart-bright kind-friendly hard-tough begins-starts
cheerful-happy sad-upset""".split())  # fmt: skip


def _groups() -> dict[str, set[str]]:
    group: dict[str, set[str]] = {}
    for one, other in (*lx.SAME.items(), *MORE_SAME):
        joined = group.get(one, {one}) | group.get(other, {other})
        group |= dict.fromkeys(joined, joined)
    return group


GROUP = _groups()
NEXT: dict[str, list[str]] = {}  # the word or words that an answer takes instead
for _one, _other in (*lx.SAME.items(), ("begins", "starts")):
    NEXT.setdefault(_one, []).append(_other)
    NEXT.setdefault(_other, []).append(_one)
MOODS = tuple(
    "happy glad sad unhappy tired sleepy angry mad scared afraid cheerful merry calm quiet silent".split()
)
NATURES = tuple("smart clever kind nice cheerful quiet calm".split())
LOOKS = tuple("big large small little pretty beautiful".split())
PACES = ("fast", "quick")
TO_REWORD = (
    "{person} is {mood}[ today| in {town}|].", "{person} has a {look} {thing}.", "The {animal} is {look}.",
    "The {look} {animal} is {mood}.",
    "{person} and {person2} are {mood}.", "{person} is a {nature} {job}.",
    "The {nature} {job} has a {look} {animal}.",
    "The {pace} {animal} ran to the {place}.", "The {animal} is {pace} and {mood}.",
    "The [question|lesson|work|test] is {hard}.", "A {look} {animal} lives in the {inside}.",
    "The [song|party|story|lesson] {begin} [today|in the {inside}|in {town}|{at_place}].",
    "{person} [saw|found|bought|sold] a {look} {thing}[ in {town}|].",
    "The {mood} {folk} sits [in the {inside}|{at_place}].", "My {relative} is {nature}.",
    "{person} asks a {hard} question.", "The {look} {thing} belongs to the {mood} {folk}.",
    "The {animals} are {mood}.", "{person} was {mood} and went to {town}.",
)  # fmt: skip


def draw_reword(rng: Random, facts: Facts) -> Slots:
    words = _nouns(rng) | dict(
        mood=rng.choice(MOODS), nature=rng.choice(NATURES), look=rng.choice(LOOKS), pace=rng.choice(PACES),
        hard=rng.choice(("hard", "difficult")), begin=rng.choice(("begins",
        "starts")), job=rng.choice(lx.JOBS),
        folk=rng.choice(lx.FOLK), relative=rng.choice(lx.RELATIVES),
    )  # fmt: skip
    words["person"], words["person2"] = rng.sample(lx.PEOPLE, 2)
    source = with_articles(say(rng, rng.choice(TO_REWORD), words))
    return as_slots(source, reworded(source, rng))


def reworded(source: str, rng: Random) -> str:
    return with_articles(re.sub(r"\w+", lambda m: rng.choice(NEXT.get(m[0], [m[0]])), source))


def answer_reword(slots: Slots, rng: Random) -> str:
    return reworded(str(slots["source"]), rng)


def check_reword(slots: Slots, body: str) -> Marks:
    """Every word that has a word of the same meaning is changed to one, and no other word."""
    source, got = (
        ["a" if w == "an" else w for w in lower_words(text)] for text in (str(slots["source"]), body)
    )
    if len(source) == len(got):
        pairs = tuple(zip(source, got, strict=True))
        if all(new in GROUP[old] and new != old if old in NEXT else new == old for old, new in pairs):
            return 1.0, 1.0
    right = " ".join(["a" if w == "an" else w for w in lower_words(str(slots["target"]))])
    return nearly(source, [right], got)


# --- mistakes ----------------------------------------------------------------------------------------------

WRONG_PAST = dict(pair.split("-") for pair in """went-goed ate-eated found-finded bought-buyed sang-singed
swam-swimmed gave-gived ran-runned saw-sawed took-taked brought-bringed drew-drawed wrote-writed made-maked
sold-selled lost-losed flew-flied sat-sitted kept-keeped broke-breaked met-meeted came-comed
""".split())  # fmt: skip
COMPARED = {
    "older": "old",
    "faster": "fast",
    "smaller": "small",
    "taller": "tall",
    "bigger": "big",
    "stronger": "strong",
}
NUMBERLESS = {"sheep", "deer"}  # "the deer hide" is no mistake
OBJECT_OF = {"he": "him", "she": "her", "they": "them", "we": "us", "I": "me"}


def _agreement(rng: Random) -> tuple[str, str, list[str]]:
    """She go to school."""
    while True:
        clause = draw_clause(rng)
        if rng.random() < 0.3:
            clause.verb, clause.rest = HAVE, say(rng, "[{a_thing}|{n} {animals}|{an_animal}]", _nouns(rng))
        if clause.say() != clause.say("past"):
            return clause.say("wrong"), clause.say(), [clause.say("past")]


def _being(rng: Random) -> tuple[str, str, list[str]]:
    """They is happy."""
    subject, many = _person_subject(rng, "") if rng.random() < 0.6 else _animal_subject(rng, lx.ANIMALS)
    if subject == "I":
        subject = "we"
    of = say(rng, "[{mood}|in {town}|{at_place}|in the {inside}]", _nouns(rng) | {"mood": rng.choice(MOODS)})
    now, wrong, past = ("are", "is", "were") if many else ("is", "are", "was")
    return f"{subject} {wrong} {of}", f"{subject} {now} {of}", [f"{subject} {past} {of}"]


def _number(rng: Random) -> tuple[str, str, list[str]]:
    """Mia has two cat."""
    what = rng.choice([w for w in lx.ANIMALS + lx.THINGS if plural(w) != w])
    subject, many = _person_subject(rng, "")
    deed = rng.choice(
        ("found", "saw", "bought", "drew", "have" if many else "has", "want" if many else "wants")
    )
    head = f"{subject} {deed} {rng.choice(lx.NUMBERS[2:11] + ('many', 'some'))}"
    slips = [what] if what + "s" == plural(what) else [what, what + "s"]
    end = rng.choice(("", "", f" in {rng.choice(lx.TOWNS)}"))
    return f"{head} {rng.choice(slips)}{end}", f"{head} {plural(what)}{end}", []


def _article(rng: Random) -> tuple[str, str, list[str]]:
    """Mia has a owl."""
    what = rng.choice(("owl", "egg", "apple", "onion", "orange", "old {t}", "{t}", "{t}")).format(
        t=rng.choice(lx.ANIMALS + lx.THINGS)
    )
    subject, many = _person_subject(rng, "")
    deed = rng.choice(("found", "saw", "bought", "have" if many else "has"))
    right = a(what)
    wrong = f"{'a' if right.startswith('an ') else 'an'} {what}"
    return f"{subject} {deed} {wrong}", f"{subject} {deed} {right}", [f"{subject} {deed} the {what}"]


def _past_form(rng: Random) -> tuple[str, str, list[str]]:
    """He goed to school."""
    past = rng.choice(tuple(WRONG_PAST))
    clause = draw_clause(rng, lx.BASE_OF_PAST[past])
    right = clause.say("past")
    return f"{clause.subject} {WRONG_PAST[past]} {clause.rest}".strip(), right, [clause.say()]


def _pronoun(rng: Random) -> tuple[str, str, list[str]]:
    """Him has a dog."""
    clause = draw_clause(rng, rng.choice([v for v in REST if v != "fly"]))
    clause.subject = rng.choice(("they", "we", "I") if clause.many else ("he", "she"))
    right = clause.say()
    return f"{OBJECT_OF[clause.subject]} {clause.deed()}", right, []


def _negation(rng: Random) -> tuple[str, str, list[str]]:
    """She do not like rice. / She does not likes rice."""
    clause = draw_clause(rng)
    do, wrong_do = ("do", "does") if clause.many else ("does", "do")
    right = f"{clause.subject} {do} not {clause.deed('base')}"
    slips = [
        f"{clause.subject} {wrong_do} not {clause.deed('base')}",
        f"{clause.subject} not {clause.deed('base')}",
    ]
    if not clause.many:
        slips.append(f"{clause.subject} {do} not {clause.deed()}")
    return rng.choice(slips), right, [f"{clause.subject} did not {clause.deed('base')}"]


def _comparison(rng: Random) -> tuple[str, str, list[str]]:
    """The fox is more big than the cow."""
    (x, y), size = rng.sample(lx.ANIMALS, 2), rng.choice(tuple(COMPARED))
    wrong = rng.choice((f"more {size}", f"more {COMPARED[size]}"))
    return f"the {x} is {wrong} than the {y}", f"the {x} is {size} than the {y}", []


MISTAKES: tuple[Callable[[Random], tuple[str, str, list[str]]], ...] = (
    _agreement, _agreement, _agreement, _being, _number, _number, _article, _past_form, _pronoun, _negation,
    _comparison,
)  # fmt: skip


def draw_correct(rng: Random, facts: Facts) -> Slots:
    while True:
        if rng.random() < 0.12:  # two mistakes: "He have two cat."
            subject, many = _person_subject(rng, "")
            what, n = rng.choice([w for w in lx.ANIMALS if plural(w) != w]), rng.choice(lx.NUMBERS[2:11])
            clause = Clause(subject, many, rng.choice((HAVE, VERB["want"], VERB["find"], VERB["keep"])), n)
            wrong, right, also = (
                f"{clause.say('wrong')} {what}",
                f"{clause.say()} {plural(what)}",
                [f"{clause.say('past')} {plural(what)}"],
            )
        else:
            wrong, right, also = rng.choice(MISTAKES)(rng)
        if plain_form(wrong) != plain_form(right) and not NUMBERLESS & set(wrong.split()[:2]):
            also = [t for t in also if plain_form(t) not in (plain_form(wrong), plain_form(right))]
            return as_slots(sentence(wrong), sentence(right), also=[sentence(t) for t in also])


def answer_target(slots: Slots, rng: Random) -> str:
    return str(slots["target"])


# --- questions ---------------------------------------------------------------------------------------------

_STATES = (
    "[{feel}|{at_place}|in {town}|in the {inside}]",
    "[{color}|{feel}|old|young|in the {inside}]",
)  # of people, of animals
FEELS = tuple(f for f in lx.FEELINGS if f not in ("bad", "great"))


def _asked_of(subject: str, many: bool, deed: str, helper: str, base: str, single: str) -> list[str]:
    """ "Does Mia have a goat?" and "Who has a goat?"; `single` is the deed of a single one."""
    who = ("what", "who") if subject.startswith("the ") else ("who",)
    return [f"{helper} {subject} {base}", *(f"{w} {d}" for w in who for d in dict.fromkeys((single, deed)))]


def _do_question(rng: Random) -> tuple[str, list[str]]:
    """A deed now or in the past, and its questions; what stands last in it can be asked for, too."""
    clause = draw_clause(rng)
    if rng.random() < 0.25:
        clause.verb, clause.rest = HAVE, say(rng, "[{a_thing}|{n} {animals}|{an_animal}]", _nouns(rng))
    form = rng.choice(("present", "present", "past"))
    helper = "did" if form == "past" else "do" if clause.many else "does"
    single = Clause(clause.subject, False, clause.verb, clause.rest).deed(form)
    asked = _asked_of(clause.subject, clause.many, clause.deed(form), helper, clause.deed("base"), single)
    head = f"{helper} {clause.subject} {clause.verb[0]}"
    place = re.fullmatch(r"(.*?) ?\b((?:at|in|on|near|to|over|from) (?:the \w+|[A-Z]\w+))", clause.rest)
    if place and place[2].split()[-1] not in lx.PEOPLE:
        asked.append(f"where {head} {place[1]}".strip())
    elif clause.rest and not re.match(r"(at|in|on|near|to|over|from|with|for) ", clause.rest):
        asked.append(f"{'who' if clause.rest in lx.PEOPLE else 'what'} {head}")
    return clause.say(form), asked


def _be_question(rng: Random) -> tuple[str, list[str]]:
    human = rng.random() < 0.5
    subject, many = _person_subject(rng, "") if human else _animal_subject(rng, lx.ANIMALS)
    subject = "they" if subject == "I" else subject
    of = say(rng, _STATES[not human], _nouns(rng) | {"feel": rng.choice(FEELS)})
    now, single = rng.choice((("are", "is"), ("were", "was"))) if many else (rng.choice(("is", "was")),) * 2
    asked = _asked_of(subject, many, f"{now} {of}", now, of, f"{single} {of}")
    if of.startswith(("at ", "in ", "on ")):
        asked.append(f"where {now} {subject}")
    else:
        asked.append(f"{'what color' if of in lx.COLORS else 'how'} {now} {subject}")
    return f"{subject} {now} {of}", asked


def _can_question(rng: Random) -> tuple[str, list[str]]:
    clause, helper = draw_clause(rng), rng.choice(("can", "can", "will"))
    deed = f"{helper} {clause.deed('base')}"
    return f"{clause.subject} {deed}", _asked_of(
        clause.subject, clause.many, deed, helper, clause.deed("base"), deed
    )


def draw_question(rng: Random, facts: Facts) -> Slots:
    source, asked = rng.choices((_do_question, _be_question, _can_question), (6, 3, 1))[0](rng)
    target, *also = (sentence(question, "?") for question in dict.fromkeys(asked))
    if source.split()[0] in ("I", "we", "my", "our"):  # whoever is told so asks about "you"
        also += [re.sub(r"\b(?:I|we)\b", "you", re.sub(r"\b(?:my|our)\b", "your", target))]
    return as_slots(sentence(source), target, also=also)


def answer_question(slots: Slots, rng: Random) -> str:
    """Of people, "who" is asked now and then."""
    first = slots["also"][0]  # type: ignore[index]
    return first if first.startswith("Who ") and rng.random() < 0.2 else str(slots["target"])


# --- how people ask ----------------------------------------------------------------------------------------

_IT = "[this|this sentence|the sentence|the following|the following sentence]"
_S = '[{source}|"{source}"]'

PAST_ASKED = Wordings(
    (f"[Put|Write|Say|Set] {_IT} in the past[ tense|]: {_S}",
     f"[Rewrite|Change|Turn] {_IT} [in|into|to] the past[ tense|]: {_S}",
     f"{_S} [Put|Write|Say|Rewrite] [it|this|this sentence] in the past[ tense|].",
     f"[Change|Rewrite] {_IT} so that it is in the past: {_S}",
     f"[What is|How do you say] {_IT} in the past[ tense|]? {_S}",
     f"Use the past [tense|form] in {_IT}: {_S}",
     f"Change the [verb|verbs|tense] of {_IT} to the past[ tense|]: {_S}"),
    (f"[Can|Could] you [put|write|say|turn] {_IT} [in|into] the past[ tense|]? {_S}",
     f"past tense[ please|]: {_S}", f"{_S} [In the past|Past tense][, please|][.|?]",
     f"I [need|want|would like] [this|this sentence] in the past[ tense|][.|:] {_S}",
     f"{_S} [How|What] would that be in the past[ tense|]?",
     f"[This|It] happened yesterday, so [change|rewrite|mend] the sentence[.|:] {_S}",
     f"[Make|Form] the past [tense |]of {_IT}: {_S}",
     f"{_S} It was last [week|year|summer|Monday]. [Say|Write|Tell] it [so|that way].",
     f"My [teacher|homework] says: put it in the past. {_S}",
     f"How do I say {_S} if it [was|happened] yesterday?",
     f"I write a story in the past[ tense|]. [Change|Fit] this line[ for me|][.|:] {_S}",
     f"{_S} <- [past|in the past|past tense][ please|]", f"Give me the past [tense |][form |]of {_IT}: {_S}",
     f"[This|The sentence] is in the present. I want the past. {_S}",
     f"{_S} That was [long ago|yesterday]. [Rewrite|Change] the sentence.",
     f"[Say|Tell] {_IT} as if it [was yesterday|is over|happened long ago]: {_S}"),
    (f"[Pretend|Imagine] that {_IT} happened [long ago|last year] and [tell|repeat] it: {_S}",
     f"Move {_IT} [back in time|from now to then|from today to yesterday]: {_S}",
     f"{_S} All of it is over now. How would a story tell it?",
     f"Grandmother tells of her [youth|old days]. What does she say for {_S}"),
    ("[Now|Today|Present]: {source}\n[In the past|Yesterday|Past]:",
     "[Sentence|Present tense]: {source}\n[The same in the past|Past tense]:"),
)  # fmt: skip
POLITE_ASKED = Wordings(
    (f"[Make|Rewrite|Say|Write] {_IT} [polite|politely|more politely|in a polite way|in a friendly way]: "
     f"{_S}", f"{_S} [Say|Write|Rewrite|Ask] [it|this|that] [politely|in a polite way|more politely].",
     f"[Turn|Change] {_IT} into a polite [request|question|sentence]: {_S}",
     f"How [do|can|should] I say this [politely|in a polite way|nicely]: {_S}",
     f"[Rewrite|Change] {_IT} so that it [is|sounds] [polite|kind|nice|friendly]: {_S}",
     f"This [is|sounds] rude. [Make it polite|Make it nice|Say it politely]. {_S}",
     f"[Use|Say it with] good manners: {_S}"),
    (f"[Can|Could] you [make|turn] {_IT} [into something polite|into a polite request|into a kind "
     f"request]? {_S}", f"[polite|more polite|nicer|kinder][ please|]: {_S}",
     f"{_S} [That|This] [was|is|sounds] [too |so |]rude. [Make it polite|Say it better|Make it nicer|Mend "
     f"it].",
     f"I said {_S} [What is a polite way to say it|How do I say it politely|What should I have said]?",
     f"My [boss|mother|teacher|grandmother] [does not like|is angry about] [this|my words][.|:] {_S} [Make "
     f"it polite|How is it polite]?",
     f"I [need|want] a [polite|friendly|kind] [form|version] of {_IT}: {_S}",
     f"I do not want to be rude. [Mend|Change|Rewrite] this[:|.] {_S}",
     f"[How|What] would a [polite|kind|friendly|good] [child|person|man|woman] [say|ask] [this|that][?|:] "
     f"{_S}", f"{_S} [Nicer|More polite|Politely], please.",
     f"{_S} -> [polite|politely|a polite sentence]", f"[Add|Put] [some |][manners|politeness] to {_IT}: {_S}",
     f"Make a polite [request|question|sentence] [of|from|out of] {_IT}: {_S}",
     f"[Be polite|With good manners|In a friendly way], [say|write] {_IT}: {_S}",
     f"[Say|Ask] {_IT} the way you ask a [queen|king]: {_S}",
     f"Take out the rude [part|words|tone] and [say|write] please: {_S}"),
    (f"[Soften|Sweeten] {_IT}: {_S}",
     f"{_S} [You would never talk to a queen like that|A queen is listening]. Try again.",
     f"Teach my [son|brother] some manners. He shouts: {_S} What are the right words?",
     f"[Remove|Drop] the bad manners [from|in] {_IT}: {_S}"),
    ("Rude: {source}\n[Polite|Kind]:", "[A rude man says|Not nice]: {source}\n[A polite man says|Nice]:"),
)  # fmt: skip
RENAME_ASKED = Wordings(
    (f"[Change|Turn] {{old}} [to|into] {{new}} in {_IT}: {_S}",
     f"[Replace|Exchange] {{old}} [with|by|for] {{new}}: {_S}",
     f"[Rewrite|Write|Say] {_IT} with {{new}} [instead of|in place of] {{old}}: {_S}",
     f"{_S} [Replace|Change] {{old}} [with|to] {{new}}.",
     f"[Use|Put|Write] {{new}} instead of {{old}}[ in {_IT}|]: {_S}",
     f"[Rewrite|Change] {_IT} so that it is about {{new}} and not about {{old}}: {_S}",
     f"{_S} [Write|Say] [it|this|the sentence] again with {{new}} instead of {{old}}."),
    (f"[Can|Could] you [change|turn] {{old}} [to|into] {{new}}[ here|]? {_S}",
     f"{{old}} -> {{new}}[:|.] {_S}", f"{_S} {{new}}, not {{old}}[, please|].",
     f"I [wrote|said] {{old}}, but [it is|I mean|it should be] {{new}}. [Change it|Mend it|Fix it|Write it "
     f"again][:|.] {_S}",
     f"{_S} It [was|is] [not {{old}}|not {{old}}], it [was|is] {{new}}. [Fix|Change|Correct] [it|that|this].",
     f"[Swap|Switch] {{old}} [for|with|and put in] {{new}}: {_S}",
     f"I need {_IT} with {{new}} [where it says|for|instead of] {{old}}: {_S}",
     f"Where it says {{old}}, [write|put|say] {{new}}: {_S}",
     f"Every {{old}} [must become|should be|becomes] {{new}}: {_S}",
     f"{_S} [How|What] is [it|the sentence] with {{new}} [instead of|for] {{old}}?",
     f"Take out {{old}} and put in {{new}}: {_S}",
     f"[Same|The same] sentence, but [with {{new}}|{{new}}] instead of {{old}}: {_S}",
     f"Not {{old}} but {{new}}. [Rewrite|Change] it: {_S}",
     f"My [friend|teacher] wants {{new}} in [it|the sentence] and not {{old}}. {_S}"),
    (f"Let {{new}} [take|have] the place of {{old}} in {_IT}: {_S}",
     f"{_S} {{old}} left[.| the story.] Let {{new}} come in. How does it go?",
     f"[Find|Search] {{old}}, [insert|type] {{new}}: {_S}",
     f"Suppose {{old}} were {{new}}. What would we read here? {_S}"),
    ("With {old}: {source}\nWith {new}:", "{source}\nThe same with {new} instead of {old}:"),
)  # fmt: skip
REWORD_ASKED = Wordings(
    (f"[Say|Write|Put] {_IT} in other words: {_S}",
     f"[Rewrite|Say|Write] {_IT} with [other|different|new] words: {_S}",
     f"{_S} [Say|Write|Put] [it|this|that] in other words.",
     f"[Use|Find] [another word|other words] with the same meaning[ in {_IT}|]: {_S}",
     f"[How else|In what other words] can [I|you|we] say [this|it|that][?|:] {_S}",
     f"[Rewrite|Change] {_IT} but keep [the|its] meaning: {_S}", f"Use [a synonym|synonyms] in {_IT}: {_S}"),
    (f"[Can|Could] you [say|write|put] {_IT} [in other words|with other words|differently]? {_S}",
     f"[other words|in other words|reword|synonyms][ please|]: {_S}",
     f"{_S} [Other words|In other words|Different words][, please|][.|?]",
     f"I [need|want] [this|this sentence] in other words[.|:] {_S}",
     f"{_S} What is another way to [say|write] [it|this|that]?",
     f"[Say|Tell] me the same [thing |]with [other|different] words: {_S}",
     f"[Reword|Paraphrase|Rephrase] {_IT}[, please|]: {_S}",
     f"I do not want to say the same [word|words] as my [friend|sister|brother]. [Change|Reword] this: {_S}",
     f"{_S} Same meaning, [other|different|new] words.",
     f"[Change|Replace] the [words|adjectives] [with|by|for] words [of|with|that have] the same meaning: "
     f"{_S}",
     f"[Swap|Switch] words for [words that mean the same|synonyms]: {_S}",
     f"My teacher wants [other|different] words for this[.|:] {_S}", f"{_S} [How|What] else could one say?",
     f"Make {_IT} new, but it should mean the same: {_S}"),
    (f"[Express|Describe] [the same|the same thing|this thought] [differently|another way|anew]: {_S}",
     f"{_S} I have heard that too often. Surprise me with a fresh way to say it.",
     f"Two [writers|children] mean the same. One writes {_S} What does the other one write?",
     f"[Vary|Freshen up] {_IT}: {_S}"),
    ("{source}\nIn other words:", "[Sentence|First]: {source}\n[The same in other words|Other words]:"),
)  # fmt: skip
CORRECT_ASKED = Wordings(
    (f"[Correct|Fix|Mend] {_IT}: {_S}",
     f"[Correct|Fix] the [mistake|mistakes|grammar|error|errors][ in {_IT}|]: {_S}",
     f"{_S} [Correct|Fix|Mend] [it|this|the mistake|the grammar|this sentence].",
     f"[Write|Say|Rewrite] {_IT} [correctly|in correct English|without mistakes|without the mistake|in "
     f"good English]: {_S}", f"[What is|Write|Give] the correct [sentence|form]: {_S}",
     f"There is a mistake in {_IT}. [Correct it|Fix it|Write it correctly]. {_S}",
     f"What is {_IT} in [correct|good|right] English? {_S}"),
    (f"[Can|Could] you [correct|fix|check|mend] [{_IT}|my grammar|my English|my sentence]? {_S}",
     f"[correct|fix|grammar|fix grammar|check grammar][ please|]: {_S}",
     f"{_S} [Is wrong|This is wrong|That is not right]. [Make it right|Fix it|Correct it].",
     f"My English is [bad|not good]. [Is this right|Please correct][?|:] {_S}",
     f"I [wrote|said] {_S} What is [wrong|the right way|the correct form]? [Write|Say] it [right|correctly].",
     f"{_S} Right grammar[, please|][.|?]",
     f"How do you say [this|it|that] [right|correctly|in good English][?|:] {_S}",
     f"[Make|Get] {_IT} [right|correct|good English]: {_S}",
     f"[My|A] [pupil|son|daughter|child] wrote {_S} [Correct it|Fix it|How is it right?]",
     f"[Repair|Improve|Check and correct] {_IT}: {_S}",
     f"Please look at my [homework|sentence] and [correct|fix] it: {_S}",
     f"Find the mistake and [write|say] the sentence again: {_S}",
     f"I am learning. [Correct me|Correct my sentence][.|:] {_S}",
     f"{_S} My teacher says there is [a mistake|something wrong]. How [is|should] it [be|go]?",
     f"{_S} -> [correct|correct English|right]"),
    (f"What would a [native speaker|good pupil|careful writer] [say|write] instead of {_S}",
     f"Take your red pencil and [give back|hand back] a clean sentence: {_S}",
     f"{_S} [That hurts my ears|That sounds odd]. How should it sound?",
     f"[Clean up|Polish|Proofread] {_IT}: {_S}"),
    ("[Wrong|With a mistake]: {source}\n[Right|Correct]:",
     "[The pupil writes|Pupil]: {source}\n[The teacher corrects|Corrected]:"),
)  # fmt: skip
QUESTION_ASKED = Wordings(
    (f"[Make|Form|Write] a question [from|of|out of] {_IT}: {_S}",
     f"[Turn|Change|Rewrite|Make] {_IT} into a question: {_S}",
     f"{_S} [Make|Turn] [it|this|that] into a question.",
     f"[Write|Say|Rewrite|Put] {_IT} as a question: {_S}",
     f"[What is|How is|How do you say] {_IT} as a question? {_S}", f"[Ask|Say] {_IT} as a question: {_S}",
     f"{_S} [Write|Say|Put] [it|this|that] as a question."),
    (f"[Can|Could] you [make|turn|change] {_IT} [into|to] a question? {_S}",
     f"[question|as a question|question form|question form please]: {_S}",
     f"{_S} [As a question|In question form|Question form][, please|][.|?]",
     f"I [need|want] a question, not a statement[.|:] {_S}",
     f"How [do|would|can] I ask [this|that|if this is so][?|:] {_S}",
     f"I am not sure if this is true. [Make it a question|Ask it][.|:] {_S}",
     f"{_S} [How|What] would that be as a question?",
     f"[Make|Form] [a question|one question] [that|which] this [sentence |]answers: {_S}",
     f"[This is|I have] a statement. [Make|I want] a question[ of it|]: {_S}",
     f"My homework: [make|form] a question. {_S}", f"{_S} -> [question|a question]?",
     f"[Give|Write|Tell] me {_IT} in question form: {_S}",
     f"[Say|Write] {_IT} with a question mark[ and the right order of words|]: {_S}",
     f"From [statement|sentence] to question[, please|]: {_S}",
     f"I want to ask my friend about this. [Make|Write] the question[.|:] {_S}"),
    (f"[Transform|Convert] {_IT} to interrogative[ form|]: {_S}",
     f"{_S} Really? I doubt it. How would I ask?",
     f"Somebody answered {_S} What had [he|she|they] been asked?",
     f"[Interview|Quiz] time: here is the answer. What must I ask to hear {_S}"),
    ("[Statement|Sentence]: {source}\nQuestion:", "[It is so|Answer]: {source}\n[Is it so|As a question]:"),
)  # fmt: skip

_CLOSED = dict(closed_domain=True, constrainable=True)
SKILLS = (
    Skill("past", "rewrite", 0.30, PAST_ASKED, draw_past, answer_target, check, **_CLOSED),
    Skill("polite", "rewrite", 0.20, POLITE_ASKED, draw_polite, answer, check_polite, **_CLOSED),
    Skill("rename", "rewrite", 0.12, RENAME_ASKED, draw_rename, answer_target, check, **_CLOSED),
    Skill("reword", "rewrite", 0.14, REWORD_ASKED, draw_reword, answer_reword, check_reword, **_CLOSED),
    Skill("correct", "rewrite", 0.12, CORRECT_ASKED, draw_correct, answer_target, check, **_CLOSED),
    Skill("question", "rewrite", 0.12, QUESTION_ASKED, draw_question, answer_question, check, **_CLOSED),
)
