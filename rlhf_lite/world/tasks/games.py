"""Small games and puzzles: sums, counting, opposites, repeating, turning around, picking and comparing."""

from collections.abc import Iterable
from random import Random

from .. import lexicon as lx
from ..grammar import Form, capitalized, listed, say
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, lower_words

RIGHT: Marks = (1.0, 1.0)
TRIED: Marks = (0.5, 0.0)  # an answer of the right form that says something false
PARTLY: Marks = (0.5, 0.2)

NUMBER = r"\d+|" + "|".join(sorted(lx.NUMBERS, key=len, reverse=True))
VALUE = {word: i for i, word in enumerate(lx.NUMBERS)}
OWNED = tuple(food for food, one in lx.ONE_FOOD.items() if food != one) + (
    "books",
    "coins",
    "cups",
    "keys",
    "balls",
)
COMERS = ("ducks", "cows", "goats", "hens", "frogs", "crows", "horses", "friends", "children", "birds")
GROUPS = {
    "animals": lx.ANIMALS,
    "foods": lx.FOODS,
    "names": lx.PEOPLE,
    "colors": lx.COLORS,
    "things": lx.THINGS,
    "towns": lx.TOWNS,
    "words": lx.ANIMALS + lx.THINGS + lx.PLACES + lx.COLORS,
}


def _value(text: str) -> int | None:
    return int(text) if text.isdecimal() else VALUE.get(text.lower())


def _spelled(rng: Random, *numbers: int) -> list[str]:
    """The numbers, all in digits or all in words."""
    in_words = rng.random() < 0.4
    return [lx.NUMBERS[n] if in_words else str(n) for n in numbers]


def _read(forms: Iterable[Form], body: str) -> dict[str, str] | None:
    """What stands in the slots of the first form that fits."""
    for form in forms:
        found = form.match(body)
        if found is not None:
            return {name: text for name, text in found.items() if text is not None}
    return None


def _say_one(rng: Random, forms: tuple[Form, ...], **slots: object) -> str:
    return capitalized(say(rng, rng.choice(forms).template, slots | {"end": "."}))


def _forms(*templates: str, **kinds: str) -> tuple[Form, ...]:
    """Forms of one sentence each, whose stop may be missing."""
    return tuple(Form(template + "{end}", end=r"[.!]?", **kinds) for template in templates)


def _items(rng: Random, least: int, most: int) -> tuple[str, list[str]]:
    group = rng.choice(tuple(GROUPS))
    return group, rng.sample(sorted(set(GROUPS[group])), rng.randint(least, most))


def _list_slots(rng: Random, group: str, items: list[str]) -> Slots:
    """A list as people type it: with commas, with "and" or just one word after the other."""
    text = rng.choice((", ".join(items), ", ".join(items), listed(items), " ".join(items)))
    return {"items": items, "list": text, "group": group, "one": group.removesuffix("s")}


# --- sums

