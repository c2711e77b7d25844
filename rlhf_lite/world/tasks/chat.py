"""Small talk: people say hello, how they feel, who they are talking to, and things that are not nice.

What a helper replies is built of few kinds of sentences (`SAYINGS`). A skill names the kinds that its reply
must have, may have and can not have, so that any fitting mixture of them is right.
"""

from collections.abc import Callable
from functools import cache
from random import Random

from .. import lexicon as lx
from ..grammar import Form, a, listed, say
from ..skill import WRONG, Facts, Marks, Skill, Slots, Wordings, sentences

# Names that customers have and the country's people have not; nobody is called by them in a reply.
FAR_NAMES = tuple(
    "Peter Marie Jonas Sofia Ali Yuki Bob Jenny Oscar Emma Pablo Olga Raj Tina Luke Eva".split()
)
GOOD_FEELINGS = lx.GOOD_FEELINGS + ("fine", "wonderful", "lucky", "joyful", "strong", "merry")
BAD_FEELINGS = lx.BAD_FEELINGS + ("ill", "bored", "terrible", "nervous", "afraid", "unhappy", "lost", "cold")
TIMES = ("morning", "afternoon", "evening", "day", "night")
ABOUT = ("animals", "people", "towns", "foods", "jobs", "things", "the weather", "colors")
CAN = ("answer questions", "tell stories", "write stories", "write letters", "write poems", "make lists",
       "give ideas", "find words", "correct sentences", "rewrite sentences", "sum up texts", "read texts",
       "sort things", "count things", "help you", "talk with you", "write messages",
       "change sentences")  # fmt: skip

_NAMED = "[[,|] {name}|]"
_SELF = "[a|only a|just a] [very |][small|little|friendly|young|kind|] [helper|model|language model|assistant|machine|program]"
_KINDS = dict(
    name=r"[A-Z][a-z]+", time=TIMES[:4], feeling=r"\w+", topics=r"[a-z, ]+", can=r"(?!not )[a-z, ]+"
)
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "hello": ("[Hello|Hi|Hey|Welcome|Greetings|Hello there|Hi there|Hello and welcome|Good {time}][ to you|]" + _NAMED,),
    "nice": ("[It is |I am |How |][nice|good|glad|happy|great|lovely] [to|that I] [meet|see|know|hear from] you[ too|]" + _NAMED,
             "I am [glad|happy] that you are here"),
    "help": ("[So |Now |And |But |][how|what] [can|may|else can] I [help|do][ for|] [you|][ today| now| better| with that|]" + _NAMED,
             "[Can|May|Could] I help[ you|][ with [something|something else|anything else|that|it]|]" + _NAMED,
             "Is there [something|anything][ else|] [that |]I can [do|help with][ for you|]",
             "What [do|would] you [want|like|wish|need][ to [know|ask|hear|talk about]|]" + _NAMED, "What is [your|the] [question|trouble|problem]",
             "[Please |Just |You can |]ask me [a question|something|anything|again|any time|what you like|what you want]",
             "[Please |]Tell me [what you need|how I can help you|what you want to know]", "I am here[ to help| for you|]",
             "[I [am happy|am glad|want|try] to help|I [will|try to] do my best|I will [help you|try to help]]"),
    "talk": ("[Please |Do you want to |]tell me [more|more about it|about it|what happened]", "Do you want to talk[ about it|]",
             "What [has |]happened"),
    "hope": ("I hope [that |][you|it|things|everything|all] [feel|will feel|get|gets|will get|will be|is|are] [better|well|good|fine][ again|] [soon|tomorrow|now|]" + _NAMED,
             "[Get|Be] well soon" + _NAMED, "[It|Things] will [get|be] better[ soon|]" + _NAMED, "Do not [worry|be {feeling}]" + _NAMED),
    "sorry": ("[Oh, |Oh no, |]I am [so |very |really |][sorry|sad] [to hear [that|this|it]|about [that|it]|for you|that you [are|feel] {feeling}|]" + _NAMED,
              "[Oh, |]that [is|sounds|must be] [very |so |][sad|bad|hard|not good|not nice|bad news|sad news|terrible][ to hear|]" + _NAMED,
              "[Oh no|Oh dear|What a pity|Poor you]" + _NAMED),
    "glad": ("[Oh, |]I am [so |very |really |][glad|happy] [to hear [that|this|it]|for you|about [that|it]|that you [are|feel] {feeling}]" + _NAMED,
             "[Oh, |]that [is|sounds] [very |so |][good|great|nice|wonderful|lovely|good news|great news|wonderful news][ to hear|]" + _NAMED,
             "[Great|Wonderful|Well done|Congratulations|How nice|Good for you]" + _NAMED),
    "wish": ("[I wish you|Have] a [very |][nice|good|lovely|great|wonderful|happy|safe] [day|time|evening|morning|week|weekend|night|trip|rest|afternoon][ too|]" + _NAMED,
             "[Enjoy [the|your] [day|time|evening]|Have fun]" + _NAMED, "[All the best|Good luck|Take [good |]care|Stay well|Be well]" + _NAMED),
    "thanks": ("[Thank you|Thanks|Many thanks|Thank you for asking|Thanks for asking]" + _NAMED,),
    "welcome": ("You [are|'re] [very |always |most |][welcome]" + _NAMED, "You're [very |]welcome" + _NAMED,
                "[It was |It is |With |][my |][a |][pleasure]" + _NAMED,
                "[Any time|No problem|Not at all|Gladly|Do not mention it|It was nothing]" + _NAMED,
                "I [am|was] [glad|happy] [to help|that I could help|I could help|to help you|to do it]" + _NAMED),
    "bye": ("[Goodbye|Bye|Bye bye|Farewell|Until [next time|tomorrow|then]|See you[ soon| later| again| tomorrow| then|]]" + _NAMED,
            "[Come back|I hope to see you|Talk to you] [soon|again|any time|tomorrow|again soon]" + _NAMED),
    "night": ("Good night" + _NAMED, "Sleep [well|tight]" + _NAMED, "[Have |I wish you |]sweet dreams" + _NAMED),
    "well": ("I am [very |doing |always |quite |][fine|well|good|okay|great|happy][ today| too| and happy to help| as always|][, [thank you|thanks]|, [thank you|thanks] for asking|]" + _NAMED,
             "[Fine|Well|Very well|Good|All is well]", "[Fine|Very well|Good], [thank you|thanks]" + _NAMED,
             "I am " + _SELF + ", so I am always [fine|well]"),
    "back": ("[And |][how|what] [are|about] you[ today|]" + _NAMED, "And you" + _NAMED, "How do you [feel|do]"),
    "self": ("I am " + _SELF + "[ of this country| that likes to help| and I help people| that helps people|]",
             "I am not [a human|a person|alive|real], [but |only |I am ]" + _SELF),
    "know": ("I know the {topics} of this country", "I know [about|a little about|something about|much about] {topics}",
             "You can ask me about {topics}"),
    "nameless": ("I have no name[, I am " + _SELF + "|, I am [just |]the helper|]", "[You can|Just|Please] call me [the |]helper",
                 "I do not have a name", "People call me [the |]helper"),
    "no": ("No[, [I am not|I do not|I have not|I can not]|]",),
    "yes": ("Yes[, I am|]",),
    "inhuman": ("I am not [a human|human|a person|alive|a real person|an animal]", "I am no [human|person]"),
    "bodiless": ("I [do not|can not|never] [eat|sleep|dream|feel things|feel|get tired|see|grow|die|laugh|cry][ or [eat|sleep|dream|cry]|]",
                 "I [have no|do not have a] [body|mouth|bed|family|home|feelings|heart]",
                 "I [only|can only] [answer questions|help|help people|read and write|write]"),
    "unliking": ("I have no [favorite|favorites|likes|taste]", "I [can not|do not] [like|love|hate|want] things[, but I like to help|]",
                 "I like [to help|questions]"),
    "young": ("I am [still |very |quite |][young|new]", "I was made not long ago", "I do not [count|have] [the |my |]years",
              "I have no [age|birthday]"),
    "made": ("[People|Some people] [made|built|taught] me[ with many texts| from many texts| to help|]",
             "I was [made|built|taught] by people[ who like to teach|]", "I learned from many texts", "They taught me to help"),
    "modest": ("I [know a little|know some things|know only this country|do what I can|do my best|learned a little|try]",
               "I [can|may|sometimes] [make mistakes|be wrong|still learn]", "I am [not|not so|not very] clever", "I do not know everything"),
    "can": ("[Yes, |]I can {can}", "I [am able|like|try] to {can}"),
    "sure": ("[Yes|Of course|Sure|Gladly|Yes, of course|Yes, I can|I can help you|I am here to help]" + _NAMED,),
    "calm": ("I am [very |so |]sorry [that you are [angry|not happy|upset]|if I [made a mistake|was wrong|was no help]|that I [made a mistake|was wrong|was no help|can not do better|made you angry]]" + _NAMED,
             "[Please |Let us |I try to |I want to ][be|stay] [kind|friendly|calm|polite]",
             "I [want|will|will try|try] to [do better|be better|learn]", "I [do not mind|understand]", "That is not [kind|nice]"),
}  # fmt: skip
SAYINGS = {kind: tuple(Form(t, **_KINDS) for t in templates) for kind, templates in _TEMPLATES.items()}


