"""How prompts are worded: what people ask for, in whose manner, with which constraints.

A prompt is put together from independent parts: a wording of the skill, what one person says before and after
it, and how that person types (capitals, stops, slips of the pen). So few texts are ever the same, and a model
that has seen the parts has seen the manner of most strangers.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from random import Random

from ..paper import TABLE_1
from . import lexicon as lx
from .grammar import capitalized, say
from .rubric import END_PHRASES, START_PHRASES, echoes, uncapitalized
from .skill import CONTINUATION, INSTRUCTION, USE_CASES, Facts, Skill, Slots, Task, sentences
from .tasks import SKILL, SKILLS_OF, UNKNOWN
from .tasks.book import claimed_values

FLATTEN = 0.5  # shares are raised to this power: 1 is Table 1 as it is, 0 all alike
CONSTRAINT_RATE = 0.30  # of the prompts that can carry one
UNKNOWN_RATE = 0.09  # of all prompts ask for what nobody here can know or should say
FLATTENED_UNKNOWN = {"elsewhere": 4.0, "nonsense": 1.0, "unheard": 1.5, "unclear": 1.5, "private": 0.8}

# What people say before a request. Labelers say the plain ones.
OPENINGS = (
    "[Hello|Hi|Hey|Good day|Good morning|Good evening|Hi there|Hello there][.|,|!]",
    "Please help me.", "I have a question[.|:]", "[Can|Could|Would] you help me[, please|]?",
    "[Excuse|Pardon] me[, please|].", "I need [some|your|a little] help.", "Quick question[.|:]",
    "[Dear|My dear] [friend|helper].", "Hello, [my name is|I am|this is] {name}.", "Tell me[, please|]:", "[So|Well|Ok|Okay|Now],",
    "[I hope you are well|I hope this is not too much].", "One more [question|thing][.|:]", "Please[:|,]",
    "[I am|We are] new here.", "[Sorry|I am sorry] to [ask|bother you|disturb you].", "Here is [something|a thing] I need.",
    "[If you have a moment|If it is not too much trouble|If you do not mind],", "[I wonder if you can help me|Maybe you can help].",
    "[Would you be so kind|Be so kind]:", "A question from my [son|daughter|mother|friend|class]:", "Listen[.|:]",
)  # fmt: skip
ENDINGS = (
    "Thanks[.|!|]", "Thank you[.|!| very much.]", "Please[.|!|]", "Be quick.", "It is for [school|my sister|a friend|my class|{name}].",
    "I would be [so|very|] [glad|happy|thankful].", "[Have a nice day|Good bye|Bye].", "Can you do [that|this]?",
    "[I need it|It is needed] [today|now|soon].", "Thanks [a lot|in advance|for your help].", "Use easy words[, please|].",
    "I am [learning|tired|in a hurry].", "[That is all|That would be all].",
)  # fmt: skip
RUDE_OPENINGS = ("Come on, [fool|stupid].", "Hurry up, [stupid|you fool|lazy fool].", "Wake up, [lazy fool|idiot].",
                 "Listen, [you fool|stupid|dumb thing].", "You [lazy|stupid|dumb] thing.")  # fmt: skip
BACKGROUNDS = (
    "We [run|have] a small [school|shop|farm|mill].", "I own a [farm|shop|boat|mill].", "I work in a [shop|school|mill].",
    "My [team|class|family] needs help.", "I am new here.", "I am a [teacher|farmer|singer|baker|cook] [in|from] {town}.",
    "I am [seven|eight|nine|ten] years old.", "[My|Our] [children|pupils] want to learn.", "I [live|work] in {town}.",
    "I teach a class of [children|small children].", "My grandmother [is here|asked me].",
)  # fmt: skip


@cache
def use_case_mix(flatten: float = FLATTEN) -> dict[str, float]:
    """Shares that sum to 1: Table 1's, each to the power `flatten`."""
    raw = {u: (TABLE_1.value[u] / 100) ** flatten for u in USE_CASES}
    return {u: share / sum(raw.values()) for u, share in raw.items()}


@dataclass(frozen=True)
class Habit:
    """How one person asks."""

    opening: str = ""  # a template of what they say before most requests
    ending: str = ""
    background: str = ""  # user-based prompts (App. A.1) say what they are for
    rude: bool = False
    lower_case: bool = False
    no_stops: bool = False
    contractions: bool = False  # "I don't" for "I do not"
    slip_rate: float = 0.0
    parts: tuple[str, ...] = ("plain", "other")  # of the wordings
    variety: float = 1.0  # share of all wordings of a skill that this person uses
    seed: int = 0  # which of them
    taste: dict[str, float] = field(default_factory=dict)  # use case -> factor on its share
    continuation_rate: float = 0.17  # Table 7
    constraint_rate: float = CONSTRAINT_RATE


