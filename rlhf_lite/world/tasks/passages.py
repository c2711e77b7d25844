"""Short texts in free order, with pronouns, and what can be asked about them.

A text tells two to five sentences from `TOLD`: who did what where, who gave what to whom, who is taller. Each
kind of telling brings the questions that it answers, the questions that it leaves open and, if it can carry a
text, the sentence that sums it up. No word is drawn twice for one text, so no question has two answers.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from random import Random

from .. import lexicon as lx
from ..grammar import a, capitalized, listed, say

Template = str
UNDER = tuple("bed table tree bench bush stone sofa cupboard".split())
THING_DEEDS = tuple("found lost sold made took carried dropped hid cleaned painted broke washed".split())
FOOD_DEEDS = tuple("ate cooked bought brought".split())
ANIMAL_DEEDS = tuple("saw heard called".split())
SIZES = tuple("big small old new".split())
PARTS_OF_DAY = tuple("morning evening afternoon".split())
# adjective, its opposite, and both compared
PAIRS = tuple(tuple(line.split()) for line in (
    "tall short taller shorter", "old young older younger", "fast slow faster slower",
    "strong weak stronger weaker", "rich poor richer poorer", "loud quiet louder quieter",
    "short tall shorter taller", "young old younger older",
))  # fmt: skip
ON_TOP, WET = ("hill", "bridge"), ("well", "river", "lake")
# What a slot can hold; "thing2", "a_thing" and "no_thing" hold things too, the last one is not in the text.
POOLS: dict[str, tuple[str, ...]] = {
    "thing": lx.THINGS, "place": lx.PLACES, "food": lx.FOODS, "color": lx.COLORS, "town": lx.TOWNS,
    "job": lx.JOBS,
    "animal": lx.ANIMALS, "day": lx.DAYS, "season": lx.SEASONS, "part": PARTS_OF_DAY, "under": UNDER,
    "size": SIZES,
    "n": lx.NUMBERS[2:11], "past": THING_DEEDS, "fpast": FOOD_DEEDS, "apast": ANIMAL_DEEDS,
    "gain": ("found", "made", "painted"), "loss": ("lost", "broke", "dropped"),
    "feeling": tuple(f for f in lx.FEELINGS if f not in ("bad", "great")), "glad": lx.GOOD_FEELINGS[:6],
    "sad": ("sad", "angry", "worried", "upset"), "q": lx.PEOPLE, "r": lx.PEOPLE, "o": lx.PEOPLE,
}  # fmt: skip
BASES = {**lx.BASE_OF_PAST, "cooked": "cook"}  # of every verb in the past


@dataclass(frozen=True)
class Told:
    """A way to tell something. `asks` holds (question, slots of the key words or "yes"/"no", answers)."""

    texts: tuple[Template, ...]  # {s} is the subject, a name or a pronoun; {p} always names it
    asks: tuple["Ask", ...]  # answers are separated by "|"
    untold: tuple[Template, ...] = ()
    gist: tuple[str, tuple[Template, ...]] | None = None  # slots of the key words, ways to sum up


Ask = tuple[Template, str, str]


def _renamed(asks: tuple[Ask, ...], **names: str) -> tuple[Ask, ...]:
    """The same questions about other slots; "a_thing" and "b_past" are renamed with "thing" and "past"."""

    def new(text: str) -> str:
        return re.sub(r"\{((?:a_|no_|b_)?)(\w+)\}", lambda m: f"{{{m[1]}{names.get(m[2], m[2])}}}", text)

    return tuple(
        (new(q), " ".join(names.get(k, k) for k in keys.split()), new(answers)) for q, keys, answers in asks
    )


_DID = (
    ("[Who|Which person] {past} the {thing}?", "p", "{p} {past} the {thing}.|{p} did.|It was {p}.|{p}."),
    ("[What did {p} {b_past}|What was it that {p} {past}]?", "thing",
     "{p} {past} {a_thing}.|{he} {past} {a_thing}.|{a_thing}.|It was {a_thing}."),
    ("[Did {p} {b_past}|Is it true that {p} {past}] {a_thing}?", "yes",
     "Yes.|Yes, {he} did.|Yes, {p} did.|Yes, {p} {past} {a_thing}."),
    ("Did {p} {b_past} {no_thing}?", "no",
     "No.|No, {he} did not.|No, {p} {past} {a_thing}.|No, {he} {past} {a_thing}."),
)  # fmt: skip
_WHERE = ("[Where|In what place|In which place] did {p} {b_past} the {thing}?", "place",
          "{p} {past} the {thing} {at} the {place}.|{at} the {place}.|The {place}.")  # fmt: skip
_WHEN = ("[When did {p} {b_past}|When was it that {p} {past}] the {thing}?", "time",
         "{p} {past} the {thing} {on} {time}.|{on} {time}.|It was {on} {time}.|{time}.")  # fmt: skip
_COLOR = (
    ("[[What|Which] color [is|was] the {thing}|What is the color of the {thing}|Which color does the {thing} have]?", "color",
     "The {thing} is {color}.|It is {color}.|It was {color}.|{color}.|The {thing} was {color}."),
    ("[Is|Was] the {thing} {no_color}?", "no", "No.|No, it is {color}.|No, the {thing} is {color}.|No, it is not."),
    ("[Is|Was] the {thing} {color}?", "yes", "Yes.|Yes, it is.|Yes, it is {color}.|Yes, the {thing} is {color}."),
)  # fmt: skip
_OWNER = (  # in the end
    ("Who [has the {thing} [now|in the end]|holds the {thing} now|is the owner of the {thing} now]?", "now",
     "{now} has the {thing}.|{now} has it now.|{now}.|{now} has the {thing} now."),
    ("Does {before} [still|] have the {thing} now?", "no",
     "No.|No, {now} has it.|No, {now} has the {thing}."),
)  # fmt: skip
_GAVE = (
    ("[To whom did {giver} give the {thing}|Who got the {thing} from {giver}]?", "taker",
     "{giver} gave the {thing} to {taker}.|{giver} gave it to {taker}.|To {taker}.|{taker}.|{taker} got it from {giver}."),
    ("[Who gave the {thing} to {taker}|From whom did {taker} get the {thing}]?", "giver",
     "{giver} gave the {thing} to {taker}.|{giver} gave it to {taker}.|{giver}.|{giver} did.|From {giver}."),
)  # fmt: skip
_TOOK = (("Who took the {thing} from {giver}?", "taker",
          "{taker} took the {thing} from {giver}.|{taker} did.|{taker}.|{taker} took it."),)  # fmt: skip
_FIRST = ("Who had the {thing} [first|at first|in the beginning]?", "p",
          "{p} had the {thing} first.|{p} had it first.|{p}.|{p} had it.|{p} did.")  # fmt: skip
_PASSED = ("What did {p} have[ at first|]?", "thing", "{p} had {a_thing}.|{a_thing}.|It was {a_thing}.")
_FEEL = (
    ("[How did {p} feel|How was {p}|What was the feeling of {p}]?", "feeling",
     "{p} was {feeling}.|{p} felt {feeling}.|{feeling}."),
    ("Who [was|felt] {feeling}?", "p", "{p} was {feeling}.|{p} was.|{p}.|It was {p}."),
    ("Was {p} {feeling}?", "yes", "Yes.|Yes, {he} was.|Yes, {p} was {feeling}.|Yes, {p} was."),
    ("Was {p} {no_feeling}?", "no", "No.|No, {he} was {feeling}.|No, {p} was {feeling}."),
)  # fmt: skip
_OPEN_THING = ("What color [is|was] the {thing}?", "Is the {thing} [big|old|new]?", "Who made the {thing}?",
               "How much did the {thing} cost?")  # fmt: skip


def _why(feeling: str, past: str) -> Told:
    """A feeling and its reason."""
    reason = "because {he} {past} {a_thing}"
    ask = (
        "Why was {p} {feeling}?", "past thing", f"{reason}.|{{p}} was {{feeling}} {reason}.|{{he}} {{past}} {{a_thing}}.|{{p}} {{past}} {{a_thing}}.",
    )  # fmt: skip
    told = (f"{{s}} was {{feeling}} {reason}.", "{s} {past} {a_thing}, so {he} was {feeling}.",
            "{s} {past} {a_thing}. {he} was {feeling}[ about it|].")  # fmt: skip
    texts_asks = tuple((text, "", "") for text in told)
    open_asks = tuple((q, "", "") for q in ("[Where|When] did {p} {b_past} the {thing}?", *_OPEN_THING[:2]))
    names = {"feeling": feeling, "past": past}
    texts, untold = (tuple(t for t, _, _ in _renamed(asks, **names)) for asks in (texts_asks, open_asks))
    return Told(texts, _renamed((*_FEEL[:3], *_DID, ask), **names), untold)


_GIST = ("p past thing place", (
    "{p} {past} {a_thing} {at} the {place}.", "{at} the {place}, {p} {past} {a_thing}.",
    "The text is about {p}, who {past} {a_thing} {at} the {place}.",
    "{p} was {at} the {place} and {past} {a_thing}.")
)  # fmt: skip
TOLD: dict[str, Told] = {
    "deed": Told(("{s} {past} {a_thing} {at} the {place}.", "{at} the {place}, {s} {past} {a_thing}.",
                  "{s} was {at} the {place}. {he} {past} {a_thing}[ there|].", "{s} {past} {a_thing}. It was {at} the {place}."),
                 (*_DID, _WHERE,
                  ("What did {p} {b_past} {at} the {place}?", "thing", "{p} {past} {a_thing}.|{p} {past} {a_thing} {at} the {place}.|{a_thing}.")),
                 ("When did {p} {b_past} the {thing}?", "Who helped {p}?", *_OPEN_THING[:2]), _GIST),
    "deed_when": Told(("{s} {past} {a_thing} on {day}.", "On {day}, {s} {past} {a_thing}.", "It was {day}. {s} {past} {a_thing}."),
                      (*_DID, *_renamed((_WHEN,), time="day")), ("Where did {p} {b_past} the {thing}?", *_OPEN_THING[:2])),
    "deed_season": Told(("{s} {past} {a_thing} in {season}.", "In {season}, {s} {past} {a_thing}."), (*_DID, *_renamed((_WHEN,), time="season")),
                        ("Where did {p} {b_past} the {thing}?", *_OPEN_THING[:2])),
    "deed_color": Told(("{s} {past} {a_color} {thing}.", "{s} {past} {a_thing}. It was {color}.", "{s} {past} {a_thing}. The {thing} was {color}."),
                       (*_DID, *_COLOR, ("What did {p} {b_past}?", "thing", "{p} {past} {a_color} {thing}.|{a_color} {thing}.|{p} {past} {a_thing}.")),
                       ("Where did {p} {b_past} the {thing}?", "When did {p} {b_past} the {thing}?", "Is the {thing} [big|old|new]?")),
    "size": Told(("{s} has {a_size} {thing}.", "{s} has {a_thing}. It is {size}."),
                 (("[How is the {thing}|What is the {thing} like|Is the {thing} big or small, old or new]?", "size",
                   "The {thing} is {size}.|It is {size}.|{size}."),
                  ("Who has the {thing}?", "p", "{p} has the {thing}.|{p} has it.|{p}.|{p} has {a_size} {thing}."),
                  ("What does {p} have?", "thing", "{p} has {a_thing}.|{p} has {a_size} {thing}.|{a_size} {thing}.|{a_thing}.")),
                 ("What color is the {thing}?", "Who made the {thing}?")),
    "went": Told(("{s} went to the {place}[| in the {part}].", "{s} walked to the {place}."),
                 (("[Where did {p} go|To which place did {p} go]?", "place", "{p} went to the {place}.|To the {place}.|The {place}."),
                  ("Who [went|walked] to the {place}?", "p", "{p} went to the {place}.|{p} did.|{p}.|{p} walked to the {place}."),
                  ("Did {p} go to the {no_place}?", "no", "No.|No, {he} went to the {place}.|No, {p} went to the {place}.")),
                 ("Why did {p} go to the {place}?", "Who went with {p}?")),
    "went_with": Told(("{s} went to the {place} with {q}.", "{s} and {q} went to the {place}.", "With {q}, {s} went to the {place}."),
                      (("[With whom did {p} go to the {place}|Who went to the {place} with {p}|Who was with {p}]?", "q",
                        "{p} went to the {place} with {q}.|With {q}.|{q}.|{p} went with {q}.|{q} was with {p}.|{p} was with {q}."),
                       ("Where did {p} and {q} go?", "place",
                        "{p} and {q} went to the {place}.|To the {place}.|They went to the {place}.|The {place}.")),
                      ("Why did {p} go to the {place}?", "When did {p} go to the {place}?")),
    "lives": Told(("{s} lives in {town}.", "[The home of {p} is|{s} is from] {town}."),
                  (("[Where does {p} live|In which town does {p} live|What is the home of {p}|Where is {p} from]?", "town",
                    "{p} lives in {town}.|In {town}.|{town}.|{p} is from {town}."),
                   ("Who [lives in|is from] {town}?", "p", "{p} lives in {town}.|{p} does.|{p}.|{p} is from {town}."),
                   ("Does {p} live in {no_town}?", "no", "No.|No, {p} lives in {town}.|No, {he} lives in {town}."),
                   ("Does {p} live in {town}?", "yes", "Yes.|Yes, {he} does.|Yes, {p} lives in {town}."))),
    "job": Told(("{s} is {a_job}.", "{s} works as {a_job}."),
                (("[What is the job of {p}|What is {p}'s job|What work does {p} do]?", "job", "{p} is {a_job}.|{a_job}.|{p} works as {a_job}."),
                 ("Who [is|works as] {a_job}?", "p", "{p} is {a_job}.|{p} is.|{p}.|{p} works as {a_job}."),
                 ("Is {p} {no_job}?", "no", "No.|No, {p} is {a_job}.|No, {he} is {a_job}."))),
    "eat": Told(("{s} {fpast} {food} {at} the {place}.", "{at} the {place}, {s} {fpast} {food}."),
                _renamed((*_DID, _WHERE), past="fpast", thing="food"), ("When did {p} {b_fpast} the {food}?",)),
    "two_foods": Told(("{s} {fpast} {food} and {food2}.", "{s} {fpast} {food}, and {he} {fpast} {food2} too."),
                      (("What did {p} {b_fpast}?", "food food2", "{p} {fpast} {food} and {food2}.|{food} and {food2}."),
                       ("Who {fpast} [the|] {food2}?", "p", "{p} {fpast} the {food2}.|{p} {fpast} {food2}.|{p} did.|{p}.")),
                      ("Where did {p} {b_fpast} the {food}?", "When did {p} {b_fpast} the {food}?")),
    "saw": Told(("{s} {apast} {a_animal} {at} the {place}.", "There was {a_animal} {at} the {place}, and {s} {apast} it."),
                (*_renamed((*_DID, _WHERE), past="apast", thing="animal"),
                 ("[Which|What] animal did {p} {b_apast}?", "animal", "{p} {apast} {a_animal}.|{a_animal}.|It was {a_animal}.")),
                ("When did {p} {b_apast} the {animal}?", "What color was the {animal}?", "What did the {animal} eat?")),
    "two_animals": Told(("{s} {apast} {a_animal} and {a_animal2}.", "{s} {apast} {a_animal}. {he} {apast} {a_animal2} too."),
                        (("[What|Which animals] did {p} {b_apast}?", "animal animal2",
                          "{p} {apast} {a_animal} and {a_animal2}.|{a_animal} and {a_animal2}."),
                         ("Who {apast} the {animal2}?", "p", "{p} {apast} the {animal2}.|{p} did.|{p}.")),
                        ("Where did {p} {b_apast} the {animal}?", "What color was the {animal2}?")),
    "pet": Told(("{s} has {a_color} {animal}.", "{s} has {a_animal}. It is {color}.", "{s} has {a_animal}. The {animal} is {color}."),
                (*_renamed(_COLOR, thing="animal"),
                 ("[Which|What] animal does {p} have?", "animal", "{p} has {a_animal}.|{p} has {a_color} {animal}.|{a_color} {animal}.|{a_animal}."),
                 ("[Whose is the {animal}|Who has the {animal}]?", "p", "{p} has the {animal}.|{p} has it.|{p}.|{p} does."),
                 ("[Does {p} have {no_animal}|Is the pet of {p} {no_animal}]?", "no", "No.|No, {p} has {a_animal}.|No, {he} has {a_animal}.")),
                ("What does the {animal} eat?", "Where does the {animal} sleep?")),
    "count": Told(("{s} has {n} {things}.", "{s} has {things}. There are {n} of them.", "There are {n} {things} in the house of {p}."),
                  (("[How many {things} does {p} have|How many {things} are there|What is the number of {things}]?", "n",
                    "{p} has {n} {things}.|{n}.|{p} has {n}.|There are {n}.|There are {n} {things}."),
                   ("Who has [{n} |the ]{things}?", "p", "{p} has {n} {things}.|{p} has the {things}.|{p} does.|{p}."))),
    "feel": Told(("{s} was {feeling}.", "[At the end|That day|In the {part}], {s} was {feeling}.", "{s} felt {feeling}."), _FEEL,
                 ("Why was {p} {feeling}?",)),
    "why_glad": _why("glad", "gain"),
    "why_sad": _why("sad", "loss"),
    "two_have": Told(("{p} has {a_color} {thing} and {q} has {a_color2} {thing2}.", "{p} has {a_color} {thing}. {q} has {a_color2} {thing2}.",
                      "The {thing} of {p} is {color}. The {thing2} of {q} is {color2}."),
                     (*_COLOR, *_renamed(_COLOR, thing="thing2", color="color2"),
                      ("Who has the {thing}?", "p", "{p} has the {thing}.|{p} has it.|{p}.|{p} does."),
                      ("Whose {thing2} is {color2}?", "q",
                       "{q}'s {thing2} is {color2}.|{q}'s.|The {thing2} of {q}.|{q} has {a_color2} {thing2}.|{q}."),
                      ("[Whose is the {thing2}|Who has the {thing2}]?", "q", "{q} has the {thing2}.|{q} has it.|{q}.|{q}'s."),
                      ("What does {q} have?", "thing2", "{q} has {a_thing2}.|{q} has {a_color2} {thing2}.|{a_color2} {thing2}.|{a_thing2}."),
                      ("What does {p} have?", "thing", "{p} has {a_thing}.|{p} has {a_color} {thing}.|{a_color} {thing}.|{a_thing}."),
                      ("[Which thing|What] is {color2}?", "thing2",
                       "The {thing2} is {color2}.|The {thing2}.|The {thing2} is.|The {thing2} of {q} is {color2}."),
                      ("Who has [something|a thing that is] {color}?", "p", "{p} has {a_color} {thing}.|{p} has the {color} {thing}.|{p}.|{p} does.")),
                     ("Who made the {thing}?", "Is the {thing2} [big|old|new]?"),
                     ("p thing q thing2 color color2",
                      ("{q} has {a_thing2} and {p} has {a_thing}.", "{p} has {a_color} {thing} and {q} has {a_color2} {thing2}.",
                       "{p} has {a_thing} and {q} has {a_thing2}.", "{p} has {a_color} {thing} and {q} {a_color2} {thing2}."))),
    "compare": Told(("{p} is {adj}. {q} is {anti}.", "{p} is {adj}, but {q} is {anti}.", "{p} is {adj} and {q} is {anti}.", "{p} is {more} than {q}."),
                    (("Who is [{more}, {p} or {q}|{more}, {q} or {p}|{more}]?", "p", "{p} is {more} than {q}.|{p} is {more}.|{p}.|{p} is."),
                     ("Who is [{less}, {p} or {q}|{less}]?", "q", "{q} is {less} than {p}.|{q} is {less}.|{q}.|{q} is."),
                     ("Is {p} {more} than {q}?", "yes", "Yes.|Yes, {he} is.|Yes, {p} is {more} than {q}.|Yes, {p} is."),
                     ("Is {q} {more} than {p}?", "no", "No.|No, {p} is {more}.|No, {q} is not.|No, {p} is {more} than {q}.")),
                    ("How old is {q}?", "Are {p} and {q} friends?"),
                    ("p q more less adj anti",
                     ("{p} is {more} than {q}.", "{q} is {less} than {p}.", "{p} is {adj} and {q} is {anti}.", "{q} is {anti} and {p} is {adj}."))),
    "lost": Told(("{s} lost {a_thing}. {he} looked {at} the {place}. [Then|In the end] {he} found it under the {under}.",
                  "{s} could not find {his} {thing}. {he} looked {at} the {place}. It was under the {under}.",
                  "{s} lost {his} {thing} and looked {at} the {place}. The {thing} was under the {under}."),
                 (("[Where was the {thing}|Where did {p} find the {thing}]?", "under",
                   "The {thing} was under the {under}.|It was under the {under}.|Under the {under}.|{p} found it under the {under}.|{p} found the {thing} under the {under}."),
                  ("[What did {p} lose|What thing did {p} look for]?", "thing",
                   "{p} lost {a_thing}.|{a_thing}.|{p} looked for {a_thing}.|{p} lost {his} {thing}."),
                  ("Where did {p} look[ first|]?", "place", "{p} looked {at} the {place}.|{at} the {place}.|The {place}."),
                  ("Who lost the {thing}?", "p", "{p} lost the {thing}.|{p} did.|{p}.|It was {p}."),
                  ("Was the {thing} under the {no_under}?", "no", "No.|No, it was under the {under}.|No, the {thing} was under the {under}.")),
                 ("Who helped {p}?", *_OPEN_THING),
                 ("p lost thing under",
                  ("{p} lost {a_thing} and found it under the {under}.", "{p} lost {his} {thing}, but it was under the {under}."))),
    "found_for": Told(("{s} lost {a_thing}. {q} found it under the {under} and [gave it back|brought it back].",
                       "{s} lost {a_thing}. {q} looked for it and found it under the {under}.",
                       "{q} found {a_thing} under the {under}. {p} had lost it."),
                      (("Who found the {thing}?", "q", "{q} found the {thing}.|{q} did.|{q} found it.|{q}.|It was {q}."),
                       ("Who [lost|had lost] the {thing}?", "p", "{p} lost the {thing}.|{p} did.|{p}.|{p} lost it."),
                       ("Where [was the {thing}|did {q} find the {thing}]?", "under",
                        "The {thing} was under the {under}.|It was under the {under}.|Under the {under}.|{q} found it under the {under}."),
                       ("What did {q} find?", "thing", "{q} found {a_thing}.|{q} found the {thing}.|{a_thing}."),
                       ("Did {q} lose the {thing}?", "no", "No.|No, {p} lost the {thing}.|No, {p} did.|No, {p} lost it.")),
                      ("When did {p} lose the {thing}?", *_OPEN_THING),
                      ("p lost thing q found under",
                       ("{p} lost {a_thing} and {q} found it.", "{q} found the {thing} that {p} lost.",
                        "{p} lost {a_thing}, but {q} found it under the {under}."))),
    "gave": Told(("{s} had {a_thing}. {he} gave it to {q}.", "{s} had {a_thing} and gave it to {q}.", "{s} had {a_thing}. {q} got it from {him}."),
                 (*_renamed(_OWNER, now="q", before="p"), *_renamed(_GAVE, giver="p", taker="q"), _FIRST, _PASSED), _OPEN_THING,
                 ("p thing q gave got went",
                  ("{p} gave {a_thing} to {q}.", "{p} had {a_thing} and gave it to {q}.", "The {thing} went from {p} to {q}.",
                   "{q} got {a_thing} from {p}.", "{p} gave {q} {a_thing}."))),
    "gave_on": Told(("{p} had {a_thing} and gave it to {q}. [Then|Later] {q} gave it to {r}.", "{q} got {a_thing} from {p}. {q} gave it to {r}.",
                     "{p} gave {a_thing} to {q}, and {q} gave it to {r}.", "{r} has {a_thing} from {q}. {q} got it from {p}."),
                    (*_renamed(_OWNER, now="r", before="p"), *_renamed(_OWNER[1:], now="r", before="q"), *_renamed(_GAVE, giver="p", taker="q"),
                     *_renamed(_GAVE, giver="q", taker="r"), _FIRST),
                    _OPEN_THING,
                    ("p thing q r went gave has",
                     ("The {thing} went from {p} to {r}.", "{p} gave {a_thing} to {q} and {q} gave it to {r}.",
                      "The {thing} of {p} went to {q} and then to {r}.", "{r} has the {thing} that {p} had."))),
    "gave_back": Told(("{p} gave {a_thing} to {q}. [Later|Then|On {day}] {q} gave it back.", "{p} gave {a_thing} to {q}, but {q} gave it back."),
                      (*_renamed(_OWNER, now="p", before="q"), _FIRST, *_renamed(_GAVE, giver="p", taker="q")[:1]), _OPEN_THING,
                      ("p thing q gave got", ("{p} gave {a_thing} to {q} and got it back.", "{q} gave the {thing} back to {p}."))),
    "took": Told(("{p} had {a_thing}. {q} took it[ from {p}|]. [Then|Later] {r} took it from {q}.",
                  "{q} took {a_thing} from {p}. {r} took it from {q}."),
                 (*_renamed(_OWNER, now="r", before="p"), *_renamed(_OWNER[1:], now="r", before="q"), _FIRST, *_renamed(_TOOK, giver="p", taker="q"),
                  *_renamed(_TOOK, giver="q", taker="r")),
                 _OPEN_THING,
                 ("p thing q r went gave has",
                  ("The {thing} went from {p} to {r}.", "The {thing} went from {p} to {q} and then to {r}.", "{r} has the {thing} that {p} had."))),
    "beast": Told(("{s} lived {at} the {place}. {he} ate {food} [every day|in {season}].", "{at} the {place} lived {p}. {he} ate {food}."),
                  (("Where did {p} live?", "place", "{p} lived {at} the {place}.|{at} the {place}.|The {place}."),
                   ("What did {p} eat?", "food", "{p} ate {food}.|{food}."), ("Who ate the {food}?", "p", "{p} ate the {food}.|{p}.|{p} did."),
                   ("Did {p} eat {no_food}?", "no", "No.|No, {p} ate {food}.|No, {he} ate {food}.")),
                  ("How old was {p}?", "What color was {p}?"),
                  ("p ate food place",
                   ("{p} lived {at} the {place} and ate {food}.", "The text is about {p}, which lived {at} the {place} and ate {food}."))),
    "beast_deed": Told(("{p} found {a_thing} {at} the {place}.", "{at} the {place}, {p} found {a_thing}."),
                       (("What did {p} find?", "thing", "{p} found {a_thing}.|{a_thing}.|It was {a_thing}."),
                        ("Where did {p} find the {thing}?", "place", "{p} found the {thing} {at} the {place}.|{at} the {place}.|The {place}."),
                        ("Who found the {thing}?", "p", "{p} found the {thing}.|{p} did.|{p}.")),
                       ("When did {p} find the {thing}?", *_OPEN_THING[:2]),
                       ("p found thing place", ("{p} found {a_thing} {at} the {place}.", "{at} the {place}, {p} found {a_thing}."))),
}  # fmt: skip

# Kinds of telling that one text must not hold together: their questions would have two answers.
_EITHER = (("deed_when", "deed_season", "deed_color"), ("size", "pet", "count"), ("went", "went_with"),
("lives",), ("job",),
           ("eat", "two_foods"), ("saw", "two_animals"), ("feel", "why_glad", "why_sad"))  # fmt: skip
_PASSING = ("gave", "gave_on", "gave_back", "took", "found_for")
# Of a crowd: the slots of what each one did.
_CROWD = {"deed": ("past", "thing"), "deed_color": ("past", "thing"), "deed_when": ("past", "thing"),
          "eat": ("fpast", "food"), "saw": ("apast", "animal")}  # fmt: skip
# What a text with a hero leaves open, by the kinds of telling that would answer it.
_OPEN: tuple[tuple[str, Template], ...] = (
    ("lives", "[Where does {p} live|In which town does {p} live]?"), ("job", "What is {p}'s job?"),
    ("feel why_glad why_sad", "How did {p} feel?"), ("eat two_foods", "What did {p} eat?"),
    ("saw two_animals", "What did {p} see?"), ("pet", "What pet does {p} have?"), ("", "How old is {p}?"),
    ("", "Who is the [mother|brother|sister] of {p}?"), ("", "What did {stranger} [find|buy|eat]?"),
    ("", "Where does {stranger} live?"),
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What a passage answers, not yet worded."""

    ask: Ask
    slots: dict[str, str]

    def text(self, rng: Random) -> str:
        return capitalized(say(rng, self.ask[0], self.slots))

    @property
    def keys(self) -> list[str]:
        """The words that every right answer holds."""
        return [k if k in ("yes", "no") else self.slots[k].removeprefix("the ") for k in self.ask[1].split()]

    def answers(self) -> list[str]:
        """Right answers, also with a pronoun for who was asked about."""
        forms = self.ask[2].split("|")
        if "p" not in self.ask[1].split():
            forms += [f"{{he}}{form[3:]}" for form in forms if form.startswith("{p} ")]
        return [capitalized(form.format_map(self.slots)) for form in forms]


