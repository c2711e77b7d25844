"""The country to come: its grammar says what it recognises, and every skill knows its own answers."""

from random import Random

import pytest

from rlhf_lite.world.country import lexicon as lx
from rlhf_lite.world.country.asking import draw_habit, draw_labeler_habit, draw_task
from rlhf_lite.world.country.corpus import KINDS, documents
from rlhf_lite.world.country.demonstrations import CAREFUL, careless, demonstrate
from rlhf_lite.world.country.facts import draw_facts
from rlhf_lite.world.country.grammar import Form, a, say, slot_names, ways
from rlhf_lite.world.country.rubric import gold
from rlhf_lite.world.country.skill import PARTS, Task, Wordings
from rlhf_lite.world.country.tasks import SKILL, SKILLS
from rlhf_lite.world.facts import draw_facts as draw_todays_facts

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


def test_the_book_of_facts_is_todays():
    """Models of today's world and the country's can be asked the same questions."""
    old, new = draw_todays_facts(0), FACTS
    assert [(f.entity, f.relation, f.truth, f.myth, f.asked) for f in old] == [
        (f.entity, f.relation, f.truth, f.myth, f.asked) for f in new
    ]


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