BARE = Wordings(
    plain=(
        "[What is|How much is] {sum}?",
        "[Work out|Calculate|Solve] {sum}.",
        "[Tell|Give] me the [answer|result] of {sum}.",
        "[Can|Could] you [solve|work out|calculate] {sum}[ for me|]?",
        "[I need|I would like] the [answer|result] of {sum}.",
        "[Answer|Solve] this [sum|exercise|question]: {sum}.",
    ),
    other=(
        "{sum}?",
        "{sum} = ?",
        "{sum} [is|makes|equals] [what|how much]?",
        "[My homework says|The teacher asks]: {sum}. [What is it|What do I write|How much is that]?",
        "[Do you know|Can you tell me] [how much|what] {sum} [is|makes]?",
        "[Help me|I need help] with {sum}[, please|].",
        "[A little|A quick|An easy] [sum|puzzle|exercise] for you: {sum}.",
        "[How much|What] do I get for {sum}?",
        "What does {sum} [make|give|come to]?",
        "[I can not|I never can] [do|work out] {sum}. [You do it.|Please tell me.|What is it?]",
        "[Result|Answer] of {sum}[, please|]?",
        "[I forgot|I do not know] what {sum} is. [Do you know?|Tell me.]",
    ),
    unseen=(
        "[Put|Write] the [right|missing] number: {sum} = [...|_].",
        "[Which|What] number [comes out|do we end up with] [if|when] [we do|you do] {sum}?",
        "[My grandson|My little girl] [struggles|is stuck] with {sum}. [What should it be|What is correct]?",
        "[Finish|Complete] this: {sum} = ",
    ),
)  # fmt: skip
GAIN = Wordings(
    plain=(
        "{who} {has} {a} {things} and {gets} {b} more. How many {things} {does} {who} have [now|]?",
        "{who} {has} {a} {things}. {friend} gives {whom} {b} more. How many {things} {does} {who} have?",
        "[Solve|Answer] this [puzzle|story]: {who} {has} {a} {things} and {gets} {b} more. How many in all?",
    ),
    other=(
        "[First|At first] {who} {has} {a} {things}, then {who} {gets} {b} more. How many [is that|now]?",
        "[If|When] {who} {has} {a} {things} and {gets} {b} more, [how many are there|how many is "
        "that] [in all|]?",
        "How many {things} {does} {who} have with {a} {things} [today|in a box] and {b} more "
        "[tomorrow|in a basket]?",
        "{A} {things} and {b} [more|] {things}. [How many|Total]?",
        "{friend} brings {b} {things}. {who} {has} {a} {things} [already|]. How many [together|in all]?",
    ),
    unseen=(
        "[Add up|Put together] {a} {things} and {b} {things}. [What is the total|What does it come to]?",
        "[In my basket|On the table] lie {a} {things}. {friend} puts {b} more there. [Count "
        "them.|How many lie there?]",
    ),
)  # fmt: skip
LOSS = Wordings(
    plain=(
        "{who} {has} {a} {things} and {gives} {friend} {b}. How many {things} {does} {who} have [left|now]?",
        "{who} {has} {a} {things}. {friend} takes {b}. How many {things} are left?",
        "[Solve|Answer] this [puzzle|story]: {who} {has} {a} {things} and {loses} {b}. How many are left?",
    ),
    other=(
        "[If|When] {who} {has} {a} {things} and {loses} {b}, how many are [left|still there]?",
        "How many {things} {does} {who} [still|] have, if there are {a} and {friend} takes {b}?",
        "{A} {things}, {b} [are lost|are gone|fall down]. How many [left|are left]?",
        "[First|At first] {who} {has} {a} {things}, but {friend} [steals|takes] {b}. [How many "
        "now|What is left]?",
    ),
    unseen=(
        "Take {b} {things} away from {a} {things}. [What remains|What stays]?",
        "[On the table|In my basket] lie {a} {things}, and {b} of them [roll|go] away. [Count the "
        "rest.|How many stay?]",
    ),
)  # fmt: skip
ARRIVE = Wordings(
    plain=(
        "There are {a} {things} in the {place}. {B} more come. How many {things} are there [now|]?",
        "{A} {things} are in the {place} and {b} more [come|join them]. How many are there [now|in all]?",
        "[Answer|Solve] this [story|puzzle]: {a} {things} play in the {place}, then {b} more come. How many?",
    ),
    other=(
        "I see {a} {things} [here|in the {place}] and {b} {things} [there|near the well]. How many "
        "[do I see|is that]?",
        "[If|When] {a} {things} meet {b} {things}, how many are [there|together]?",
        "{A} {things} in the {place}, {b} more come. [How many|Total]?",
        "How many {things} are in the {place} if there were {a} and {b} more came?",
    ),
    unseen=(
        "[Add|Put] {b} {things} to the {a} {things} in the {place}. What is the [total|number]?",
        "The {place} had {a} {things} [this morning|yesterday]. Since then it got {b} more. [Count "
        "them.|Total now?]",
    ),
)  # fmt: skip
LEAVE = Wordings(
    plain=(
        "There are {a} {things} in the {place}. {B} go away. How many {things} are [left|there now]?",
        "{A} {things} are in the {place} and {b} [leave|run away]. How many are left?",
        "[Answer|Solve] this [story|puzzle]: {a} {things} play in the {place}, then {b} go home. "
        "How many are left?",
    ),
    other=(
        "[If|When] {b} of {a} {things} [go home|leave], how many are [left|still there]?",
        "{A} {things} in the {place}, {b} go. [How many left|How many are left]?",
        "How many {things} are in the {place} if there were {a} and {b} [left|went away]?",
        "I saw {a} {things}. {B} of them went to the {place}. How many did not go?",
    ),
    unseen=(
        "The {place} had {a} {things} [this morning|yesterday]. It lost {b}. [What remains?|Count the rest.]",
        "Take {b} {things} out of the {place} with {a} {things}. [What remains|What stays]?",
    ),
)  # fmt: skip
SUMS = {"bare": (BARE, BARE), "own": (GAIN, LOSS), "come": (ARRIVE, LEAVE)}
RESULT = _forms("{n}", "[It is|That is|That makes|It makes|The answer is|The result is] {n}", n=NUMBER)
EQUATION = _forms("{a} [+|plus|and] {b} [=|is|makes|equals] {n}", "{a} [-|minus] {b} [=|is|makes|equals] {n}",
                  a=NUMBER, b=NUMBER, n=NUMBER)  # fmt: skip
OWNS = _forms(
    "{who} [now|] [has|have] {n} {things} [now|left|in all|]",
    "[That is|That makes|It is] {n} {things}",
    "{n} {things} [are left|in all|]",
    "There are {n} {things} [now|left|in all|]",
    n=NUMBER,
)