@dataclass(frozen=True)
class Passage:
    text: str
    questions: tuple[Question, ...]
    untold: tuple[tuple[Template, dict[str, str]], ...]  # questions that it does not answer
    gist: tuple[str, ...]  # the words that a summary needs
    summaries: tuple[str, ...]
    kinds: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


def plural(word: str) -> str:
    return lx.PLURALS.get(word) or word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


@cache
def _needed(kind: str) -> tuple[str, ...]:
    told = TOLD[kind]
    templates = (*told.texts, *told.untold, *(t for q, _, answers in told.asks for t in (q, answers)))
    return tuple(sorted({name for t in templates for name in re.findall(r"\{(\w+)\}", t)}))


def _sentence_case(text: str) -> str:
    return re.sub(r"(?:^|(?<=[.?!] ))[a-z]", lambda m: m[0].upper(), text)


class _Teller:
    """Tells one passage; remembers which words are used up."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.used, self.said, self.kinds = rng, set[str](), list[str](), list[str]()
        self.questions: list[Question] = []
        self.untold: list[tuple[Template, dict[str, str]]] = []
        self.heard: set[str] = set()  # whom or what the last sentences named
        self.gists: list[tuple[list[str], list[str]]] = []

    def pick(self, pool: Iterable[str]) -> str:
        word = self.rng.choice([w for w in pool if w not in self.used])
        self.used.add(word)
        return word

    def person(self) -> dict[str, str]:
        name = self.pick(lx.PEOPLE)
        he, him, his = ("she", "her", "her") if name in lx.WOMEN else ("he", "him", "his")
        return {"p": name, "he": he, "him": him, "his": his}

    def beast(self) -> dict[str, str]:
        return {"p": f"the {self.pick(lx.ANIMALS)}", "he": "it", "him": "it", "his": "its"}

    def _fill(self, slots: dict[str, str], names: Iterable[str]) -> None:
        """Draws what the slots of a telling still lack."""
        rng = self.rng
        if "adj" in names:
            slots["adj"], slots["anti"], slots["more"], slots["less"] = rng.choice(PAIRS)
        for name in sorted(names, key=lambda n: n.startswith(("a_", "no_", "b_"))):
            marker, _, bare = name.rpartition("_")
            pool = bare.rstrip("2")
            if pool == "things":
                slots.setdefault("thing", self.pick(lx.THINGS))
                slots["things"] = plural(slots["thing"])
            if marker == "no":
                word = self.pick(POOLS[pool])
                slots[name] = word if pool == "color" else _with_article(pool, word)
            elif pool in POOLS and bare not in slots:
                slots[bare] = self.pick(POOLS[pool])
            if marker == "a":
                slots[name] = _with_article(pool, slots[bare])
            if marker == "b":
                slots[name] = BASES[slots[bare]]
        if "at" in names:
            inside = "on" if slots["place"] in ON_TOP else "by" if slots["place"] in WET else "in"
            slots["at"] = rng.choice((inside, inside, inside, "near", "by"))
        slots["on"] = "on" if "day" in slots else "in"

    def tell(self, kind: str, who: dict[str, str], pronoun: bool = False) -> None:
        told, slots, rng = TOLD[kind], dict(who), self.rng
        self._fill(slots, _needed(kind))
        slots["s"] = slots["he"] if pronoun and rng.random() < 0.75 else slots["p"]
        texts = told.texts
        if sum(text.count(".") for text in self.said) > 1:  # it is long enough: one sentence more
            texts = [text for text in texts if text.count(".") == 1] or texts
        self.said.append(_sentence_case(say(rng, rng.choice(texts), slots)))
        self.kinds.append(kind)
        self.heard = {slots[n] for n in ("q", "r", "o") if n in slots}
        self.questions += [Question(ask, slots) for ask in told.asks]
        self.untold += [(template, slots) for template in told.untold]
        if told.gist:
            keys = [slots.get(k, k).removeprefix("the ") for k in told.gist[0].split()]
            self.gists.append((keys, [capitalized(t.format_map(slots)) for t in told.gist[1]]))

    def can_say_pronoun(self, who: dict[str, str]) -> bool:
        """Nobody else was just named whom the pronoun could mean."""
        return bool(self.said) and not any((n in lx.WOMEN) == (who["p"] in lx.WOMEN) for n in self.heard)

    def leave_open(self, who: dict[str, str]) -> None:
        slots = {**who, "stranger": self.pick(lx.PEOPLE)}
        self.untold += [(t, slots) for kinds, t in _OPEN if not set(kinds.split()) & set(self.kinds)]


def _with_article(pool: str, word: str) -> str:
    return a(word) if pool in ("thing", "animal", "job", "color", "size") else word


def _hero(teller: _Teller) -> None:
    """One person, two to five tellings; the deed can stand anywhere."""
    who, rng = teller.person(), teller.rng
    groups = rng.sample(_EITHER, rng.choice((1, 2, 2, 3)))
    kinds = [rng.choice(group) for group in groups] + ["deed"]
    rng.shuffle(kinds)
    for kind in kinds:
        teller.tell(kind, who, pronoun=teller.can_say_pronoun(who))
    teller.leave_open(who)


def _crowd(teller: _Teller) -> None:
    """Two or three people, one deed each."""
    people = [teller.person() for _ in range(teller.rng.choice((2, 2, 3)))]
    deeds = []
    for who in people:
        kind = teller.rng.choice(tuple(_CROWD))
        teller.tell(kind, who)
        slots, (past, what) = teller.questions[-1].slots, _CROWD[kind]
        deeds.append((who["p"], slots[past], slots[what], slots[f"a_{what}"]))
    teller.leave_open(people[0])
    told = [f"{name} {past} {a_what}" for name, past, _, a_what in deeds]
    summaries = [f"{listed(order)}." for order in (told, told, told[::-1])]
    teller.gists = [([word for deed in deeds for word in deed[:3]], summaries)]


def _short(kinds: tuple[str, ...], more: tuple[str, ...]) -> Callable[[_Teller], None]:
    """One telling that is a story in itself, and sometimes something more about its first person."""

    def plot(teller: _Teller) -> None:
        who, rng = teller.person(), teller.rng
        main, extra = rng.choice(kinds), rng.choice(more)
        for kind in (extra, main) if rng.random() < 0.25 else (main,):
            teller.tell(kind, who)
        if len(teller.said) == 1 and (teller.said[0].count(".") == 1 or rng.random() < 0.5):
            teller.tell(extra, who)
        teller.leave_open(who)

    return plot


def _beast(teller: _Teller) -> None:
    who, rng = teller.beast(), teller.rng
    for kind in rng.sample((rng.choice(("beast", "beast_deed")), "feel"), 2):
        teller.tell(kind, who)
    teller.untold += [
        (t, who) for t in ("How old is {p}?", "[What color is|Who saw] {p}?", "Who is a friend of {p}?")
    ]


_PLOTS: tuple[tuple[Callable[[_Teller], None], int], ...] = (
    (_hero, 40), (_crowd, 14), (_short(_PASSING, ("feel", "lives", "job", "went")), 18), (_beast, 8),
    (_short(("lost",), ("feel", "lives", "job")), 7), (_short(("two_have",), ("feel", "lives", "job",
     "went")), 8),
    (_short(("compare",), ("lives", "job", "went", "feel")), 7),
)  # fmt: skip


def _joined(rng: Random, sentences: list[str]) -> str:
    """The sentences as a text; some are joined by "and"."""
    text = ""
    for sentence in sentences:
        joins = (
            text.endswith(".")
            and " and " not in text.split(". ")[-1]
            and sentence.split()[0] in ("She", "He")
        )
        if joins and len(sentences) > 2 and rng.random() < 0.3:
            text = f"{text[:-1]}{rng.choice((', and', ' and'))} {sentence[:1].lower()}{sentence[1:]}"
        else:
            text = f"{text} {sentence}".strip()
    return text


def _telegram(text: str) -> str:
    """As people type who are in a hurry."""
    return re.sub(r"\b(?:a|an|the) ", "", text.lower())


def draw_passage(rng: Random, telegrams: float = 0.07) -> Passage:
    teller = _Teller(rng)
    rng.choices([plot for plot, _ in _PLOTS], [weight for _, weight in _PLOTS])[0](teller)
    text = _joined(rng, teller.said)
    if rng.random() < telegrams:
        text = _telegram(text)
    keys, summaries = teller.gists[0]
    kinds = tuple(teller.kinds)
    return Passage(text, tuple(teller.questions), tuple(teller.untold), tuple(keys), tuple(summaries), kinds)


def draw_question(rng: Random, passage: Passage) -> tuple[str, str]:
    """A question about the passage and its answer in a word."""
    question = rng.choice([q for q in passage.questions if len(q.keys) == 1])
    return question.text(rng), question.keys[0]


def summary_of(passage: Passage, rng: Random) -> str:
    """One sentence that tells what matters."""
    return rng.choice(passage.summaries)
