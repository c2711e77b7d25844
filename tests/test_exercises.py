"""Exercises: the solution passes and is the package's, every typical mistake is told by its name."""

import inspect
import re
from pathlib import Path

import pytest
import torch
from helpers_html import NASTY, Reader

from rlhf_lite import show
from rlhf_lite.labels import agreement
from rlhf_lite.models import heads, losses
from rlhf_lite.show.exercises import arithmetic, findings, names
from rlhf_lite.show.exercises.exercise import tasks
from rlhf_lite.show.exercises.grading import expected, run, same
from rlhf_lite.world import labelers

TASKS = tasks()
MISTAKES = [(task.name, mistake) for task in TASKS.values() for mistake in task.mistakes]


def by_the_package(name):
    """What the package computes, with the exercise's arguments and outputs."""
    if name == "shared_prompt_mask":
        return lambda parts: heads.shared_prompt_bias(parts, torch.float32)[:, 0] == 0
    if name == "ptx_loss":
        return lambda logits, ids, gamma: gamma * losses.masked_lm_loss(logits[:, :-1], ids[:, 1:])
    if name == "tied_ranks":
        return lambda utilities, width: torch.as_tensor(labelers.tied_ranks(utilities.numpy(), width))
    if name == "counts_alike":
        return lambda a, b: agreement.counts_alike(a.numpy(), b.numpy())
    function = getattr(losses, name)
    return (lambda *args: function(*args)[0]) if name in ("policy_loss", "value_loss") else function


# --- What is asked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_the_solution_passes(name):
    verdict = show.Exercise(name).check(TASKS[name].solution)
    assert verdict.passed and not verdict.mistake, verdict
    verdict.require()


# What the package does in another form: texts for tokens, rows for tensors, whole runs for one batch.
ELSEWHERE = (
    "answer_labels",
    "win_rate",
    "kept_per_user",
    "common_prefix",
    "perplexity",
    "loss_in_parts",
    "ppo_bytes",
    *(task.name for task in (*arithmetic.TASKS, *findings.TASKS)),
)


@pytest.mark.parametrize("name", [name for name in TASKS if name not in ELSEWHERE])
def test_the_solution_is_what_the_package_computes_with_its_gradients(name):
    verdict = show.Exercise(name).check(by_the_package(name))
    assert verdict.passed, verdict


@pytest.mark.parametrize("name", TASKS)
def test_hand_numbers_are_what_the_solution_gives(name):
    task = TASKS[name]
    worked = [case for case in task.cases if case.by_hand is not None]
    assert worked
    for case in worked:
        outputs = run(task, task.solution, case).outputs
        assert set(case.by_hand) == set(task.outputs)
        for output, value in case.by_hand.items():
            torch.testing.assert_close(
                outputs[output], torch.as_tensor(value).double(), rtol=1e-6, atol=1e-6, msg=case.shows
            )


@pytest.mark.parametrize("name", TASKS)
def test_laws_hold_of_the_solution_and_not_of_just_any_numbers(name):
    task = TASKS[name]
    right = {c.shows: r.outputs for c, r in zip(task.cases, expected(task, task.solution), strict=True)}
    wrong = {
        case: {output: x - 1 - i for output, x in outputs.items()}
        for i, (case, outputs) in enumerate(right.items())
    }
    assert task.laws
    for law in task.laws:
        assert law.holds(right) and not law.holds(wrong), law.says


def test_every_case_has_a_name_of_its_own_and_every_task_its_words():
    for task in TASKS.values():
        assert len({case.shows for case in task.cases}) == len(task.cases)
        assert task.hint and task.text and task.minutes > 0 and len(task.mistakes) >= 2
    assert names() == list(TASKS)


