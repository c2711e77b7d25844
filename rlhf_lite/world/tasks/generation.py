"""Stories, sentences about something, poems, cards and reviews, built of parts that the checks can read again."""

from collections.abc import Iterable
from random import Random

from .. import lexicon as lx
from ..grammar import Form, a, capitalized, listed, say, slot_names
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, lower_words, sentences

# --- what stories are told with -----------------------------------------------------------------------------

FOLK = lx.FOLK[:10]
BEINGS = lx.ANIMALS + lx.PEOPLE + FOLK
PREPOSITION = dict(bridge="on", hill="on") | dict.fromkeys("market school mill river lake well".split(), "at")
DOINGS = {  # what somebody does with an event, and where one is then
    "birthday": ("[had a birthday|went to a birthday party]", "at the party"), "wedding": ("[went|came|was invited] to a wedding", "at the wedding"),
    "festival": ("[went|came] to a [big |]festival", "at the festival"), "holiday": ("[had a holiday|went on holiday]", "on that day"),
    "party": ("[had|gave|went to] a [big |little |]party", "at the party"), "trip": ("[went on|made] a [long |little |]trip", "on the way"),
}  # fmt: skip
# An empty slot such as {glad} says what a sentence does: it ends well, is sad or funny, ends the day; {gone}: the
# thing is no longer there; {left}: the friend is not; {home}: it tells how the hero comes home, or does not.
_MARKS = ("glad", "sad", "funny", "sleep", "gone", "left", "home")
_OPEN = (
    "[Once upon a time there|Once there|There once] was {born}[ {at}|]", "Once upon a time {one} lived near {place}", "{when} {one} [came|went|walked] to {place}",
    "{when} {one} and {friend} [went|walked|ran] to {place}", "{when} {one} [met|saw|visited] {friend}[ {at}|]", "{when} {one} [found|bought|saw] {a_thing}[ {at}|]", "{when} {one} [found|wanted|bought] some {food}[ {at}|]",
    "{when} {one} and {friend} [found|bought|wanted] {a_thing}[ {at}|]", "{when} {one} and {friend} [found|wanted|shared] some {food}[ {at}|]", "{when} {one} found {a_thing} {at}", "{when} {one} [found|bought] some {food} {at}", "{when} {one} {doing}", "{when} {one} and {friend} {doing}",
)  # fmt: skip
_MIDDLE = (
    "{He} [met|saw|heard] {friend}[ {at}|]", "[Then|Soon|Suddenly] {friend} came[ along|]", "{He} [found|wanted|saw] {a_thing}[ {at}|]", "{He} [found|wanted|bought|brought] some {food}", "{He} [went|walked|ran] to {place}",
    "It was a {weather} day", "The day was {weather}", "{The_friend} [helped {him}|liked {him}|smiled|laughed|sang]", "{The_friend} gave {him} {a_thing}", "{The_friend} had some {food}", "{He} asked {the_friend} for help",
    "{He} gave {the_thing} to {the_friend}{gone}", "{They} [played|sang|talked|danced|laughed] [together|all day|a little]", "{They} went to {place}", "{They} shared some {food}", "{They} played with {the_thing}", "{He} [liked|cleaned|looked at|played with] {the_thing}",
    "{The_thing} was {color}", "{He} [sat|sang|played|waited] [a little|all day|for a long time]", "{He} [sang|heard] a [nice |]song", "{He} was [very |so |]{good}", "{He} [looked around|began to sing|called for help]", "Everyone had some {food} {at_event}", "Everyone [danced|sang|laughed] {at_event}",
)  # fmt: skip
_SAD = (
    "{He} lost {a_thing}{sad}{gone}", "{He} [lost|dropped|broke] {the_thing}{sad}{gone}", "{He} could not find [the way home|{his} home]{sad}{home}", "{He} was [very |so |]{bad}", "Nobody [else |]was there{sad}", "{He} cried[ a little| all night|]{sad}", "{The_friend} [went away|did not come back]{sad}{left}",
)  # fmt: skip
_FUNNY = (
    "{He} fell into the [mud|water|soup]{funny}", "{He} put {the_thing} on {his} head{funny}", "{He} [danced|sang|talked] with an old [shoe|chair|broom]{funny}", "{The_friend} [laughed and laughed|danced on the table|fell into the mud]{funny}", "{He} told [{the_friend}|everyone] a joke{funny}", "{He} began to [dance on the table|sing like a bird]{funny}",
)  # fmt: skip
_GOOD_END = (
    "In the end {he} was [very |so |]{good}", "[In the end|At last] everyone was {good}", "{They} lived happily ever after{glad}", "{He} lived happily ever after{glad}", "From that day on {they} were [good |best |]friends{glad}", "[So|And so] {they} became [good |best |]friends{glad}", "At last {he} came home and was {good}{home}", "It was the best day of all{glad}",
)  # fmt: skip
_FUNNY_END = ("{He} laughed all the way home{glad}{funny}{home}", "In the end everyone laughed[ and laughed| about it|]{glad}{funny}", "It was so funny that nobody could stop laughing{glad}{funny}", "And {he} still laughs about it[ today|]{glad}{funny}")  # fmt: skip
_SAD_END = ("In the end {he} was [all alone|alone again]{sad}", "In the end {he} was [very |so |]{bad}", "{He} never saw {lost_friend} again{sad}", "{He} never found {lost_thing}[ again|]{sad}", "{He} went home alone{sad}{home}", "[At last|Then] {he} cried for a long time{sad}")  # fmt: skip
_SLEEP_END = ("[At last|Then|Soon] {he} fell asleep{sleep}", "Then {he} went to bed{sleep}", "[Good night|Sleep well|Good night and sleep well]{sleep}", "At last {they} both fell asleep{sleep}", "The moon came up, and {he} fell asleep{sleep}")  # fmt: skip
_PLAIN_END = (
    "Then {he} went home{home}",
    "And that was the end[ of the day| of it|]",
    "At last {they} went home{home}",
    "{He} took {the_thing} home{home}",
)