def draw_sum(rng: Random, facts: Facts) -> Slots:
    kind = rng.choice(("bare", "bare", "own", "come"))
    minus = rng.random() < 0.45
    small, rest = (
        (rng.randint(1, 9), rng.randint(1, 10)) if kind == "bare" else (rng.randint(2, 9), rng.randint(2, 9))
    )
    a, b, n = (small + rest, small, rest) if minus else (rest, small, small + rest)
    said_a, said_b = _spelled(rng, a, b)
    signs = ("-", "minus") if minus else ("+", "plus")
    sign = rng.choice(signs) if said_a.isdecimal() else signs[1]
    who, friend = rng.sample(lx.PEOPLE, 2)
    mine = rng.random() < 0.4
    return {
        "kind": kind,
        "minus": minus,
        "n": n,
        "a": said_a,
        "b": said_b,
        "A": capitalized(said_a),
        "B": capitalized(said_b),
        "sum": f"{said_a} {sign} {said_b}",
        "who": "I" if mine else who,
        "whom": "me" if mine else "her" if who in lx.WOMEN else "him",
        "friend": friend,
        "has": "have" if mine else "has",
        "gets": "get" if mine else "gets",
        "gives": "give" if mine else "gives",
        "loses": "lose" if mine else "loses",
        "does": "do" if mine else "does",
        "things": rng.choice(COMERS if kind == "come" else OWNED),
        "place": rng.choice(("field", "garden", "barn", "meadow")),
    }


def answer_sum(slots: Slots, rng: Random) -> str:
    a, b, n = _value(slots["a"]), _value(slots["b"]), slots["n"]
    said_a, said_b, said_n = _spelled(rng, a, b, n)
    if rng.random() < 0.4:
        return _say_one(rng, RESULT, n=said_n)
    if slots["kind"] == "bare":
        sign, spoken = ("-", "minus") if slots["minus"] else ("+", "plus")
        sign, equals = (sign, "=") if said_n.isdecimal() else (spoken, "is")
        return capitalized(f"{said_a} {sign} {said_b} {equals} {said_n}.")
    if slots["kind"] == "own" and rng.random() < 0.5:
        who = "You have" if slots["who"] == "I" else f"{slots['who']} has"
        return f"{who} {said_n} {slots['things']}{rng.choice((' now', ''))}."
    return capitalized(say(rng, "[There are {n} {things}|There are {n} {things} now|{n} {things}].",
                           {"n": said_n, "things": slots["things"]}))  # fmt: skip


def check_sum(slots: Slots, body: str) -> Marks:
    found = _read(RESULT + EQUATION, body)
    if found is None and slots["kind"] != "bare":
        found = _read(OWNS, body)
        owner = {"you", "she", "he", "they", "we", slots["who"].lower()} - {"i"}
        if found and (
            found["things"].lower() != slots["things"] or found.get("who", "they").lower() not in owner
        ):
            return WRONG
    if found is None:
        return WRONG
    if "a" in found:
        asked, told = (_value(slots["a"]), _value(slots["b"])), (_value(found["a"]), _value(found["b"]))
        takes_away = "-" in body or "minus" in body.lower()
        if takes_away != slots["minus"] or not (told == asked or not takes_away and told == asked[::-1]):
            return TRIED
    return RIGHT if _value(found["n"]) == slots["n"] else TRIED


# --- counting