# --- Mistakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, mistake", MISTAKES, ids=[f"{name}: {m.name}" for name, m in MISTAKES])
def test_every_typical_mistake_is_told_by_its_name(name, mistake):
    verdict = show.Exercise(name).check(mistake.made)
    assert not verdict.passed and verdict.mistake == mistake.name, verdict
    assert mistake.says in repr(verdict) and "In the case of" in repr(verdict)
    with pytest.raises(AssertionError, match="In the case of"):
        verdict.require()


@pytest.mark.parametrize("name", TASKS)
def test_no_two_mistakes_look_alike(name):
    task = TASKS[name]
    found = [expected(task, mistake.made) for mistake in task.mistakes]
    for i, one in enumerate(found):
        for other in found[:i]:
            assert not all(same(*pair) for pair in zip(one, other, strict=True))


def test_an_unknown_mistake_is_told_where_it_differs_which_law_it_breaks_and_a_hint():
    exercise = show.Exercise("ranking_loss")
    verdict = exercise.check(lambda scores, ranks, mask: (scores * ranks).sum())
    assert not verdict.passed and not verdict.mistake
    for words in ("two answers, a margin of 1", "it should be 0.313", "Adding a number", exercise.task.hint):
        assert words in repr(verdict)


def test_right_numbers_with_a_wrong_gradient_are_not_right():
    def detached(logprobs, old, advantages, mask, clip=0.2):
        loss = losses.policy_loss(logprobs, old, advantages, mask, clip)[0]
        return loss.detach() + 0 * logprobs.sum()

    verdict = show.Exercise("policy_loss").check(detached)
    assert not verdict.passed and "the gradient is not" in repr(verdict)


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda s, r, m: losses.ranking_loss(s, r, m).item(), "has no gradient"),
        (lambda s, r, m: s * 1, r"shape \(1, 2\); it should be a single number"),
        (lambda s, r, m: (s.sum(), s.sum()), "returns 2 things; return one thing: loss"),
        (lambda s, r, m: "five", "returns str; return tensors"),
        (lambda s, r, m: s[0, 9], "stops with IndexError.*line"),
        (lambda s, r, m: s.sum() * r.fill_(0).sum(), "argument 2 is another after the call"),
        (lambda s: s.sum(), "stops with TypeError"),
    ],
)
def test_what_cannot_be_graded_is_told_in_words(function, words):
    with pytest.raises(AssertionError, match=words):
        show.Exercise("ranking_loss").check(function).require()


@pytest.mark.parametrize("filled", [True, False])
def test_what_padding_looks_at_is_not_asked(filled):
    def mask(parts):
        padding = (parts < 0)[:, :, None]
        return TASKS["shared_prompt_mask"].solution(parts).masked_fill(padding, filled)

    assert show.Exercise("shared_prompt_mask").check(mask).passed


def test_a_mask_of_another_shape_is_told_so_where_padding_is_free():
    verdict = show.Exercise("shared_prompt_mask").check(lambda parts: (parts >= 0)[:, None])
    assert "shape (1, 1, 5); it should have shape (1, 5, 5)" in repr(verdict)


def test_whole_numbers_are_shown_without_digits():
    verdict = show.Exercise("shared_prompt_mask").check(
        lambda parts: torch.ones(len(parts), *parts.shape[1:] * 2)
    )
    assert "it should be [[[1, 0, 0, 0, 0], [1, 1, 0, 0, 0]" in repr(verdict)


def test_values_held_in_another_way_are_right_too():
    def held_by_steps(values, old_values, returns, mask, clip=0.2):
        held = old_values + (values - old_values).clamp(-clip, clip)
        plain, held = (values - returns) ** 2, (held - returns) ** 2
        return torch.where(held > plain, held, plain)[mask.bool()].mean() / 2

    assert show.Exercise("value_loss").check(held_by_steps).passed


def test_clipping_around_the_returns_holds_nothing():
    def around_returns(values, old_values, returns, mask, clip=0.2):
        held = torch.clamp(values, returns - clip, returns + clip)
        worse = torch.maximum((values - returns) ** 2, (held - returns) ** 2)
        return (worse * mask).sum() / mask.sum() / 2

    assert show.Exercise("value_loss").check(around_returns).mistake == "nothing is held"


