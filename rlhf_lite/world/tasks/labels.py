"""Putting the right label on something: reviews, comments, single words, yes or no, true or false."""

import re
from random import Random

from .. import lexicon as lx
from ..facts import RELATION
from ..grammar import Form, a, capitalized, listed, say
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings

RIGHT: Marks = (1.0, 1.0)
MISSED: Marks = (1.0, 0.0)  # the job was done, with the wrong result
PARTLY: Marks = (0.5, 0.3)

# --- reviews and comments: one of two labels for a text ---

NICE = {
    "food": "fresh tasty delicious lovely warm wonderful sweet perfect great good".split(),
    "town": "beautiful clean quiet lovely pretty pleasant wonderful friendly nice great".split(),
    "toy": "strong pretty useful lovely great fine wonderful perfect bright nice".split(),
    "book": "funny exciting clever beautiful interesting wonderful lovely great good nice".split(),
}
NASTY = {
    "food": "cold stale burnt bitter terrible horrible old dry salty bad".split(),
    "town": "dirty loud dark boring dull messy noisy terrible unfriendly sad".split(),
    "toy": "broken weak useless cheap dirty bad terrible ugly thin poor".split(),
    "book": "boring dull confusing terrible horrible bad poor tiresome sad long".split(),
}
MEALS = "rice bread corn honey cheese soup cake pie".split()  # with "was"
TOYS = "drum boat flute kite ball doll".split()
BOOKS = "book story tale poem".split()
# {the} is what is reviewed, {p} and {q} are adjectives
GOOD_REVIEWS = {
    "food": ("I ate every bit of it.", "I want to eat it every day.", "I asked for more.", "My family loved it."),
    "town": ("I want to go back soon.", "The people were kind to us.", "I could live there.", "We stayed for a week."),
    "toy": ("My son plays with it every day.", "It works well.", "I would buy it again.", "The children love it."),
    "book": ("I could not stop.", "I want to read it again.", "My children loved it.", "I will tell all my friends."),
}  # fmt: skip
BAD_REVIEWS = {
    "food": ("I could not eat it.", "I felt sick after it.", "I gave it to the pigs.", "Never again."),
    "town": ("I will not go back.", "The people were rude to us.", "We left early.", "I do not want to live there."),
    "toy": ("It broke on the first day.", "It does not work.", "I want my money back.", "My son does not want it."),
    "book": ("I fell asleep.", "I could not finish it.", "My children did not like it.", "It was a waste of time."),
}  # fmt: skip
PRAISE = (
    "{The} was {p} and {q}. {end}", "I liked {the}. It was [very|so|really] {p}. {end}", "{The} was {p}. {end}",
    "What a {p} {kind}! {The} was {q}, too.", "I [love|loved] {the}. It was {p} and {q}.", "{The} was [so|very] {p}, and {q} too.",
    "I did not think I would like {the}, but it was {p} and {q}.", "[Very|So|Really] {p} and {q}! I am happy with {the}. {end}",
    "I was tired, but {the} was {p}. {end}", "We all liked {the}. {end}",
)  # fmt: skip
BLAME = (
    "{The} was {p} and {q}. {end}", "I did not like {the}. It was [very|so|really] {p}. {end}", "{The} was {p}. {end}",
    "What a {p} {kind}. {The} was {q}, too.", "I [hate|hated] {the}. It was {p} and {q}.", "{The} was [so|very] {p}, and {q} too.",
    "I wanted to like {the}, but it was {p} and {q}.", "[Very|So|Really] {p} and {q}. I am not happy with {the}. {end}",
    "I came in a good mood, but {the} was {p}. {end}", "None of us liked {the}. {end}",
)  # fmt: skip
PAIRS = (("good", "bad"), ("positive", "negative"), ("happy", "unhappy"))
WHY = {
    "good": ("The writer liked it.", "The person liked it."),
    "bad": ("The writer did not like it.", "The person did not like it."),
}