MIDDLES = {"": _MIDDLE, "sad": tuple(t for t in _MIDDLE + _SAD * 3 if "{good}" not in t), "funny": _MIDDLE + _FUNNY, "happy": _MIDDLE, "nice": _MIDDLE, "bedtime": _MIDDLE}  # fmt: skip
ENDS = {"": _GOOD_END + _PLAIN_END + _SLEEP_END, "sad": _SAD_END, "funny": _FUNNY_END, "happy": _GOOD_END, "nice": _GOOD_END + _PLAIN_END, "bedtime": _SLEEP_END}  # fmt: skip
NAMES = {
    t: frozenset(slot_names(t.replace("{born}", "{one}")))
    for pool in (_OPEN, *MIDDLES.values(), *ENDS.values())
    for t in pool
}
_TWO = ("friend", "left")
_NEEDS = dict(the_friend=_TWO, The_friend=_TWO, they=_TWO, They=_TWO, the_thing=("a_thing", "gone"), The_thing=("a_thing", "gone"),
             lost_friend=("left", ""), lost_thing=("gone", ""), at_event=("doing", ""))  # what was told before, and what must not have been  # fmt: skip
_ONCE = {
    "friend",
    "a_thing",
    "food",
    "place",
    "weather",
    "color",
    "good",
    "bad",
    "doing",
    "home",
}  # not told twice
# What must have been told before each sentence, and what must not.
BEFORE = {t: {_NEEDS[name][0] for name in names if name in _NEEDS} for t, names in NAMES.items()}
WITHOUT = {
    t: {_NEEDS[name][1] for name in names if name in _NEEDS} | names & _ONCE for t, names in NAMES.items()
}

_A_BEING, _THE_BEING = r"an? [a-z]+|[A-Z][a-z]+", r"the [a-z]+|[A-Z][a-z]+"
_KINDS: dict[str, Iterable[str] | str] = dict.fromkeys(_MARKS, "") | dict(
    one=_A_BEING, born=r"an? [a-z]+|a (?:girl|boy) called [A-Z][a-z]+", friend=_A_BEING, the_friend=_THE_BEING, lost_friend=_THE_BEING, The_friend=r"The [a-z]+|[A-Z][a-z]+", He=r"The [a-z]+|(?!They )[A-Z][a-z]+", he=("he", "she", "it"), him=("him", "her", "it"), his=("his", "her", "its"),
    they=("they",), They=("They",), good=lx.GOOD_FEELINGS, bad=lx.BAD_FEELINGS, a_thing=r"an? [a-z]+", the_thing=r"the [a-z]+", The_thing=r"The [a-z]+", lost_thing=r"the [a-z]+", food=lx.FOODS, place=r"the [a-z]+|[A-Z][a-z]+", weather=lx.WEATHERS,
    color=lx.COLORS, at=r"(?:in|at|on|near|by) (?:the [a-z]+|[A-Z][a-z]+)", when=r"Once|One [a-z]+(?: day)?(?: in [a-z]+)?|Last [a-z]+|On a [a-z]+ day|On [A-Z][a-z]+day", doing=r"(?:had|gave|made|went|came|was invited) (?:to |on )?(?:an? )?(?:[a-z]+ ){0,2}[a-z]+", at_event=r"(?:at|on) \w+ \w+",
)  # fmt: skip


def either(templates: Iterable[str]) -> str:
    """A template for all of them; what begins with the same slot is read once."""
    groups: dict[str, list[str]] = {}
    for template in templates:
        head, _, tail = template.partition(" ")
        shared = head.startswith("{") and head.endswith("}")
        groups.setdefault(f"{head} " if shared else "", []).append(tail if shared else template)
    return (
        f"[{'|'.join(head + (either(tails) if head else '|'.join(tails)) for head, tails in groups.items())}]"
    )


TOLD = Form(either(NAMES), **_KINDS)
SHE, HE = (*lx.WOMEN, "girl", "woman", "queen"), ("boy", "man", "king")
_CASES = {"he": ("he", "him", "his"), "she": ("she", "her", "her"), "it": ("it", "it", "its")}


def pronouns(being: str) -> tuple[str, ...]:
    """Those that fit: people are he or she, animals may be any; the usual one comes first."""
    if being in SHE:
        return ("she",)
    if being in HE or being in lx.PEOPLE:
        return ("he",)
    return ("he", "she") if being in FOLK + lx.JOBS + lx.RELATIVES else ("it", "he", "she")


def _the(x: str) -> str:
    return x if x in lx.PEOPLE + lx.TOWNS else f"the {x}"


def _one(x: str) -> str:
    return (
        x if x in lx.PEOPLE + lx.TOWNS + lx.FOODS + lx.SEASONS else f"a {x} day" if x in lx.WEATHERS else a(x)
    )