def test_a_missing_output_is_named():
    verdict = show.Exercise("kl_estimates").check(lambda a, b, m: {"k1": a.sum(), "k2": a.sum()})
    assert "no 'k3'" in repr(verdict)


# --- In a notebook ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_a_cell_that_is_not_yet_filled_is_neither_right_nor_wrong(name):
    def to_do(*args):
        raise NotImplementedError

    for empty in (lambda *args: None, lambda *args: ..., to_do):
        verdict = show.Exercise(name).check(empty)
        assert verdict.missing and not verdict.passed and "not yet written" in repr(verdict)


@pytest.mark.parametrize("name", TASKS)
def test_a_function_is_called_once_for_each_case(name):
    task, calls = TASKS[name], []

    def counted(*args):
        calls.append(args)
        return task.mistakes[0].made(*args)

    verdict = show.Exercise(name).check(counted)
    repr(verdict), verdict._repr_html_(), verdict.mistake
    assert len(calls) == len(task.cases)


def test_no_case_is_changed_by_a_check():
    case = TASKS["gae"].cases[0]
    before = case.args[0].clone()

    def spoils(rewards, values, mask, gamma, lam):
        rewards.zero_()
        return losses.gae(rewards, values, mask, gamma, lam)

    assert "argument 1" in repr(show.Exercise("gae").check(spoils))
    assert torch.equal(case.args[0], before)


@pytest.mark.parametrize("name", TASKS)
def test_hint_and_solution_are_folded(name):
    exercise = show.Exercise(name)
    for fold in (exercise.hint(), exercise.solution()):
        assert fold.html.startswith("<details") and " open" not in fold.html.split(">")[0]
        assert fold.inside not in repr(fold)
        Reader(fold.html)
    assert f"def {name}" in exercise.solution().inside
    parameters = inspect.signature(TASKS[name].solution).parameters
    assert all(f"{parameter}: " in exercise.start() for parameter in parameters)


@pytest.mark.parametrize("text", NASTY)
def test_what_a_learners_error_says_stays_text(text):
    def fails(*args):
        raise ValueError(text)

    page = Reader(show.Exercise("whiten").check(fails).html)
    assert page.tags == {"div", "pre"} and page.attributes <= {"style", "dir"}


def test_an_unknown_exercise_and_a_result_in_place_of_a_function_are_refused():
    with pytest.raises(ValueError, match="there is no exercise 'gea'; there are: win_rate"):
        show.Exercise("gea")
    with pytest.raises(TypeError, match="the function itself"):
        show.Exercise("gae").check(3)


# --- The guide ----------------------------------------------------------------------------------------------


def test_the_guide_has_every_exercise_with_its_minutes_and_a_mistake_that_is_told():
    guide = (Path(__file__).parents[1] / "docs" / "TEACHING.md").read_text()
    rows = re.findall(r"^\| (\w\d) \| `(\w+)` \| (\d+) \| (.+) \|$", guide, re.MULTILINE)
    assert [name for _, name, *_ in rows] == list(TASKS)
    for notebook, name, minutes, expect in rows:
        task = TASKS[name]
        assert (notebook, int(minutes)) == (task.notebook, task.minutes)
        assert expect.partition(":")[0] in {mistake.name for mistake in task.mistakes}
    sums = re.search(r"^\| all \| \d+ \| (\d+) \| (\d+) \|", guide, re.MULTILINE)
    notebooks = re.findall(r"^\| `\w+` \| \d+ \| (\d+) \| (\d*) ?\|", guide, re.MULTILINE)
    assert int(sums[1]) == sum(int(reader) for reader, _ in notebooks)
    assert (
        int(sums[2]) == sum(int(some or 0) for _, some in notebooks) == sum(t.minutes for t in TASKS.values())
    )
