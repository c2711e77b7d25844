"""The reward model: it learns rankings, reads a prompt once, begins with the policy's own answer."""

import copy

import pytest
import torch
from helpers_train import DEMOS, QUIET, FailAt, Failure, longer_is_better, same

from rlhf_lite.config import RewardConfig
from rlhf_lite.models.checkpoints import new_scalar_model
from rlhf_lite.models.heads import reward
from rlhf_lite.models.losses import ranking_loss
from rlhf_lite.train import batches
from rlhf_lite.train import rankings as ranking_rows
from rlhf_lite.train.pairs import split_pairs, train_reward_shuffled
from rlhf_lite.train.rankings import RankingSet
from rlhf_lite.train.reward import train_reward
from rlhf_lite.train.scoring import center_on, evaluate_reward, score_texts

pytest_plugins = ["helpers_train"]
pytestmark = pytest.mark.usefixtures("exact")


def test_reward_model_learns_a_ranking(base, tokenizer):
    model, fresh = new_scalar_model(base), longer_is_better(60, seed=1)
    before = evaluate_reward(model, tokenizer, fresh)
    history = train_reward(
        model, tokenizer, longer_is_better(150), RewardConfig(lr=5e-3, epochs=2), valid=fresh, loop=QUIET
    )
    found = evaluate_reward(model, tokenizer, fresh)
    assert found["accuracy"] > 0.9 > before["accuracy"] and found["loss"] < 0.4
    assert found["accuracy_low"] <= found["accuracy"] <= found["accuracy_high"]
    assert history["accuracy/valid"][-1] == pytest.approx(found["accuracy"])
    assert found["pairs"] == len(split_pairs(fresh))


def test_scores_of_equal_answers_and_fewer_answers(judge, tokenizer):
    """K may differ, equal answers are scored once, ties and all-tied rankings are dropped."""
    rankings = [
        {"prompt": "say a", "completions": ["a", "b b", "a", "c"], "ranks": [2, 1, 2, 3]},
        {"prompt": "say b", "completions": ["a", "c c"], "ranks": [2, 1]},
        {"prompt": "say c", "completions": ["a", "c c"], "ranks": [1, 1]},
    ]
    data = RankingSet(tokenizer, rankings, judge.config.n_positions)
    assert len(data) == 2 and [int(row.parts.max()) for row in data.rows] == [3, 2]
    scores, _, mask = data.scores(judge, [1, 0])
    assert mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    texts = [(r["prompt"], t) for r in (rankings[1], rankings[0]) for t in r["completions"]]
    expected = torch.tensor(score_texts(judge, tokenizer, *zip(*texts, strict=True)))
    torch.testing.assert_close(scores[mask.bool()], expected)
    assert evaluate_reward(judge, tokenizer, rankings)["pairs"] == 6


def test_one_row_for_all_answers_is_as_good_as_a_row_for_each(judge, tokenizer):
    """The block mask: same loss to 1e-5 and same gradient as K separate forward passes."""
    rankings, judge = longer_is_better(3), copy.deepcopy(judge)
    data = RankingSet(tokenizer, rankings, judge.config.n_positions)
    gradients, losses = [], []
    for grouped in (True, False):
        model = copy.deepcopy(judge)
        scores, ranks, mask = data.scores(model, [0, 1, 2])
        if not grouped:
            rows = [
                batches.ExchangeSet(tokenizer, [(r["prompt"], t) for t in r["completions"]], 32)
                for r in rankings
            ]
            alone = [
                reward(model, e.ids, e.mask)
                for row in rows
                for i in range(len(row))
                for e in [row.batch([i])]
            ]
            scores = torch.zeros_like(scores).masked_scatter(mask.bool(), torch.cat(alone))
        loss = ranking_loss(scores, ranks, mask)
        loss.backward()
        losses.append(loss.item())
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-3)


def test_a_prompt_is_read_once_and_every_answer_once(judge, tokenizer, monkeypatch):
    read, real = [], ranking_rows.group_rewards

    def counting(model, ids, position_ids, parts, last):
        read.append((len(ids), int(parts.amax(dim=1).sum())))  # prompts, answers
        return real(model, ids, position_ids, parts, last)

    monkeypatch.setattr(ranking_rows, "group_rewards", counting)
    rankings = longer_is_better(8)
    distinct = sum(len(set(r["completions"])) for r in rankings)
    cfg = RewardConfig(prompts_per_step=4)
    train_reward(copy.deepcopy(judge), tokenizer, rankings, cfg, loop=QUIET)
    assert [sum(column) for column in zip(*read, strict=True)] == [len(rankings), distinct]
    read.clear()
    history = train_reward_shuffled(copy.deepcopy(judge), tokenizer, rankings, cfg, loop=QUIET)
    pairs = len(split_pairs(rankings))
    assert [sum(column) for column in zip(*read, strict=True)] == [pairs, 2 * pairs]
    assert len(history["loss"]) in (2, 3)  # about the same number of pairs per step


def test_reward_model_resumes_exactly(base, tokenizer, tmp_path):
    straight, resumed, rankings = new_scalar_model(base), new_scalar_model(base), longer_is_better(40)
    train_reward(straight, tokenizer, rankings, loop=QUIET)
    options = {**QUIET, "folder": tmp_path, "save_every_s": 0}
    with pytest.raises(Failure):
        train_reward(new_scalar_model(base), tokenizer, rankings, loop={**options, "control": FailAt(3)})
    train_reward(resumed, tokenizer, rankings, loop=options)
    assert same(straight, resumed) and resumed.config.trained_rankings == straight.config.trained_rankings


def test_demonstrations_score_zero_after_centering(judge, tokenizer):
    model = copy.deepcopy(judge)
    before = score_texts(model, tokenizer, *zip(*DEMOS, strict=True))
    mean = center_on(model, tokenizer, DEMOS)
    after = score_texts(model, tokenizer, *zip(*DEMOS, strict=True))
    assert mean == pytest.approx(sum(before) / len(before)) and sum(after) / len(after) == pytest.approx(
        0, abs=1e-5
    )
    assert after[0] - after[1] == pytest.approx(before[0] - before[1], abs=1e-5)


@pytest.mark.parametrize(
    "row, says",
    [
        ({"completions": ["a", "b"], "ranks": [1]}, "2 completions and 1 ranks"),
        ({"completions": ["a"], "ranks": [1]}, "at least 2"),
        ({"completions": ["a", "b"], "ranks": [0, 1]}, "1 for the best"),
        ({"completions": ["a", "b"], "ranks": [1, 1]}, "None of the 1 rankings"),
    ],
)
def test_bad_rankings_are_named(judge, tokenizer, row, says):
    with pytest.raises(ValueError, match=says):
        train_reward(judge, tokenizer, [{"prompt": "say a", **row}], loop=QUIET)