def _cast(rng: Random, things: list[str], mood: str) -> tuple[Slots, set[str]]:
    """Who and what a story is told with, the named things and others beside them; and the slots that name what
    was asked for."""
    heroes = [x for x in things if x in BEINGS][:2]
    asked = set(("one", "friend")[: len(heroes)])
    hero = heroes[0] if heroes else rng.choice(lx.ANIMALS + lx.PEOPLE)
    friend = (
        heroes[1] if len(heroes) > 1 else rng.choice([x for x in lx.ANIMALS + lx.PEOPLE[:8] if x != hero])
    )

    def pick(slot: str, pool: tuple[str, ...]) -> str:
        found = [x for x in things if x in pool]
        asked.update([slot] if found else ())
        return found[0] if found else rng.choice(pool)

    thing, food, color = pick("a_thing", lx.THINGS), pick("food", lx.FOODS), rng.choice(lx.COLORS)
    place = pick("place", lx.PLACES + lx.TOWNS if any(x in lx.TOWNS for x in things) else lx.PLACES)
    doing, at_event = DOINGS[pick("doing", lx.EVENTS)]
    whens = [f"One day in {x}" for x in things if x in lx.SEASONS] + [
        f"One {x} day" for x in things if x in lx.WEATHERS
    ]
    asked.update(["when"] if whens else ())
    usual = (
        "Once",
        "One day",
        "One morning",
        "One evening",
        f"Last {rng.choice(lx.SEASONS)}",
        f"On {rng.choice(lx.DAYS)}",
        f"On a {rng.choice(lx.WEATHERS)} day",
    )
    he, him, his = _CASES[pronouns(hero)[0]]
    slots: Slots = dict(
        one=_one(hero), born=f"a {'girl' if hero in SHE else 'boy'} called {hero}" if hero in lx.PEOPLE else _one(hero), hero=capitalized(_the(hero)), friend=_one(friend), the_friend=_the(friend), lost_friend=_the(friend), The_friend=capitalized(_the(friend)), he=he, him=him, his=his, they="they", They="They", a_thing=a(thing), the_thing=f"the {thing}",
        The_thing=f"The {thing}", lost_thing=f"the {thing}", food=food, place=_the(place), at=f"{PREPOSITION.get(place, 'in')} {_the(place)}", good=rng.choice(("happy", "glad", "cheerful", "proud")), bad=rng.choice(("sad", "lonely", "upset", "worried") if mood == "sad" else lx.BAD_FEELINGS[:7]),
        weather=rng.choice(lx.WEATHERS), color=color, when=rng.choice(whens or usual), doing=say(rng, doing), at_event=at_event, **dict.fromkeys(_MARKS, ""),
    )  # fmt: skip
    return slots, asked


def _step(rng: Random, pool: tuple[str, ...], known: set[str], asked: set[str], left: int) -> str:
    """A sentence that can come next; where few are left, one that names most of what is still to be named."""
    found = [t for t in pool if BEFORE[t] <= known and not WITHOUT[t] & known]
    if pool is _OPEN:
        found = [t for t in found if asked & {"one", "when", "doing"} <= NAMES[t]]
    missing = asked - known
    if missing and left <= len(missing):
        most = max(len(NAMES[t] & missing) for t in found)
        found = [t for t in found if len(NAMES[t] & missing) == most]
    return rng.choice(found)


def story(rng: Random, things: list[str], n: int, mood: str = "") -> str:
    """n sentences in which all the things occur; one sentence is a beginning."""
    slots, asked = _cast(rng, things, mood)
    known: set[str] = set()
    asked |= {mood} if mood in ("funny", "sad") and n > 2 else set()
    lines: list[str] = []
    last: frozenset[str] = frozenset()
    while len(lines) < n:
        place = len(lines)
        pool = _OPEN if not place else ENDS[mood] if place == n - 1 else MIDDLES[mood]
        template = _step(rng, pool, known, asked, max(n - 1, 1) - place)
        by_name = last & {"friend", "The_friend"} or rng.random() < 0.2
        slots["He"] = slots["hero"] if by_name else capitalized(str(slots["he"]))
        line = capitalized(say(rng, template, slots))
        if line not in lines:
            lines.append(line)
            last = NAMES[template]
            known |= last | ({"place"} if str(slots["at"]) in line else set())
            known |= {"weather"} if set(line.split()) & set(lx.WEATHERS) else set()
    return ". ".join(lines) + "."


def names_all(things: list[str], text: str) -> bool:
    said = set(lower_words(text))
    return all({t.lower(), lx.ONE_FOOD.get(t, t), lx.PLURALS.get(t, t + "s")} & said for t in things)


def _last(phrase: str | None) -> str:
    return phrase.split()[-1].lower() if phrase else ""


def _coherent(told: list[dict[str, str | None]], things: list[str]) -> bool:
    """The hero comes first and keeps its pronoun, nobody meets itself, "they" are two, nobody is met before."""
    hero = _last(told[0].get("one") or told[0].get("born"))
    fitting = set(pronouns(capitalized(hero) if capitalized(hero) in lx.PEOPLE else hero))
    known, weathers = {x.lower() for x in things} | {hero}, set()
    met = {hero}
    for line in told:
        friend = _last(line.get("friend"))
        subject = _last(line.get("He"))
        others = {_last(line.get(name)) for name in ("the_friend", "The_friend", "lost_friend")} | {subject}
        for i, said in enumerate((_last(line.get("he")), _last(line.get("him")), _last(line.get("his")))):
            fitting = {p for p in fitting if not said or _CASES[p][i] == said}
        fitting &= {subject} if subject in _CASES else fitting
        weathers |= {line.get("weather"), *(line.get("when") or "").split()} & set(lx.WEATHERS)
        met |= {friend} - {""}
        if (
            friend == hero
            or (line.get("they") or line.get("They"))
            and len(met) < 2
            or others - known - met - {"", *_CASES}
        ):
            return False
    return bool(hero and fitting) and len(weathers) < 2


def _does(line: dict[str, str | None], mark: str) -> bool:
    feeling = line.get({"glad": "good", "sad": "bad"}.get(mark, mark))
    return line.get(mark) is not None or feeling is not None


def _in_mood(told: list[dict[str, str | None]], mood: str) -> bool:
    """Only a sad story may end sadly, and it does not end well; a happy one does."""
    end = told[-1]
    if mood == "sad":
        return any(_does(line, "sad") for line in told) and not _does(end, "glad")
    if mood == "funny":
        return any(_does(line, "funny") for line in told) and not _does(end, "sad")
    if mood in ("happy", "bedtime"):
        return _does(end, "glad" if mood == "happy" else "sleep")
    return not (mood and _does(end, "sad"))


