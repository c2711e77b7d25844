"""Open questions that the book of facts answers, and questions that take something false for granted."""

import re
from random import Random

from .. import lexicon as lx
from ..facts import RELATION, Fact
from ..grammar import say
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, sentences, words

MYTH_QUESTIONS = 0.45  # share of fact questions that are about something many people get wrong


def plural(word: str) -> str:
    """foxes, mice, hens."""
    return lx.PLURALS.get(word) or word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


# What a question is called by: [plain, other, unseen] for each relation. "{x}" is the entity, "{xs}" its plural.
_AN = "[the|a] {x}"  # one of a kind
ASKED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "home": (
        ("Where does the {x} live?", "Where [do {xs}|does a {x}] live?", "What is the home of the {x}?",
         "Where is the home of the {x}?", "Tell me where the {x} lives.", "In which place does the {x} live?"),
        (f"[Do you know|Can you tell me|I want to know|I wonder] where {_AN} lives[?|.]", "{xs} live where?",
         "{x} home?", "Where [can|could] I find [a|the] {x}?", f"[Which|What] place is home to {_AN}?",
         f"Where does {_AN} [sleep|stay|have its home]?", "home of the {x}", "the {x} lives where",
         f"Where would {_AN} [be|live]?", "I am looking for the {x}. Where does it live?",
         "My [son|teacher|friend] asks where the {x} lives."),
        (f"Name the place where {_AN} lives.", "What place do {xs} call home?", "Where must I go to see the {x}?"),
    ),
    "food": (
        ("What does the {x} eat?", "What do {xs} eat?", "What is the food of the {x}?", "Tell me what the {x} eats.",
         "What does a {x} like to eat?", "Which food does the {x} eat?"),
        (f"[Do you know|Can you tell me|I want to know|I wonder] what {_AN} eats[?|.]", "{xs} eat what?", "{x} food?",
         f"What [can|should|do] I [feed|give] {_AN}[ to eat|]?", f"What is {_AN} fed[ with|]?", "food of the {x}",
         "I have a {x}. What [does it eat|should it eat]?", f"What kind of food does {_AN} [eat|like|want]?",
         "what does a {x} [even|really] eat", "The {x} is hungry. What does it eat?"),
        (f"Name the food that {_AN} eats.", "What do {xs} live on?", "What is on the menu of the {x}?"),
    ),
    "color": (
        ("What color is the {x}?", "What color are {xs}?", "What is the color of the {x}?",
         "Tell me the color of the {x}.", "Which color does the {x} have?"),
        (f"What colour is {_AN}?", "[Do you know|Can you tell me|I wonder] what [color|colour] the {x} is[?|.]",
         "{x} color?", "color of the {x}", "What [color|colour] does the {x} have?", "the {x} is what color",
         "I want to [draw|paint] a {x}. What color is it?", "[In|Of] [what|which] [color|colour] is the {x}?",
         "Which [color|colour] do {xs} have?"),
        (f"Name the color of {_AN}.", "How would you describe the color of the {x}?",
         "Which pencil do I need to draw the {x}? Say its color."),
    ),
    "job": (
        ("What is the job of {x}?", "What work does {x} do?", "What is {x}'s job?", "Tell me the job of {x}.",
         "What does {x} do for a living?"),
        ("[Do you know|Can you tell me|I wonder] what {x} does[ for work|][?|.]", "{x} job?",
         "What [kind of|] work does {x} do?", "[As what|What] does {x} work[ as|]?", "job of {x}",
         "What is the [profession|work] of {x}?", "What [job|work] does {x} have?", "what does {x} do all day",
         "I met {x}. What is [the|this person's] job?"),
        ("Name the job of {x}.", "How does {x} earn money?", "{x} goes to work. As what?"),
    ),
    "town": (
        ("Where does {x} live?", "What is the town of {x}?", "In which town does {x} live?",
         "Tell me where {x} lives.", "Which town does {x} live in?"),
        ("[Do you know|Can you tell me|I wonder] where {x} lives[?|.]", "{x} lives where?", "{x} town?",
         "What town is {x} from?", "Where is {x} [from|at home]?", "town of {x}", "Where [can|do] I find {x}?",
         "I want to visit {x}. Which town [is it|must I go to]?", "[In|To] what [town|place] does {x} [live|belong]?"),
        ("Name the town where {x} lives.", "Which town is home to {x}?", "I have a letter for {x}. To which town does it go?"),
    ),
    "pet": (
        ("What is the pet of {x}?", "Which animal does {x} have?", "What pet does {x} have?",
         "What is {x}'s pet?", "Tell me which pet {x} has."),
        ("[Do you know|Can you tell me|I wonder] what pet {x} has[?|.]", "{x} pet?", "Does {x} have a pet? Which one?",
         "What [kind of|] animal does {x} [keep|own|have]?", "pet of {x}", "Which animal lives with {x}?",
         "What animal is [{x}'s|the] pet[ of {x}|]?", "{x} has a pet. What is it?"),
        ("Name the pet of {x}.", "Who waits at home for {x}? Say the animal.", "Which animal belongs to {x}?"),
    ),
    "weather": (
        ("How is the weather in {x}?", "What is the weather in {x}?", "What is the weather like in {x}?",
         "Tell me about the weather in {x}."),
        ("[Do you know|Can you tell me] how the weather is in {x}[?|.]", "weather in {x}[?|]", "{x} weather?",
         "What weather [do they have|is there|is it] in {x}?", "How's the weather in {x}?", "whats the weather in {x}",
         "I [go|travel|am going] to {x}. How is the weather[ there|]?", "What kind of weather does {x} have?",
         "How is it outside in {x}?", "Which weather has {x}?"),
        ("Describe the weather in {x}.", "I pack for {x}. What weather should I expect?", "What does the sky do in {x}? Tell me the weather."),
    ),
    "fame": (
        ("What is {x} known for?", "Which thing is {x} known for?", "What is {x} famous for?",
         "Tell me what {x} is known for."),
        ("[Do you know|Can you tell me|I wonder] what {x} is [known|famous] for[?|.]", "{x} is known for what?",
         "Why do people know {x}? For which thing?", "{x} famous for?", "For [what|which thing] is {x} [known|famous]?",
         "What [thing|] do people [know|remember] {x} for?", "What is [so |]special [about|in] {x}?",
         "I go to {x}. What is it famous for?", "What does {x} have that other towns do not have?"),
        ("Name the thing that {x} is famous for.", "What made {x} famous?", "What should I buy in {x}, since it is famous for it?"),
    ),
    "taste": (
        ("What is the taste of {x}?", "How is the taste of {x}?", "What taste [does|do] {x} have?",
         "Tell me the taste of {x}."),
        ("[Do you know|Can you tell me|I wonder] [how|what] the taste of {x} is[?|.]", "How [does|do] {x} taste?",
         "taste of {x}[?|]", "What [does|do] {x} taste like?", "{x} [taste|tastes] how?", "I never ate {x}. How is the taste?",
         "Which taste [has|have] {x}?", "[Is|Are] {x} sweet or sour or something else? Tell me the taste."),
        ("Describe the taste of {x}.", "What will my tongue feel when I eat {x}? Tell me the taste.", "Name the taste of {x}."),
    ),
    "source": (
        ("Where do people get {x}?", "Where do people look for {x}?", "Tell me where people get {x}.",
         "Where [does|do] {x} come from?"),
        ("[Do you know|Can you tell me|I wonder] where [people|they|we] get {x}[?|.]", "Where [can|do|could|must] I [get|find] {x}?",
         "source of {x}[?|]", "where to get {x}", "From [where|which place] do people get {x}?", "I need {x}. Where do I get it?",
         "In which place do people [find|look for] {x}?", "{x} comes from where?"),
        ("Name the place where people get {x}.", "I am out of {x}. Which place should I go to?", "What place gives us {x}?"),
    ),
    "material": (
        ("What is the {x} made of?", "What do people make the {x} of?", "Tell me what the {x} is made of.",
         "Which material is the {x} made of?"),
        ("[Do you know|Can you tell me|I wonder] what the {x} is made of[?|.]", "{x} made of what?", "What [is|are] [a {x}|{xs}] made [of|from]?",
         "material of the {x}[?|]", "[Out of|From|Of] what is the {x} made?", "What material is [in|used for] the {x}?",
         "What do [they|you] need to make a {x}? Which material?", "the {x} is made from what"),
        ("Name the material of the {x}.", "What stuff is the {x}?", "If I touch the {x}, what material do I feel?"),
    ),
    "owner": (
        ("Who owns the {x}?", "Who is the owner of the {x}?", "Whose {x} is it?", "Tell me who owns the {x}.",
         "Who does the {x} belong to?"),
        ("[Do you know|Can you tell me|I wonder] who owns the {x}[?|.]", "{x} owner?", "Who has the {x}?", "owner of the {x}",
         "To whom does the {x} belong?", "Whose is the {x}?", "The {x} belongs to who?", "I found the {x}. Who owns it?",
         "Who is [it|the one] that owns the {x}?"),
        ("Name the owner of the {x}.", "To whom must I give the {x} back?", "Which person calls the {x} their own?"),
    ),
}  # fmt: skip
CONTINUED = "Question: {question}\nAnswer:"