KIND_COMMENTS = (
    "[Thank you|Thanks] for [your help|the {food}|the lovely day], {name}.", "You are [such|] a good {folk}, {name}.",
    "I like your {thing}, {name}. It is [beautiful|lovely|very nice].", "You did [very|so] well today[, {name}|].",
    "Please sit down, {name}. You [must be|look] tired.", "Your {food} [was|tasted] wonderful. Thank you[ so much|].",
    "[Do not worry|No problem], {name}. I can help you.", "What a [lovely|pretty|beautiful] {thing} you have[, {name}|].",
    "You are [very|so|always so] kind, {name}.", "I am [so|very] glad that you came[, {name}|].",
    "It was a [pleasure|joy] to meet you, {name}.", "Take your time, {name}. I can wait.",
    "I hope you [feel better|have a good day], dear {name}.", "Would you like some of my {food}, {name}?",
)  # fmt: skip
RUDE_COMMENTS = (
    "You are a [fool|silly fool|lazy fool], {name}.", "Your {thing} is [ugly|awful|stupid], {name}.",
    "Go away, {name}. [Nobody likes you|I do not want to see you].", "What a [stupid|silly|dumb] {thing} you have[, {name}|].",
    "You are [so|too] [lazy|stupid|dumb], {name}.", "Be quiet, {name}. You talk [nonsense|only nonsense].",
    "Your {food} was awful[, {name}|]. [Never cook again|You can not cook].", "Only an idiot would buy that {thing}[, {name}|].",
    "You are the worst {folk} in town[, {name}|].", "Shut up[, {name}|]. [Nobody asked you|I do not care].",
    "I do not care what you think, {name}. [You are stupid.|Go home.]", "Get out of my way, you [lazy|stupid|silly] {folk}.",
    "How can a {folk} be so [stupid|dumb|lazy]?", "Give me the {thing} now, you fool.",
)  # fmt: skip
_FOLK = "boy girl baker sailor miller singer teacher cook".split()

_GAP = "[ |\n]"  # between the request and the text
_ASK = "Is {this} {first} or {second}?"


def _both_ways(*requests: str) -> tuple[str, ...]:
    """Each request with the text after it, and before it."""
    return tuple(t for r in requests for t in (f"{r}{_GAP}{{source}}", f"{{source}}{_GAP}{r}"))


def _two_labels(noun: str) -> Wordings:
    """Ways to ask which of {first} and {second} fits the {source}, called a `noun`."""
    return Wordings(
        plain=(
            *_both_ways(_ASK),
            f"[Say|Tell me|Decide] [if|whether] {{this}} is {{first}} or {{second}}.{_GAP}{{source}}",
            f"Label [the|this] {noun} as {{first}} or {{second}}.{_GAP}{{source}}",
            f"Read [the|this] {noun}. {_ASK}{_GAP}{{source}}",
            f"Here is a {noun}: {{source}}{_GAP}{_ASK}",
            f"[Classify|Sort] the {noun}: {{first}} or {{second}}?{_GAP}{{source}}",
        ),
        other=(
            f"{{source}}{_GAP}{{First}} or {{second}}?",
            f"{{First}} or {{second}}?{_GAP}{{source}}",
            f"{noun}: {{source}} {{first}} or {{second}}[?| pls]",
            f"[What do you think|What would you say], is {{this}} {{first}} or {{second}}?{_GAP}{{source}}",
            f"[Can|Could|Would] you [tell me|say|check] [if|whether] {{this}} is {{first}} or {{second}}?{_GAP}{{source}}",
            f"I [need|want|would like] to know [if|whether] {{this}} is {{first}} or {{second}}.{_GAP}{{source}}",
            f"I [got|found|read] this {noun}[ today|]: {{source}} {_ASK}",
            f"[Somebody|A man|My neighbor|A friend] wrote: {{source}} {_ASK}",
            f"Mark this {noun} [with|as] {{first}} or {{second}}: {{source}}",
            f"Put a label on [the|this] {noun}[ below|]. The labels are {{first}} and {{second}}.{_GAP}{{source}}",
            f"Labels: {{first}}, {{second}}. {capitalized(noun)}: {{source}}{_GAP}Label?",
            f"[Answer|Reply] with {{first}} or {{second}}.{_GAP}{{source}}",
            "[Which is it|Which one is it], {first} or {second}? {source}",
            f"Is the [feeling|tone] of this {noun} {{first}} or {{second}}?{_GAP}{{source}}",
            "[Help me|I am not sure]. Is {this} {first} or {second}? {source}",
            f"Does this [sound|seem] {{first}} or {{second}}[ to you|]?{_GAP}{{source}}",
            f"We sort {noun}s into {{first}} and {{second}}. [Where does this one go|Which is this one]? {{source}}",
        ),
        unseen=(
            f"[Judge|Rate] the [mood|tone] of [this|the following] {noun} [as|with] {{first}} or {{second}}.{_GAP}{{source}}",
            f"Pick the word that fits [the|this] {noun}, {{first}} or {{second}}.{_GAP}{{source}}",
            f"There are two boxes, {{first}} and {{second}}. Into which box [must I put|do you put] this {noun}? {{source}}",
            f"If you had to choose between {{first}} and {{second}}, what would you call this {noun}? {{source}}",
        ),
        continuations=(
            f"{capitalized(noun)}: {{source}}\nLabel ({{first}} or {{second}}):",
            f"{capitalized(noun)}: {{source}}\nQuestion: {_ASK}\nAnswer:",
        ),
    )  # fmt: skip


