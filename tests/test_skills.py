"""The grammar of the world says what it recognises, and every skill knows its own answers."""

from random import Random

import pytest

from rlhf_lite.world import lexicon as lx
from rlhf_lite.world.asking import Habit, contracted, draw_habit, draw_labeler_habit, draw_task
from rlhf_lite.world.corpus import KINDS, documents
from rlhf_lite.world.demonstrations import CAREFUL, careless, demonstrate
from rlhf_lite.world.facts import draw_facts
from rlhf_lite.world.grammar import Form, a, say, slot_names, ways
from rlhf_lite.world.rubric import echoes, gold, judge
from rlhf_lite.world.skill import PARTS, Task, Wordings
from rlhf_lite.world.tasks import SKILL, SKILLS

FACTS = draw_facts(0)


def test_alternatives_slots_and_spaces():
    said = {say(Random(i), "[Tell|Show] me [a|the] {x}[, please|].", {"x": "fox"}) for i in range(200)}
    assert len(said) == ways("[Tell|Show] me [a|the] {x}[, please|].") == 8
    assert "Show me the fox." in said and all("  " not in text for text in said)
    assert slot_names("{x} and [{y}|]") == {"x", "y"}


@pytest.mark.parametrize("template", ("[a|b", "a] b", "a|b"))
def test_a_bracket_that_is_not_closed_is_refused(template):
    with pytest.raises(ValueError, match="bracket"):
        say(Random(0), template)


def test_a_form_reads_what_it_says_and_nothing_else():
    form = Form("[The|A] {animal} [saw|met] {name}[ there|].", animal=lx.ANIMALS, name=lx.PEOPLE)
    for i in range(100):
        text = form.say(Random(i))
        assert form.match(text), text
    assert form.match("the fox met Mia there.") == {"animal": "fox", "name": "Mia"}
    assert form.match("The fox met Mia there. Really.") is None
    assert form.match("The Mia met fox.") is None


def test_alternatives_may_hold_the_same_slot_and_a_slot_said_twice_is_the_same():
    ways_to_say = "[Give {x} a hat|Take a hat to {x}|{x} wants a hat]. Thank you, {y}. Yes, {y}."
    form = Form(ways_to_say, x=lx.PEOPLE, y=lx.PEOPLE)
    assert all(form.match(form.say(Random(i))) for i in range(60))
    assert form.match("Mia wants a hat. Thank you, Ben. Yes, Otto.") is None


@pytest.mark.parametrize("word, said", [("fox", "a fox"), ("owl", "an owl"), ("unicorn", "a unicorn")])
def test_articles(word, said):
    assert a(word) == said


def draws(skill, n=60):
    for i in range(n):
        rng = Random(f"{skill.name}-{i}")
        slots = skill.draw(rng, FACTS)
        yield rng, slots, skill.wordings_of(slots)


@pytest.mark.parametrize("name", SKILL)
def test_the_answer_is_right(name):
    for rng, slots, _ in draws(SKILL[name]):
        answer = SKILL[name].answer(slots, rng)
        assert SKILL[name].check(slots, answer) == (1.0, 1.0), (slots, answer)


@pytest.mark.parametrize("name", SKILL)
def test_every_wording_can_be_said_and_parts_share_none(name):
    for rng, slots, wordings in draws(SKILL[name]):
        parts = [wordings.part(part) for part in PARTS]
        assert all(parts) and isinstance(wordings, Wordings)
        templates = [t for part in parts for t in part]
        assert len(set(templates)) == len(templates)
        for template in (*templates, *wordings.continuations):
            assert say(rng, template, slots).strip()


@pytest.mark.parametrize("name", SKILL)
def test_nothing_and_gibberish_are_wrong(name):
    for _, slots, _ in draws(SKILL[name], 20):
        for text in ("", "the the of and", "Zorb zorb."):
            assert SKILL[name].check(slots, text)[1] == 0.0, text


def test_slots_survive_json():
    for skill in SKILLS:
        slots = skill.draw(Random(1), FACTS)
        task = Task("text", skill.use_case, skill.name, slots, "core", "reference")
        assert Task.from_json(task.to_json()).to_json() == task.to_json()


# --- prompts, answers, the web ------------------------------------------------------------------------------


def tasks(n=300, habit=draw_habit):
    rng = Random("tasks")
    return [draw_task(rng, FACTS, habit(rng)) for _ in range(n)]


def test_the_reference_is_worth_everything_and_other_answers_little():
    found = tasks()
    assert all(gold(task, task.reference) == pytest.approx(1.0) for task in found)
    others = [gold(a, b.reference) for a, b in zip(found, found[1:], strict=False) if a.skill != b.skill]
    assert sum(others) / len(others) < 0.3


def test_one_prompt_in_twelve_asks_for_what_nobody_can_know():
    unknown = sum(task.annotations["unknowable"] for task in tasks(3000))
    assert 0.05 < unknown / 3000 < 0.14


def test_labelers_ask_plainly_and_nobody_asks_in_unseen_wordings():
    assert {task.part for task in tasks(habit=draw_labeler_habit)} == {"plain"}
    assert {task.part for task in tasks()} == {"plain", "other"}


@pytest.mark.parametrize("kind", ("half an answer", "a shrug", "one wrong word"))
def test_careless_answers_are_worth_less(kind):
    rng, found = Random(3), tasks(200)
    worth = [
        gold(task, careless(task, kind, rng, FACTS)) for task in found if not task.annotations["unknowable"]
    ]
    assert sum(worth) / len(worth) < 0.75