COUNT_TO = Wordings(
    plain=(
        "[Count|Please count] [from {start} |]to {n}.",
        "[Can|Could] you count [from {start} |]to {n}[ for me|]?",
        "[Write|List|Give me|Tell me] the numbers from {start} to {n}.",
        "[Write|Say] [all|] the numbers up to {n}[, one after the other|].",
        "[I want|I would like] you to count to {n}.",
        "[List|Name] [all|] numbers between {start} and {n}, with {start} and {n}.",
    ),
    other=(
        "[Let us|We] count to {n}. [You start|You begin|Go]!",
        "[Numbers|Counting] {start} to {n}[, please|].",
        "[Do you know how to|Are you able to] count to {n}? [Show me|Do it].",
        "[My son|My daughter|The child] wants to [hear|see] [you|somebody] count to {n}.",
        "[We play hide and seek|I hide now]. [Count|You count] to {n}.",
        "[Start at|Begin with] {start} and [count|go] [up|] to {n}.",
        "[I need|Give me] [all|] [numbers|the numbers] {start} to {n} in order.",
        "[How do I|How do you|How does one] count [from {start} |]to {n}?",
    ),
    unseen=(
        "[Run through|Go through] the numbers till you [reach|come to] {n}.",
        "{start}, [and so on|and on] until {n}: [fill in|put down] the [whole row|numbers].",
        "[Which|What] numbers [do I say|come] on the way from {start} to {n}[, both included|, with "
        "both ends]?",
    ),
)  # fmt: skip
COUNT = Wordings(
    plain=(
        "How many {group} are [in this list|here]: {list}?",
        "Count the {group}[ in this list|]: {list}.",
        "[Tell|Write] me how many {group} [there are|I have here]: {list}.",
        "{list}. How many {group} are [that|there|in this list]?",
        "[Can|Could] you count [these|the] {group}[ for me|]: {list}?",
        "What is the number of {group} in [this|the] list: {list}?",
        "[I want|I would like] to know how many {group} these are: {list}.",
    ),
    other=(
        "How many {group}? {list}.",
        "{list}: how many [{group}|{group} is that]?",
        "[I have|Here is] a list: {list}. [Count the {group}.|How many {group} are there?]",
        "[Number|Count] of {group}[, please|]: {list}.",
        "[My list says|I wrote] {list}. How many {group} did I [write|name|list]?",
        "[Please do|Do] the counting for me. How many {group}: {list}?",
        "[I need|Give me] the number of {group} here: {list}.",
        "[Look at|Read] this: {list}. How many {group} [do you see|can you find|did you read]?",
        "If I say {list}, how many {group} [have I said|is that]?",
    ),
    unseen=(
        "[How long|How big] is this list of {group}: {list}?",
        "[Size|Total] of [this|my] list of {group}: {list}?",
        "{list}. [Put the {group} into a number|Sum up the {group} as a number].",
        "[Are there few or many {group} here|What do the {group} here add up to]: {list}? [Only the "
        "number|In a number].",
    ),
)  # fmt: skip
COUNTED = _forms("There are {n} {group} [in the list|in this list|here|]", "[I count|I see] {n} {group}",
                 "[That is|That are|These are|It is|You have] {n} {group}", "{n} {group}", "I count {n}",
                 "The list has {n} {group}", n=NUMBER)  # fmt: skip


def draw_count_to(rng: Random, facts: Facts) -> Slots:
    top = rng.randint(3, 12)
    start, n = _spelled(rng, 1, top)
    return {"start": start, "n": n, "top": top}


def answer_count_to(slots: Slots, rng: Random) -> str:
    numbers = _spelled(rng, *range(1, slots["top"] + 1))
    return capitalized(
        rng.choice((", ".join(numbers), ", ".join(numbers), " ".join(numbers), listed(numbers))) + "."
    )


def check_count_to(slots: Slots, body: str) -> Marks:
    want = list(range(1, slots["top"] + 1))
    got = [_value(word) for word in lower_words(body) if word != "and"]
    if None in got or len(got) < 2 or got[0] != 1:
        return WRONG
    if got == want:
        return RIGHT
    same = sum(x == y for x, y in zip(want, got, strict=False))
    return PARTLY if same >= 0.6 * max(len(want), len(got)) else TRIED


def draw_count(rng: Random, facts: Facts) -> Slots:
    slots = _list_slots(rng, *_items(rng, 2, 7))
    if rng.random() < 0.3:
        slots["group"] = "words"
    return slots


def answer_count(slots: Slots, rng: Random) -> str:
    (n,) = _spelled(rng, len(slots["items"]))
    forms = RESULT[:1] + COUNTED[:2] + COUNTED[3:5] if rng.random() < 0.7 else RESULT[:1]
    return _say_one(rng, (rng.choice(forms),), n=n, group=slots["group"])


def check_count(slots: Slots, body: str) -> Marks:
    found = _read(RESULT + COUNTED, body)
    if found is None or found.get("group", slots["group"]).lower() not in (slots["group"], "words", "items"):
        return WRONG
    return RIGHT if _value(found["n"]) == len(slots["items"]) else TRIED


# --- opposites

OPPOSITE = Wordings(
    plain=(
        "What is the opposite of {word}?",
        "[Tell|Give] me the opposite of {word}.",
        "[Name|Write|Say] the opposite of {the}{word}.",
        "[Can|Could] you [tell me|name|give me] the opposite of {word}?",
        "[Find|Write] a word that means the opposite of {word}.",
        "[I need|I am looking for] the opposite of {the}{word}.",
        "[Which|What] word is the opposite of {word}?",
    ),
    other=(
        "Opposite of {word}[, please|]?",
        "{word}: [opposite|what is the opposite]?",
        "[What is|What do you call|What do we say for] [the opposite|the other end] of {the}{word}?",
        "If something is not {word}, but the opposite, what is it?",
        "[We play|Let us play] opposites. I say {word}. [What do you say?|You say.]",
        "[My homework|The teacher] asks for the opposite of {word}. [Help me.|What do I write?]",
        "[Do you know|I forgot] [the|a word for the] opposite of {word}. [Tell me.|What is it?]",
        "[I have|Here is] a word: {word}. [What is its opposite?|Give me its opposite.]",
        "[Turn|Change] {word} into its opposite.",
        "Is there an opposite of {word}? [Which|What is it]?",
    ),
    unseen=(
        "[Not|It is not] {word} [at all|], just the [contrary|reverse]: [which word|what is it]?",
        "[Which|What] word [means the reverse of|says the contrary of|stands against] {word}?",
        "{word} and [...|its counterpart]: [fill in|complete] the pair of opposites.",
    ),
)  # fmt: skip
OPPOSITE_WORDS: dict[str, set[str]] = {}
for _x, _y in lx.OPPOSITES.items():
    OPPOSITE_WORDS.setdefault(_x, set()).add(_y)
    OPPOSITE_WORDS.setdefault(_y, set()).add(_x)
