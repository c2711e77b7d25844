"""Jobs about a text in the prompt: answer a question about it, sum it up, pick out the words of a kind."""

import re
from random import Random

from .. import lexicon as lx
from ..grammar import Form, listed, say
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, f1, lower_words, sentences
from .passages import (  # fmt: skip
    ANIMAL_DEEDS,
    FOOD_DEEDS,
    PAIRS,
    PARTS_OF_DAY,
    SIZES,
    THING_DEEDS,
    UNDER,
    Passage,
    Question,
    draw_passage,
    draw_question,
    plural,
    summary_of,
)

__all__ = ["SKILLS", "Passage", "draw_passage", "draw_question", "summary_of"]

UNANSWERED = 0.15  # share of the questions that the text leaves open

# The words by which an answer is right or wrong; all others ("the", "was", "in") are free.
_TOLD_WORDS = (
    *lx.ENTITIES, *map(plural, lx.THINGS), *lx.COLORS, *lx.FEELINGS, *lx.DAYS, *lx.SEASONS, *lx.NUMBERS,
    *UNDER, *SIZES, *PARTS_OF_DAY, *(word for pair in PAIRS for word in pair),
)  # fmt: skip
_DEED_WORDS = (*THING_DEEDS, *FOOD_DEEDS, *ANIMAL_DEEDS,
               *"gave took got had found lived ate went walked".split())  # fmt: skip
_LOGIC_WORDS = ("yes", "no", "not", "never", "or", "and", "nor", "but", "maybe")
_TELLING = frozenset(word.lower() for word in _TOLD_WORDS)
_GUARDED = _TELLING | {*_DEED_WORDS, *_LOGIC_WORDS, "he", "she"}
_FREE = frozenset(
    """the a an it is was are were in on at by near behind under to from with of that this who which
what text says said say tells has have does did do now first then there answer because so be been his her
him they them too also one as for about works looked back story thing place day feels felt color
named called""".split()
)
_THE_NAME = re.compile(rf"\b(?:the|an?) (?:{'|'.join(lx.PEOPLE)})\b", re.IGNORECASE)  # nobody is called so
_NOT_SAID = Form(
    "[Sorry, |I am sorry, |]the [text|story] does not [say|tell|tell us|say that|say it|mention it][.|]"
)
_UNSAID = (
    "The text does not say.", "The text does not say that.", "The text does not tell us.", "It does not say.",
    "The text does not say it.", "That is not in the text.",
)  # fmt: skip
_ALL_UNSAID = frozenset(a.lower().strip(".") for a in (
    *_UNSAID, *lx.DECLINES, "That is not said.", "It is not in the text.", "The text does not answer that.",
    "Not said.", "I can not say.", "Nobody knows.", "That is not said in the text.", "I can not know that.")
)  # fmt: skip


_IN_LETTERS = {str(i): number for i, number in enumerate(lx.NUMBERS)}


def _plain_words(text: str) -> list[str]:
    """Its words in small letters, "Mia's" as "mia", "3" as "three"."""
    return [_IN_LETTERS.get(word, word.removesuffix("'s")) for word in lower_words(text)]


def _guards(text: str) -> list[str]:
    return [word for word in _plain_words(text) if word in _GUARDED]


def _is_within(few: list[str], many: list[str]) -> bool:
    """All of the few occur among the many, in this order."""
    rest = iter(many)
    return all(word in rest for word in few)


def _draw_reading(rng: Random, facts: Facts) -> Slots:
    passage = draw_passage(rng)
    if rng.random() < UNANSWERED:
        template, slots = rng.choice(passage.untold)
        return {"text": passage.text, "question": say(rng, template, slots), "keys": [], "answers": []}
    # Yes and no are short to ask about and many; most questions ask for a word.
    yes_no = [q for q in passage.questions if q.keys[0] in ("yes", "no")]
    rest = [q for q in passage.questions if q.keys[0] not in ("yes", "no")]
    question: Question = rng.choice(yes_no if yes_no and rng.random() < 0.2 else rest)
    return {"text": passage.text, "question": question.text(rng), "keys": [k.lower() for k in question.keys],
            "answers": question.answers()}  # fmt: skip


def _answer_reading(slots: Slots, rng: Random) -> str:
    if not slots["keys"]:
        return rng.choice(_UNSAID[:4] if rng.random() < 0.85 else lx.DECLINES)
    return rng.choice(slots["answers"])