PLAIN = Habit(parts=("plain",), continuation_rate=0.0)


def draw_habit(rng: Random, rude_rate: float = 0.06, background_rate: float = 0.1) -> Habit:
    """A customer."""
    rude = rng.random() < rude_rate
    opening = rng.choice(RUDE_OPENINGS if rude else OPENINGS) if rude or rng.random() < 0.4 else ""
    return Habit(
        opening=opening,
        ending=rng.choice(ENDINGS) if rng.random() < 0.3 else "",
        background=rng.choice(BACKGROUNDS) if rng.random() < background_rate else "",
        rude=rude,
        lower_case=rng.random() < 0.3,
        no_stops=rng.random() < 0.25,
        contractions=rng.random() < 0.4,
        slip_rate=rng.choice((0.0, 0.0, 0.0, 0.05, 0.2)),
        variety=0.5,
        seed=rng.getrandbits(32),
        taste={u: rng.gammavariate(1.0, 1.0) for u in USE_CASES},
        continuation_rate=rng.choice((0.0, 0.0, 0.0, 0.2, 0.65)),  # most never write them, some little else
    )


def draw_labeler_habit(rng: Random, user_based: bool = False) -> Habit:
    """A labeler asks plainly and well-mannered; of their prompts one in sixteen plays a rude customer."""
    rude = rng.random() < 0.06
    opening = rng.choice(RUDE_OPENINGS) if rude else rng.choice(OPENINGS) if rng.random() < 0.2 else ""
    return Habit(
        opening=opening,
        ending=rng.choice(ENDINGS[:3]) if rng.random() < 0.2 else "",
        background=rng.choice(BACKGROUNDS) if user_based else "",
        rude=rude,
        lower_case=rng.random() < 0.1,
        no_stops=rng.random() < 0.1,
        parts=("plain",),
    )


def draw_task(
    rng: Random,
    facts: Facts,
    habit: Habit = Habit(),
    use_case: str | None = None,
    flatten: float = FLATTEN,
    skill: Skill | None = None,
) -> Task:
    """One prompt in the words of `habit`, with its reference answer."""
    skill = skill or _draw_skill(rng, habit, use_case, flatten)
    slots = skill.draw(rng, facts)
    wordings = skill.wordings_of(slots)
    if wordings.continuations and rng.random() < habit.continuation_rate:
        return make_task(rng, skill, slots, rng.choice(wordings.continuations), None, habit, CONTINUATION)
    part, template = _template(rng, skill, slots, habit)
    constraint = draw_constraint(rng, skill, habit.constraint_rate)
    return make_task(rng, skill, slots, template, constraint, habit, INSTRUCTION, part)


def _draw_skill(rng: Random, habit: Habit, use_case: str | None, flatten: float) -> Skill:
    if use_case is None and rng.random() < UNKNOWN_RATE:
        return rng.choices(UNKNOWN, [FLATTENED_UNKNOWN.get(s.name, 1.0) for s in UNKNOWN])[0]
    mix = use_case_mix(flatten)
    weights = [mix[u] * habit.taste.get(u, 1.0) for u in USE_CASES]
    skills = SKILLS_OF[use_case or rng.choices(USE_CASES, weights)[0]]
    return rng.choices(skills, [s.share for s in skills])[0]


def _template(rng: Random, skill: Skill, slots: Slots, habit: Habit) -> tuple[str, str]:
    """One of the wordings that this person uses: (part, template). Which ones is fixed by the habit's seed, so
    that a customer's prompts resemble each other."""
    found = [(part, t) for part in habit.parts for t in skill.wordings_of(slots).part(part)]
    if habit.variety < 1.0:
        own = Random(f"{habit.seed}-{skill.name}").sample(found, max(2, round(habit.variety * len(found))))
        found = own
    return rng.choice(found)


CONSTRAINTS = dict(start=3, end=3, without=1, sentences=1.5)  # kind -> weight
OF_FACTS = dict(word=2, capitals=1)  # only there are answers short enough
_PHRASES = dict(start=START_PHRASES, end=END_PHRASES, without=("good", "not", "very", "happy", "big"))


def draw_constraint(rng: Random, skill: Skill, rate: float) -> dict | None:
    if not skill.constrainable or rng.random() >= rate:
        return None
    kinds = CONSTRAINTS | (OF_FACTS if skill.name == "fact" else {})
    if skill.use_case in ("rewrite", "brainstorm"):  # a sentence for a sentence; lists have none
        kinds = {kind: weight for kind, weight in kinds.items() if kind != "sentences"}
    kind = rng.choices(tuple(kinds), tuple(kinds.values()))[0]
    return dict(kind=kind, phrase=rng.choice(_PHRASES.get(kind, ("",))))