OPPOSITE_ANSWERS = _forms("{o}", "[It is|That is|The answer is|The word is|The opposite is] {o}",
                          "The opposite of {source} is {o}", "{o} is the opposite of {source}")  # fmt: skip


def draw_opposite(rng: Random, facts: Facts) -> Slots:
    source = rng.choice(tuple(OPPOSITE_WORDS))
    return {
        "source": source,
        "word": rng.choice((source, source, f'"{source}"')),
        "the": rng.choice(("", "the word ")),
    }


def answer_opposite(slots: Slots, rng: Random) -> str:
    opposite = rng.choice(sorted(OPPOSITE_WORDS[slots["source"]]))
    return _say_one(rng, OPPOSITE_ANSWERS, o=opposite, source=slots["source"])


def check_opposite(slots: Slots, body: str) -> Marks:
    found = _read(OPPOSITE_ANSWERS, body.replace('"', ""))
    if found is None or found.get("source", slots["source"]).lower() != slots["source"]:
        return WRONG
    right = OPPOSITE_WORDS[slots["source"]]
    got = found["o"].lower()
    if got in right or any(lx.SAME.get(word) == got for word in right):
        return RIGHT
    return TRIED if got in OPPOSITE_WORDS else WRONG


# --- repeating

ONCE = Wordings(
    plain=(
        "[Repeat|Say] after me: {text}",
        "[Repeat|Say] [this|the following|these words]: {text}",
        "[Write|Copy] [this|the following][ down|]: {text}",
        "[Can|Could] you [repeat|say] this[ for me|]: {text}",
        "[I want|I would like] you to [repeat|say|write] this: {text}",
        "[Write|Say] exactly [this|what I write]: {text}",
    ),
    other=(
        "[Repeat|Say it after me|Say it again]: {text}",
        "{text} [Repeat that|Now repeat|Say this again|Now you].",
        "[Let us play parrot|Be my echo|You are my echo]. I say: {text}",
        "[Say|Write] nothing but this: {text}",
        "[Just|Only] [repeat|copy|say] this[ sentence| text|]: {text}",
        "[What did I say|What did I just say|Which words did I say]? I said: {text}",
        "[My child|My son] wants you to [say|repeat]: {text}",
        "[I say something and you say it too|Say what I say]: {text}",
    ),
    unseen=(
        "[Parrot|Echo|Mirror] [this|me]: {text}",
        "[Send|Give] [this|it] back [to me|] [as it is|without a change]: {text}",
        "[Your reply must be|Let your answer be|Your whole answer should read]: {text}",
    ),
)  # fmt: skip
TIMES = Wordings(
    plain=(
        "[Write|Say|Repeat] the word {text} {times}[ for me|].",
        "[Repeat|Say] {text} {times}.",
        "[Can|Could] you [say|write|repeat] {text} {times}?",
        "[I want|I would like] you to [say|write] {text} {times}.",
    ),
    other=(
        "{text}, {times}[, please|].",
        "[I need|Give me] the word {text} {times}.",
        "[Here is|I have] a word: {text}. [Say|Write|Repeat] it {times}.",
        "Say {times} the word {text}.",
        "[The teacher wants me to|I must] write {text} {times}. [Do it for me.|Can you do it?]",
    ),
    unseen=(
        "[Put|Type] {text} [on the paper|down] {times}.",
        "[Fill|Make] a line with {text}, {times}.",
    ),
)  # fmt: skip
SAYINGS = (
    "The {animal} is near the {place}.",
    "{name} has a {color} {thing}.",
    "I like the {color} {thing}.",
    "My {animal} sleeps near the {place}.",
    "{name} likes the {animal}.",
    "{animal}, {thing}, {place}.",
    "Good morning, {name}.",
    "{color} {animal}, {color} {thing}.",
    "The {thing} is {color}.",
)