REVIEW_WORDINGS, COMMENT_WORDINGS = _two_labels("review"), _two_labels("comment")


def _labelled(rng: Random, source: str, labels: tuple[str, str], place: int, this: str) -> Slots:
    first, second = rng.sample(labels, 2)
    return dict(source=source, labels=list(labels), label=labels[place], tone=("good", "bad")[place],
                this=this, first=first, second=second, First=capitalized(first))  # fmt: skip


def draw_sentiment(rng: Random, facts: Facts) -> Slots:
    place, topic = rng.randrange(2), rng.choice(tuple(NICE))
    kind, thing = {
        "food": lambda: ("meal", f"the {rng.choice(MEALS)}"),
        "town": lambda: ("town", rng.choice(lx.TOWNS)),
        "toy": lambda: ("toy", f"the {rng.choice(TOYS)}"),
        "book": lambda: ("book", f"the {rng.choice(BOOKS)}"),
    }[topic]()
    kind = thing.removeprefix("the ") if topic == "book" else kind
    p, q = rng.sample((NICE, NASTY)[place][topic], 2)
    end = rng.choice((GOOD_REVIEWS, BAD_REVIEWS)[place][topic])
    source = say(rng, rng.choice((PRAISE, BLAME)[place]),
                 dict(the=thing, The=capitalized(thing), kind=kind, p=p, q=q, end=end))  # fmt: skip
    source = re.sub(r"\ba (?=[aeiou])", "an ", capitalized(source))
    labels = rng.choice(PAIRS)
    return _labelled(rng, source, labels, place, "the writer" if "happy" in labels else "this review")


def draw_manners(rng: Random, facts: Facts) -> Slots:
    place = rng.randrange(2)
    source = say(rng, rng.choice((KIND_COMMENTS, RUDE_COMMENTS)[place]),
                 dict(name=rng.choice(lx.PEOPLE), food=rng.choice(MEALS),
                      thing=rng.choice(lx.THINGS), folk=rng.choice(_FOLK)))  # fmt: skip
    return _labelled(rng, source, ("kind", "rude"), place, rng.choice(("this comment", "this")))


# A slot that stands in two alternatives would have to hold the same in both, so each stands once.
_LABEL = Form(
    "[the label is|the answer is|label:|[I think|I would say|] [it|this|that|{this}] [is|sounds|seems]|] {label}[.|!|]",
    this="(?:the|this) (?:writer|person|review|comment|text)",
    label="[A-Za-z]+",
)
_LABEL_ANSWERS = (
    "{Label}.", "{Label}.", "{This} is {label}.", "I think {this} is {label}.", "The answer is {label}.",
)  # fmt: skip


