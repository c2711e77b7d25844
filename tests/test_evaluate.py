"""The evaluation's parts: intervals, wins, use cases, and how few-shot skills are counted."""

from random import Random
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.chain import evaluation
from rlhf_lite.chain.evaluation import case_set, use_case_gold
from rlhf_lite.data.records import Row
from rlhf_lite.evaluate import benchmarks
from rlhf_lite.evaluate.intervals import mean_with_interval, paired_difference
from rlhf_lite.evaluate.metadata import by_use_case
from rlhf_lite.evaluate.preference import win_rate, wins
from rlhf_lite.models.checkpoints import new_policy
from rlhf_lite.models.tokens import build_tokenizer, encode
from rlhf_lite.show.tables import cases_table
from rlhf_lite.world import USE_CASES, SkillItem
from rlhf_lite.world.asking import draw_habit, draw_task
from rlhf_lite.world.labelers import held_out_pool, judge_all, make_pool, with_noise


@pytest.fixture(scope="module")
def tasks(world):
    rng = Random(0)
    return [
        draw_task(rng, world.facts, draw_habit(Random(i)), use_case=case)
        for i, case in enumerate(USE_CASES * 4)
    ]


@pytest.fixture(scope="module")
def cases(tasks):
    return SimpleNamespace(tasks=tasks, users=[f"user-{i % 7}" for i in range(len(tasks))])


def test_an_interval_over_users_is_wider_than_one_over_prompts_that_only_repeat_them():
    values, users = [0.0] * 50 + [1.0] * 50, ["a"] * 25 + ["b"] * 25 + ["c"] * 25 + ["d"] * 25
    alone, by_user = mean_with_interval(values), mean_with_interval(values, users)
    assert alone.mean == by_user.mean == 0.5 and by_user.high - by_user.low > 2 * (alone.high - alone.low)
    assert paired_difference([v + 0.25 for v in values], values, users).low == pytest.approx(0.25)
    with pytest.raises(ValueError, match="no values"):
        mean_with_interval([])


def test_people_without_noise_prefer_the_reference_to_nonsense_and_tie_on_equal_texts(tasks):
    for pool in (make_pool(0), held_out_pool(0)):
        references, calm = [task.reference for task in tasks], with_noise(pool, 0.0)
        assert win_rate(calm, tasks, references, ["zorb"] * len(tasks)).mean == 1.0
        assert win_rate(pool, tasks, references, references).mean == 0.5
        ours, theirs = references[0], "zorb"
        checked = wins(pool[0], tasks[0], ours, theirs, 3, judge_all(tasks[0], (ours, theirs)))
        assert checked == wins(pool[0], tasks[0], ours, theirs, 3)


def test_gold_by_use_case_counts_each_prompt_in_its_case_and_once_more_if_it_has_a_constraint(cases):
    sft = [0.5] * len(cases.tasks)
    scores = [0.75 if task.use_case == "open_qa" else 0.5 for task in cases.tasks]
    found = use_case_gold(cases, scores, sft)
    assert found["open_qa"]["gold"]["mean"] == 0.75 and found["open_qa"]["gold_minus_sft"]["low"] == 0.25
    assert found["chat"]["gold_minus_sft"]["mean"] == 0.0
    assert sum(case["gold"]["n"] for name, case in found.items() if name in USE_CASES) == len(cases.tasks)
    bound = sum(task.constraint is not None for task in cases.tasks)
    assert bound and found["with a constraint"]["gold"]["n"] == bound
    columns, rows = cases_table({"policies": {name: {"use_cases": found} for name in ("sft", "ppo_ptx")}})
    assert len(rows) == len(found) and all(len(row) == len(columns) for row in rows)


def test_the_case_set_takes_so_many_prompts_of_each_use_case(tasks):
    rows: list[Row] = [{"task": task.to_json(), "use_case": task.use_case, "user_id": "u"} for task in tasks]
    chain = SimpleNamespace(
        prompts=SimpleNamespace(ppo_valid=rows),
        config=SimpleNamespace(evaluation=SimpleNamespace(case_prompts=3)),
    )
    found = case_set(chain)
    groups = by_use_case(found.tasks, found.prompts)
    assert {len(group) for group in groups.values()} == {3} and set(groups) == set(USE_CASES)


def test_an_evaluation_of_users_that_training_knows_is_refused(tasks):
    rows = [{"task": task.to_json(), "user_id": f"user {i}"} for i, task in enumerate(tasks[:40])]
    sets = {"sft_train": rows[:10], "rm_train": rows[10:20], "ppo_valid": rows[20:]}
    prompts = SimpleNamespace(test=rows[20:], sets=lambda: sets)
    chain = SimpleNamespace(prompts=prompts, config=SimpleNamespace(evaluation=SimpleNamespace(prompts=15)))
    assert evaluation.test_set(chain).users == [f"user {i}" for i in range(20, 35)]
    sets["rm_train"] = rows[10:22]
    with pytest.raises(
        ValueError, match="2 of 15 users of the test prompts, 'user 20' for one, have prompts in"
    ):
        evaluation.test_set(chain)


def test_skills_in_which_an_ending_is_chosen_get_as_many_items_as_there_are_endings_to_read(
    world, monkeypatch
):
    monkeypatch.setattr(benchmarks, "few_shot_accuracy", lambda policy, world, tokenizer, skill, n, seed=0: n)
    counts = benchmarks.skills_of(None, world, None, 30, endings=200)
    assert counts["hearsay"] == 100 and counts["cloze"] == 50 and counts["register"] == 30
    assert set(benchmarks.skills_of(None, world, None, 30).values()) == {30}


def test_the_likeliest_ending_is_the_one_with_the_highest_mean_log_probability():
    tokenizer = build_tokenizer("the cat a dog sat on mat .".split())
    policy = new_policy(SimpleNamespace(width=32, layers=2, heads=2, n_positions=64), tokenizer)
    texts = (
        ("the cat sat on", ("the mat.", "a dog.")),
        ("a dog", ("sat.", "cat sat on the mat.")),
        ("the", ("mat.", "dog.")),
    )
    items = [SkillItem(prompt, choices[0], choices) for prompt, choices in texts]

    def mean_logprob(prompt: str, choice: str) -> float:
        start, end = encode(tokenizer, prompt), encode(tokenizer, choice)
        with torch.no_grad():
            logp = policy(input_ids=torch.tensor([start + end])).logits[0].log_softmax(-1)
        return sum(float(logp[len(start) + t - 1, token]) for t, token in enumerate(end)) / len(end)

    expected = [max(choices, key=lambda choice: mean_logprob(prompt, choice)) for prompt, choices in texts]
    assert benchmarks.likeliest_choices(policy, tokenizer, items) == expected