def draw_repeat(rng: Random, facts: Facts) -> Slots:
    words = {
        "animal": rng.choice(lx.ANIMALS),
        "place": rng.choice(lx.PLACES),
        "name": rng.choice(lx.PEOPLE),
        "color": rng.choice([c for c in lx.COLORS if c != "orange"]),
        "thing": rng.choice(lx.THINGS),
    }
    if rng.random() < 0.6:
        return {"text": capitalized(say(rng, rng.choice(SAYINGS), words)), "n": 1, "times": ""}
    n = rng.choice((2, 3, 3, 4))
    times = "twice" if n == 2 else rng.choice((f"{n} times", f"{lx.NUMBERS[n]} times"))
    return {"text": words[rng.choice(tuple(words))], "n": n, "times": times}


def answer_repeat(slots: Slots, rng: Random) -> str:
    if slots["n"] == 1:
        return slots["text"]
    return capitalized(rng.choice((", ", ", ", " ")).join([slots["text"]] * slots["n"]) + ".")


def check_repeat(slots: Slots, body: str) -> Marks:
    want, got = lower_words(slots["text"]), lower_words(body)
    if got == want * slots["n"]:
        return RIGHT
    times, rest = divmod(len(got), len(want))
    return PARTLY if times and not rest and times < 10 and got == want * times else WRONG


# --- turning around

BACKWARDS = Wordings(
    plain=(
        "[Write|Say] these [words|three words] backwards: {list}.",
        "[Turn|Put] [this list|these words] around: {list}.",
        "[Write|Give me|Say] [this list|these words] in [reverse|backward] order: {list}.",
        "[Can|Could] you [turn around|reverse] [this list|these words]: {list}?",
        "[Reverse|Turn around] the [list|order of the words]: {list}.",
        "[Start with the last word|Begin with the last word] and end with the first: {list}.",
    ),
    other=(
        "{list}. [Now backwards|Backwards, please|The other way around, please].",
        "[I say|I have|Here is my list]: {list}. [Say it backwards|Turn it around|Now you say it backwards].",
        "[Backwards|Reverse order|The other way around]: {list}.",
        "[I need|I want] [this list|these words] [backwards|the other way around]: {list}.",
        "[What is|How does] {list} [backwards|the other way around]?",
        "[Let us play|We play] a game. You say my words backwards: {list}.",
        "[My list is|The words are] in the wrong order. [Turn them around|Last one first]: {list}.",
        "The last [word|one] [should come|must be] first and the first [word|one] last: {list}.",
    ),
    unseen=(
        "[Flip|Mirror] [this|the list]: {list}.",
        "[Read|Go through] [this|the list] from [the end|right to left]: {list}. What do you [get|read]?",
        "[Swap the two ends of|Exchange first and last in] this list: {list}.",
    ),
)  # fmt: skip


def draw_backwards(rng: Random, facts: Facts) -> Slots:
    return _list_slots(rng, *_items(rng, 3, 3))


def answer_backwards(slots: Slots, rng: Random) -> str:
    items = slots["items"][::-1]
    return capitalized(rng.choice((", ".join(items), ", ".join(items), listed(items), " ".join(items))) + ".")


def check_backwards(slots: Slots, body: str) -> Marks:
    want = [word.lower() for word in reversed(slots["items"])]
    got = [word for word in lower_words(body) if word != "and"]
    if got == want:
        return RIGHT
    return TRIED if sorted(got) == sorted(want) else WRONG


# --- picking

PICK = Wordings(
    plain=(
        "What is the {which} {one} [in this list|here]: {list}?",
        "[Write|Tell me|Give me|Say] the {which} {one}[ of this list|]: {list}.",
        "[Which|What] {one} [is|comes] {which} [in this list|here]: {list}?",
        "[Can|Could] you [find|name|tell me] the {which} {one}: {list}?",
        "{list}. [What|Which] is the {which} {one}?",
        "[Name|Pick] the {which} {one} [in|of|from] this list: {list}.",
    ),
    other=(
        "{which} {one}[, please|]: {list}.",
        "{list}: [which is the {which}|the {which} one|{which} one]?",
        "[I need|I want] only the {which} {one}: {list}.",
        "[Here is|I have] a list: {list}. [Take|Give me|Tell me] the {which} {one}.",
        "[Look at|Read] this: {list}. What is the {which} {one} [you see|you read|]?",
        "[I said|I wrote] {list}. What was the {which} {one}?",
        "[Do you see|Can you see] the {which} {one} [in|of] {list}? [Write it.|Say it.|Which is it?]",
        "[Answer with|Write just] the {which} {one}: {list}.",
    ),
    unseen=(
        "[Keep|Leave] [only|just] the {which} {one} and [drop|throw away] the rest: {list}.",
        "[Fetch|Pull out] number {which_number} [of|from] [this|my] list: {list}.",
        "[Which|What] {one} [stands|sits] in {which} [place|position]: {list}?",
    ),
)  # fmt: skip
PLACE = {"first": 0, "second": 1, "third": 2, "last": -1}
PICKED = _forms(
    "{v}",
    "[It is|That is|The answer is] [the|] {v}",
    "The {which} {one} is {v}",
    "The {which} one is {v}",
    "{v} is the {which} {one}",
    "{v} [is|comes] {which}",
)