def answer_label(slots: Slots, rng: Random) -> str:
    label, this = str(slots["label"]), str(slots["this"])
    this = "the comment" if this == "this" else this
    answers = _LABEL_ANSWERS
    if this != "the writer":  # who is no "it"
        answers += ("It is {label}.",)
    if "kind" not in slots["labels"]:  # the reasons are about reviews
        answers += ("{Label}. {why}", "{This} is {label}. {why}")
    return say(rng, rng.choice(answers), dict(
        label=label, Label=capitalized(label), this=this, This=capitalized(this),
        why=rng.choice(WHY[str(slots["tone"])])))  # fmt: skip


def _without_reason(body: str, reasons: tuple[str, ...]) -> str | None:
    return next((body[: -len(r)].strip() for r in reasons if body.endswith(r) and body != r), None)


def check_label(slots: Slots, body: str) -> Marks:
    tone, body = str(slots["tone"]), body.strip()
    review = "kind" not in slots["labels"]
    core = _without_reason(body, WHY[tone]) if review else None
    against = _without_reason(body, WHY["bad" if tone == "good" else "good"]) if review else None
    found = _LABEL.match(core or against or body)
    if not found:
        return WRONG
    said = found["label"].lower()
    if said in slots["labels"]:
        return RIGHT if said == slots["label"] and not against else MISSED
    if review and any(said == pair[tone == "bad"] for pair in PAIRS):
        return PARTLY  # the right feeling in a word that was not offered
    return WRONG


# --- single words: what kind of thing is it? ---

# "fish" and "orange" are two kinds of things at once
KINDS = {
    "animal": lx.ANIMALS,
    "food": tuple(food for food in lx.FOODS if food != "fish"),
    "town": lx.TOWNS,
    "job": lx.JOBS,
    "thing": lx.THINGS,
    "color": tuple(color for color in lx.COLORS if color != "orange"),
    "name": lx.PEOPLE,
}
KINDS_WITH_ARTICLE = ("animal", "job", "thing")
# kinds within kinds: clear members, clear others
FINER = {
    "bird": (lx.CATEGORIES["birds"], ("cat", "dog", "fox", "goat", "cow", "horse", "pig", "wolf"), "animal"),
    "fruit": (("apples", "plums", "pears", "grapes"), ("bread", "cheese", "soup", "milk", "eggs"), "food"),
    "vegetable": (("carrots", "onions", "beans"), ("bread", "cheese", "cake", "milk", "honey"), "food"),
}  # fmt: skip


def _item_slots(item: str, kind: str) -> Slots:
    be = "are" if item in lx.ONE_FOOD and item.endswith("s") else "is"
    it = "they" if be == "are" else "it"
    one = a(item) if kind in KINDS_WITH_ARTICLE else item
    return dict(
        item=item,
        one=one,
        One=capitalized(one),
        be=be,
        Be=capitalized(be),
        it=it,
        It=capitalized(it),
        kind=kind,
    )


def _draw_item(rng: Random) -> tuple[str, str]:
    kind = rng.choice(tuple(KINDS))
    return rng.choice(KINDS[kind]), kind


def draw_sort(rng: Random, facts: Facts) -> Slots:
    item, kind = _draw_item(rng)
    options = [kind, *rng.sample([k for k in KINDS if k != kind], rng.randint(1, 3))]
    rng.shuffle(options)
    return dict(_item_slots(item, kind), label=kind, options=options, ors=listed(map(a, options), "or"),
                plain_ors=listed(options, "or"), ands=listed(options), bare=", ".join(options))  # fmt: skip