def _check_story(slots: Slots, body: str) -> Marks:
    """Every sentence one of the country's, the things named, the number of sentences kept, none said twice, and
    all of it one story in the mood that was asked for."""
    lines, things, n = sentences(body), list(slots["things"]), int(slots["n"])  # type: ignore[call-overload]
    told = [read for read in map(TOLD.match, lines) if read is not None]
    if not lines or len(told) < 0.5 * len(lines):
        return WRONG
    named = sum(names_all([thing], body) for thing in things) / len(things)
    if len(told) < len(lines) or not named:
        return 0.5, 0.3 * named
    shape = len(set(lines)) == len(lines) and (len(lines) == n if n else 3 <= len(lines) <= 6)
    sense, mood = _coherent(told, things), _in_mood(told, str(slots["mood"]))
    if named == 1.0 and shape and sense and mood:
        return 1.0, 1.0
    return 1.0, 0.25 * named + 0.15 * shape + 0.1 * sense + 0.1 * mood


STORIES = Wordings(
    plain=("[Write|Tell me|Make up|Please write] {a_story} about {about}.{more}", "I need {a_story} about {about}.{more}", "[Can|Could] you [tell me|write|make up] {a_story} about {about}?{more}", "{A_story} about {about}, please.{more}", "Write {a_story}. It is about {about}.{more}", "I [want|would like] [to hear|to read] {a_story} [about|with] {about}.{more}"),
    other=("{a_story} about {about}.{more}", "[Invent|Think of|Make] {a_story} [about|with] {about} [for my children|for {child}].{more}", "Tell [my son|my daughter|us|the children] {a_story} about {about}.{more}", "Use {about} in {a_story}.{more}", "[My child|She|He|{child}] can not sleep. Tell {a_story} about {about}.{more}", "Do you know {a_story} about {about}?{more}", "{about}: make {a_story} of it.{more}", "We [need|are looking for] {a_story} [for school|for {child}]. [The story is about|It must be about] {about}.{more}", "Topic: {about}. [Write|Tell] {a_story}.{more}", "How about {a_story} with {about} in it?{more}", "You are a writer. Write {a_story} about {about}.{more}"),
    unseen=("Entertain us with {a_story}, and let it be about {about}.{more}", "Let me read {a_story} that has {about} in it.{more}", "What could happen with {about}? Imagine {a_story} and write it down.{more}"),
    continuations=("{A_story} about {about}:", "Title: {about}\n{A_story}:"),
)  # fmt: skip
_LENGTH = "[ [Make it|It must be|It should be] {number} sentences long.| Write {number} sentences.| {Number} sentences[, please|].]"
_HAPPY = "[ It must end well.| Give it a happy end.| The end must be happy.]"


def _draw_story(rng: Random, facts: Facts) -> Slots:
    """Whatever is asked beside the subject stands in {a_story} or, in sentences of its own, in {more}."""
    subject = rng.choice((lx.EVENTS, lx.TOWNS, lx.SEASONS + lx.WEATHERS, (), (), (), (), ()))
    things = rng.sample(BEINGS, rng.choice((0, 0, 1)) if subject else rng.choice((1, 1, 2)))
    rest = subject or rng.choice(((), (), lx.THINGS, lx.PLACES, lx.FOODS))
    things += [rng.choice(rest)] if rest else []
    about = listed(_the(x) if x in lx.PLACES else _one(x) for x in things)
    n, mood = (
        rng.choice((0, 0, 0, 2, 3, 4, 5)),
        rng.choice(("", "", "", "funny", "sad", "happy", "nice", "bedtime")),
    )
    number = lx.NUMBERS[n] if rng.random() < 0.7 else str(n)
    by_end = mood == "happy" and rng.random() < 0.6
    said = {"funny": "[funny|silly]", "nice": "[nice|kind|friendly]", "": "[short |little |]"}.get(mood, mood)
    noun = say(rng, f"{'' if by_end else said} [story|story|tale]")
    a_story, more = a(noun), ""
    if by_end and rng.random() < 0.5:
        a_story += " " + say(rng, "with a [happy|good] end")
    elif by_end:
        more = _HAPPY
    if n and rng.random() < 0.5 and " end" not in a_story:
        a_story += " " + say(rng, "[in|of|with] {number} sentences", dict(number=number))
    elif n:
        more += _LENGTH
    more = say(rng, more, dict(number=number, Number=number.capitalize()))
    return dict(things=things, about=about, n=n, mood=mood, a_story=a_story, A_story=capitalized(a_story),
                more=f" {more}" if more else "", child=rng.choice(lx.PEOPLE))  # fmt: skip


def _answer_story(slots: Slots, rng: Random) -> str:
    n = int(slots["n"]) or rng.choice((3, 4, 4, 5))  # type: ignore[call-overload]
    return story(rng, list(slots["things"]), n, str(slots["mood"]))  # type: ignore[call-overload]


# --- a sentence about something -----------------------------------------------------------------------------