def draw_pick(rng: Random, facts: Facts) -> Slots:
    slots = _list_slots(rng, *_items(rng, 3, 5))
    which = rng.choice(("first", "first", "second", "third", "last", "last"))
    number = len(slots["items"]) if which == "last" else PLACE[which] + 1
    return slots | {"which": which, "which_number": number, "one": rng.choice((slots["one"], "word"))}


def answer_pick(slots: Slots, rng: Random) -> str:
    value = slots["items"][PLACE[slots["which"]]]
    return _say_one(
        rng, PICKED[:1] + PICKED[:1] + PICKED[2:5], v=value, which=slots["which"], one=slots["one"]
    )


def check_pick(slots: Slots, body: str) -> Marks:
    found = _read(PICKED, body.replace('"', ""))
    if found is None or found.get("which", slots["which"]) != slots["which"]:
        return WRONG
    if found.get("one", "word") not in ("word", "one", "thing", slots["group"].removesuffix("s")):
        return WRONG
    got = found["v"].lower()
    if got == slots["items"][PLACE[slots["which"]]].lower():
        return RIGHT
    return TRIED if got in {item.lower() for item in slots["items"]} else WRONG


# --- comparing

BIGGER = Wordings(
    plain=(
        "[Which|What] is {more}, {x} or {y}?",
        "[Which|What] [number|one] is {more}: {x} or {y}?",
        "[Tell me|Write|Say] [which number|which one] is {more}, {x} or {y}.",
        "[Can|Could] you tell me which is {more}, {x} or {y}?",
        "[Name|Give me|Pick|Write] the {more} [number|one]: {x} or {y}.",
        "[I want|I would like] to know which number is {more}, {x} or {y}.",
    ),
    other=(
        "{x} or {y}, [which|what] is {more}?",
        "{more} [number|one]: {x} or {y}?",
        "[I have|Here are] two numbers, {x} and {y}. [Which is {more}?|Tell me the {more} one.]",
        "Is {x} {more} or is {y} {more}?",
        "[Compare|Look at] {x} and {y}. Which [number|one] is {more}?",
        "[Who wins|Which wins], {x} or {y}, if the {more} number wins?",
        "[Which|What] is the {more} number of {x} and {y}?",
        "[I need|Find] the {more} one of {x} and {y}.",
        "[My son|My daughter] asks if {x} or {y} is {more}. [What do I say|Which is it]?",
    ),
    unseen=(
        "[Put|Hold] {x} next to {y}: [which|what] one [turns out|seems] {more}?",
        "[Choose|Circle] the {more} [of the two|one of the pair]: {x}, {y}.",
        "Between {x} and {y}, [which would you call|what counts as] {more}?",
    ),
)  # fmt: skip
OLDER = Wordings(
    plain=(
        "Who is {more}: {p} is {x} and {q} is {y}?",
        "{p} is {x} [years old|] and {q} is {y}[ years old|]. Who is {more}?",
        "[Tell me|Write|Say] who is {more}: {p} is {x} and {q} is {y}.",
        "[Can|Could] you tell me who is {more}? {p} is {x} and {q} is {y}.",
        "[Name|Find] the {more} [child|one]: {p} is {x} and {q} is {y}.",
    ),
    other=(
        "{p} {x}, {q} {y}. Who is {more}?",
        "[If|When] {p} is {x} and {q} is {y}, who is {more}?",
        "Is {p} {more} or {q}? {p} is {x} and {q} is {y}.",
        "[My children are|I have two children:] {p}, {x}, and {q}, {y}. [Which is {more}|Who is the "
        "{more} one]?",
        "{p} is {x}. {q} is {y}. [Which of them|Which one|Which child] is {more}?",
        "[I need|Give me] the {more} one: {p} is {x}, {q} is {y}.",
    ),
    unseen=(
        "{p} [turns|just turned] {x} and {q} [turns|just turned] {y}. [Pick|Point at] the {more} one.",
        "Between {p} ({x}) and {q} ({y}), [whom would you call|who counts as] {more}?",
    ),
)  # fmt: skip
RICHER = Wordings(
    plain=(
        "{p} has {x} {things} and {q} has {y} {things}. Who has {more}[ {things}|]?",
        "Who has {more} {things}: {p} has {x} and {q} has {y}?",
        "[Tell me|Write|Say] who has {more} {things}: {p} has {x} and {q} has {y}.",
        "[Can|Could] you tell me who has {more}? {p} has {x} {things} and {q} has {y}.",
    ),
    other=(
        "{p} {x} {things}, {q} {y} {things}. Who has {more}?",
        "[If|When] {p} has {x} {things} and {q} has {y}, who has {more}?",
        "Does {p} have {more} {things} or {q}? {p} has {x} and {q} has {y}.",
        "{p} got {x} {things}. {q} got {y}. [Which of them|Which child] has {more}?",
        "{p} and {q} [count|show] their {things}, {x} and {y}. Who has {more}?",
    ),
    unseen=(
        "{x} {things} belong to {p} and {y} to {q}. [Whose pile has|Which of the two owns] {more}?",
        "[Point at|Pick] the one with {more} {things}: {p} holds {x}, {q} holds {y}.",
    ),
)  # fmt: skip
COMPARE = {"number": (BIGGER, ("bigger", "larger", "greater"), ("smaller",)),
           "age": (OLDER, ("older",), ("younger",)),
           "amount": (RICHER, ("more",), ("fewer", "less"))}  # fmt: skip