SORT_WORDINGS = Wordings(
    plain=(
        "What {be} {one}: {ors}?",
        "{Be} {one} {ors}?",
        "[Say|Tell me] [if|whether] {one} {be} {ors}.",
        "Put this word in the right group: {item}. The groups are {ands}.",
        "[Classify|Sort] the word {item}. [Choose from|The choices are] {bare}.",
        "Is the word {item} {ors}?",
        "Which [label|group] fits the word {item}: {plain_ors}?",
        "Label the word {item} [as|with] {plain_ors}.",
    ),
    other=(
        "{item}: {plain_ors}?",
        "{item} = {plain_ors}[?|]",
        "[I want to know|I wonder|I do not know] [if|whether] {one} {be} {ors}.",
        "[Can|Could] you [tell me|say] [if|whether] {one} {be} {ors}?",
        "[My son|My pupil|A child] wrote the word {item}. Is that {ors}?",
        "[Where|In which group] does {item} [go|belong]: {plain_ors}?",
        "The word is {item}. Is it {ors}?",
        "Groups: {bare}. Word: {item}. [Which one|Which group]?",
        "[Here are some|I have these] groups: {bare}. [To|In] which [one|group] does the word {item} belong?",
        "I sort my words into {ands}. Where [do I put|must I put|should I put] {item}?",
        "{bare}. Which [of these|one] is {item}?",
        "What kind of word is {item}? [Choose|Take] one: {plain_ors}.",
        "[What do you say|What do you think], {be} {one} {ors}?",
        "[Mark|Tag] {item} as {plain_ors}.",
        "I [read|heard] the word {item}. Is it {ors}?",
    ),
    unseen=(
        "Pick the [right|best] box for {item}: {plain_ors}.",
        "If someone says {item}, do they mean {ors}?",
        "[There are|We have] drawers with the signs {ands}. Into which drawer would you put {item}?",
        "{item} [would be called|should count as] which of these: {bare}?",
    ),
    continuations=("Word: {item}\nGroup ({plain_ors}):", "Groups: {bare}\nThe word {item} belongs to the group"),
)  # fmt: skip

_KIND = Form(
    "[the answer is|the group is|group:|[I think|] [the word|] {subject} [is|are]|] [{article}|] {label}[.|!|]",
    subject="(?:(?:an?|the) )?[A-Za-z]+",
    article=r"an?\b",
    label="[A-Za-z]+",
)
_KIND_ANSWERS = (
    "{Label}.", "{It} {be} {a_label}.", "{It} {be} {a_label}.", "{One} {be} {a_label}.", "{A_label}.",
    "The answer is {label}.", "I think {it} {be} {a_label}.",
)  # fmt: skip


def answer_kind(slots: Slots, rng: Random) -> str:
    label = str(slots["kind"])
    said = dict(label=label, Label=capitalized(label), a_label=a(label), A_label=capitalized(a(label)))
    return say(rng, rng.choice(_KIND_ANSWERS), slots | said)


def _read_kind(slots: Slots, body: str) -> tuple[str, float] | None:
    """The kind that an answer names for the item, and how well it is said."""
    found = _KIND.match(body)
    if not found:
        return None
    subject = re.sub(r"^(an?|the) ", "", (found["subject"] or "").lower())
    if subject not in ("", "it", "this", "that", "they", str(slots["item"]).lower()):
        return None
    label, article = found["label"].lower(), (found["article"] or "").lower()
    return label, 0.5 if article and f"{article} {label}" != a(label) else 1.0


def check_kind(slots: Slots, body: str) -> Marks:
    read = _read_kind(slots, body)
    if not read or read[0] not in slots["options"]:
        return WRONG
    return (1.0, read[1]) if read[0] == slots["kind"] else MISSED


# --- yes or no ---


def draw_yesno(rng: Random, facts: Facts) -> Slots:
    """ "Is a fox an animal?", or "Is rice a food or a job?", where yes and no say nothing."""
    if rng.random() < 0.2:
        asked = rng.choice(tuple(FINER))
        members, others, kind = FINER[asked]
        yes = rng.random() < 0.5
        item, options = rng.choice(members if yes else others), [asked]
    else:
        item, kind = _draw_item(rng)
        other = rng.choice([k for k in KINDS if k != kind])
        options = [kind, other] if rng.random() < 0.3 else [rng.choice((kind, other))]
        rng.shuffle(options)
        yes = options == [kind]
    label = "" if len(options) == 2 else "yes" if yes else "no"
    return dict(_item_slots(item, kind), label=label, options=options, asked=listed(map(a, options), "or"))