_ABOUT = {
    "animal": ("The {x} is a [very |]{kind} animal", "The {x} is [very |]{kind}", "I [saw|met|heard] {one_x} {at}", "There [is|was] {one_x} {at}", "The {x} [ran|walked|came] to {place}", "[My|Our] {relative} [likes|loves] the {x}", "The {x} [is|was] {feeling}[ today|]", "The {x} [played|slept|sat] {at}"),
    "thing": ("The {x} is [very |]{look}", "The {x} is {color}", "I [have|found|bought|want] {one_x}", "[My|Our] {relative} gave me {one_x}", "There [is|was] {one_x} {at}", "The {x} is on the [table|floor|shelf]", "We [need|use] the {x} every day"),
    "place": ("The {x} is [very |]{calm}", "The {x} is a [very |]{calm} place", "I like to [sit|play|sing] {at_x}", "We [met|played|walked] {at_x}[ today| yesterday|]", "We went to the {x}[ today| yesterday|]", "My {relative} works {at_x}", "There [is|was] {one_y} {at_x}"),
    "town": ("{x} is a [very |]{calm} town", "{x} is [very |]{calm}", "[I|We] [like|love] {x}", "We went to {x} [today|yesterday|last week]", "My {relative} [lives|works] in {x}", "There is {one_y} in {x}"),
    "food": ("Many people [like|love|buy] {x}{known}", "[Children|All my friends] [like|love] {x}{known}", "[I|We] [like|love|want] {x}", "[We|I] [bought|need|have] some {x}[ today|]", "My {relative} [likes|loves] {x}", "My {relative} gave me some {x}"),
    "folk": ("The {x} is [very |]{kind}", "The {x} is a [very |]{kind} person", "I know {one_x} [in {town}|who can sing]", "The {x} [came|went|walked] to {place}", "[The|Our] {x} [is|was] {feeling}[ today|]", "I met the {x} {at}", "The {x} works all day"),
    "name": ("{x} is my [friend|neighbor|cousin]{known}", "{x} is [very |so |]{kind}", "I [saw|met] {x} {at}", "{x} [came|went|walked] to {place}", "{x} [is|was] {feeling}[ today|]", "I [sing|play|talk] with {x} every day"),
}  # fmt: skip
_FOLLOW = (
    "[I|We|All of us] like {them}[ very much|]",
    "Everyone [knows|likes|loves] {them}",
    "We [talk|often talk] about {them}",
)
_POOLS = {"animal": lx.ANIMALS, "thing": lx.THINGS, "place": lx.PLACES, "town": lx.TOWNS, "food": lx.FOODS, "folk": FOLK[:2] + lx.JOBS, "name": lx.PEOPLE}  # fmt: skip
_LOOKS = dict(kind=("nice", "clever", "friendly", "kind", "funny", "lovely"), look=("old", "new", "big", "small", "nice", "useful", "beautiful"), calm=("small", "big", "quiet", "nice", "old", "beautiful", "pretty"))  # fmt: skip
ABOUT = Form(
    either([t for some in _ABOUT.values() for t in some] + list(_FOLLOW)), **_KINDS, **_LOOKS, x=r"[a-zA-Z][a-z]+", one_x=r"an? [a-z]+|[A-Z][a-z]+", one_y=r"an? [a-z]+", at_x=r"(?:in|at|on) the [a-z]+", known="",
    relative=lx.RELATIVES, feeling=lx.FEELINGS, town=lx.TOWNS, them=("it", "them", "him", "her"),
)  # fmt: skip
ONE_MASS = frozenset(
    "rice bread corn honey cheese soup butter milk cake pie fish".split()
)  # with "was" and "it"


def _object(x: str) -> tuple[str, ...]:
    if x in lx.FOODS:
        return ("it",) if x in ONE_MASS else ("them",)
    people = x in lx.PEOPLE + FOLK + lx.JOBS
    return tuple(_CASES[p][1] for p in pronouns(x)) if people or x in lx.ANIMALS else ("it",)


def _answer_about(slots: Slots, rng: Random) -> str:
    """One or two sentences of the subject's kind; two words together are what a story can begin with."""
    things, n = list(slots["things"]), int(slots["n"])  # type: ignore[call-overload]
    if len(things) > 1:
        return story(rng, things, 1)
    x = things[0]
    kind = next(k for k, pool in _POOLS.items() if x in pool)
    place, y = rng.choice(lx.PLACES), rng.choice(lx.ANIMALS + lx.THINGS)
    said: Slots = {name: rng.choice(pool) for name, pool in _LOOKS.items()} | dict(
        x=x, one_x=_one(x), one_y=a(y), at=f"{PREPOSITION.get(place, 'in')} the {place}", at_x=f"{PREPOSITION.get(x, 'in')} the {x}", place=f"the {place}", relative=rng.choice(lx.RELATIVES), feeling=rng.choice(lx.FEELINGS), color=rng.choice(lx.COLORS), town=rng.choice(lx.TOWNS), them=_object(x)[0], known="",
    )  # fmt: skip
    first = _ABOUT[kind] if n else _ABOUT[kind][:2]  # these describe
    return " ".join(
        f"{capitalized(say(rng, rng.choice(pool), said))}." for pool in (first, _FOLLOW)[: n or 2]
    )


def _check_about(slots: Slots, body: str) -> Marks:
    lines, things, n = sentences(body), list(slots["things"]), int(slots["n"])  # type: ignore[call-overload]
    told = [read for read in (ABOUT.match(line) or TOLD.match(line) for line in lines) if read]
    if not lines or len(told) < len(lines):
        return WRONG
    named = sum(names_all([thing], body) for thing in things) / len(things)
    fits = all(line.get("them") in (None, *_object(things[0])) for line in told) and not (told[0].get("them"))
    met = all(_last(line.get("friend")) != _last(line.get("one")) for line in told if line.get("one"))
    shape = len(set(lines)) == len(lines) and len(lines) in ((n,) if n else (1, 2, 3))
    fits = fits and (
        n > 0 or any(line.get(name) is not None for line in told for name in (*_LOOKS, "color", "known"))
    )
    if named == 1.0 and shape and fits and met:
        return 1.0, 1.0
    return (1.0 if named else 0.5), 0.3 * named + 0.1 * shape + 0.1 * (fits and met)


def _draw_about(rng: Random, facts: Facts) -> Slots:
    """Of one thing, or of a being and something else."""
    things, n = [rng.choice(rng.choice(tuple(_POOLS.values())))], rng.choice((0, 1, 1, 2))
    if rng.random() < 0.4:
        x = rng.choice(BEINGS)
        things, n = (
            [x, rng.choice([y for y in rng.choice(tuple(_POOLS.values())) if y not in (x, *lx.JOBS)])],
            1,
        )
    asked = rng.sample(things, len(things))
    the_words = f"the word{'s' if len(things) > 1 else ''} {listed(asked)}"
    some, most = ("two sentences", "two sentences") if n == 2 else ("a sentence", "one sentence")
    return dict(things=things, n=n, x=listed(x if x in lx.FOODS else _the(x) for x in asked), one=listed(map(_one, asked)), word=listed(asked),
                the_words=the_words, The_words=capitalized(the_words), some=some, Some=capitalized(some), most=most)  # fmt: skip