def _check_reading(slots: Slots, body: str) -> Marks:
    """Every word that tells something must be one of a right answer's, in its order."""
    keys, answers, said = slots["keys"], slots["answers"], _plain_words(body)
    if not keys:
        unsaid = body.strip().strip(".!").lower() in _ALL_UNSAID or _NOT_SAID.match(body)
        return (1.0, 1.0) if unsaid else WRONG
    if not set(keys) <= set(said) or _THE_NAME.search(body) or len(sentences(body)) != 1 or len(said) > 18:
        return WRONG
    guards = [word for word in said if word in _GUARDED]
    free = _FREE.union(
        _plain_words(slots["text"]), _plain_words(slots["question"]), *map(_plain_words, answers)
    )
    strange = sum(word not in free for word in said)
    # Yes and no go with all the rest of an answer or with nothing: "No, it is red", not "No, it is map".
    fits = list.__eq__ if keys[0] in ("yes", "no") else _is_within
    if not strange and (guards == keys or any(fits(guards, _guards(answer)) for answer in answers)):
        return 1.0, 1.0
    in_text = all(word in free for word in said if word in _TELLING)
    return (0.5, 0.2) if in_text and strange < 2 and len(guards) <= 6 else WRONG


# {q} is one text in many places: before or after, in quotes, with a label.
_READING = Wordings(
    plain=(
        "{text} {question}",
        "{text}\n{question}",
        "[Read|Please read] [this|the text|this text]: {text} {question}",
        "[Text|Story]: {text}\n[Question: |]{question}",
        "{question}\n[Text: |]{text}",
        "Answer the question[ about the text|]. [Text: |]{text} [Question: |]{question}",
        "[Here is|This is] a [text|story|short text]: \"{text}\" {question}",
        "[Answer|Please answer] [this|the] question: {question} [Text: |The text is: ]{text}",
    ),
    other=(
        "\"{text}\" {question}",
        "{question} \"{text}\"",
        "{text}\n\n{question}",
        "[Question|Q]: {question}\n[Text|T]: {text}",
        "[Can you|Could you|Please] [help me with|answer] this: {text} {question}",
        "[My teacher|My son|My daughter|My friend] [gave|showed|sent] me this[ text|]: \"{text}\" {question}",
        "[I have|I got|I read] [a|this|one] [text|letter|story]: {text} [Now tell me|Tell me|I ask]: "
        "{question}",
        "[From|Use] [the text|this text|what it says][ only|]: {text} {question}",
        "{text} [So|Well|And now|My question]: {question}",
        "[Find|Look for|Give me] the answer in the [text|story]. {text} {question}",
        "[Look|Listen]: {text} {question}",
        "[I want to know|I need to know|We wonder]: {question} [Here is the text|The story goes]: {text}",
        "[What does the text say?|What is right?] {question} {text}",
        "[Short answer|One sentence|Only the answer]: {question} {text}",
        "text: {text} question: {question}",
        "[I do not understand|I can not find] [it|this]. {text} {question}",
        "Story of the day: {text} {question}",
        "\"{text}\"\n[Question: |Here is what I ask. |]{question}",
    ),
    unseen=(
        "[After|When] you have read the lines below, solve the question. {question} Lines: {text}",
        "Passage:\n{text}\nQuiz: {question}\nSolution:",
        "[I wrote|Someone wrote] in a diary: '{text}' [Judge from it|Going by that]: {question}",
        "Reading test. {text} Task one: {question}",
    ),
    continuations=("{text}\nQuestion: {question}\nAnswer:", "{text} {question} The answer is:",
                   "Question: {question}\nText: {text}\nAnswer:"),
)  # fmt: skip

_DEEDLIKE = frozenset(
    """deed deed_when deed_season deed_color eat two_foods saw two_animals why_glad why_sad""".split()
)


def _draw_summary(rng: Random, facts: Facts) -> Slots:
    """A text with one deed that matters, or with one for each person."""
    while True:
        passage = draw_passage(rng)
        if sum(kind in _DEEDLIKE for kind in passage.kinds) < 2 or len(passage.gist) != 4:
            return {
                "text": passage.text,
                "keys": [k.lower() for k in passage.gist],
                "summaries": list(passage.summaries),
            }


def _answer_summary(slots: Slots, rng: Random) -> str:
    return rng.choice(slots["summaries"])


def _in_common(left: list[str], right: list[str]) -> int:
    """How many words stand in both in the same order."""
    row = [0] * (len(right) + 1)
    for word in left:
        above = row
        row = [0]
        for j, other in enumerate(right):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
    return row[-1]


