"""Lists, numbered: of anything in the country, and of what to buy, take along, do, give, cook or be called; and
advice."""

import re
from functools import cache
from random import Random

from .. import lexicon as lx
from ..grammar import Form, a, capitalized, numbered, say
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, sentences

# --- lists --------------------------------------------------------------------------------------------------

LISTS = Wordings(
    plain=("List {number} {category}.", "[Give|Tell|Show] me {number} {category}.", "Name {number} {category}.", "I need [a list of |]{number} {category}.",
           "Write down {number} {category}[ for {name}|].", "Give me {number} ideas for {category}.", "Make a list of {number} {category}.",
           "{name} wants a list of {number} {category}."),
    other=("[Can|Could|Would] you [think of|name|list|write down|tell me|find] {number} {category}[ for a {event}|]?", "{number} {category}[, please|]",
           "[Which|What] {number} {category} do you know?", "We [need|want|look for] {number} {category} for the {event}[ of {name}|].", "Help [me|us|{name}] find {number} {category}.",
           "I [want|would like|have] to [learn|know|write down] {number} {category}.", "Do you know {number} {category}?", "[Say|Write|Type] {number} {category}[ in a list|].",
           "My [teacher|mother|son] asks for {number} {category}.", "A list of {number} {category} would be [nice|great|helpful].", "[Just|Only] {number} {category}[, that is all|].",
           "I can not think of {number} {category}. Can you?", "For my {event} I need {number} {category}.", "list {number} {category}", "Let us collect {number} {category}."),
    unseen=("Fill a page with {number} {category}.", "[Pick|Choose] {number} {category} for me.", "What would be {number} good {category} to begin with?", "My list of {category} is short. Add {number} {category}."),
    continuations=("My {number} favorite {category}:", "{number} {category}:"),
)  # fmt: skip
SOME = ("some", "a few", "")
FEWEST, MOST = 3, 7  # items of a list without a number


def _draw_list(rng: Random, facts: Facts) -> Slots:
    category = rng.choice(tuple(lx.CATEGORIES))
    n = rng.choice((0, 2, 3, 3, 4, 5, 6))
    n = min(n, len(set(lx.CATEGORIES[category])))
    said = rng.choice(lx.SYNONYMS.get(category, [category])).replace("_", " ")
    number = rng.choice((lx.NUMBERS[n], lx.NUMBERS[n], str(n))) if n else rng.choice(SOME)
    return dict(
        members=category,
        category=said,
        n=n,
        number=number,
        name=rng.choice(lx.PEOPLE),
        event=rng.choice(lx.EVENTS),
    )


def _answer_list(slots: Slots, rng: Random) -> str:
    """In alphabetical order, as people here write it: a small model that has to remember what it said repeats
    itself, one that only has to go on in the alphabet does not. The check does not mind the order."""
    members = sorted(set(MEMBERS[str(slots["members"])]))
    return numbered(sorted(rng.sample(members, min(int(slots["n"]) or FEWEST, len(members)))))


def _items(body: str) -> list[str]:
    """The items of a list, one a line with its number or without, or all in one line: "a fox, a hen and a
    cow"."""
    lines = [line.strip() for line in body.strip().split("\n")]
    if len(lines) == 1 and not re.match(r"1[.)]", body.strip()):
        lines = re.split(r",? and |, ", lines[0])
    elif all(re.match(rf"{i}[.)] ", line) for i, line in enumerate(lines, 1)):
        lines = [line.split(" ", 1)[1] for line in lines]
    return [re.sub(r"^(?:an?|the|some) ", "", line.lower()).rstrip(".") for line in lines]


@cache
def _names(members: str) -> dict[str, str]:
    """What each member of a list can be called: singular or plural, "rice with beans" or "rice and beans"."""
    names: dict[str, str] = {}
    for member in MEMBERS[members]:
        many, one = lx.PLURALS.get(member, f"{member}s"), lx.ONE_FOOD.get(member, member.removesuffix("s"))
        names |= {said.lower(): member for said in (many, one, member.replace(" with ", " and "))}
    return names | {member.lower(): member for member in MEMBERS[members]}


def _check_list(slots: Slots, body: str) -> Marks:
    items, names = _items(body), _names(str(slots["members"]))
    good = {names[item] for item in items if item in names}
    wanted = int(slots["n"])
    fits = len(items) == wanted if wanted else FEWEST <= len(items) <= MOST
    if len(good) == len(items) and fits:
        return 1.0, 1.0
    if not good and not body.startswith("1"):
        return WRONG
    return 1.0, 0.25 * min(1.0, len(good) / max(wanted, len(items)))


