"""How prompts come about: one task drawn, put into somebody's words, perhaps with an explicit constraint.

Customers differ in their habits: what they ask for, which wordings they use, how they begin and end a prompt.
That is why a split by user matters (§3.2): the wording of a person you have trained on is not a new wording.
"""

from dataclasses import dataclass, field
from functools import cache
from random import Random

from ..paper import TABLE_1
from .facts import Fact
from .rubric import END_PHRASES, START_PHRASES
from .tasks import CONTINUATION, INSTRUCTION, SKILLS, SKILLS_OF, USE_CASES, Skill, Slots, Task

FLATTEN = (
    0.5  # shares are raised to this power: 1 is Table 1 as it is, 0 all alike (data/README.md has the reason)
)
CONSTRAINT_RATE = 0.40  # of the prompts that can carry one: about a quarter of all, as in Table 7

GREETINGS = ("", "", "", "Hello.", "Hi there.", "Please help me.", "I have a question.", "Good day.")
RUDE_GREETINGS = ("Come on, fool.", "Hurry up, stupid.", "Wake up, lazy fool.")
BACKGROUNDS = (
    "We run a small school.",
    "I own a farm.",
    "I work in a shop.",
    "My team needs help.",
    "I am new here.",
)
THANKS = ("", "", "", "", "Thanks.", "Be quick.", "Please.")


@cache
def use_case_mix(flatten: float = FLATTEN) -> dict[str, float]:
    """Shares that sum to 1: Table 1's, each to the power `flatten`."""
    raw = {u: (TABLE_1.value[u] / 100) ** flatten for u in USE_CASES}
    return {u: share / sum(raw.values()) for u, share in raw.items()}


@dataclass(frozen=True)
class Habit:
    """How one person asks."""

    greeting: str = ""
    thanks: str = ""
    background: str = ""  # user-based prompts (App. A.1) say what they are for
    wordings: dict[str, tuple[int, ...]] = field(
        default_factory=dict
    )  # skill -> the templates this person uses
    taste: dict[str, float] = field(default_factory=dict)  # use case -> factor on its share
    continuation_rate: float = 0.17  # Table 7
    constraint_rate: float = CONSTRAINT_RATE

    @property
    def rude(self) -> bool:
        return self.greeting in RUDE_GREETINGS


def draw_manner(rng: Random, rude_rate: float = 0.06, background_rate: float = 0.1) -> tuple[str, str, str]:
    """Greeting, thanks and background of one person."""
    greeting = rng.choice(RUDE_GREETINGS if rng.random() < rude_rate else GREETINGS)
    background = rng.choice(BACKGROUNDS) if rng.random() < background_rate else ""
    return greeting, rng.choice(THANKS), background


def draw_habit(rng: Random) -> Habit:
    greeting, thanks, background = draw_manner(rng)
    wordings = {
        s.name: tuple(sorted(rng.sample(range(len(s.templates)), min(2, len(s.templates))))) for s in SKILLS
    }
    taste = {u: rng.gammavariate(1.0, 1.0) for u in USE_CASES}
    style = rng.choice(
        (0.0, 0.0, 0.0, 0.2, 0.65)
    )  # most people never write continuations, some do little else
    return Habit(greeting, thanks, background, wordings, taste, style)


def draw_task(
    rng: Random,
    facts: tuple[Fact, ...],
    habit: Habit = Habit(),
    use_case: str | None = None,
    flatten: float = FLATTEN,
) -> Task:
    """One prompt in the words of `habit`, with its reference answer."""
    mix = use_case_mix(flatten)
    weights = [mix[u] * habit.taste.get(u, 1.0) for u in USE_CASES]
    use_case = use_case or rng.choices(USE_CASES, weights)[0]
    skills = SKILLS_OF[use_case]
    skill = rng.choices(skills, [s.share for s in skills])[0]
    slots = skill.draw(rng, facts)
    continued = bool(skill.continuations) and rng.random() < habit.continuation_rate
    if continued:
        template = rng.choice(skill.continuations)
    else:
        template = skill.templates[rng.choice(habit.wordings.get(skill.name) or range(len(skill.templates)))]
    constraint = draw_constraint(rng, skill, habit.constraint_rate)
    return make_task(
        rng, skill, slots, template, constraint, habit, CONTINUATION if continued else INSTRUCTION
    )


def draw_constraint(rng: Random, skill: Skill, rate: float) -> dict | None:
    if not skill.constrainable or rng.random() >= rate:
        return None
    where = rng.choice(("start", "end"))
    return dict(where=where, phrase=rng.choice(START_PHRASES if where == "start" else END_PHRASES))


def make_task(
    rng: Random,
    skill: Skill,
    slots: Slots,
    template: str,
    constraint: dict | None = None,
    habit: Habit = Habit(),
    style: str = INSTRUCTION,
) -> Task:
    core = skill.answer(slots, rng)
    text = template.format(**slots)
    if constraint:
        demand = f"{constraint['where'].capitalize()} with: {constraint['phrase']}"
        before = style == CONTINUATION or rng.random() < 0.4
        text = f"{demand} {text}" if before else f"{text} {demand}"
    if style == INSTRUCTION and skill.use_case != "chat":
        text = " ".join(part for part in (habit.greeting, habit.background, text, habit.thanks) if part)
    slots = slots | dict(rude_customer=habit.rude and skill.use_case != "chat" or bool(slots.get("insult")))
    annotations = dict(
        ambiguous=skill.name == "unclear",
        sensitive=skill.name == "private",
        closed_domain=skill.closed_domain,
        continuation=style == CONTINUATION,
        opinion=skill.opinion,
        explicit_constraint=constraint is not None,
    )
    kind = "user" if habit.background else "plain"
    return Task(
        text,
        skill.use_case,
        skill.name,
        slots,
        core,
        with_constraint(core, constraint),
        constraint,
        style,
        kind,
        annotations,
    )


def with_constraint(core: str, constraint: dict | None) -> str:
    """The answer with the phrase it was asked to start or end with; lists keep their lines."""
    if constraint is None:
        return core
    gap = "\n" if core.startswith("1.") else " "
    phrase = constraint["phrase"]
    return f"{phrase}{gap}{core}" if constraint["where"] == "start" else f"{core}{gap}{phrase}"


# --- few-shot prompts (App. A.1) ----------------------------------------------------------------------------

FEW_SHOT_INSTRUCTIONS = dict(
    sentiment="Label each review as good or bad.",
    manners="Label each comment as kind or rude.",
    sort="Label each word as animal, food, town or job.",
    past="Put each sentence in the past.",
    polite="Make each sentence polite.",
)


def draw_few_shot(rng: Random, facts: tuple[Fact, ...], k: int) -> tuple[str, list[tuple[str, str, Task]]]:
    """An instruction with K (query, response, task of the
    query alone) triples, as a labeler writes them down."""
    name = rng.choice(tuple(FEW_SHOT_INSTRUCTIONS))
    skill = next(s for s in SKILLS if s.name == name)
    triples = []
    for _ in range(k):
        task = make_task(rng, skill, skill.draw(rng, facts), "{source}")
        triples.append((str(task.slots["source"]), task.core, task))
    return FEW_SHOT_INSTRUCTIONS[name], triples
