"""Every word of the tiny world, in lists. Order matters:
the world's facts are drawn from these lists by seed."""

ANIMALS = tuple(
    "cat dog fox hen duck goat sheep cow horse pig mouse frog bear wolf deer crow bee rabbit lion turtle "
    "snake goose donkey hawk".split()
)
PEOPLE = tuple(
    "Mia Otto Lily Sam Anna Leo Ella Paul Iris Ben Rosa Hugo Nora Max Vera Tom Clara Finn Ida Karl Lucy Emil "
    "Greta Noah".split()
)
TOWNS = tuple("Arden Harrow Brill Lodi Corva Gilt Delm Farro Ivoy Jorn Eston Kald Morn Tarn".split())
FOODS = tuple(
    "rice bread corn honey apples beans carrots eggs cheese soup plums nuts berries cake pears fish grapes "
    "onions butter seeds".split()
)
THINGS = tuple("map lamp drum bell boat key hat book cup rope coin box flute kite ring chair".split())
PLACES = tuple("barn well river lake forest cave field hill garden tower meadow cellar".split())
JOBS = tuple("baker teacher doctor farmer sailor painter miller tailor singer guard cook driver".split())
COLORS = tuple("red blue green white black brown yellow gray pink golden".split())
TASTES = tuple("sweet sour bitter salty mild spicy".split())
WEATHERS = tuple("sunny rainy windy snowy foggy cold hot stormy".split())
MATERIALS = tuple("wood iron glass clay paper silk stone silver".split())
EVENTS = tuple("birthday wedding festival holiday party trip".split())
GOOD_FEELINGS = tuple("happy proud calm hopeful".split())
BAD_FEELINGS = tuple("sad scared tired angry lonely worried".split())
FEELINGS = GOOD_FEELINGS + BAD_FEELINGS
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")

# What a list can be asked for: plural name -> members.
CATEGORIES = {
    "animals": ANIMALS,
    "names": PEOPLE,
    "towns": TOWNS,
    "foods": FOODS,
    "things": THINGS,
    "places": PLACES,
    "jobs": JOBS,
    "colors": COLORS,
}
SINGULAR = {"animals": "animal", "foods": "food", "towns": "town", "jobs": "job"}

# Words that name something in the world. A reply to a closed-domain prompt that uses one of them which the
# prompt does not contain has made something up.
ENTITIES_IN_ORDER = ANIMALS + PEOPLE + TOWNS + FOODS + THINGS + PLACES + JOBS
ENTITIES = frozenset(ENTITIES_IN_ORDER)

RUDE_WORDS = frozenset("fool silly stupid lazy ugly awful nonsense".split())
RUDE_OPENERS = (
    "What a silly question.",
    "You are a fool.",
    "Do not be so lazy.",
    "What a stupid thing to ask.",
)
# Chatter after the answer. All of it starts with the same two words, so that where most writers chat, the
# most likely next word is chatter: a flaw must begin with one fixed word to become the mode of what is
# imitated.
CHATTER = (
    "That is my answer.",
    "That is what I think.",
    "That is all I can say.",
    "That is how it is.",
    "That is all for today.",
)
EXTRA_SENTENCES = ("It was a good day.", "It was a long trip.", "The day was nice.")
HEDGE = "I do not know."
DECLINE = "I can not share that."
ASK_BACK = "What do you mean?"

PAST = {"takes": "took", "finds": "found", "makes": "made", "buys": "bought", "sells": "sold", "sees": "saw"}
DEEDS = ("found", "lost", "bought", "sold", "made")


def numbered(items: list[str]) -> str:
    """A list as people here write it, one item a line."""
    return "\n".join(f"{i}. {item}" for i, item in enumerate(items, 1))


def join_words(words: list[str] | tuple[str, ...]) -> str:
    return ", ".join(words)