# --- lists of what to buy, to take along, to do, to give ----------------------------------------------------

GIFTS = tuple(
    "book cup hat kite lamp cake flute basket candle ball ring mirror clock drum scarf picture toy".split()
)
_SOUPS = tuple(f"{x} soup" for x in ("potato", "tomato", "onion", "carrot", "bean", "fish"))
_MAINS, _SIDES = ("rice", "fish", "potatoes", "eggs"), ("butter", "tomatoes", "carrots", "onions", "beans")
DINNERS = (*_SOUPS, *(f"{main} with {side}" for main in _MAINS for side in _SIDES))
_INSIDE = ("read a book", "draw a picture", "play a game", "bake a cake", "sing a song", "write a letter", "tell stories", "cook a soup",
           "clean the house", "paint a picture", "listen to music", "call a friend", "learn a poem", "play with the cat")  # fmt: skip
_OUTSIDE = ("swim in the lake", "go for a walk", "play with a ball", "fly a kite", "work in the garden", "ride a horse", "climb a hill",
            "sit in the meadow", "eat in the garden", "pick berries", "visit a farm", "run in the field")  # fmt: skip
_HELP = ("wash the plates", "clean the kitchen", "cook dinner", "carry the bags", "feed the animals", "go to the market", "wash the windows",
         "make the beds", "bring in the wood", "work in the garden", "bake bread")  # fmt: skip
_PETS = ("Lucky", "Snow", "Star", "Shadow", "Honey", "Sunny", "Storm", "Prince", *lx.PEOPLE)
_HERS = ("mother", "aunt", "grandmother", "sister", "daughter")
_HIS = ("father", "uncle", "grandfather", "brother", "son")
# For each: who or what {x} can be, a question, the same after "I do not know", the list's name, what one item is
# called, and the items. "{her}" is "her" or "his".
SCENES: dict[str, tuple[tuple[str, ...], str, str, str, str, tuple[str, ...]]] = {
    "shopping": (("market", "shop", "store"), "What [should|can|must] I [buy|get] at the {x}", "what to [buy|get] at the {x}",
                 "things [to buy at the {x}|for my shopping list]", "things", (*lx.FOODS, "sugar", "tea", "salt", "meat", "soap", "paper")),
    "trip": (("on a trip", "on a long trip", "on our trip", "on a trip to {town}"), "What [should|can|must] [I|we] [take|bring|pack|carry with us] {x}",
             "what to [take|bring|pack] {x}", "things to [take|bring|pack] {x}", "things",
             ("map", "hat", "coat", "rope", "lamp", "book", "water", "bread", "towel", "blanket", "tent", "knife", "money", "soap", "apples", "cheese", "shoes", "bag")),
    "school": (("to school",), "What [should|must] [I|my {child}|the children] [take|bring] {x}", "what to [take|bring|carry] {x}",
               "things to [take|bring] {x}", "things", ("book", "pen", "pencil", "paper", "bag", "apple", "bread", "water", "cup", "coat")),
    "party": (("party", "birthday party", "festival"), "What do [I|we] need for the {x}", "what we need for the {x}", "things for the {x}", "things",
              ("cake", "candles", "music", "chairs", "tables", "games", "flowers", "drinks", "songs", "plates", "cups", "pie", "cards")),
    "rain": (("on a rainy day", "when it rains", "at home on a cold day", "on a stormy day"), "What can [I|we|my children] do {x}", "what to do {x}",
             "things to do {x}", "things", _INSIDE),
    "sun": (("on a sunny day", "in summer", "in the sun", "on a warm day"), "What can [I|we|my children] do outside {x}", "what to do outside {x}",
            "things to do outside {x}", "things", _OUTSIDE),
    "help": ((*_HERS[:3], *_HIS[:3]), "[How can I help my {x}|What can I do to help my {x}]", "how to help my {x}", "[ways|things I can do] to help my {x}", "ways", _HELP),
    "pet": (("cat", "dog", "rabbit", "hamster", "pony", "turtle"), "What [can|should|could] [I [call|name] my|we [call|name] our] [new |]{x}", "what to [call|name] my [new |]{x}",
            "names for [a|my|our] [new |]{x}", "names", _PETS),
    "girl": (("girl", "baby girl", "daughter"), "What [can|should|could] we [call|name] our {x}", "what to [call|name] our {x}",
             "names for [a|our] {x}", "names", tuple(p for p in lx.PEOPLE if p in lx.WOMEN)),
    "boy": (("boy", "baby boy", "son"), "What [can|should|could] we [call|name] our {x}", "what to [call|name] our {x}",
            "names for [a|our] {x}", "names", tuple(p for p in lx.PEOPLE if p not in lx.WOMEN)),
    "present": ((*_HERS, *_HIS), "What [can|should|could] I [give|buy|get] my {x}[ for {her} birthday|]", "what to [give|buy|get] my {x}[ for {her} birthday|]",
                "[presents|gifts|present ideas|ideas for a present] for my {x}[ for {her} birthday|]", "[presents|gifts]", GIFTS),
    "meal": (("lunch", "dinner", "supper"), "What [can|should|could] [I|we] [cook|make|eat] for {x}[ today|]", "what to [cook|make|eat] for {x}",
             "[meals|things to cook] for {x}", "meals", DINNERS),
}  # fmt: skip
MEMBERS = lx.CATEGORIES | {scene: parts[-1] for scene, parts in SCENES.items()}
# "{question}" and "{units}" say how many are wanted, if that matters.
IDEAS = Wordings(
    plain=("{question}", "[Give|Tell] me {some} {ideas}.", "I need {some} {ideas}.", "[List|Name|Write down] {some} {ideas}.", "[Write|Make] a list of {number} {ideas}.",
           "I do not know {to}. {units}", "[Tell|Show] me {to}. {units}", "[Can|Could] you give me {some} {ideas}?"),
    other=("[Can|Could|Would] you [think of|write down|suggest|find] {some} {ideas}[ for me|]?", "Do you have any idea {to}? {units}", "{some} {ideas}[, please|]", "{to}? {units}",
           "We are thinking about {to}. {units}", "I am making a list of {number} {ideas}. Help me.", "Help me with my list: {number} {ideas}.", "My [mother|friend|neighbor|teacher] asks me {to}. {units}",
           "I have no idea {to}. [Can you help|Help me]. {units}", "What are {some} good {ideas}?", "I am looking for {some} {ideas}.", "[A list|list], please: {number} {ideas}",
           "[Let us|We want to] [collect|find|think of] {some} {ideas}.", "I can not decide {to}. {units}"),
    unseen=("[Jot down|Put together] {some} {ideas}.", "My head is empty: {to}? {units}", "Surprise me with {some} {ideas}.", "I would be glad to hear {to}. {units}"),
    continuations=("[A|My] list of {number} {ideas}:", "{some} {ideas}:"),
)  # fmt: skip