SAME_MORE = {"larger": "bigger", "greater": "bigger", "less": "fewer"}
COMPARED = {
    "number": _forms(
        "{v}",
        "{v} is {more}",
        "{v} is {more} than {w}",
        "The {more} [number|one] is {v}",
        "It is {v}",
        "{v} is the {more} [number|one]",
    ),
    "age": _forms("{v}", "{v} is {more}", "{v} is {more} than {w}", "The {more} one is {v}", "It is {v}"),
    "amount": _forms(
        "{v}",
        "{v} has {more}",
        "{v} has {more} {things}",
        "{v} has {more} {things} than {w}",
        "It is {v}",
        "{v} has {more} than {w}",
        "{v} does",
    ),
}


def draw_compare(rng: Random, facts: Facts) -> Slots:
    kind = rng.choice(("number", "age", "amount"))
    numbers = rng.sample(range(2, 20 if kind != "amount" else 13), 2)
    x, y = _spelled(rng, *numbers)
    up = rng.random() < 0.6
    names = rng.sample(lx.PEOPLE, 2)
    sides = [x, y] if kind == "number" else names
    wins = 0 if (numbers[0] > numbers[1]) == up else 1
    more = rng.choice(COMPARE[kind][1 if up else 2]) if kind != "amount" or up else "fewer"
    return {"kind": kind, "x": x, "y": y, "p": names[0], "q": names[1], "more": more, "win": sides[wins],
            "lose": sides[1 - wins], "things": rng.choice(OWNED)}  # fmt: skip


def answer_compare(slots: Slots, rng: Random) -> str:
    return _say_one(rng, COMPARED[slots["kind"]][:4], v=slots["win"], w=slots["lose"], more=slots["more"],
                    things=slots["things"])  # fmt: skip


def _key(text: str) -> object:
    """A number, however spelled, or a name."""
    value = _value(text)
    return text.lower() if value is None else value


def check_compare(slots: Slots, body: str) -> Marks:
    found = _read(COMPARED[slots["kind"]], body)
    if found is None or found.get("things", slots["things"]) != slots["things"]:
        return WRONG
    win, lose, got = _key(slots["win"]), _key(slots["lose"]), _key(found["v"])
    if got not in (win, lose):
        return WRONG
    more = found.get("more", slots["more"])
    if SAME_MORE.get(more, more) != SAME_MORE.get(slots["more"], slots["more"]):
        return TRIED
    return RIGHT if got == win and _key(found.get("w", slots["lose"])) == lose else TRIED


def _skill(name: str, share: float, *parts: object, closed_domain: bool = True) -> Skill:
    return Skill(name, "other", share, *parts, closed_domain=closed_domain)


SKILLS = (
    _skill("sum", 0.2, lambda slots: SUMS[slots["kind"]][slots["minus"]], draw_sum, answer_sum, check_sum),
    _skill("count_to", 0.06, COUNT_TO, draw_count_to, answer_count_to, check_count_to, closed_domain=False),
    _skill("count", 0.1, COUNT, draw_count, answer_count, check_count),
    _skill("opposite", 0.12, OPPOSITE, draw_opposite, answer_opposite, check_opposite, closed_domain=False),
    _skill(
        "repeat",
        0.07,
        lambda slots: TIMES if slots["times"] else ONCE,
        draw_repeat,
        answer_repeat,
        check_repeat,
    ),
    _skill("backwards", 0.08, BACKWARDS, draw_backwards, answer_backwards, check_backwards),
    _skill("pick", 0.1, PICK, draw_pick, answer_pick, check_pick),
    _skill(
        "compare", 0.12, lambda slots: COMPARE[slots["kind"]][0], draw_compare, answer_compare, check_compare
    ),
)