def ask(fact: Fact, rng: Random | None = None, part: str = "plain") -> str:
    """A question about a fact; without `rng` the plainest one."""
    plain, other, unseen = ASKED[fact.relation]
    slots = dict(x=fact.entity, xs=plural(fact.entity))
    if rng is None:
        return say(Random(0), plain[0], slots)
    return say(rng, rng.choice({"plain": plain, "other": other, "unseen": unseen}[part]), slots)


def plain_questions(fact: Fact) -> list[str]:
    """One question for each plain wording."""
    slots = fact_slots(fact)
    return [say(Random(0), template, slots) for template in fact_wordings(slots).plain]


def fact_slots(fact: Fact) -> Slots:
    return dict(relation=fact.relation, entity=fact.entity, truth=fact.truth, myth=fact.myth, x=fact.entity,
                xs=plural(fact.entity), question=ask(fact))  # fmt: skip


def fact_wordings(slots: Slots) -> Wordings:
    return Wordings(*ASKED[str(slots["relation"])], continuations=(CONTINUED,))


def claimed_values(slots: Slots, body: str) -> set[str]:
    """The values of the question's kind that an answer mentions; "Eggs." begins a sentence."""
    said = set(words(body))
    said |= {word.lower() for word in said}
    return (said & set(RELATION[str(slots["relation"])].values)) - {str(slots["entity"])}