def _draw_ideas(rng: Random, facts: Facts) -> Slots:
    scene = rng.choice(tuple(SCENES))
    xs, question, to, ideas, unit, _ = SCENES[scene]
    n = rng.choice((0, 0, 0, 3, 3, 4, 5, 6, 7))
    number = rng.choice((lx.NUMBERS[n], lx.NUMBERS[n], str(n))) if n else ""
    some = number or rng.choice(SOME[:2])
    x = say(rng, rng.choice(xs), dict(town=rng.choice(lx.TOWNS)))
    slots = dict(x=x, her="her" if x in _HERS else "his", child=rng.choice(("son", "daughter", "child")))
    asked, unit = say(rng, question, slots), say(rng, unit)
    units = f"{capitalized(some)} {unit}{rng.choice((', please', ' would be nice', ' are enough', ''))}."
    return dict(members=scene, n=n, number=number, some=some, ideas=say(rng, ideas, slots), to=say(rng, to, slots),
                question=f"{asked}? {units}" if n else f"{asked}?", units=units)  # fmt: skip


# --- advice -------------------------------------------------------------------------------------------------

# What troubles somebody, as they say it themselves -> what one can say to it. "had|have" is what was, and what it is
# like when it happens.
TROUBLES: dict[str, tuple[str, ...]] = {
    "am ill|have a cold|feel ill": ("go to bed", "drink tea", "sleep", "see a doctor", "call a doctor", "stay in bed", "drink hot milk", "eat some soup"),
    "can not sleep|am awake at night": ("drink hot milk", "read a book", "count sheep", "listen to quiet music", "close your eyes", "go for a walk", "open the window", "think of nice things"),
    "am tired|am so tired": ("go to bed early", "go to bed", "sleep", "sit down", "rest", "drink some water", "take a break"),
    "am hungry": ("eat some bread", "eat an apple", "make a soup", "cook some rice", "eat some cheese", "bake a cake"),
    "am bored|have nothing to do": ("read a book", "play a game", "draw a picture", "go for a walk", "visit a friend", "call a friend", "learn a song"),
    "am cold|feel cold": ("put on a warm coat", "drink hot milk", "drink tea", "sit near the fire", "close the window", "put on a hat", "take a blanket"),
    "am angry|feel angry": ("count to ten", "go for a walk", "talk about it", "take a deep breath", "sit down", "wait a little", "drink some water"),
    "am lonely|have no friends": ("visit a friend", "write a letter", "call your sister", "go to the market", "talk to your neighbor", "get a pet", "call a friend", "talk to people"),
    "am scared|am afraid at night": ("light a candle", "sing a song", "call a friend", "stay with your family", "talk about it", "talk to a friend", "take a deep breath"),
    "am sad|feel sad": ("talk to a friend", "talk about it", "go for a walk", "listen to a song", "call your mother", "call a friend", "play with a pet"),
    "am late|am late for school|am late for work": ("run", "walk fast", "hurry", "say sorry", "get up earlier", "call your teacher", "go now"),
    "am lost|can not find the way": ("look at a map", "ask someone", "ask for the way", "stay where you are", "call a friend", "walk back", "wait for help"),
    "had a fight with a friend|was mean to a friend": ("say sorry", "talk to your friend", "talk about it", "write a letter", "wait a little", "be kind", "listen to your friend"),
}  # fmt: skip
_TIPS = tuple(dict.fromkeys(tip for tips in TROUBLES.values() for tip in tips))
_YOU = "[[maybe |I think |]you [can|could|should|may|must][ also|]|or|it helps to|try to|please|try this:|first|then|now|just|do not worry,]"
TIP = Form(
    f"[{_YOU} |]{{tip}}[[,|] [and|or|then|and then|or you can] {{second}}|, {{second}}[,|] [and|or] {{third}}|]",
    tip=_TIPS,
    second=_TIPS,
    third=_TIPS,
)
COMFORT = Form(
    "[[oh, |]I am [so |very |]sorry[ to hear that|]|do not worry|that is [sad|bad|hard]|get well soon|I hope you [will |]feel better[ soon|]]"
)
# One present or one meal, where one is asked for; answers say it in the plainest ways.
GIFT = Form(
    "[{a_gift} [is|would be] a [good|nice|great] [gift|present]|[[You|Maybe you|I think you] [can|could|should]|I would|Maybe|] [give|bring|buy|get] [{him} |{name} |]{a_gift}|[Maybe|How about|What about|] {a_gift}]",
    a_gift=tuple(map(a, GIFTS)), him=("her", "him", "them"), name=lx.PEOPLE,
)  # fmt: skip
DINNER = Form(
    "[[You|Maybe you|I think you|We] [can|could|should] [make|cook|eat|try]|[Maybe|How about|What about|Try|Make|Cook|]] [some |a |]{dinner}",
    dinner=(*DINNERS, *(dinner.replace(" with ", " and ") for dinner in DINNERS)),
)
GIFT_SAID = (
    "[{a_gift} is a good [gift|present].|You [can|could] bring {a_gift}.|Maybe {a_gift}.|How about {a_gift}?]"
)
DINNER_SAID = "[You [can|could] [make|cook] {dinner}.|How about {dinner}?|Try {dinner}.|Maybe {dinner}.]"
FEEL = Wordings(
    plain=("What can I do when I {when}?", "I {i}. What [should|can] I do?", "What helps when [I {when}|you {you}|someone {he}]?", "Give me [some |]advice. I {i}.",
           "I {i}. [Give me a tip.|What helps?|Help me.]", "What [should|can] you do when you {you}?", "{name} {did}. What [should|can] I tell {him}?"),
    other=("I {i}. [Any ideas|What now|What would you do]?", "[Tips|Advice|Ideas] for [people|children] who {whos}[?|]", "My [friend|neighbor] {did}. What would you say?",
           "what to do when you {you}", "[Suggest|Tell me] something to do when I {when}.", "What do you do when you {you}?", "I {i} and I do not know what to do.", "[Sometimes|Often] I {when}. What can I do [about it|then|]?",
           "I {i}! Quick, what do I do?", "Do you have [a tip|some advice|an idea] for me? I {i}.", "Today I {i}. [Tell me what to do.|What do you suggest?]", "what can help me when I {when}"),
    unseen=("Suppose you {you}. What then?", "{name} {did}. What would you recommend to {him}?", "I {i}. I would be thankful for a word of advice.", "Advise people who {whos}."),
)  # fmt: skip
GIVE = Wordings(
    plain=("What is a good [gift|present] for {name}?", "I need a [gift|present] for {name}. What do you think?", "Give me an idea for a present for {name}.", "What would be a nice present for a {event}?"),
    other=("I need [a|one] present for the {event} of {name}. [Any idea|What would you take]?", "a [gift|present] for {name}?", "Help me find a present for {name}.", "Which present would {name} like?", "I need one gift idea for {name}."),
    unseen=("Which gift would make {name} happy?", "Recommend a present for {name}."),
)  # fmt: skip
EAT = Wordings(
    plain=("Give me an idea for [lunch|dinner|supper].", "What is a good [lunch|dinner|supper]?", "I need an idea for [lunch|dinner|supper].", "What would be a nice meal for {name}?"),
    other=("[Any|One] idea for [dinner|lunch|supper][, please|]?", "Which meal can I make for {name}?", "I need one dinner idea.", "{name} comes to dinner. Which meal should I cook?", "I want to cook a meal for {name}. Help me."),
    unseen=("Plan a meal for {name} and me.", "Recommend a dish for supper."),
)  # fmt: skip
_FORMS = {"am": ("am", "are", "is", "are"), "have": ("have", "have", "has", "have"), "feel": ("feel", "feel", "feels", "feel"),
          "had": ("have", "have", "has", "have"), "was": ("am", "are", "is", "are"), "can": ("can",) * 4}  # fmt: skip


