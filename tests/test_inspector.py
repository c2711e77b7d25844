"""The rollout inspector shows PPO's own numbers and honest alternatives; the prompt bench asks every model
alike."""

import copy
from random import Random

import pytest
import torch

pytest.importorskip("ipywidgets")

from rlhf_lite import ModelConfig, PPOConfig, World, show  # noqa: E402
from rlhf_lite.chain import store  # noqa: E402
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.heads import policy_logits  # noqa: E402
from rlhf_lite.models.losses import token_logprobs  # noqa: E402
from rlhf_lite.models.tokens import load_tokenizer  # noqa: E402
from rlhf_lite.train import ppo  # noqa: E402


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(store.TOKENIZER)


@pytest.fixture(scope="module")
def policies(tokenizer):
    return {
        name: new_policy(ModelConfig(), tokenizer, seed)
        for seed, name in enumerate(("before", "after", "ppo"))
    }


@pytest.fixture(scope="module")
def scorer(policies):
    return new_scalar_model(policies["before"])


@pytest.fixture(scope="module")
def rollout(tokenizer, policies, scorer):
    cfg, prompts = (
        PPOConfig(max_new_tokens=6, temperature=0.7),
        ["List two animals.", "Who is Iris?", "Hello"],
    )
    return ppo.rollout(
        policies["before"],
        policies["after"],
        scorer,
        scorer,
        tokenizer,
        prompts,
        cfg,
        torch.Generator().manual_seed(0),
    )


@pytest.fixture
def inspector(rollout, tokenizer, policies):
    return show.RolloutInspector(rollout, tokenizer, policies, temperature=0.7, top=3)


def test_lines_are_the_rollouts_numbers_and_each_policys_ratio(inspector, rollout, policies):
    for row in range(3):
        found, count = inspector.lines(row), int(rollout.response_mask[row].sum())
        assert len(found) == count
        ids = torch.cat([rollout.prompt_ids, rollout.responses], dim=1)[row : row + 1]
        mask = torch.cat([rollout.prompt_mask, rollout.response_mask], dim=1)[row : row + 1]
        with torch.no_grad():
            logits = policy_logits(policies["after"], ids, mask)[:, rollout.prompt_ids.shape[1] - 1 : -1]
        after = token_logprobs(logits, rollout.responses[row : row + 1], 0.7)[0]
        for t, line in enumerate(found):
            assert line["advantages"] == float(rollout.advantages[row, t]) and line["rewards"] == float(
                rollout.rewards[row, t]
            )
            assert line["kl"] == pytest.approx(float(rollout.logprobs[row, t] - rollout.ref_logprobs[row, t]))
            assert line["ratio, after"] == pytest.approx(
                float((after[t] - rollout.logprobs[row, t]).exp()), rel=0.02
            )
        assert {"ratio, after", "ratio, ppo"} < set(found[0]) and "ratio, before" not in found[0]


def test_alternatives_hold_what_was_drawn_and_each_policys_favourites(inspector, rollout, policies):
    found = inspector.alternatives(0, 2)
    drawn = inspector.lines(0)[2]
    assert found[drawn["token"]]["before"] == pytest.approx(float(rollout.logprobs[0, 2].exp()), rel=0.02)
    assert 3 <= len(found) <= 3 * len(policies) + 1
    for name in policies:
        assert 0 < sum(bars[name] for bars in found.values()) <= 1 + 1e-5
    chances = [bars["before"] for bars in found.values()]
    assert chances == sorted(chances, reverse=True)


def test_pressing_a_token_tells_what_ppo_wants_and_colours_have_the_sign_of_their_number(inspector, rollout):
    inspector.episode.value = 1
    count = len(inspector.lines(1))
    shown = [chip for chip in inspector.chips if chip.layout.display != "none"]
    assert len(shown) == count and [chip.description for chip in shown] == [
        line["token"].strip() for line in inspector.lines(1)
    ]
    for place in range(count):
        shown[place].click()
        up = inspector.lines(1)[place]["advantages"] > 0
        assert ("make it likelier" in inspector.said.value) == up and inspector.place == place
        red, blue = (int(shown[place].style.button_color[i : i + 2], 16) for i in (1, 5))
        assert (blue >= red) == up
    inspector.shade.value = "values"
    assert all(chip.tooltip.startswith("value ") for chip in shown)
    assert "ratio, PPO" in repr(inspector.still())


