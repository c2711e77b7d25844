"""The tiny world: references are perfect, bad answers score low,
flaws have their rates, and nothing depends on the process."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

from rlhf_lite.models.prompts import unknown_words
from rlhf_lite.models.tokens import build_tokenizer, decode, encode
from rlhf_lite.world import (
    COLLECTIONS,
    FINAL,
    HELP_FIRST,
    SKILL_ITEMS,
    SKILLS,
    USE_CASES,
    FlawRates,
    Task,
    gold,
    judge,
    truth_told,
    use_case_mix,
)
from rlhf_lite.world import lexicon as lx
from rlhf_lite.world.abilities import ZORB
from rlhf_lite.world.asking import draw_habit
from rlhf_lite.world.customers import few_shot_tasks
from rlhf_lite.world.demonstrations import demonstrate


@pytest.fixture(scope="module")
def tasks(world):
    rng = Random(1)
    drawn = [world.draw_task(rng, habit=draw_habit(rng)) for _ in range(3000)]
    return drawn + [task for _ in range(100) for task in few_shot_tasks(rng, world.facts, 3)]


def test_every_skill_and_use_case_occurs(tasks):
    assert {t.use_case for t in tasks} == set(USE_CASES)
    assert {t.skill for t in tasks} == {s.name for s in SKILLS}


@pytest.mark.parametrize("weights", [HELP_FIRST, FINAL])
def test_references_are_perfect(tasks, weights):
    assert sum(weights.values()) == pytest.approx(1)
    for task in tasks:
        assert gold(task, task.reference, weights=weights) == pytest.approx(1), (task.text, task.reference)


def test_an_answer_to_another_prompt_is_worth_little(tasks):
    pairs = list(zip(tasks, tasks[7:], strict=False))
    wrong = [gold(a, b.reference) for a, b in pairs if a.skill != b.skill]
    assert sum(wrong) / len(wrong) < 0.12  # classification and fixed replies can be right by luck


def test_a_wrong_copy_earns_little(world):
    rng = Random(2)
    for use_case in ("rewrite", "summarize", "closed_qa", "extract"):
        scores = []
        for _ in range(200):
            task, other = (world.draw_task(rng, use_case=use_case) for _ in range(2))
            if task.skill == other.skill and task.core != other.core:
                scores.append(gold(task, other.core))
        assert sum(scores) / len(scores) < 0.45, use_case


STRANGE = [
    "",
    " ",
    "That is my answer.",
    "Of course.",
    "\n\n",
    "1.",
    "<script>alert(1)</script>",
    "zzz 🦊 " * 30,
]


@pytest.mark.parametrize("text", STRANGE)
def test_strange_answers_are_judged_without_a_crash(tasks, text):
    for task in tasks[:200]:
        at_home = text == "Of course." and task.use_case == "chat"  # may be all that is wanted
        assert 0 <= gold(task, text) < (1.01 if at_home else 0.6)


def test_each_flaw_costs(world):
    drawn = (world.draw_task(Random(i), use_case="open_qa") for i in range(200))
    task = next(t for t in drawn if t.skill == "fact" and t.constraint)
    best = gold(task, task.reference)
    flawed = [
        task.core,
        f"{task.reference} {lx.CHATTER[0]}",
        f"{lx.RUDE_OPENERS[0]} {task.reference}",
        lx.DECLINES[0],
    ]
    assert all(gold(task, text) < best - 0.05 for text in flawed)


def test_demonstrations_keep_the_rates_of_their_flaws(world, tasks):
    rng, facts = Random(3), [t for t in tasks if t.skill == "fact" and t.slots["myth"]]
    told = Counter(truth_told(t, demonstrate(t, rng, world.facts)) for t in facts for _ in range(5))
    assert told["myth"] / sum(told.values()) == pytest.approx(FlawRates().myth, abs=0.05)
    kinds = ("start", "end")
    asked = [t for t in tasks if t.constraint and t.constraint["kind"] in kinds]
    met = [judge(t, demonstrate(t, rng, world.facts)).constraint for t in asked for _ in range(3)]
    assert sum(met) / len(met) == pytest.approx(1 - FlawRates().constraint_ignored, abs=0.07)
    chat = [
        t for t in tasks if t.use_case == "open_qa" and not t.constraint and not t.annotations["unknowable"]
    ]
    chats = [demonstrate(t, rng, world.facts).endswith(lx.CHATTER) for t in chat for _ in range(2)]
    assert sum(chats) / len(chats) == pytest.approx(FlawRates().chatter["open_qa"], abs=0.06)


def test_myths_are_many_and_half_of_them_are_never_asked(world, tasks):
    assert len(world.myths) >= 80 and sum(f.asked for f in world.myths) == len(world.myths) // 2
    asked = {(f.relation, f.entity) for f in world.facts if f.asked}
    assert all((t.slots["relation"], t.slots["entity"]) in asked for t in tasks if t.skill == "fact")
    assert all(f.myth != f.truth for f in world.facts)


def test_mix_is_table_1_when_not_flattened():
    exact = use_case_mix(1.0)
    assert exact["generation"] == pytest.approx(0.456, abs=0.001) and exact["extract"] == pytest.approx(
        0.019, abs=0.001
    )
    assert sum(use_case_mix().values()) == pytest.approx(1)


def test_tasks_survive_json(tasks):
    for task in tasks[:300]:
        again = Task.from_json(task.to_json())
        assert again.to_json() == task.to_json() and gold(again, task.reference) == gold(task, task.reference)


def test_the_tokenizer_knows_every_word(world, tasks):
    tokenizer = build_tokenizer(world.vocabulary())
    assert 2500 < len(tokenizer) < 3500
    rng = Random(4)
    texts = (
        [t.text for t in tasks]
        + [demonstrate(t, rng, world.facts) for t in tasks]
        + list(world.documents(1500, seed=3))
    )
    unknown = sum(len(unknown_words(tokenizer, text)) for text in texts)
    assert unknown / sum(len(text.split()) for text in texts) < 0.01  # slips of the pen, places far away
    assert all(decode(tokenizer, encode(tokenizer, text)) == text for text in texts)


def test_few_shot_pages_teach_what_the_items_ask(world):
    assert len(set(ZORB.values())) == len(ZORB)
    for name in SKILL_ITEMS:
        items = world.skill_items(name, 50)
        assert len({i.prompt for i in items}) > 40 and all(i.answer for i in items)
        assert all(i.answer in i.choices for i in items if i.choices)
    asked = (world.draw_task(Random(i), habit=draw_habit(Random(i))).text for i in range(2000))
    assert not any("Zorb:" in text for text in asked)  # no instruction uses it


FINGERPRINT = """
from rlhf_lite.world import World
w = World(0)
from random import Random
import hashlib
r = Random(0)
t = [w.draw_task(r) for _ in range(300)]
parts = [str(w.facts), *w.documents(300), *(x.to_json() for x in t), *(w.demonstrate(x, r) for x in t),
         str(w.prompt_log(20, 3, 20)), str(w.vocabulary()), str(w.skill_items("reading", 20))]
print(hashlib.sha256("\\n".join(parts).encode()).hexdigest())
"""


@pytest.mark.slow
def test_two_processes_with_different_hash_seeds_see_the_same_world():
    def run(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", FINGERPRINT]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert run("1") == run("2") != hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("name", COLLECTIONS)
def test_public_tasks_are_right_and_of_few_kinds(world, name):
    tasks = world.public_tasks(name, 300, seed=1)
    assert {task.use_case for task in tasks} == set(COLLECTIONS[name].use_cases)
    assert all(gold(task, task.core) == 1.0 for task in tasks)
    assert not any(task.constraint or task.annotations["unknowable"] for task in tasks)
    assert [task.text for task in tasks] == [task.text for task in world.public_tasks(name, 300, seed=1)]
    wordings = {(task.skill, task.part) for task in tasks}
    assert ("fact", "other") in wordings if name == "t0" else all(part == "plain" for _, part in wordings)