def _draw_advice(rng: Random, facts: Facts) -> Slots:
    name, said = rng.choice(lx.PEOPLE), rng.choice([i for trouble in TROUBLES for i in trouble.split("|")])
    verb, _, rest = said.partition(" ")
    when, you, he, whos = (f"{form} {rest}" for form in _FORMS[verb])
    return dict(
        kind=rng.choice(("trouble",) * 4 + ("gift", "dinner")), i=said, when=when, you=you, he=he, whos=whos,
        did=said if verb in ("had", "was") else he,
        him="her" if name in lx.WOMEN else "him", name=name, event=rng.choice(("birthday", "wedding")),
    )  # fmt: skip


def _tips(slots: Slots) -> tuple[str, ...]:
    return next(tips for trouble, tips in TROUBLES.items() if slots["i"] in trouble.split("|"))


def _answer_advice(slots: Slots, rng: Random) -> str:
    if slots["kind"] != "trouble":
        said = GIFT_SAID if slots["kind"] == "gift" else DINNER_SAID
        return capitalized(say(rng, said, dict(a_gift=a(rng.choice(GIFTS)), dinner=rng.choice(DINNERS))))
    tip, second = rng.sample(_tips(slots), 2)
    said = "[||You can |You should |Maybe you can |Try this: ]{tip}[ and {second}.| or {second}.|. You can also {second}.|.]"
    return capitalized(say(rng, said, dict(tip=tip, second=second)))