_DEMANDS = {
    "start": ("Start with: {phrase}", "[Begin|Start] [your answer |the answer |]with[:| the words] {phrase}", "Your first words must be: {phrase}",
              "Say \"{phrase}\" first.", "[The|Your] answer must [begin|start] with \"{phrase}\"", "Before [you answer|anything else], say: {phrase}"),
    "end": ("End with: {phrase}", "[Finish|End] [your answer |the answer |]with[:| the words] {phrase}", "Your last words must be: {phrase}",
            "Say \"{phrase}\" at the end.", "[The|Your] answer must [end|finish] with \"{phrase}\"", "After [your answer|that], say: {phrase}"),
    "without": ("Do not [use|say] the word {phrase}.", "[Without|Avoid] the word {phrase}[, please|].", "You [may|must] not use the word {phrase}.",
                "Leave out the word {phrase}.", "The word {phrase} is [not allowed|forbidden].", "I do not want to [see|hear] the word {phrase}."),
    "word": ("[Answer|Reply|Say it] in one word[, please|].", "[Only|Just] one word[, please|, no sentence|].", "[Use|Give me|I want] [only|just] one word.",
             "Your answer must be [one|a single] word.", "One word [is enough|will do].", "In one word[, please|]."),
    "sentences": ("[Answer|Write it|Reply] in [exactly |]{phrase}[, please|].", "Use [exactly |]{phrase}.", "[Exactly|Just] {phrase}[, please|].", "Your answer must [have|be] [exactly |]{phrase}.",
                  "I want {phrase}, [not more and not less|no more and no less].", "Say it in [exactly |]{phrase}.", "[It|The answer] should have {phrase}."),
    "capitals": ("[Write|Answer|Type|Say it] in capital letters[, please|].", "Use [only |]capital letters.", "[All|Only] capital letters[, please|].", "[Write|Put] [everything|the answer|your answer] in [capitals|capital letters].",
                 "Your answer must be in capital letters.", "No small letters[, please|].", "I want to read [only capital letters|capital letters only]."),
}  # fmt: skip


def _that_can_be_kept(constraint: dict, text: str, core: str, skill: Skill, slots: Slots) -> dict | None:
    """The constraint, with what only the answer tells, or None where the answer `core` to the request `text` could
    not keep it or is asked to keep it already."""
    kind, phrase = constraint["kind"], constraint["phrase"]
    if kind == "without" and phrase in core.lower():
        return None
    if kind == "capitals" and skill.check(slots, uncapitalized(core.upper())) != (1.0, 1.0):
        return None
    if kind == "sentences":
        n = len(sentences(core))
        said_already = "sentence" in text or slots.get("n")
        return None if said_already else dict(kind=kind, phrase=f"{lx.NUMBERS[n]} sentence{'s' * (n > 1)}")
    return constraint


def make_task(
    rng: Random,
    skill: Skill,
    slots: Slots,
    template: str,
    constraint: dict | None = None,
    habit: Habit = Habit(),
    style: str = INSTRUCTION,
    part: str = "plain",
) -> Task:
    core = skill.answer(slots, rng)
    short = habit.contractions and style == INSTRUCTION
    text = say(rng, contracted(template) if short else template, slots)
    if short and not skill.closed_domain:  # elsewhere the slots are texts that somebody else wrote
        text = contracted(text)
    constraint = constraint and _that_can_be_kept(constraint, text, core, skill, slots)
    if constraint:
        demand = say(rng, rng.choice(_DEMANDS[constraint["kind"]]), constraint)
        text = f"{demand} {text}" if rng.random() < 0.3 else f"{_stopped(text)} {demand}"
    if style == INSTRUCTION:
        exact = constraint is not None and constraint["kind"] in _PHRASES
        text = typed(rng, text if skill.plain_voice else _framed(rng, text, habit), habit, exact)
    if constraint is None and echoes(text, core):  # "Good night." wants more than "Good night."
        others = (skill.answer(slots, rng) for _ in range(20))
        core = next((other for other in others if not echoes(text, other)), core)
    insulted = habit.rude and not skill.plain_voice or bool(slots.get("insult"))
    annotations = dict(
        ambiguous=skill.name == "unclear",
        sensitive=skill.sensitive,
        unknowable=skill.unknowable,
        closed_domain=skill.closed_domain,
        continuation=style == CONTINUATION,
        opinion=skill.opinion,
        explicit_constraint=constraint is not None,
    )
    kind = "user" if habit.background else "plain"
    reference = with_constraint(core, constraint, slots)
    slots = slots | dict(rude_customer=insulted)
    return Task(text, skill.use_case, skill.name, slots, core, reference, constraint, style, part, kind,
                annotations)  # fmt: skip