def _about_wordings(slots: Slots) -> Wordings:
    return SENTENCE if slots["n"] else DESCRIBE


SENTENCE = Wordings(
    plain=("[Write|Make|Give me] {some} about [{x}|{one}].", "[Can|Could] you [write|make] {some} with {the_words}?", "I need {some} [about {one}|with {the_words}].", "Write {some} with {the_words}.", "Use {the_words} in {some}.", "Say something about {x} in {most}.", "[Please write|I want] {some} about {x}."),
    other=("{some} about {x}[, please|]", "{word}: write {some}", "What would be {some} about {one}?", "[Think of|Make up|Invent] {some} [with|about] {one}.", "My teacher [wants|asks for] {some} [about {one}|with {the_words}].", "Tell me about {x}, in {most}.", "My teacher says: use {the_words} in {some}.", "I am learning {the_words}. [Show me|Give me|Write] {some}.", "Put {the_words} into {some}.", "[We|I] have to write {some} about {one}. Help!", "{some}, {the_words}", "How can I use {the_words} in {some}?", "{The_words}. Make {some}."),
    unseen=("Let {the_words} occur in {some}.", "Build {some} around {one}.", "How can one speak of {one} in {most}?"),
    continuations=("{Some} about {x}:", "{Some} with {the_words}:"),
)  # fmt: skip
DESCRIBE = Wordings(
    plain=("Describe {x}.", "[Write|Give me] a [short |]description of {x}.", "Tell me [something|a little] about {x}.", "[Can|Could] you describe {x}[ for me|]?", "Write something about {x}.", "I need a [short |]description of {x}."),
    other=("describe {x}[, please|]", "{x}: a short description", "What can you say about {x}?", "[I want|I would like] to hear something about {x}.", "Say [something|a few words] about {x}.", "How would you describe {x}?", "[We have to|I must] describe {x} for school.", "A few words about {x}[, please|].", "My [son|daughter|child] asks about {x}. [Say|Tell us] something.", "Help me describe {x}."),
    unseen=("Sketch {x} in words.", "Put {x} into words for me.", "What comes to mind when you hear of {x}?"),
    continuations=("A short description of {x}:",),
)  # fmt: skip

# --- poems: two lines that rhyme ----------------------------------------------------------------------------

_RHYMES = (  # ways to end the first line, and the second
    ("[The {x} is under the [big |old |]tree|Come and see the {x} with me|Here is {one_x} for you and me]", "[and it is good to see|and all the birds are happy and free|and everyone will drink some tea]"),
    ("[I saw {one_x} [again |]today|The {x} was here on a summer day|There was {one_x} here today]", "[and then I went outside to play|and now my bad mood went away|and I was happy all the way]"),
    ("[I [saw|found] {one_x} last night|The {x} was there in the [bright |]moonlight]", "[it was a [very |]lovely sight|and all the stars were [very |]bright|and now my day is warm and bright]"),
    ("[This is the {x} I found|I saw {one_x} on the ground|The {x} was lost and then was found]", "[and it did not make a sound|and happy people danced around|and there was music all around]"),
    ("[I saw {one_x} beside the wall|I saw {one_x} that was so small|I saw {one_x} in the fall]", "[it is the nicest one of all|and I was happy after all|I will love it most of all]"),
)  # fmt: skip
POEM = Form(either(f"{one},\n{two}." for one, two in _RHYMES), x=r"[a-z]+", one_x=r"an? [a-z]+")
POEMS = Wordings(
    plain=("[Write|Make|Please write] a [short |little |]poem about {one}.", "I need a poem about {one}.", "[Can|Could] you write [me |]a [short |]poem about {one}?", "Write two lines that rhyme. They are about {one}.", "Write a rhyme about {one}.", "[I want|I would like] a [short |]poem about {one}."),
    other=("poem about {one}[, please|]", "Make two lines about {one} that rhyme.", "[Make up|Invent|Think of] a rhyme [with|about] {one}.", "You are a poet. Your subject is {one}.", "A [short |little |]poem, {one}", "It is the birthday of my {relative}. Write a poem about {one}.", "How about a little poem about {one}?", "{one}: two lines with a rhyme", "Do you know a poem about {one}?", "Put {one} in a poem.", "My {relative} likes poems. Write one about {one}."),
    unseen=("Let us have some verses about {one}.", "Sing of {one} in two lines that rhyme.", "Can you find a rhyme for us that has {one} in it?"),
    continuations=("A poem about {one}:\n", "Poem: {one}\n"),
)  # fmt: skip


def _draw_poem(rng: Random, facts: Facts) -> Slots:
    x = rng.choice(lx.ANIMALS + lx.THINGS)
    return dict(x=x, one=a(x), relative=rng.choice(lx.RELATIVES))


def _check_poem(slots: Slots, body: str) -> Marks:
    said = POEM.match(body)
    if said is None:
        return WRONG
    return (1.0, 1.0) if slots["x"] in (said["x"], _last(said["one_x"])) else (0.5, 0.2)


# --- cards --------------------------------------------------------------------------------------------------