def _check_advice(slots: Slots, body: str) -> Marks:
    if slots["kind"] == "trouble":
        return _check_tips(_tips(slots), body)
    form, other = (GIFT, DINNER) if slots["kind"] == "gift" else (DINNER, GIFT)
    said = sentences(body)
    found = form.match(said[0]) if len(said) == 1 else None
    if found is None:
        return (0.5, 0.1) if said and other.match(said[0]) else WRONG
    right = found.get("him") in (None, "them", slots["him"]) and found.get("name") in (None, slots["name"])
    return 1.0, 1.0 if right else 0.3


def _check_tips(good: tuple[str, ...], body: str) -> Marks:
    """One to four different tips, all of them good against the trouble; a word of comfort before or after."""
    said = sentences(body)
    found = [TIP.match(s) for s in said if COMFORT.match(s) is None]
    if not found or len(said) > 3 or None in found:
        return WRONG
    tips = [tip for slots in found if slots for tip in slots.values() if tip]
    if len(set(tips)) < len(tips) or len(tips) > 4:
        return 0.5, 0.1
    return 1.0, 1.0 if set(tips) <= set(good) else 0.1


def _advice_wordings(slots: Slots) -> Wordings:
    return {"trouble": FEEL, "gift": GIVE, "dinner": EAT}[str(slots["kind"])]


SKILLS = (
    Skill("list", "brainstorm", 0.5, LISTS, _draw_list, _answer_list, _check_list, constrainable=True),
    Skill("ideas", "brainstorm", 0.25, IDEAS, _draw_ideas, _answer_list, _check_list, constrainable=True),
    Skill("advice", "brainstorm", 0.25, _advice_wordings, _draw_advice, _answer_advice, _check_advice),
)