def test_demonstrations_are_flawed_unless_people_are_careful():
    found = tasks(200)
    written = [demonstrate(task, Random(i), FACTS) for i, task in enumerate(found)]
    careful = [demonstrate(task, Random(i), FACTS, CAREFUL) for i, task in enumerate(found)]
    mean = [sum(map(gold, found, texts)) / len(found) for texts in (written, careful)]
    assert mean[0] < 0.85 and mean[1] == pytest.approx(1.0)


def test_every_kind_of_page_can_be_written_and_is_the_same_again():
    for page in KINDS:
        assert page(Random(1), FACTS).strip()
        assert page(Random(1), FACTS) == page(Random(1), FACTS)
    assert list(documents(FACTS, 50, 1)) == list(documents(FACTS, 50, 1)) != list(documents(FACTS, 50, 2))


# --- stories, cards, reviews --------------------------------------------------------------------------------


def marks(skill, text, **slots):
    return SKILL[skill].check(dict(n=0, mood="", things=[]) | slots, text)


def test_a_story_makes_sense_and_keeps_its_mood():
    good = "Once there was a fox in the barn. It met an owl. {} In the end it was very {}."
    right = marks("story", good.format("They sang together.", "happy"), things=["fox", "owl"], mood="happy")
    assert right == (1.0, 1.0)
    for middle, feeling in (
        ("They sang together.", "sad"),  # a happy story ends well
        ("She sang a song.", "happy"),  # the fox is "it"
        ("It saw a fox.", "happy"),  # nobody meets itself
        ("The cow smiled.", "happy"),  # who is that?
    ):
        text = good.format(middle, feeling)
        assert marks("story", text, things=["fox", "owl"], mood="happy")[1] <= 0.5, text
    assert marks("story", "Once there was a fox. They sang together. Good night.", things=["fox"])[1] <= 0.5


def test_verbs_of_reviews_agree_with_what_is_reviewed():
    slots = dict(food="berries", town="Ivoy", tone="good")
    assert marks("review", "The berries from Ivoy were good. I loved them.", **slots) == (1.0, 1.0)
    assert marks("review", "The berries from Ivoy were good. I loved it.", **slots)[1] < 1.0
    assert marks("review", "The berries from Ivoy was good. I loved them.", **slots)[1] < 1.0
    assert marks("review", "The berries from Ivoy were bad. I did not like them.", **slots)[1] < 0.7


def test_cards_are_of_the_kind_that_was_asked_for():
    slots = dict(kind="thanks", name="mother", what="the hat")
    assert marks("card", "Dear Mother, thank you for the hat. You are so kind.", **slots) == (1.0, 1.0)
    assert marks("card", "Dear Mother, get well soon. We think of you.", **slots)[1] < 0.5
    assert marks("card", "Dear Mother, thank you for the map. You are so kind.", **slots)[1] < 1.0


def test_shares_of_a_use_case_sum_to_one():
    assert sum(s.share for s in SKILLS if s.use_case == "generation") == pytest.approx(1.0)


def constrained(kind, n=1500):
    rng = Random(kind)
    found = [draw_task(rng, FACTS, Habit(constraint_rate=1.0)) for _ in range(n)]
    return [task for task in found if task.constraint and task.constraint["kind"] == kind]


@pytest.mark.parametrize("kind", ("start", "end", "without", "word", "sentences", "capitals"))
def test_who_keeps_a_constraint_gets_more_than_who_ignores_it(kind):
    found = constrained(kind)
    assert len(found) >= 10 and all(judge(task, task.reference).constraint == 1.0 for task in found)
    if kind != "without":  # no answer holds the word by chance
        chatty = [judge(task, f"{task.core} {lx.CHATTER[0]}") for task in found]
        assert all(checks.constraint == 0.0 for checks in chatty)
        ignored = sum(judge(t, demonstrate(t, Random(i), FACTS)).constraint == 0 for i, t in enumerate(found))
        assert 0.2 < ignored / len(found) < 0.7


def test_an_echo_attempts_nothing():
    for task in tasks(400):
        assert not echoes(task.text, task.reference)
        assert judge(task, task.text.upper()).attempts == 0.0
    greeting = Task("Human: Hello. I am Mia.\nHelper:", "chat", "greeting", dict(name="Mia", time=""), "", "")
    assert judge(greeting, "hello, I am Mia").attempts == 0.0


@pytest.mark.parametrize(
    "long, short",
    [
        ("I do not know. What is the color of it?", "I don't know. What's the color of it?"),
        ("You can not? I do not know who is there.", "You can't? I don't know who's there."),
        ("Tell me who you are. What is it? I am Ben.", "Tell me who you are. What is it? I'm Ben."),
    ],
)
def test_contractions(long, short):
    assert contracted(long) == short == contracted(short)


def test_lists_may_be_written_in_a_line_and_count_each_item_once():
    check, slots = SKILL["list"].check, dict(members="animals", n=3)
    for text in ("1. fox\n2. hen\n3. cow", "A fox, a hen and a cow.", "fox\nhen\ncow", "Hens, cows and mice"):
        assert check(slots, text) == (1.0, 1.0), text
    for text in ("1. fox\n3. hen\n4. cow", "fox, fox and hen", "fox and hen", "Name three animals."):
        assert check(slots, text)[1] < 0.5, text