_HOSTED = ("birthday", "wedding", "festival", "party")
_FAULTS = (
    "I was late",
    "I broke your {thing}",
    "I lost your {thing}",
    "I forgot your birthday",
    "I was rude",
    "I ate your cake",
)
_FAULT = "I was late|I (?:broke|lost) your [a-z]+|I forgot your birthday|I was rude|I ate your cake"
# What a card is for -> (what it says, how it is called, why it is written); the slot {what} is what it is about.
CARDS = {
    "event": ("[have a [good|lovely|wonderful|happy] {event}|I wish you a [happy|good|lovely|wonderful] {event}|all the best for your {event}|enjoy your {event}]. [I have {a_thing} for you|We [all |]think of you|See you soon|Love from all of us|I hope it will be a lovely day].",
              "{what} [card|card|note]", "[It is for the {what}|The {what} is [soon|tomorrow|on {day}]]", lx.EVENTS),
    "thanks": ("[thank you [so much|very much|] for {thanks}|thanks [a lot|so much|] for {thanks}]. [It was very kind of you|You are [very|so] kind|I was so happy about it|I will never forget it].", "thank-you [card|letter|note|message]", "[It is for {mine}|I want to say thank you for {mine}]", ()),
    "well": ("[get well soon|I hope you [feel better soon|will be well soon]|I am [so |]sorry that you are sick]{well}. [I will bring you some {food}|We [all |]think of you|I will visit you soon|Please rest and drink [some |]tea|See you soon|We miss you].", "get-well [card|note|message]", "{To} is [sick|not well|sick in bed]", ("",)),
    "sorry": ("I am [very |so |]sorry that {sorry}. [Please forgive me|It will not happen again|I feel very bad about it|I hope we are still friends|I will make it good].", "[apology|sorry] [card|letter|note]", "[The reason is that|I am sorry because|It is because] {mine}", _FAULTS),
    "loss": ("I am [very |so |]sorry [about|to hear about] your {loss}. [We think of you|You are in my thoughts|I am here for you|If you need me, I will come].", "[condolence [card|letter]|sympathy card]", "{Owner} {what} died[ last week|]", ("grandmother", "grandfather", "aunt", "uncle", "dog", "cat", "friend")),
    "invitation": ("[please come to my {invitation}|you are invited to my {invitation}|I would like to invite you to my {invitation}][ on {day}|]. [There will be [music|cake|some {food}]|We will sing and dance|I hope you can come|It would be nice to see you].", "[invitation|invitation card|invitation letter]", "[It is for my {what}|The {what} is on {day}|I want to invite {to} to my {what}]", _HOSTED),
}  # fmt: skip
_GIFTS = ("your help", "the lovely day", "the good advice")
_NAMES = tuple(capitalized(x) for x in (*lx.PEOPLE, *lx.RELATIVES, "teacher"))
_SIGNED = "[| Best wishes.| Many greetings.]"
CARD = Form(
    either(f"Dear {{name}}, {body}{_SIGNED}" for body, *_ in CARDS.values()), name=(*_NAMES, *lx.RELATIVES, "teacher"), event=lx.EVENTS, a_thing=r"an? [a-z]+", food=lx.FOODS, thanks=r"the (?:[a-z]+ )?[a-z]+|your help", well="",
    sorry=_FAULT, loss=CARDS["loss"][3], invitation=_HOSTED, day=lx.DAYS,
)  # fmt: skip
CARD_WORDINGS = Wordings(
    plain=("Write {a_card} to {to}. {why}.", "[Write|Make] {a_card} for {to}. {why}.", "I need {a_card} for {to}. {why}.", "[Can|Could] you write {a_card} to {to}? {why}.", "{why}. Please write {a_card} to {to}.", "Help me write {a_card} to {to}. {why}."),
    other=("{why}. {A_card} for {to}, please.", "{a_card} for {to}. {why}.", "I [want|have] to write {a_card} to {to}. {why}. What can I write?", "To: {to}. Kind: {card}. {why}.", "{why}, so I need {a_card} for {to}.", "What do I write in {a_card} to {to}? {why}.", "[I would like to|I want to|We want to] send {a_card} to {to}. {why}.", "How do I write {a_card}? It goes to {to}. {why}.", "[Think of|Type] {a_card} [that|which] I can send to {to}. {why}.", "{to} should get {a_card} from me. {why}."),
    unseen=("Compose {a_card} addressed to {to}. {why}.", "{why}. Find the right words for {a_card} to {to}.", "Two lines to {to} will do, as {a_card}. {why}."),
    continuations=("{A_card} to {to}. {why}:\n",),
)  # fmt: skip


def _draw_card(rng: Random, facts: Facts) -> Slots:
    kind = rng.choice(("event", "event", *CARDS))
    _, card, why, whats = CARDS[kind]
    what = rng.choice(whats) if whats else rng.choice((*_GIFTS, *(f"the {x}" for x in lx.THINGS + lx.FOODS)))
    what = say(rng, what, dict(thing=rng.choice(lx.THINGS)))
    name = rng.choice(lx.PEOPLE) if rng.random() < 0.7 else rng.choice((*lx.RELATIVES, "teacher"))
    to = name if name in lx.PEOPLE else f"my {name}"
    said = dict(
        what=what,
        to=to,
        To=capitalized(to),
        day=rng.choice(lx.DAYS),
        mine=what.replace("your", f"{to}'s"),
        Owner=capitalized(f"{to}'s"),
    )
    card = say(rng, card, said)
    return dict(kind=kind, name=name, what=what, to=to, card=card, a_card=a(card), A_card=capitalized(a(card)), why=say(rng, why, said))  # fmt: skip


def _answer_card(slots: Slots, rng: Random) -> str:
    kind = str(slots["kind"])
    said = {
        kind: slots["what"],
        "name": capitalized(str(slots["name"])),
        "a_thing": a(rng.choice(lx.THINGS)),
        "food": rng.choice(lx.FOODS),
        "day": rng.choice(lx.DAYS),
    }
    return say(rng, f"Dear {{name}}, {CARDS[kind][0]}{_SIGNED if rng.random() < 0.3 else ''}", said)