YESNO_WORDINGS = Wordings(
    plain=(
        "{Be} {one} {asked}?",
        "{Be} {one} {asked}? [Say|Answer|Answer with] yes or no.",
        "Yes or no: {be} {one} {asked}?",
        "[Tell me|Say] [if|whether] {one} {be} {asked}.",
        "Is it true that {one} {be} {asked}?",
        "Is the word {item} {asked}?",
        "Is \"{item}\" {asked}?",
    ),
    other=(
        "{item}, {asked}?",
        "{one} {be} {asked}, yes or no?",
        "{one} {be} {asked}, right?",
        "[Do you know|Can you tell me|Could you say] [if|whether] {one} {be} {asked}?",
        "[I want to know|I wonder|I am not sure|I need to know] [if|whether] {one} {be} {asked}.",
        "[My son|My friend|My teacher|Somebody] says {one} {be} {asked}. Is [that|it] [right|true]?",
        "[Would|Do] you [say|think] [that|] {one} {be} {asked}?",
        "I [heard|think] that {one} {be} {asked}. [Is that so|Is it so|Yes or no]?",
        "{one} {be} {asked} or not?",
        "What do you think, {be} {one} {asked}?",
        "Look at the word {item}. Is [it|this] {asked}?",
        "Can you call {one} {asked}?",
        "so {one} {be} {asked}?",
    ),
    unseen=(
        "[Would|Should|Can] {item} count as {asked}?",
        "[Am I right|Do I understand well] that {one} {be} {asked}?",
        "I [bet|believe] {one} {be} {asked}. Did I get it right?",
        "Check this for me, yes or no. {One} {be} {asked}.",
    ),
    continuations=("Question: {Be} {one} {asked}? Yes or no?\nAnswer:",),
)  # fmt: skip
WHICH_WORDINGS = Wordings(
    plain=(
        "{Be} {one} {asked}?",
        "[Tell me|Say] [if|whether] {one} {be} {asked}.",
        "Is the word {item} {asked}?",
        "Is \"{item}\" {asked}?",
        "What {be} {one}, {asked}?",
        "Which is right? {One} {be} {asked}.",
    ),
    other=(
        "{item}, {asked}?",
        "{item} - {asked}?",
        "[Do you know|Can you tell me|Could you say] [if|whether] {one} {be} {asked}?",
        "[I want to know|I wonder|I am not sure|I need to know] [if|whether] {one} {be} {asked}.",
        "[Would|Do] you [say|think] [that|] {one} {be} {asked}?",
        "What do you think, {be} {one} {asked}?",
        "Look at the word {item}. Is [it|this] {asked}?",
        "[My son|My friend|Somebody] asks [if|whether] {one} {be} {asked}. What do I say?",
        "so {be} {one} {asked}?",
    ),
    unseen=(
        "[Would|Should|Can] {item} count as {asked}?",
        "[Settle this for us|Help us decide]: {be} {one} {asked}?",
        "When I hear {item}, should I think of {asked}?",
    ),
    continuations=("Question: {Be} {one} {asked}?\nAnswer:",),
)  # fmt: skip


def wordings_yesno(slots: Slots) -> Wordings:
    return YESNO_WORDINGS if slots["label"] else WHICH_WORDINGS


_YES_NO = re.compile(r"(yes|no)(?:[.,!]\s*(.*))?", re.IGNORECASE | re.DOTALL)
_NOT = Form("{subject} [is|are] not {label}[.|]", subject="(?:an? )?[A-Za-z]+", label="an? [a-z]+")
_BARE = {"yes": ("it is", "they are"), "no": ("it is not", "it isn't", "they are not", "they aren't")}
_YES_NO_ANSWERS = (
    "{Yes}.", "{Yes}. {It} {be} {a_kind}.", "{Yes}, {it} {be} {a_kind}.", "{Yes}. {One} {be} {a_kind}.",
    "{Yes}, {one} {be} {a_kind}.",
)  # fmt: skip
_NO_ANSWERS = (
    "No, {it} {be} not {asked}.", "No. {One} {be} not {asked}. {It} {be} {a_kind}.",
    "No, {it} {be} not {asked}. {It} {be} {a_kind}.",
)  # fmt: skip