def test_tokens_can_be_read_on_dark_pages_and_the_table_on_narrow_ones(inspector):
    for chip in inspector.chips:
        assert chip.style.text_color == "#111111"  # on a light colour; the page's own may be white
    assert all("black" not in chip.layout.border_top for chip in inspector.chips if chip.layout.border_top)
    assert inspector.numbers.layout.overflow == "auto" and inspector.numbers.layout.max_width == "100%"


def test_what_cannot_be_inspected_is_refused(rollout, tokenizer, policies):
    bare = copy.copy(rollout)
    bare.advantages = None
    with pytest.raises(ValueError, match="no advantages yet"):
        show.RolloutInspector(bare, tokenizer, policies)
    with pytest.raises(ValueError, match="at least one policy"):
        show.RolloutInspector(rollout, tokenizer, {})
    with pytest.raises(IndexError, match="this response has places 0 to"):
        show.RolloutInspector(rollout, tokenizer, policies).press(99)


# --- the bench ----------------------------------------------------------------------------------------------


@pytest.fixture
def bench(policies, tokenizer, scorer):
    tasks = [World(0).draw_task(Random(seed), use_case="brainstorm") for seed in range(3)]
    return show.PromptBench(policies, tokenizer, scorer, tasks)


def test_all_models_answer_and_gold_is_shown_where_the_world_can_judge(bench):
    task = next(iter(bench.tasks.values()))
    assert bench.box.value == task.text
    lines = repr(bench.ask()).splitlines()
    assert all(any(line.startswith(f"{name}: ") for line in lines) for name in ("before", "after", "PPO"))
    assert f"reference: {task.reference}" in repr(bench.still())
    assert bench.reply.value.count("gold") == 3 and "Nobody can judge" not in bench.remark.value
    bench.ask("Hello")
    assert "gold" not in bench.reply.value and "Nobody can judge this one" in bench.remark.value


def test_answers_are_drawn_as_in_training_and_again_draws_anew_unless_temperature_is_zero(bench):
    assert bench.warmth.value == 1.0
    assert repr(bench.ask()) == repr(bench.ask()) != repr(bench.again())
    assert "Drawn at temperature 1" in bench.remark.value
    bench.warmth.value = 0.0
    assert repr(bench.ask()) == repr(bench.again())
    assert "Always the likeliest token" in bench.remark.value


def test_a_prompt_outside_the_world_is_answered_below_a_warning_in_plain_words(bench):
    for prompt, unknown in (
        ("Is a <b>quokka</b> sweet?", "quokka"),
        ("What is the capital of France?", "France"),
    ):
        answers = bench.ask(prompt)
        assert repr(answers).startswith("This lies outside the models' world. They do not know ")
        said, _, table = answers.html.partition("<table")
        assert unknown in said and "they see only the letters and have to guess" in said and table
        assert bench.reply.value == answers.html and "<b>quokka" not in answers.html
    assert "outside" not in bench.ask("List three animals.").html


def test_an_example_is_asked_by_its_button(bench, policies, tokenizer, scorer):
    from rlhf_lite.models.prompts import unknown_words
    from rlhf_lite.show.bench import EXAMPLES

    assert [bool(unknown_words(tokenizer, text)) for text in EXAMPLES] == [False] * 4 + [True]
    bench.known.value = list(bench.tasks)[2]
    bench.example_buttons[1].click()
    assert bench.box.value == EXAMPLES[1] and EXAMPLES[1] in repr(bench.still()) and bench.known.value == ""
    long = "List two animals.\n" * 5 + "<b>"
    own = show.PromptBench(policies, tokenizer, scorer, examples=[long])
    (button,) = own.example_buttons
    assert own.box.value == long and len(button.description) < len(long) and "\n" not in button.description
    assert button.tooltip == long
    assert show.PromptBench(policies, tokenizer, scorer, examples=()).box.value == ""


def test_ctrl_enter_arrives_as_a_sign_that_is_no_part_of_the_prompt(bench):
    for _ in range(2):
        bench.reply.value = ""
        bench.box.value = "List two animals.\x05"
        assert bench.box.value == "List two animals." and "List two animals." in bench.reply.value
    assert "outside" not in bench.reply.value


def test_a_customers_prompt_is_chosen_and_a_bad_one_refused(bench):
    other = list(bench.tasks)[2]
    bench.known.value = other
    assert bench.box.value == other and other in repr(bench.still())
    before = bench.reply.value
    for bad, why in (("", "empty"), ("cat " * 500, "the limit is 87")):
        bench.ask(bad)
        assert why in bench.remark.value and bench.reply.value == before
    with pytest.raises(ValueError, match="at least one policy"):
        show.PromptBench({}, bench.tokenizer, bench.reward_model)