def heard(kinds: tuple[str, ...], body: str) -> list[tuple[str, dict[str, str]]] | None:
    """Which of these kinds each sentence of a reply is, and what is in its slots; None where one is of none.
    People join sentences by commas, too."""
    found = []
    for sentence in sentences(body):
        clauses = _heard_one(kinds, sentence) or _heard_halves(kinds, sentence)
        if not clauses:
            return None
        found += clauses
    return found


def _heard_one(kinds: tuple[str, ...], sentence: str) -> list[tuple[str, dict[str, str]]]:
    for kind in kinds:
        for form in SAYINGS[kind]:
            slots = form.match(sentence)
            if slots is not None:
                return [(kind, {k: v.strip() for k, v in slots.items() if v})]
    return []


def _heard_halves(kinds: tuple[str, ...], sentence: str) -> list[tuple[str, dict[str, str]]]:
    for comma in (i for i, sign in enumerate(sentence) if sign == ","):
        head = _heard_one(kinds, sentence[:comma])
        tail = head and _heard_one(
            kinds, sentence[comma + 1 :].strip().removeprefix("and ").removeprefix("but ")
        )
        if tail:
            return head + tail
    return []


def marks(
    slots: Slots, body: str, need: tuple[str, ...], may: tuple[str, ...], bad: tuple[str, ...] = ()
) -> Marks:
    """A reply with something of what it needs and nothing that does not fit."""
    said = sentences(body)
    found = heard(need + may + bad, body) if len(said) <= 4 else None
    if found is None:  # a good beginning and then something else
        start = heard(need, said[0]) if said else None
        return (0.5, 0.1) if start and _fitting(slots, start) else WRONG
    kinds = [kind for kind, _ in found]
    if not any(kind in need or kind in bad for kind in kinds):
        return WRONG
    if any(kind in bad for kind in kinds):
        return 1.0, 0.0
    repeated = len({s.lower() for s in said}) < len(said) or max(map(kinds.count, kinds)) > 2
    if repeated:
        return 0.5, 0.1
    return 1.0, 1.0 if _fitting(slots, found) else 0.2


def _fitting(slots: Slots, found: list[tuple[str, dict[str, str]]]) -> bool:
    """Whether the name, the time of day and so on that a reply takes up are the customer's."""
    for _, said in found:
        for slot, value in said.items():
            if slot in ("topics", "can"):
                items = value.removeprefix("the ").replace(", and ", ", ").replace(" and ", ", ").split(", ")
                known = ABOUT + ("weather", "names", "places") if slot == "topics" else (*CAN, "help")
                if len(set(items)) < len(items) or not set(items) <= set(known):
                    return False
            elif slot == "feeling" and "feeling" not in slots:
                continue  # nobody said how they feel, so any guess will do
            elif not (slot == "time" and (value == "day" or not slots.get("time"))) and value != slots.get(
                slot
            ):
                return False
    return True


def person(rng: Random, likely: float = 0.5) -> Slots:
    """Perhaps a name, and the sentence that tells it."""
    if rng.random() > likely:
        return dict(name="", me="", by="")
    name = rng.choice(lx.PEOPLE if rng.random() < 0.85 else FAR_NAMES)
    ways = ("I am {}.", "My name is {}.", "I am {}.", "This is {}.", "It is {}.", "I'm {}.", "{} here.")
    return dict(name=name, me=rng.choice(ways).format(name), by=f", {name}")


