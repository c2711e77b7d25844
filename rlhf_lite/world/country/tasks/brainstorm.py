"""Lists of anything in the country, numbered, and advice."""

import re
from random import Random

from .. import lexicon as lx
from ..grammar import Form, numbered
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, sentences

# --- lists --------------------------------------------------------------------------------------------------

LISTS = Wordings(
    plain=("List {number} {category}.", "[Give|Tell|Show] me {number} {category}.", "Name {number} {category}.", "I need [a list of |]{number} {category}.",
           "Write down {number} {category}[ for {name}|].", "Give me {number} ideas for {category}.", "Make a list of {number} {category}.",
           "{name} wants a list of {number} {category}."),
    other=("[Can|Could|Would] you [think of|name|list|write down|tell me|find] {number} {category}[ for a {event}|]?", "{number} {category}[, please|]",
           "[Which|What] {number} {category} do you know?", "We [need|want|look for] {number} {category} for the {event}[ of {name}|].", "Help [me|us|{name}] find {number} {category}.",
           "I [want|would like|have] to [learn|know|write down] {number} {category}.", "Do you know [{number}|some more] {category}?", "[Say|Write|Type] {number} {category}[ in a list|].",
           "My [teacher|mother|son] asks for {number} {category}.", "A list of {number} {category} would be [nice|great|helpful].", "[Just|Only] {number} {category}[, that is all|].",
           "I can not think of {number} {category}. Can you?", "For my {event} I need {number} {category}.", "list {number} {category}", "Let us collect {number} {category}."),
    unseen=("Fill a page with {number} {category}.", "[Pick|Choose] {number} {category} for me.", "What would be {number} good {category} to begin with?", "I collect {category}. Add {number}."),
    continuations=("My {number} favorite {category}:", "{number} {category}:"),
)  # fmt: skip
SOME = ("some", "a few", "")  # a list without a number has two to six items


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
    members = sorted(set(lx.CATEGORIES[str(slots["members"])]))
    return numbered(sorted(rng.sample(members, min(int(slots["n"]) or 3, len(members)))))


def _check_list(slots: Slots, body: str) -> Marks:
    lines = [line.strip() for line in body.split("\n")]
    items = [re.fullmatch(rf"{i}[.)] (?:an? |the )?(\w[\w ]*?)\.?", line) for i, line in enumerate(lines, 1)]
    if not all(items):
        return WRONG
    members = {m.lower() for m in lx.CATEGORIES[str(slots["members"])]}
    said = [_one(item[1].lower(), members) for item in items if item]
    good = {item for item in said if item in members}
    wanted = int(slots["n"])
    fits = len(lines) == wanted if wanted else 2 <= len(lines) <= 6
    if len(good) == len(lines) and fits:
        return 1.0, 1.0
    return 1.0, 0.25 * min(1.0, len(good) / max(wanted, len(lines)))


def _one(item: str, members: set[str]) -> str:
    """The member that an item names, singular or plural."""
    if item in members:
        return item
    singular = next((one for one, many in lx.PLURALS.items() if many == item), item.removesuffix("s"))
    many = next((many for many, one in lx.ONE_FOOD.items() if one == item), item)
    return singular if singular in members else many


# --- advice -------------------------------------------------------------------------------------------------