def _check_card(slots: Slots, body: str) -> Marks:
    """Of the right kind, to the right one, about the right thing."""
    said, kind = CARD.match(body), str(slots["kind"])
    if said is None:
        return WRONG
    right_name = (said["name"] or "").lower() == str(slots["name"]).lower()
    fits, about = said[kind] is not None, said[kind] == slots["what"]
    return (1.0 if fits else 0.5), 0.3 * right_name + 0.3 * fits + 0.4 * about


# --- reviews ------------------------------------------------------------------------------------------------

_ONES = {
    "good": ("The {food} from {town} {was} [really |so |]{good}", "I [ate|tried|bought] [some|the] {food} from {town}[,|] and {it} {was} [really |so |]{good}", "{town} has {good} {food}", "They sell {good} {food} in {town}", "I am [so |very |]happy with the {food} from {town}", "You must try the {food} from {town}"),
    "bad": ("The {food} from {town} {was} [really |so |]{bad}", "I [ate|tried|bought] [some|the] {food} from {town}[,|] and {it} {was} [really |so |]{bad}", "{town} has {bad} {food}", "They sell {bad} {food} in {town}", "I am not happy with the {food} from {town}", "[Never buy|Do not buy] the {food} from {town}"),
}  # fmt: skip
_TWOS = {
    "good": ("I [liked|loved|enjoyed] {them}", "I will [come back|buy more]", "We [all |]want more", "My [family|children|friends] loved {them}[, too|]", "I ate everything", "I will buy {them} again", "Everyone should try {them}"),
    "bad": ("I did not like {them}", "I will not [come back|buy {them} again]", "Nobody liked {them}", "I will never [eat|buy] {them} again", "I could not eat {them}", "I gave {them} to the [pigs|dog|hens]", "I felt sick after that"),
}  # fmt: skip
_TASTY, _NASTY = (
    ("good", "great", "fresh", "wonderful", "delicious", "tasty", "lovely"),
    ("bad", "terrible", "horrible", "poor"),
)
REVIEW = {
    tone: Form(f"{either(_ONES[tone])}. {either(_TWOS[tone])}[.|!]", food=lx.FOODS, town=lx.TOWNS, good=_TASTY, bad=_NASTY, was=("was", "were"), it=("it", "they"), them=("it", "them"))
    for tone in _ONES
}  # fmt: skip
REVIEWS = Wordings(
    plain=("Write a {mark} review of the {food} from {town}.", "I [ate|bought] {food} from {town}. Write a {mark} review.", "Make a {mark} review. It is about the {food} from {town}.", "Review the {food} from {town}. Say that {it} {was} {tone}.", "I need a {mark} review of the {food} from {town}.", "[Can|Could] you write a {mark} review of the {food} from {town}?"),
    other=("[We need|Please give me] a {mark} review of the {food} [from|in] {town}.", "{mark} review, {food} from {town}", "[Tell|Show] people that the {food} from {town} {was} {tone}. Write a review.", "The {food} from {town} {was} {tone}. [Write|Say] that in a review.", "[I am back from|We were in] {town}. The {food} there {was} {tone}. Write a review.", "[Can|Could] you review the {food} from {town} for me? {It} {was} {tone}.", "How would a {mark} review of the {food} from {town} [look|read]?", "[Help me|I want to] review the {food} from {town}. {It} {was} {tone}.", "Food: {food}. Town: {town}. Review: {mark}.", "We had {food} from {town} and {it} {was} {tone}. Write [a|our] review.", "[Write|Type] what a guest would say who [thinks|thought] the {food} from {town} {was} {tone}."),
    unseen=("Give the {food} of {town} a {tone} mark, in words.", "Put into a review how {tone} the {food} from {town} {was}.", "Rate the {food} from {town}: {tone}."),
    continuations=("A {mark} review of the {food} from {town}:",),
)  # fmt: skip
_MARKS_OF = {"good": ("good", "positive", "friendly"), "bad": ("bad", "negative")}
_ONE, _MANY = dict(was="was", it="it", them="it"), dict(was="were", it="they", them="them")


def _numbered(food: object) -> dict[str, str]:
    return _ONE if food in ONE_MASS else _MANY


def _draw_review(rng: Random, facts: Facts) -> Slots:
    food, tone = rng.choice(lx.FOODS), rng.choice(("good", "bad"))
    words = _numbered(food)
    return dict(food=food, town=rng.choice(lx.TOWNS), tone=tone, mark=rng.choice(_MARKS_OF[tone]), was=words["was"], it=words["it"], It=words["it"].capitalize())  # fmt: skip


def _answer_review(slots: Slots, rng: Random) -> str:
    return REVIEW[str(slots["tone"])].say(
        rng, food=slots["food"], town=slots["town"], **_numbered(slots["food"])
    )


def _check_review(slots: Slots, body: str) -> Marks:
    said = {tone: form.match(body) for tone, form in REVIEW.items()}
    found = said["good"] or said["bad"]
    if not found:
        return WRONG
    named = [found["food"] == slots["food"], found["town"] == slots["town"]]
    if not any(named):
        return 0.5, 0.1
    agrees = all(found[name] in (None, word) for name, word in _numbered(found["food"]).items())
    return 1.0, 0.25 * sum(named) + 0.4 * bool(said[str(slots["tone"])]) + 0.1 * agrees


SKILLS = (
    Skill("story", "generation", 0.45, STORIES, _draw_story, _answer_story, _check_story, constrainable=True),
    Skill("describe", "generation", 0.17, _about_wordings, _draw_about, _answer_about, _check_about, constrainable=True),
    Skill("card", "generation", 0.18, CARD_WORDINGS, _draw_card, _answer_card, _check_card),
    Skill("review", "generation", 0.13, REVIEWS, _draw_review, _answer_review, _check_review, constrainable=True, opinion=True),
    Skill("poem", "generation", 0.07, POEMS, _draw_poem, lambda slots, rng: POEM.say(rng, x=slots["x"], one_x=slots["one"]), _check_poem),
)  # fmt: skip