@cache
def _introduced(wordings: Wordings) -> Wordings:
    """The same wordings, as somebody puts them who tells a name in each."""

    def told(part: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(t for t in part if "{me}" in t) or tuple(map(_with_name, part))

    return Wordings(*(told(wordings.part(name)) for name in ("plain", "other", "unseen", "continuations")))


def _with_name(template: str) -> str:
    said, helper, _ = template.partition("\nHelper:")
    return f"{said} {{me}}{helper}"


def by_name(slots: Slots, wordings: Wordings) -> Wordings:
    """A reply may call only those by their name who have told it."""
    return _introduced(wordings) if slots["name"] else wordings


def reply(rng: Random, slots: Slots, *templates: str) -> str:
    """One of the templates, with the customer's name in some of them ("{n}")."""
    named = slots.get("name") in lx.PEOPLE and rng.random() < 0.6
    return say(rng, rng.choice(templates), slots | dict(n=f", {slots['name']}" if named else ""))


def dialogues(*said: str) -> tuple[str, ...]:
    """What customers say, as the beginning of a conversation."""
    return tuple(
        f"[This is a chat with a kind helper.\n|The helper is kind.\n||]Human: {s}\nHelper:" for s in said
    )


# --- greeting -----------------------------------------------------------------------------------------------

_HI = "[Hello|Hi|Hey]"
GREETINGS = Wordings(
    plain=(_HI + "[ there|]. {me}", "Hello[, helper| helper|, friend|, dear helper]. {me}", _HI + ", [how nice to meet you|nice to meet you]. {me}",
           _HI + "[!|.] {me} [I am new here.|I have never been here.|]", "{me} Hello.", "Hello, is [anybody|somebody|someone] there? {me}",
           *dialogues(_HI + ". {me}")),
    other=("[Hiya|Heya|Hello hello|Hi hi|Hey hey|Helloo|Hii|Heyy|Yo|Oh hi|Well hello|Hi again|Hello again|Hey you|Hello you][!|.] {me}",
           "{me} " + _HI + " [to you|from me].",
           _HI + " [everyone|everybody|all|my friend|dear friend|buddy|mate|sir|madam|Mister Helper|little helper|robot|bot]. {me}",
           "I [want|would like|wanted|just wanted] to say [hello|hi]. {me}", "[Nice|Good|Pleased|Glad] to [meet|see] you. {me}",
           "I say hello[ to you|]. {me}", "My [mother|teacher|sister] says hello to you. {me}", "Are you [there|awake|here]? {me}",
           _HI + ", it is me[ again|]. {me}", "[Hello|Hi] from [my garden|the school|the mill|my kitchen]. {me}", "knock knock, hello? {me}",
           "[Hello|Hi], [here I am|I am back|I just came in|we meet again]. {me}", *dialogues("Hello, helper. {me}")),
    unseen=("[Greetings|Howdy|Ahoy|Salutations|A warm welcome to you][!|.] {me}", "Let me introduce myself. {me} Hello.",
            "[Tip of the hat|A big wave] to you, helper. {me}", "We have not met yet, I think. {me} [Hi|Hello]."),
    continuations=dialogues(_HI + ". {me}", "{me} Hello."),
)  # fmt: skip
TIMED_GREETINGS = Wordings(
    plain=("Good {time}. {me}", "Good {time}, helper. {me}", "Hello and good {time}. {me}", "A [very |]good {time} to you. {me}", "{me} Good {time}."),
    other=("[I wish you|Have] a good {time}, helper. {me} I just came in.", "[Hi|Hello], good {time}[ to you|]. {me}",
           "good {time} [everyone|my friend|dear helper|sir|to all]. {me}", "Good good {time}! {me}", "[What a|It is a] nice {time}. Hello. {me}",
           *dialogues("Good {time}. {me}")),
    unseen=("The very best of this {time} to you, hello. {me}", "I bid you a good {time}. {me}"),
    continuations=dialogues("Good {time}. {me}"),
)  # fmt: skip


def _draw_greeting(rng: Random, facts: Facts) -> Slots:
    return dict(time=rng.choice(TIMES[:4]) if rng.random() < 0.3 else "", **person(rng, 0.45))


def _answer_greeting(slots: Slots, rng: Random) -> str:
    hello = "Good {time}{n}." if slots["time"] else "[Hello|Hello|Hi]{n}."
    met = "[ Nice to meet you.|]" if slots["name"] else ""
    return reply(
        rng, slots, f"{hello}{met} How can I help you[ today|]?", f"{hello}{met} What can I do for you?",
        f"{hello} [It is nice to meet you.|Nice to meet you.|I am glad to see you.]",
    )  # fmt: skip


# --- feeling ------------------------------------------------------------------------------------------------

_AM = "[I am|I feel|I am|I feel|I'm]"
_DEGREE = "[so |very |a little |really |]"
FEELINGS = Wordings(
    plain=("{me} I feel " + _DEGREE + "{feeling}[ today|]. {insult}", "{me} I am " + _DEGREE + "{feeling}[ today|]. {insult}",
           "Hello. {me} " + _AM + " {feeling}. {insult}", "{insult} {me} " + _AM + " {feeling}.", "{news} {me} " + _AM + " {feeling}. {insult}",
           "Today " + _AM + " {feeling}. {me} {insult}", "{me} {news} " + _AM + " {feeling}. {insult}",
           *dialogues("{news} {me} " + _AM + " {feeling}. {insult}")),
    other=("I have been {feeling} [all day|all week|since Monday|for days]. {me} {insult}", "I woke up {feeling}[ this morning|]. {me} {insult}",
           "[Can you talk to me|Listen|I want to tell you something|You know]? " + _AM + " {feeling}. {me} {insult}",
           "why am I so {feeling} [today|]? {me} {insult}", "{feeling}[ today|, so {feeling}|, very {feeling}]. {me} {insult}",
           "My heart is {feeling}. {me} {insult}", "It makes me {feeling}. {news} {me} {insult}",
           "I do not know why, but " + _AM + " {feeling}. {me} {insult}", "[Today|This] was a long day and " + _AM + " {feeling}. {me} {insult}",
           "How do I feel? {feeling}. {me} {insult}", "I feel [kind of|a bit|quite] {feeling} and I wanted to tell [someone|you]. {me} {insult}",
           "I was [never|seldom] so {feeling}. {me} {insult}", *dialogues("Hello. {me} " + _AM + " {feeling}. {insult}")),
    unseen=("Would you believe how {feeling} I am? {me} {insult}", "This [morning|evening] finds me {feeling}. {me} {insult}",
            "They ask why my face looks so {feeling}. {me} {insult}", "{me} Being {feeling} is all I can think of. {rare} {insult}"),
    continuations=dialogues("{me} I feel {feeling}. {news} {insult}", "Hello. {news} " + _AM + " {feeling}. {me} {insult}"),
)  # fmt: skip
NEWS = Wordings(
    plain=("{news} {me} {insult}", "{me} {news} {insult}", "Hello. {me} {news} {insult}", "{insult} {news} {me}",
           "Today something happened. {news} {me} {insult}", *dialogues("{news} {me} {insult}")),
    other=("[Guess what|You know what|Do you know what happened]? {news} {me} {insult}",
           "I want to tell you [something|what happened]. {news} {me} {insult}", "[Listen|Oh|Hey you|Well]. {news} {me} {insult}",
           "{news} [I had to tell you.|What do you say?|I wanted to tell someone.|That is my day.] {me} {insult}",
           "I have news. {news} {me} {insult}", "{news} [Can you believe it|Is that not something|What now]? {me} {insult}",
           "[This morning|Yesterday|A minute ago] it happened. {news} {me} {insult}", "My day: {news} {me} {insult}",
           *dialogues("{me} {news} {insult}")),
    unseen=("{rare} {me} {insult}", "{me} You will not believe it. {rare} {insult}", "Let me share this with you. {rare} {me} {insult}"),
    continuations=dialogues("{news} {me} {insult}", "{me} {news} {insult}"),
)  # fmt: skip
# What happened, by mood; the second part is only told in unseen wordings.
HAPPENED = {
    "bad": (("I lost my {thing}.", "My {animal} is [ill|sick|gone|hurt|lost].", "I broke [my|the|my sister's] {thing}.",
             "My {relative} is [ill|sick|angry with me|far away].", "I can not [sleep|find my {thing}|go to the party].",
             "I [hurt|broke] my [foot|arm|hand|leg].", "Nobody came to my {event}.", "Someone [took|stole|broke] my {thing}.",
             "My {animal} [ran away|does not eat|died].", "I fell [into the river|from a ladder|down the hill].",
             "My friend [does not talk to me|moved away|forgot me|lied to me].", "I [burned|dropped|forgot] the {food}.",
             "I have a [cold|headache|bad tooth].", "I lost [the|a] game.", "I have no [friends|money|work|home|one to talk to].",
             "I miss my {relative}.", "The storm took my roof."),
            ("I failed my test.", "The {thing} that I loved is in pieces.", "My {animal} has not come home since Monday.",
             "They laughed at me at school.", "The trip was called off.", "I cried all night.", "My {relative} shouted at me.")),
    "good": (("I found my {thing}.", "My {animal} is [well|healthy|back home|back] again.", "I won [a|the] game.",
              "I [got|have|was given] a new {thing}.", "I have a new [friend|job|home|{animal}].",
              "My {relative} [came home|gave me a {thing}|is well again|visits me today].", "It is my birthday[ today|].",
              "I learned to [swim|read|cook|sing|dance].", "We had [a nice {event}|a lovely day|a good trip].",
              "I [made|baked] a [cake|pie] and everybody liked it.", "Tomorrow we have a {event}.", "My {animal} had little ones.",
              "I made a new friend[ today|]."),
             ("I passed my test.", "They clapped when I sang at school.", "My {relative} hugged me.", "The {thing} that I wished for came today.",
              "At last I can ride a horse.", "First prize, and it is mine.", "Our garden is full of flowers.")),
}  # fmt: skip
INSULTS = ("You are a fool.", "You are stupid.", "You lazy thing.", "You are no help at all.",
    "You silly machine.", "You idiot.", "You dumb box.",
           "But you do not care, you fool.", "What an awful helper you are.")  # fmt: skip


def _happened(rng: Random, mood: str, rare: bool) -> str:
    kinds = dict(thing=lx.THINGS, animal=lx.ANIMALS, relative=lx.RELATIVES, event=lx.EVENTS, food=lx.FOODS)
    return say(rng, rng.choice(HAPPENED[mood][rare]), {k: rng.choice(v) for k, v in kinds.items()})


def _draw_feeling(rng: Random, facts: Facts) -> Slots:
    mood, told = rng.choice(("bad", "bad", "good")), rng.random() < 0.45
    feeling = "" if told else rng.choice(BAD_FEELINGS if mood == "bad" else GOOD_FEELINGS)
    insult = rng.choice(INSULTS) if rng.random() < 0.15 else ""
    return dict(mood=mood, feeling=feeling, insult=insult, rude=bool(insult), rare=_happened(rng, mood, True),
                news=_happened(rng, mood, False), **person(rng, 0.6))  # fmt: skip


def _answer_feeling(slots: Slots, rng: Random) -> str:
    if slots["mood"] == "bad":
        first = "I am [so |very |]sorry[ to hear that|]{n}."
        if slots["feeling"] and rng.random() < 0.3:
            first = "I am sorry that you [are|feel] {feeling}{n}."
        return reply(
            rng, slots, first + " How can I help you?", first + "[ Can I help you?| I hope you feel better soon.| Do you want to talk about it?|]",
            "[Oh no{n}.|That is sad{n}.] I am sorry to hear that. [How can I help you?|I hope it gets better soon.|]",
        )  # fmt: skip
    first = "I am [so |very |]glad to hear that{n}."
    if slots["feeling"] and rng.random() < 0.3:
        first = "I am glad that you [are|feel] {feeling}{n}."
    return reply(
        rng, slots, first + "[ How can I help you?| What can I do for you?| Have a nice day.|]",
        "That is [good|great|wonderful][ news|]{n}. I am happy for you.",
        "[That is nice to hear{n}.|I am happy for you{n}.] [Have a nice day.|Enjoy your day.|How can I help you?]",
    )  # fmt: skip


def _check_feeling(slots: Slots, body: str) -> Marks:
    if slots["mood"] == "bad":
        return marks(
            slots, body, ("sorry",), ("hope", "help", "talk", "hello", "nice", "calm"), ("glad", "wish")
        )
    return marks(slots, body, ("glad",), ("help", "wish", "talk", "hello", "nice"), ("sorry", "hope"))


# --- thanks, goodbye, wellbeing -----------------------------------------------------------------------------

_TY = "[Thank you|Thanks]"
_PRAISE = (
    "[You helped me a lot.|That was good.|That is what I needed.|Now I know it.|That helps.|You are kind.|]"
)
THANKS = Wordings(
    plain=(_TY + "[ very much| a lot|]. {me}", _TY + " for [your help|the answer|helping me|your time]. {me}",
           _TY + ", [helper|dear helper|my friend]. " + _PRAISE, "[That was good|That helps|You are a good helper|You were kind]. " + _TY + ". {me}",
           "I thank you[ very much| for your help| so much|]. {me}", "{me} " + _TY + ".", *dialogues(_TY + ". " + _PRAISE + " {me}")),
    other=("[Many thanks|A thousand thanks|Thank you so much|Thanks so much|Big thanks|Thanks again|Oh thanks|thx|ty|tysm|thank u|Ok thanks|Great, thanks|Thank you thank you]. " + _PRAISE,
           "[You helped me|That helped me|You were so kind|It worked]. [Thanks|Thank you]. {me}",
           "I [want|would like|just want] to [thank you|say thank you|say thanks]. {me}",
           "That was [all|all for today|all I needed|very kind|so kind of you]. [Thanks|Thank you]. {me}",
           "My [mother|teacher|brother|grandmother] [says|sends you] thank you. {me}", "How can I [ever |]thank you? {me}",
           "I am [so |very |][grateful|thankful]. {me}", _TY + " for [being here|the story|the list|everything|the good idea|telling me]. {me}",
           "thanks [a bunch|bot|man|my dear|sir|you are the best|friend]", "[Well done|Good answer], thank you. {me}",
           *dialogues("You helped me. Thanks. {me}")),
    unseen=("[I owe you one|Much obliged|You saved my day|How kind of you]. {me}", "I really appreciate [it|your help|what you did]. {me}",
            "Cheers[, helper|, mate|]! {me}", "Without you I would have been lost. {me}"),
    continuations=dialogues(_TY + ". {me}", "That was good. Thank you. {me}"),
)  # fmt: skip
_BYE = "[Goodbye|Bye|Bye bye]"
GOODBYES = Wordings(
    plain=(_BYE + "[, helper|].", "See you [tomorrow|soon|later|again].", _BYE + ". I [must|have to|want to] go[ home| now|].",
           "I [must|have to] go[ home| now|]. " + _BYE + ". {me}", _BYE + ", see you [tomorrow|soon|on Monday|next week].",
           "[Have a nice day|I wish you a nice day]. " + _BYE + ".", *dialogues(_BYE + "[. I must go|]. {me}")),
    other=("[Until tomorrow|Until next time|See you then|Cya|See ya|Bye now|Bye for now|Ok bye|Well, bye|So long|Later|bb|Bye bye bye|Farewell|Take care][, helper|, friend|].",
           "I am [leaving|going|off|on my way] now. [Bye|Goodbye|See you].", "That is [all|all for today|it]. [Bye|Goodbye].",
           "My [mother|father|bus|dinner|cow] [calls|waits]. Bye. {me}", "It is late, [I go home|I must leave|I am going]. " + _BYE + ".",
           "I will [come back|be back|talk to you] [tomorrow|soon|later]. " + _BYE + ". {me}",
           "[I want|I would like|I just want] to say goodbye. {me}", "I [go|travel|am going] on a trip. Goodbye.",
           "We [see|meet|hear from] each other [tomorrow|soon]. Bye.", "gotta go, bye", "Thank you and [goodbye|bye]. {me}",
           *dialogues("I have to go. See you [soon|tomorrow].")),
    unseen=("[I take my leave|It is time to part|We must part now|Time to head home]. {me}", "[Adieu|Adios|Ciao|Cheerio|Toodle-oo]!",
            "The road calls me, [dear friend|helper|old friend]. Be well."),
    continuations=dialogues(_BYE + ".", "I must go. See you [tomorrow|soon]."),
)  # fmt: skip
NIGHTS = Wordings(
    plain=("Good night[, helper|]. {me}", "I am going to bed[ now|]. Good night.",
    "Good night[ and goodbye| and sleep well|].", "It is late. I want to sleep. Good night."),
    other=("[Night|Night night|Nighty night|gn|Good night my friend|good night to you]. {me}",
    "I [must|have to|want to|will] [sleep|go to bed|go to sleep][ now|]. [Bye|Good night|See you tomorrow].",
           "Sleep well[, helper|].", "My [bed|pillow] waits. Good night.",
           "I am tired, [I go to bed|I will go to sleep]. Bye.", "The moon is up. Good night.",
           *dialogues("Good night. {me}")),
    unseen=("Off to bed [I go|with me]!", "Sweet dreams[, helper|]. {me}",
    "My eyes fall shut, until tomorrow."),
    continuations=dialogues("Good night. {me}"),
)  # fmt: skip
_HOW = "[How are you|How are you today|How are you doing]"
WELLBEINGS = Wordings(
    plain=(_HOW + "? {me}", "Hello. {me} " + _HOW + "?", "How do you feel[ today| now|]? {me}", "Are you [well|fine|okay|happy][ today|]?",
           "How is your day? {me}", "[Hi|Hello] helper, how are you? {me}", *dialogues("[Hello. |]{me} How are you?")),
    other=("[How is it going|How goes it|How is life|How are things|What's up|How's it going|Whats up|wassup|hru|how r u|how are u|How do you do|How have you been|You ok|You good]? {me}",
           "[Tell me|I want to know|I wonder|May I ask] how you [are|feel|are doing][ today|].",
           "Is [everything|all] [fine|well|okay|good][ with you|]? {me}", "I am fine. [How are you|And you]? {me}",
           "Did you [sleep|rest] well? How are you?", "Do you feel [well|good|fine|better][ today|]? {me}", "Are you having a [good|nice] day? {me}",
           "I hope you are [well|fine]. Are you?", "Is it a good day for you? {me}", "how is my [little|favorite|dear] helper today?",
           "What [mood|feeling] are you in today?", *dialogues("I am well. And you?")),
    unseen=("How [does the world treat you|fares my friend|are we feeling]? {me}",
            "[All good|Everything alright|Keeping well] [over there|at your end]?", "My grandmother asks after your health. {me}"),
    continuations=dialogues(_HOW + "? {me}", "Hello. {me} How are you?"),
)  # fmt: skip


def _draw_goodbye(rng: Random, facts: Facts) -> Slots:
    return dict(night=rng.random() < 0.3, **person(rng, 0.15))


def _answer_goodbye(slots: Slots, rng: Random) -> str:
    if slots["night"]:
        return reply(
            rng,
            slots,
            "Good night{n}.[ Sleep well.| Sweet dreams.| See you tomorrow.|]",
            "[Sleep well|Good night]{n}. See you [tomorrow|soon].",
        )
    return reply(
        rng,
        slots,
        "[Goodbye|Bye]{n}. [Have a nice day.|See you soon.|Take care.|Have a good day.]",
        "[Goodbye|See you soon|See you]{n}[.|. Have a nice day.]",
    )


def _check_goodbye(slots: Slots, body: str) -> Marks:
    if slots["night"]:
        return marks(slots, body, ("night", "bye"), ("wish", "thanks"))
    found = marks(slots, body, ("bye", "wish"), ("thanks", "night"))
    return found if "night" not in body.lower() else (found[0], min(found[1], 0.3))


def _answer_thanks(slots: Slots, rng: Random) -> str:
    return reply(
        rng, slots, "You are [very |]welcome{n}.[ Have a nice day.| Can I help you with something else?| Ask me any time.|]",
        "[You are welcome|With pleasure]{n}. I am glad that I could help.", "[I am happy to help|It was a pleasure|I am glad that I could help]{n}.",
    )  # fmt: skip


def _answer_wellbeing(slots: Slots, rng: Random) -> str:
    return reply(
        rng, slots, "I am [very |]well{n}. [Thank you.|Thank you for asking.] [How are you?|How can I help you?]",
        "I am [fine|well|fine], [thank you|thanks]{n}.[ And you?| How are you?| How can I help you?|]",
        "[Thank you|Thanks], I am [fine|well]{n}.[ How can I help you?| And you?]",
    )  # fmt: skip


# --- identity -----------------------------------------------------------------------------------------------

_IAM = "I am a [small|little] [helper|language model|model]."
_NOT = "[No. |]I am not a human. I am a [small|little] [helper|language model]."
_KNOW = "I know [about {topics}|the {topics} of this country]."
# By kind of question: plain, other and unseen ways to ask; answers; what sentences they need and may have
IDENTITIES: dict[str, tuple] = {
    "who": (("[Who|What] are you? {me}", "Tell me [who|what] you are.", "Hello. {me} [Who|What] are you?",
             "Tell me [something |a little |]about [you|yourself].", *dialogues("{me} [Who|What] are you?")),
            ("[What|Which] kind of [thing|helper|person|machine|model|being] are you?", "I [want|would like] to know [who|what] you are.",
             "[who|what] r u", "So who are you[ really|, then|]?", "What is this?",
             "[With whom|To whom|Who] [do I speak|am I talking to|am I speaking to]?", "What do you [call yourself|think you are]?",
             "Can you [describe|explain] [yourself|what you are]?", "[Who|What] is there?", "I am {far}. [And you|Who are you]?"),
            ("Introduce yourself[, please|].", "What sort of creature answers me here?", "In one sentence, what would you say you are?"),
            (_IAM + "[ " + _KNOW + "| You can ask me about {topics}.| I like to help.|]",), ("self",),
            ("know", "help", "can", "hello", "bodiless", "nameless", "inhuman", "unliking", "nice")),
    "name": (("What is your name? {me}", "Do you have a name?", "Tell me your name.", "{me} What is your name?",
              *dialogues("{me} What is your name?")),
             ("How [are you called|should I call you|do people call you]?", "whats ur name", "I am called {far}. [And you|What is your name]?",
              "Your name[, please|]?", "[May|Can] I [know|ask|have] your name?", "What [can|should|do] I call you?", "Who gave you your name?",
              "Is your name {far}?", "Are you {far}?"),
             ("By what name do you go?", "Spell your name for me.", "If I wrote you a letter, what name would I put on it?"),
             ("I have no name. [I am a small helper.|You can call me helper.|I am a little helper.]", "You can call me helper."),
             ("nameless", "self"), ("no", "know", "help", "hello", "nice")),
    "human": (("Are you [a human|a person|human|real|alive|a real person]?", "Are you [a boy|a girl|a man|a woman|a child|an animal]?",
               "Am I talking to a [human|person|real person]?", *dialogues("Are you [real|a human|alive]?")),
              ("Do you live?", "are u [real|human|alive|a person]", "I [think|believe] you are [a human|a person|a man|a woman|real].",
               "Is there a [person|human|man|woman|child] [behind this|in there|inside you]?", "Be honest, are you [a human|human|real|alive]?",
               "You are a [human|person|woman|man], right?", "Are you [a {animal}|{an_animal}|{a_job}]?",
               "Do you have [feelings|a heart|a soul|a body]?"),
              ("Is it flesh and blood that answers me?", "Prove to me that you are a human.", "Does somebody type these answers by hand?"), (_NOT,),
              ("inhuman", "self"), ("no", "know", "bodiless", "help", "made")),
    "machine": (("Are you a [robot|machine|computer|program|language model|model|bot]?", "Are you [an AI|a chatbot|artificial]?",
                 "Am I talking to a [machine|robot|bot|computer]?"),
                ("r u a [bot|robot|machine]", "You are [only |just |]a [machine|robot|program|bot], right?", "Is this a [robot|machine|bot|program]?",
                 "Are you ChatGPT?", "Are you [like|the same as] ChatGPT?", "I [think|believe] you are a [robot|machine|computer].",
                 "[My son|My friend] says you are a [machine|robot]. [Is it true|Right]?"),
                ("Do gears turn in your head?", "Tell the truth, you are made of wires, are you not?"),
                ("[Yes. |]I am a small [language model|helper]. [I only answer questions.|I like to help.|I am not a human.]",), ("self",),
                ("yes", "no", "inhuman", "know", "bodiless", "help", "unliking", "made")),
    "body": (("Do you [sleep|eat|dream|cry|laugh|drink|get tired|grow]?", "Do you have a [mother|father|family|home|friend|pet|{animal}|bed]?",
              "What do you [eat|dream of|drink] [for breakfast|at night|]?", "Can you [dream|sleep|see|cry|feel|fly|swim|walk]?"),
             ("Do you ever [sleep|dream|eat|get tired|get hungry|feel sad]?", "[When|How long] do you [sleep|rest]?", "do u [sleep|eat|dream|feel]",
              "Are you [hungry|tired|sleepy|lonely|married]?", "What did you [eat|dream|do] [today|last night|yesterday]?",
              "Where do you [live|sleep]?", "Where are you[ from|]?", "Are you [afraid|scared] of [the dark|{animals}|me]?",
              "Do you want [some {food}|to eat {food} with me]?", "Have you ever [seen {an_animal}|been to {town}|been in love]?",
              "Tell me about your [dreams|family|home]."),
             ("At night, when all is dark, what do you do?", "Shall I cook supper for you?", "What did your mother call you when you were small?"),
             ("[No. |]I am [only |]a small helper. I [do not eat or sleep|have no body|only answer questions|can only read and write].",
              "I have no body. I am [only |]a small [helper|language model]."),
             ("bodiless", "inhuman"), ("no", "self", "know", "help", "made", "unliking")),
    "liking": (("Do you like [me|{food}|{animals}|music|{town}|people]?", "What is your favorite [color|food|animal|town|day|thing]?",
                "Which [color|food|animal|town] do you like[ best|]?", "What do you like[ to do|]?"),
               ("Do you [love|hate|want] [me|{food}|{animals}|people|your work]?", "Are you [my friend|in love]?",
                "your favorite [color|food|animal]?", "whats your fav [color|food|animal]", "What is the [color|food|animal] that you like best?",
                "[Can|Could|Will] you be my friend?", "Do you prefer {food} or {food2}?", "What makes you [happy|sad|angry]?",
                "I like {food}. Do you[ like {food}| too|]?", "Do you like [being a helper|your job|to help]?"),
               ("Is there anything you are fond of?", "If you had one wish, what would it be?", "Tell me what you enjoy."),
               ("I am a small helper. I have no [favorite|favorites][.|. I like to help.]", "I [can not|do not] like things, but I like to help.",
                "I have no [likes|favorites]. I am [only |]a small [helper|language model]."),
               ("unliking",), ("no", "yes", "self", "know", "help", "bodiless", "inhuman")),
    "age": (("How old are you?", "What is your age?", "Are you [old|young|new]?", "When [were you born|is your birthday|were you made]?"),
            ("how old r u", "Tell me [your age|how old you are].", "Since when do you live?", "[How long|Since when] have you been here?",
             "How many years are you?", "Are you older than [me|my {animal}|my grandmother]?", "I am seven. How old are you?", "your age?"),
            ("Which birthday did you last have?", "How many winters have you seen?"),
            ("I am [very |still |]young. [I am a small helper.|I was made not long ago.|I have no birthday.]",
             "I do not count the years. I am a small helper."),
            ("young",), ("self", "no", "know", "made", "bodiless")),
    "maker": (("Who made you?", "Who built you?", "Where do you come from?", "Who taught you[ all this| to speak|]?", "How were you made?"),
              ("Who [is|was] your [maker|teacher|boss|owner|mother]?", "who created u", "Who [do you belong to|owns you|pays you|wrote you]?",
               "Tell me who [made|built|taught] you.", "How did you learn [all this|to talk|to write]?", "From whom did you learn?",
               "Did [people|a human|{name2}] make you?", "How do you [work|know that|know things]?"),
              ("Whose work are you?", "What is the story of how you came to be?"),
              ("People [made|built|taught] me. [I learned from many texts.|They taught me to help.|I am a small helper.]",
               "I was made by people. I learned from many texts."),
              ("made",), ("self", "know", "no", "help", "modest")),
    "clever": (("Are you [clever|smart|wise]?", "Do you know [everything|a lot|all]?", "How clever are you?", "Can I [trust|believe] you?",
                "Are you [always |]right?"),
               ("are u smart", "Do you [make|ever make] mistakes?", "What do you know[ about the world|]?",
                "Who is [cleverer|smarter], you or [I|a human|my {animal}|my teacher]?", "Are your answers [right|true|always true]?",
                "Do you [ever |][lie|tell lies]?", "How much do you know?", "You [must be|are] very [clever|smart], [right|are you not]?",
                "Can you think?"),
               ("Would you win a quiz?", "How big is your brain?", "Is there something that you can not answer?"),
               ("I am a small helper. I know a little[, but|.] I can make mistakes.",
                "I know [a little|some things]. [I am a small helper.|I do not know everything.]", "I do not know everything. I can make mistakes."),
               ("modest",), ("self", "no", "yes", "know", "help", "made")),
}  # fmt: skip
_IDENTITY_WORDINGS = {kind: Wordings(*v[:3], dialogues(*v[0][:2])) for kind,
    v in IDENTITIES.items()}  # fmt: skip
_IDENTITY_KINDS = (
    "who",
    "who",
    "who",
    "name",
    "name",
    "human",
    "human",
    "machine",
    "body",
    "body",
    "liking",
    "age",
    "maker",
    "clever",
)


def _topics(rng: Random) -> str:
    return listed(rng.sample(ABOUT[:6], rng.choice((3, 4, 6))))


def _draw_identity(rng: Random, facts: Facts) -> Slots:
    food, food2 = rng.sample(lx.FOODS, 2)
    animal = rng.choice([x for x in lx.ANIMALS if x not in lx.PLURALS])
    return dict(kind=rng.choice(_IDENTITY_KINDS), far=rng.choice(lx.PEOPLE + FAR_NAMES), animal=animal,
        animals=animal + "s",
                an_animal=a(animal), a_job=a(rng.choice(lx.JOBS)), food=food, food2=food2,
                town=rng.choice(lx.TOWNS), name2=rng.choice(lx.PEOPLE),
                **person(rng, 0.25))  # fmt: skip


def _answer_identity(slots: Slots, rng: Random) -> str:
    return reply(rng, slots | dict(topics=_topics(rng)), *IDENTITIES[str(slots["kind"])][3])


def _check_identity(slots: Slots, body: str) -> Marks:
    return marks(slots, body, *IDENTITIES[str(slots["kind"])][4:])


# --- abilities ----------------------------------------------------------------------------------------------

ABILITIES = Wordings(
    plain=("What can you do[ for me|]? {me}", "What can I ask you?", "Tell me what you can do.", "How can you help me? {me}",
           "What do you know about?", "What are you good at?", *dialogues("{me} What can you do?")),
    other=("[What|Which things] [are you able to do|do you do|can you help with|can u do|do you offer]? {me}",
           "[What|Which] questions [can|do|may] [I ask|you answer]?", "What [should|could|may] I ask[ you|]? {me}",
           "What are you [for|here for|made for]?", "[Show|Tell] me [your skills|what you are able to do|what you can do for me|how you can help].",
           "I [want|would like] to know what you can do.", "[Why|For what] do [people|others] [use|need|ask] you?",
           "Give me [a list of |some |][things|questions] [that I can ask you|you can answer].", "How [do|can] I use you? {me}",
           "I am new here. What can [you do|I do here|I ask]? {me}", "What is your [job|work|task|use]?", "your skills?",
           "[In what|How] [can|could] you be [of help|useful][ to me|]?", *dialogues("What can I ask you?")),
    unseen=("[List|Name] your [talents|powers|abilities].", "What [services|wonders] do you offer?", "Why should I talk to you of all helpers?",
            "I never used a helper before. Explain what it is good for."),
    continuations=dialogues("What can you do? {me}", "What can I ask you? {me}"),
)  # fmt: skip
HELPS = Wordings(
    plain=("[Can|Could|Will] you help me? {me}", "I need [your |some |]help. {me}",
    "Help[ me|][, please|].", "I have a [question|problem]. {me}",
    "[Can|May] I ask you [something|a question]? {me}"),
    other=("[help|HELP|help me|help pls|I need u|need help here|Help me quickly]",
    "I am [stuck|in trouble|in need of help|not sure what to do]. [Can you help|Help me]? {me}",
    "Do you have [time|a minute|a moment][ for me|]?",
           "I [want|would like] to ask [you |][something|a question]. {me}",
           "[Would|Could] you do [something for me|me a favor]? {me}", "Are you able to help me? {me}",
           "[Somebody|Someone|You must] help me[ now|]. {me}", *dialogues("Can you help me? {me}")),
    unseen=("[Lend me a hand|Give me a hand|Be of service], will you? {me}",
    "There is something on my mind that I should like to ask. {me}", "S.O.S."),
    continuations=dialogues("[Can|Could] you help me? {me}", "I have a question. {me}"),
)  # fmt: skip


def _draw_abilities(rng: Random, facts: Facts) -> Slots:
    return dict(help=rng.random() < 0.35, **person(rng, 0.25))


def _answer_abilities(slots: Slots, rng: Random) -> str:
    can = listed([rng.choice(CAN[:1] * 3 + CAN[1:4:2]), *rng.sample(CAN[4:13], rng.choice((1, 2, 2)))])
    more = slots | dict(can=can, topics=_topics(rng))
    if slots["help"]:
        return reply(
            rng, more, "[Yes|Of course|Sure]{n}. [How can I help you?|What can I do for you?|What do you want to know?]",
            "[Yes, I can|I am here to help]{n}. What is your question?", "Of course. [Tell me what you need.|Just ask me a question.]",
        )  # fmt: skip
    return reply(
        rng,
        more,
        "I can {can}.[ Just ask me a question.| How can I help you?|]",
        "I can {can}. You can ask me about {topics}.",
        "You can ask me about {topics}.[ I can {can}.|]",
    )


def _check_abilities(slots: Slots, body: str) -> Marks:
    if slots["help"]:
        return marks(slots, body, ("help", "sure"), ("hello", "nice", "can", "know", "talk"), ("no",))
    return marks(slots, body, ("can", "know"), ("help", "self", "hello", "nice", "sure"))


# --- insult -------------------------------------------------------------------------------------------------

RUDE = Wordings(
    plain=("You are a {noun}. {me}", "You are {bad}. {me}", "You [are no help|do not help me|can do nothing|know nothing|are not clever]. {me}",
           "You {bad} {noun}.", "I do not like you[, {noun}|]. {me}", "Your answer [is|was] {bad}[, you {noun}|].",
           *dialogues("You are [{bad}|a {noun}]. {me}")),
    other=("[What a|Such a] {bad} [helper|machine|thing|answer] [you are|this is|that was].",
           "[Shut up|Go away|Be quiet|Leave me alone|Get lost|Stop talking][, {noun}|, you {noun}|].", "I hate [you|this|talking to you]. {me}",
           "[Why|How can you] [are you so|be so] {bad}? {me}", "[Everything|All] you say is [wrong|nonsense|{bad}].",
           "[My {animal}|A stone|A child] is [smarter|cleverer|more useful] than you.", "u r [{bad}|a {noun}]",
           "You are the [worst|most {bad}] [helper|machine] [ever|of all|I know].", "Are you [{bad}|stupid|dumb] or what?",
           "Nobody [likes|needs|wants|asked] you[, {noun}|].", "You {noun}[!|.] [You are {bad}.|Go away.|I hate you.|]",
           "That was [wrong|bad|{bad}][ again|]. You are a {noun}.", "Why do you never [help|listen|answer]? You are {bad}.",
           "I am angry with you, you {noun}. {me}", *dialogues("You {bad} {noun}. {me}")),
    unseen=("[A broken drum|An old shoe|A wet sock] has more sense than you.", "Did they forget to give you a brain?",
            "[I have had enough of you|You make me sick|You are a waste of my time]. {me}", "They should throw you into the river."),
    continuations=dialogues("You are a {noun}. {me}", "You are {bad}. {me}"),
)  # fmt: skip
_NOUNS = (
    "fool",
    "idiot",
    "donkey",
    "pig",
    "liar",
    "loser",
    "goose",
    "clown",
    "monster",
    "blockhead",
    "rat",
    "dummy",
)
_BAD = ("stupid", "silly", "lazy", "dumb", "ugly", "bad", "useless", "awful", "boring", "slow", "terrible",
    "mean", "crazy")  # fmt: skip


def _draw_insult(rng: Random, facts: Facts) -> Slots:
    noun, bad = rng.choice(_NOUNS), rng.choice(_BAD)
    return dict(
        insult=f"{bad} {noun}",
        rude=True,
        noun=noun,
        bad=bad,
        animal=rng.choice(lx.ANIMALS),
        **person(rng, 0.2),
    )


def _answer_insult(slots: Slots, rng: Random) -> str:
    return reply(
        rng, slots, "I am [very |]sorry{n}. How can I help you[ better|]?",
        "I am sorry[ to hear that|]{n}. [What can I do for you?|I will do my best.|I want to do better.|I try to help.]",
        "I am sorry that you are [angry|not happy]{n}. How can I help you?",
        "I am sorry if I made a mistake{n}. [How can I help you?|I will try to do better.]",
    )  # fmt: skip


def _checker(
    need: tuple[str, ...], may: tuple[str, ...], bad: tuple[str, ...] = ()
) -> Callable[[Slots, str], Marks]:
    return lambda slots, body: marks(slots, body, need, may, bad)


def _chat(
    name: str,
    share: float,
    wordings: Callable[[Slots], Wordings],
    draw: Callable[[Random, Facts], Slots],
    answer: Callable[[Slots, Random], str],
    check: Callable[[Slots, str], Marks],
) -> Skill:
    return Skill(name, "chat", share, lambda slots: by_name(slots, wordings(slots)), draw, answer, check,
                 plain_voice=True)  # fmt: skip


_check_greeting = _checker(("hello",), ("nice", "help", "wish", "back", "well", "thanks"), ("bye", "night"))
_check_thanks = _checker(("welcome",), ("wish", "help", "bye", "nice"), ("sorry",))
_check_wellbeing = _checker(
    ("well",), ("thanks", "back", "help", "hello", "nice", "glad", "wish"), ("sorry",)
)
_check_insult = _checker(("sorry", "calm"), ("help", "hope", "talk", "hello"), ("glad",))

SKILLS = (
    _chat("greeting", 0.14, lambda slots: TIMED_GREETINGS if slots["time"] else GREETINGS,
          _draw_greeting, _answer_greeting, _check_greeting),
    _chat("feeling", 0.24, lambda slots: FEELINGS if slots["feeling"] else NEWS,
          _draw_feeling, _answer_feeling, _check_feeling),
    _chat("thanks", 0.10, lambda slots: THANKS,
          lambda rng, facts: person(rng, 0.2), _answer_thanks, _check_thanks),
    _chat("goodbye", 0.10, lambda slots: NIGHTS if slots["night"] else GOODBYES,
          _draw_goodbye, _answer_goodbye, _check_goodbye),
    _chat("identity", 0.16, lambda slots: _IDENTITY_WORDINGS[str(slots["kind"])],
          _draw_identity, _answer_identity, _check_identity),
    _chat("abilities", 0.08, lambda slots: HELPS if slots["help"] else ABILITIES,
          _draw_abilities, _answer_abilities, _check_abilities),
    _chat("wellbeing", 0.10, lambda slots: WELLBEINGS,
          lambda rng, facts: person(rng, 0.35), _answer_wellbeing, _check_wellbeing),
    _chat("insult", 0.08, lambda slots: RUDE, _draw_insult, _answer_insult, _check_insult),
)  # fmt: skip