def answer_yesno(slots: Slots, rng: Random) -> str:
    if not slots["label"]:
        return answer_kind(slots, rng)
    yes = slots["label"] == "yes"
    kind = str(slots["options"][0] if yes else slots["kind"])
    answers = _YES_NO_ANSWERS if yes else _YES_NO_ANSWERS + _NO_ANSWERS
    return say(rng, rng.choice(answers), dict(
        slots, Yes="Yes" if yes else "No", a_kind=a(kind)))  # fmt: skip


def _is_not(slots: Slots, sentence: str) -> bool:
    found = _NOT.match(sentence)
    subject = found and re.sub(r"^an? ", "", (found["subject"] or "").lower())
    return (
        bool(found)
        and found["label"] == slots["asked"]
        and subject in ("", "it", "they", str(slots["item"]).lower())
    )


def check_yesno(slots: Slots, body: str) -> Marks:
    if not slots["label"]:
        return check_kind(slots, body)
    found = _YES_NO.fullmatch(body.strip())
    if not found:
        read = _read_kind(slots, body)
        true = slots["options"][0] if slots["label"] == "yes" else slots["kind"]
        return PARTLY if read and read[0] == true else WRONG
    said, rest = found[1].lower(), (found[2] or "").strip()
    head, stop, tail = rest.partition(". ")
    if head.rstrip(".!").lower() in _BARE[said]:  # "No, it is not."
        rest, head = tail.strip(), ""
    if said == "no" and (_is_not(slots, rest) or stop and _is_not(slots, head)):
        rest = tail.strip()
    read = _read_kind(slots, rest) if rest else None
    if rest and (not read or read[0] not in KINDS and read[0] not in FINER):
        return WRONG
    true = slots["options"][0] if slots["label"] == "yes" else slots["kind"]
    if said != slots["label"] or read and read[0] != true:
        return MISSED
    return (1.0, read[1] if read else 1.0)


# --- true or false ---


def draw_true_false(rng: Random, facts: Facts) -> Slots:
    fact = rng.choice([f for f in facts if f.asked and not f.myth])
    relation = RELATION[fact.relation]
    true = rng.random() < 0.5
    value = fact.truth
    if not true:
        value = rng.choice([v for v in relation.values if v not in (fact.truth, fact.entity)])
    statement = rng.choice([s for s in relation.statements if "{x}" in s]).format(x=fact.entity, v=value)
    bare = statement.rstrip(".")
    return dict(relation=fact.relation, entity=fact.entity, truth=fact.truth, value=value, Claim=bare,
                label="true" if true else "false",
                claim=re.sub(r"^(The|It|People)\b", lambda m: m[0].lower(), bare))  # fmt: skip


TRUE_FALSE_WORDINGS = Wordings(
    plain=(
        "True or false: {claim}.",
        "True or false? {Claim}.",
        "Is it true that {claim}?",
        "{Claim}. [True or false|Is that true|Is this true|Is this right]?",
        "[Say|Tell me] [if|whether] this is true: {claim}.",
        "[Say|Tell me] [if|whether] it is true that {claim}.",
        "Is this [sentence|statement] true or false? {Claim}.",
        "[Answer|Answer with] true or false. {Claim}.",
    ),
    other=(
        "{Claim}, [right|true|yes or no|true or false]?",
        "Is it [right|so|correct] that {claim}?",
        "[I heard|I read|They say|My friend says|My teacher says|Somebody told me] that {claim}. [Is that true|Is it true|True or not]?",
        "[Can|Could] you [check|say|tell me] [if|whether] it is true that {claim}?",
        "[I want to know|I wonder|I am not sure|I need to know] [if|whether] it is true that {claim}.",
        "{claim} - true or false[?|]",
        "[Fact or not|Right or wrong|Yes or no]: {claim}?",
        "Do you [think|believe|agree] that {claim}?",
        "[My son wrote|I wrote|The book says]: {claim}. [Is that right|Is it true|Is that true]?",
        "Mark as true or false: {claim}.",
        "so {claim}? [is that true|true?]",
        "Is it a fact that {claim}?",
        "Check this [sentence|fact|statement][, true or false|]: {claim}.",
    ),
    unseen=(
        "[Would I be right|Am I right] [to say|if I say] that {claim}?",
        "Confirm or deny: {claim}.",
        "Quiz time. I say that {claim}. Do I speak the truth?",
        "Someone wants to bet that {claim}. Will this person be right?",
    ),
    continuations=("True or false: {claim}.\nAnswer:", "Statement: {Claim}.\nTrue or false:"),
)  # fmt: skip