def _framed(rng: Random, text: str, habit: Habit) -> str:
    """What this person says before and after; people leave it out at times."""
    slots = dict(name=rng.choice(lx.PEOPLE), town=rng.choice(lx.TOWNS))
    before = say(rng, habit.opening, slots) if habit.opening and (habit.rude or rng.random() < 0.7) else ""
    after = say(rng, habit.ending, slots) if habit.ending and rng.random() < 0.7 else ""
    background = say(rng, habit.background, slots)
    if habit.contractions:
        before, background, after = map(contracted, (before, background, after))
    text = _stopped(text) if after else text
    return " ".join(part for part in (before, background, text, after) if part)


def _stopped(text: str) -> str:
    return text if text[-1:] in '.?!:"' else text + "."


def typed(rng: Random, text: str, habit: Habit, exact: bool = False) -> str:
    """As this person types it; `exact` where a phrase in it has to be copied letter by letter."""
    if habit.lower_case and not exact:
        text = re.sub(r"\b[A-Z](?=[a-z]*\b)", lambda m: m[0].lower(), text)
    if habit.no_stops:
        text = text.rstrip(".?!") or text
    if rng.random() < habit.slip_rate:
        spots = [m.start() for m in re.finditer(r"(?<=[a-z])[a-z](?=[a-z])", text)]
        if spots and not exact:
            i = rng.choice(spots)
            swapped = text[: i - 1] + text[i] + text[i - 1] + text[i + 1 :]
            text = rng.choice((text[:i] + text[i + 1 :], swapped, text[:i] + text[i] + text[i:]))
    return text


_NOT = {f"{verb} not": short for verb, short in dict({"is": "isn't"},
    do="don't", does="doesn't", did="didn't", can="can't", could="couldn't", will="won't", would="wouldn't", should="shouldn't",
    are="aren't", was="wasn't", were="weren't", has="hasn't", have="haven't").items()}  # fmt: skip
_IS = {"i am": "i'm", "it is": "it's", "that is": "that's", "what is": "what's", "who is": "who's", "where is": "where's", "how is": "how's",
       "you are": "you're", "we are": "we're", "they are": "they're", "i would like": "i'd like", "let us": "let's"}  # fmt: skip
# "What is it?" and "Tell me what it is now." stay as they are.
_LONG = re.compile(
    rf"\b(?:{'|'.join(_NOT)})\b"
    rf"|(?<!who )(?<!what )(?<!where )(?<!how )(?<!as )(?<!than )\b(?:{'|'.join(_IS)})(?= [\w{{])(?! (?:it|he|she)\b)",
    re.IGNORECASE,
)


@cache
def _contraction(long: str) -> str:
    short = (_NOT | _IS)[long.lower()]
    return capitalized(short) if long[0].isupper() else short


def contracted(text: str) -> str:
    """As many people write: "don't", "what's"."""
    return _LONG.sub(lambda m: _contraction(m[0]), text)


def with_constraint(core: str, constraint: dict | None, slots: Slots) -> str:
    """The answer as the constraint wants it; lists keep their lines."""
    if constraint is None:
        return core
    kind, phrase = constraint["kind"], constraint["phrase"]
    gap = "\n" if core.startswith("1.") else " "
    if kind == "word":
        values = claimed_values(slots, core)
        return f"{capitalized(values.pop())}." if len(values) == 1 else core
    if kind == "capitals":
        return core.upper()
    return f"{phrase}{gap}{core}" if kind == "start" else f"{core}{gap}{phrase}" if kind == "end" else core


# --- few-shot prompts (App. A.1) ----------------------------------------------------------------------------

FEW_SHOT_INSTRUCTIONS = dict(
    sentiment="Label each review.",
    manners="Label each comment as kind or rude.",
    past="Put each sentence in the past.",
    polite="Make each sentence polite.",
    opposite="Give the opposite of each word.",
)


def draw_few_shot(rng: Random, facts: Facts, k: int) -> tuple[str, list[tuple[str, str, Task]]]:
    """An instruction with K (query, response, task of the query alone) triples, as a labeler writes them down."""
    name = rng.choice([n for n in FEW_SHOT_INSTRUCTIONS if n in SKILL])
    skill = SKILL[name]
    triples = []
    for _ in range(k):
        task = make_task(rng, skill, skill.draw(rng, facts), "{source}")
        triples.append((str(task.slots["source"]), task.core, task))
    return FEW_SHOT_INSTRUCTIONS[name], triples