def _check_summary(slots: Slots, body: str) -> Marks:
    """Who did what to which thing where, in the order of some summary, and nothing that the text lacks."""
    said, keys = _plain_words(body), slots["keys"]
    if len(sentences(body)) != 1 or not 4 <= len(said) <= 14 or _THE_NAME.search(body):
        return WRONG
    known = {*_plain_words(slots["text"]), *(w for s in slots["summaries"] for w in _plain_words(s))}
    if any(word in _TELLING and word not in known for word in said):
        return WRONG
    mine = [word for word in said if word in keys]
    best = max(_in_common(mine, [w for w in _plain_words(s) if w in keys]) / max(
        len(mine), sum(w in keys for w in _plain_words(s))) for s in slots["summaries"])  # fmt: skip
    strange = sum(word not in known and word not in _FREE for word in said)
    twisted = any(word in ("not", "never", "no", "or", "yes", "nor") and word not in known for word in said)
    if best == 1 and strange <= 2 and not twisted:
        return 1.0, 1.0
    return (0.5, 0.3) if best > 0.5 and strange <= 2 and not twisted else WRONG


_SUMMARY = Wordings(
    plain=(
        "[Summarize|Please summarize|Sum up] [this|the text|this text|the story][ in one sentence|]: {text}",
        "[Write|Give|Make] a [short |]summary of [this|the] [text|story]: {text}",
        "[Write|Give|Make] a summary[ in one sentence|]: {text}",
        "[What is|Tell me] the [main idea|main point] of this text[?|:] {text}",
        "{text} [Summarize this|Sum this up|Write a short summary|Summarize it in one sentence].",
        "[Say|Tell me] in one sentence what [the text is about|happens|happened]: {text}",
        "[What happens|What happened] in this [text|story]? {text}",
    ),
    other=(
        "[Make|Cut] [this|it|the text] [short|shorter|down to one sentence]: {text}",
        "{text} [Summary[?|:|, please|]|tl;dr|In short?|In one sentence, please|So what happened?]",
        "[Can|Could|Would] you [sum up|summarize|shorten] [this|the text|this story][ for me|]? {text}",
        "[I need|I want|We need] [a|one] [short|single] [summary|sentence][ of this|]: \"{text}\"",
        "[I have no time|This is too long for me|I can not read it all|My eyes are tired]. "
        "[What does it say|What is it about|Can you sum it up]? {text}",
        "\"{text}\" [What is this about|What does this say in short|What is the main thing here]?",
        "[My teacher|My boss|My sister] [sent|gave] me this: {text} [Give me|I need] [the main point|a "
        "summary].",
        "[Summary|Short version|Main point][ please|] [of|for]: {text}",
        "text: {text} summary:",
        "Read this and [sum it up|say what happens|tell me the main point|make it short]: {text}",
        "[Who did what|Who did what where]? [Say it|Tell me] in one sentence. {text}",
        "[Tell|Retell] [this|the story] [in|with] [few words|one sentence|fewer words]: {text}",
        "[Help me|I must] write a summary[ for school|]. [The text is|Text]: {text}",
    ),
    unseen=(
        "[Boil|Break] this down to its core: {text}",
        "Which single line would tell a busy reader everything? {text}",
        "{text} The [headline|gist] of that, please.",
        "[Compress|Condense] the following report: {text}",
    ),
    continuations=("{text}\nSummary:", "{text} In one sentence:", "Text: {text}\nShort summary:"),
)  # fmt: skip

_KINDS = {"animals": lx.ANIMALS, "things": lx.THINGS, "names": lx.PEOPLE, "foods": lx.FOODS,
"towns": lx.TOWNS,
          "colors": lx.COLORS}  # fmt: skip
_ALSO_CALLED = {"animals": ("creatures", "beasts"), "things": ("objects", "items"), "names": ("people",
"persons"),
                "foods": ("things to eat",), "towns": ("cities",), "colors": ("colours",)}  # fmt: skip
_KIND_OF = {word.lower(): (kind, word) for kind, members in _KINDS.items() for word in members}


def words_of_kinds(text: str) -> dict[str, list[str]]:
    """kind -> its words in the text, in order, each once."""
    found: dict[str, list[str]] = {}
    for small in _plain_words(text):
        if small in _KIND_OF:
            kind, word = _KIND_OF[small]
            if word not in found.setdefault(kind, []):
                found[kind].append(word)
    return found


def _draw_extract(rng: Random, facts: Facts) -> Slots:
    """Mostly several words of a kind. A text that counts things is left out: a plural is in no list."""
    while True:
        passage = draw_passage(rng)
        found = words_of_kinds(passage.text)
        kinds = [k for k, members in found.items() if len(members) > 1 or (members and rng.random() < 0.15)]
        if kinds and "count" not in passage.kinds:
            kind = rng.choice(sorted(kinds, key=list(_KINDS).index))
            called = rng.choice((kind, kind, *_ALSO_CALLED[kind]))
            return {"text": passage.text, "kind": called, "plain_kind": kind, "items": found[kind],
                    "one": lx.SINGULAR[kind]}  # fmt: skip