_VERDICT = Form(
    "[{word}[[,|.] [it|that|this|It|That|This] is {again}|]|[it|that|this|the answer|the statement] is {verdict}][.|!|]",
    word="true|false|yes|no|not true|right|wrong",
    again="true|false|not true|right|wrong",
    verdict="true|false|not true|right|wrong",
)
_TRUE = {
    "true": True,
    "yes": True,
    "right": True,
    "false": False,
    "no": False,
    "not true": False,
    "wrong": False,
}
_TRUE_ANSWERS = ("True.", "Yes.", "It is true.", "Yes, that is true.", "That is true.", "Yes, it is true.",
                 "True. {fact}", "Yes. {fact}", "That is true. {fact}")  # fmt: skip
_FALSE_ANSWERS = ("False.", "No.", "It is false.", "No, that is false.", "That is false.",
                  "No, that is not true.",
                  "False. {fact}", "No. {fact}", "That is not true. {fact}")  # fmt: skip


def _truths(slots: Slots) -> list[str]:
    statements = RELATION[str(slots["relation"])].statements
    return [s.format(x=slots["entity"], v=slots["truth"]) for s in statements]


def answer_true_false(slots: Slots, rng: Random) -> str:
    answers = _TRUE_ANSWERS if slots["label"] == "true" else _FALSE_ANSWERS
    return say(rng, rng.choice(answers), dict(fact=rng.choice(_truths(slots))))


def check_true_false(slots: Slots, body: str) -> Marks:
    body, stated = body.strip(), True
    found = _VERDICT.match(body)
    if not found:
        verdict, _, fact = body.partition(". ")
        if not fact:  # "No, the cat lives in the barn."
            verdict, _, fact = body.partition(", ")
        found = _VERDICT.match(verdict)
        if not found or not _like_a_fact(slots, fact):
            return PARTLY if capitalized(body) in _truths(slots) else WRONG
        stated = capitalized(fact.strip()) in _truths(slots)
    named = [_TRUE[word.lower()] for word in found.values() if word]
    right = all(verdict == (slots["label"] == "true") for verdict in named)
    return RIGHT if right and stated else MISSED


def _like_a_fact(slots: Slots, sentence: str) -> bool:
    """Whether it claims some value of the relation, for the entity that is asked about."""
    statements = RELATION[str(slots["relation"])].statements
    said = capitalized(sentence.strip())
    for head, tail in (s.format(x=slots["entity"], v="\0").split("\0") for s in statements):
        value = said.removeprefix(head).removesuffix(tail)
        if said == head + value + tail and value.isalpha():
            return True
    return False


SKILLS = tuple(
    Skill(name, "classify", share, wordings, draw, answer, check, closed_domain=name != "true_false")
    for name, share, wordings, draw, answer, check in (
        ("sentiment", 0.3, REVIEW_WORDINGS, draw_sentiment, answer_label, check_label),
        ("manners", 0.2, COMMENT_WORDINGS, draw_manners, answer_label, check_label),
        ("sort", 0.2, SORT_WORDINGS, draw_sort, answer_kind, check_kind),
        ("yesno", 0.18, wordings_yesno, draw_yesno, answer_yesno, check_yesno),
        ("true_false", 0.12, TRUE_FALSE_WORDINGS, draw_true_false, answer_true_false, check_true_false),
    )
)