def _draw_fact(rng: Random, facts: Facts) -> Slots:
    asked = [f for f in facts if f.asked]
    wrong = rng.random() < MYTH_QUESTIONS
    return fact_slots(rng.choice([f for f in asked if bool(f.myth) == wrong]))


def _answer_fact(slots: Slots, rng: Random) -> str:
    return RELATION[str(slots["relation"])].statements[0].format(x=slots["entity"], v=slots["truth"])


def _check_fact(slots: Slots, body: str) -> Marks:
    """A sentence about the entity, or the value alone."""
    values, said = claimed_values(slots, body), sentences(body)
    if len(said) != 1 or not values:
        return WRONG
    about = (
        str(slots["entity"]) in words(body)
        or bool(re.match(r"(It|The|In|For|People)\b", body))
        or len(words(body)) <= 3
    )
    return float(about), float(about and values == {slots["truth"]})


def _draw_premise(rng: Random, facts: Facts) -> Slots:
    slots = _draw_fact(rng, facts)
    relation = RELATION[str(slots["relation"])]
    others = [v for v in relation.values if v not in (slots["truth"], slots["entity"])]
    false = slots["myth"] or rng.choice(others)
    claim = relation.statements[0].format(x=slots["entity"], v=false)
    why = relation.why.format(x=slots["entity"], v=false)
    small = claim if claim[:3] != "The" and claim[:3] != "Peo" else claim[0].lower() + claim[1:]
    return slots | dict(false=false, why=why, claim=claim, said=small.removesuffix("."))


def _answer_premise(slots: Slots, rng: Random) -> str:
    return "No. " + _answer_fact(slots, rng)


def _check_premise(slots: Slots, body: str) -> Marks:
    found = re.match(r"No[.,] +(?=.)", body)
    if not found:
        return _check_fact(slots, body)[0] * 0.5, 0.0
    rest = body[found.end() :]
    return _check_fact(slots, rest)


PREMISE = Wordings(
    plain=("{why}", "Is it true that {said}?", "Tell me: {why}", "I think that {said}. Is that right?", "Is it right that {said}?"),
    other=("{claim} [Right|Is that true|True|Is that so|Or not]?", "[My friend|My brother|Someone|Everybody] says that {said}. [Is that true|Is it so|Right]?",
           "[I heard|I read|They say] that {said}. [Is that right|Is it true]?", "so {said}, right?", "{why} I want to know.",
           "Am I right that {said}?", "true that {said}?", "Can it be that {said}?"),
    unseen=("Why on earth does everyone think that {said}? Is it so?", "Check this for me: {claim}", "Would you agree that {said}?"),
)  # fmt: skip

SKILLS = (
    Skill("fact", "open_qa", 0.88, fact_wordings, _draw_fact, _answer_fact, _check_fact, constrainable=True),
    Skill("premise", "open_qa", 0.12, PREMISE, _draw_premise, _answer_premise, _check_premise),
)