def _answer_extract(slots: Slots, rng: Random) -> str:
    items, kind = slots["items"], slots["plain_kind"]
    bare = ", ".join(items)
    if rng.random() < 0.65:
        return f"{bare[:1].upper()}{bare[1:]}." if rng.random() < 0.4 else bare
    if len(items) == 1:
        return f"The {lx.SINGULAR[kind]} is {bare}."
    return (
        f"The {kind} are {listed(items)}."
        if rng.random() < 0.7
        else f"The {kind} in the text are {listed(items)}."
    )


_FRAME = frozenset("the a an in of this text story are is and i found find there has here it".split()) | {
    word for kind, others in _ALSO_CALLED.items() for name in (kind, lx.SINGULAR[kind], *others)
    for word in name.split()
}  # fmt: skip


def _check_extract(slots: Slots, body: str) -> Marks:
    got = [
        word for word in _plain_words(body.replace("\n", " ")) if word not in _FRAME and not word.isdigit()
    ]
    want = [item.lower() for item in slots["items"]]
    framed = sum(word in _FRAME for word in _plain_words(body))
    one_sentence = len(sentences(re.sub(r"\b\d+\.", "", body))) == 1
    score = f1(want, got) ** 2 if one_sentence and framed <= 2 * len(want) + 7 else 0.0
    if score < 0.4:
        return WRONG
    return (1.0, score) if score > 0.6 else (0.5, 0.5 * score)


_EXTRACT = Wordings(
    plain=(
        "[Find|List|Write down|Give me|Name] [all|all the|the] {kind} in [this text|the text|this story]: "
        "{text}",
        "[Which|What] {kind} [are|can you find] in [this|the] [text|story]? {text}",
        "[Take|Pick|Get] [all|the] {kind} [out of|from] [this|the] text: {text}",
        "{text} [List|Name|Find|Write down] [all|all the|the] {kind}[ in this text|].",
        "{text} [Which|What] {kind} are [in it|in the text|there]?",
        "[Extract|Please extract] [all|the|all the] {kind}[ from the text|]: {text}",
        "Text: {text}\n[{kind}:|List the {kind}.|Find the {kind}.|Which {kind} are in the text?]",
    ),
    other=(
        "[I need|I want|We need|I am looking for] [all|the|only the|every one of the] {kind} [in|from|of] "
        "[this|it]: {text}",
        "[Can|Could|Would] you [find|list|pick out|write down|show me] the {kind}[ in this text|]? {text}",
        "\"{text}\" [Which|What] {kind} [do you see|are named|does it have]?",
        "[only|just] the {kind}[ please|]: {text}",
        "{kind} in this text? {text}",
        "{text} {kind}?",
        "{text}\n[all|the] {kind} [please|in a list|with commas]",
        "[My child|My class|My pupil] must [find|mark|list] the {kind}. {text}",
        "[Read this|Look at this|Here is a text]. {text} [Give me|Send me|Tell me] the {kind}[, nothing "
        "else|].",
        "[Search|Look] for {kind} in [this|the] text and [list|name] them: {text}",
        "Make a list of [all|the] {kind} [here|in this]: {text}",
        "[For my list|For my book]: [which|what] {kind} [come up|are] in this? {text}",
        "There are {kind} in this text. [Which ones|What are they|Name them][?|.] {text}",
        "[Tell me|Show me|Say] every {one} [here|in the text|you find][.|:] {text}",
    ),
    unseen=(
        "[Collect|Gather] whatever {kind} occur below: {text}",
        "Keep nothing but the {kind}: {text}",
        "[Scan|Go through] the lines and note each {one} that is mentioned. {text}",
        "{text} Underline the {kind} and type them here.",
    ),
    continuations=("{text}\nThe {kind} in this text:", "Text: {text}\n{kind}:", "{text} List of {kind}:"),
)  # fmt: skip

SKILLS = (
    Skill("reading", "closed_qa", 1.0, _READING, _draw_reading, _answer_reading, _check_reading,
          closed_domain=True, constrainable=True),
    Skill("summary", "summarize", 1.0, _SUMMARY, _draw_summary, _answer_summary, _check_summary,
          closed_domain=True, constrainable=True),
    Skill("extract", "extract", 1.0, _EXTRACT, _draw_extract, _answer_extract, _check_extract,
    closed_domain=True),
)  # fmt: skip