# what troubles somebody -> what one can say to it
TROUBLES: dict[str, tuple[str, ...]] = {
    "sad": ("talk to a friend", "go for a walk", "listen to a song", "call your mother"),
    "tired": ("go to bed early", "sleep a little", "sit down and rest", "drink some water"),
    "hungry": ("eat some bread and cheese", "make a soup", "eat an apple", "cook some rice"),
    "bored": ("read a book", "play a game", "draw a picture", "go to the market"),
    "cold": ("put on a warm coat", "drink hot milk", "sit near the fire", "close the door"),
    "angry": ("count to ten", "go for a walk", "talk about it", "take a deep breath"),
    "lonely": ("visit a friend", "write a letter", "call your sister", "go to the market"),
    "scared": ("light a candle", "sing a song", "call a friend", "stay with your family"),
}
GIFTS = tuple("book cup hat kite lamp cake flute basket candle ball".split())
DINNERS = (
    "soup and bread",
    "rice and beans",
    "fish and potatoes",
    "eggs and cheese",
    "corn and butter",
    "carrots and fish",
)
SAID = "[You [can|could|should]|Maybe you [can|could]|Please|Try this:] {tip}."
TIPS = Form(SAID + "[ [Or|You can also] {second}.|]", tip=r"[a-z ]+?", second=r"[a-z ]+?")
GIFT = Form(
    "[A {gift} is a good [gift|present]|You [can|could] [give|bring] [a|the] {gift}|Maybe a {gift}|How about a {gift}][.|?]",
    gift=GIFTS,
)
DINNER = Form("[You [can|could] [make|cook]|How about|Try|Maybe] {dinner}[.|?]", dinner=DINNERS)
FEEL = Wordings(
    plain=("What can I do when I am {mood}?", "I am {mood}. What should I do?", "What helps when [I am|you are|someone is] {mood}?", "Give me [some |]advice. I am {mood}.",
           "{name} is {mood}. What can [I|we] do?"),
    other=("[I feel|I am so|We are] {mood}. [Any ideas|What now|Help me|Tell me what to do][?|.]", "[Tips|Advice|Ideas] for [someone|a child|{name}] who is {mood}[?|]", "How do I stop [being|feeling] {mood}?",
           "My [son|friend|sister] is {mood}. What [can|should|would] [I|you] do?", "what to do when {mood}", "[Suggest|Tell me] something [to do |]when I am {mood}.", "Why not help me? I am {mood} and do not know what to do."),
    unseen=("What is good against being {mood}?", "If you were {mood}, what would you do?", "{name} feels {mood}. Recommend something."),
)  # fmt: skip
GIVE = Wordings(
    plain=("What can I give {name} for the {event}?", "I need a gift for {name}. What do you think?", "What is a good [gift|present] for {name}?"),
    other=("[Any|I need] [gift|present] ideas for {name}[?|.]", "{name} has a {event}. What [should|can|do] I bring?", "gift for {name}?", "What should I bring to a {event}?", "Help me find a present for {name}."),
    unseen=("What would make {name} happy at the {event}? I want to bring something.", "Recommend a present for {name}."),
)  # fmt: skip
EAT = Wordings(
    plain=("What can I cook for dinner?", "What should we eat [today|tonight]?", "Give me an idea for dinner."),
    other=("[Any|I need] [dinner|lunch|supper] ideas[?|.]", "what to cook [today|tonight]", "What can I make for {name} to eat?", "I do not know what to cook. Help me.", "What is good for [lunch|supper|dinner]?"),
    unseen=("Plan a meal for {name} and me.", "Recommend something for supper."),
)  # fmt: skip


def _draw_advice(rng: Random, facts: Facts) -> Slots:
    kind = rng.choice(("mood", "mood", "gift", "dinner"))
    return dict(
        kind=kind,
        mood=rng.choice(tuple(TROUBLES)),
        name=rng.choice(lx.PEOPLE),
        event=rng.choice(lx.EVENTS[:4]),
    )


def _answer_advice(slots: Slots, rng: Random) -> str:
    if slots["kind"] == "gift":
        return GIFT.say(rng)
    if slots["kind"] == "dinner":
        return DINNER.say(rng)
    tip, second = rng.sample(TROUBLES[str(slots["mood"])], 2)
    return TIPS.say(rng, tip=tip, second=second)


def _check_advice(slots: Slots, body: str) -> Marks:
    if slots["kind"] != "mood":
        forms = GIFT if slots["kind"] == "gift" else DINNER
        other = DINNER if slots["kind"] == "gift" else GIFT
        return (1.0, 1.0) if forms.match(body) else (0.5, 0.1) if other.match(body) else WRONG
    said = TIPS.match(body)
    if said is None or len(sentences(body)) > 2:
        return WRONG
    tips = [tip for tip in (said["tip"], said["second"]) if tip]
    good = set(tips) & set(TROUBLES[str(slots["mood"])])
    known = {tip for some in TROUBLES.values() for tip in some}
    return float(set(tips) <= known), 1.0 if len(good) == len(tips) else 0.1


def _advice_wordings(slots: Slots) -> Wordings:
    return {"mood": FEEL, "gift": GIVE, "dinner": EAT}[str(slots["kind"])]


SKILLS = (
    Skill("list", "brainstorm", 0.8, LISTS, _draw_list, _answer_list, _check_list, constrainable=True),
    Skill("advice", "brainstorm", 0.2, _advice_wordings, _draw_advice, _answer_advice, _check_advice),
)
