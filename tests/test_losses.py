"""The mathematics: numbers worked out by hand, properties, gradients, known faults of other projects."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lite.models import losses as L


def t(*rows):
    """t([1, 2]) is (1, 2), t([1, 2], [3, 4]) is (2, 2), t(1, 2) is (2,); float64."""
    return torch.tensor(rows, dtype=torch.float64)


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# --- Rankings -----------------------------------------------------------------------------------------------


def test_ranking_loss_by_hand():
    loss = L.ranking_loss(t([2, 1, 0]), t([1, 2, 3]))  # margins 1, 1, 2: softplus(-1) twice, softplus(-2)
    assert loss.item() == pytest.approx((2 * 0.313262 + 0.126928) / 3, abs=1e-6)
    reversed_loss = L.ranking_loss(t([0, 1, 2]), t([1, 2, 3]))
    assert reversed_loss.item() == pytest.approx((2 * 1.313262 + 2.126928) / 3, abs=1e-6)


def test_ranking_loss_is_the_mean_of_its_pair_losses_not_divided_twice():
    scores, ranks = draw(1, 9), torch.randperm(9, generator=torch.Generator().manual_seed(1))[None] + 1
    order = ranks[0].argsort()
    pairs = [-F.logsigmoid(scores[0, order[i]] - scores[0, order[j]]) for j in range(9) for i in range(j)]
    assert len(pairs) == 36 == L.pair_count(ranks)
    torch.testing.assert_close(L.ranking_loss(scores, ranks), torch.stack(pairs).mean())


def test_every_prompt_weighs_the_same_whatever_its_number_of_pairs():
    scores = t([2, 1, 0], [5, 1, 1])
    ranks = t([1, 2, 3], [1, 2, 2])
    single = [L.ranking_loss(scores[i : i + 1], ranks[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(L.ranking_loss(scores, ranks), (single[0] + single[1]) / 2)
    assert single[1].item() == pytest.approx(math.log1p(math.exp(-4)))  # two equal pairs, the tie dropped


def test_ranking_loss_is_finite_at_a_margin_of_minus_200():
    scores = torch.tensor([[-200.0, 0.0]], requires_grad=True)
    loss = L.ranking_loss(scores, torch.tensor([[1, 2]]))
    loss.backward()
    assert loss.item() == pytest.approx(200.0)
    torch.testing.assert_close(scores.grad, torch.tensor([[-1.0, 1.0]]))


def test_prompts_without_a_pair_do_not_count():
    scores = torch.tensor([[1.0, 2.0], [0.5, 0.1]], requires_grad=True)
    loss = L.ranking_loss(scores, torch.tensor([[1, 1], [1, 2]]))
    torch.testing.assert_close(loss, L.ranking_loss(scores[1:], torch.tensor([[1, 2]])))
    nothing = L.ranking_loss(scores, torch.ones(2, 2))
    nothing.backward()
    assert nothing.item() == 0.0 and not scores.grad.any()


def test_missing_answers_are_masked_whatever_stands_in_their_place():
    scores, ranks, mask = t([2, 1, 0, math.nan]), t([1, 2, 3, 0]), t([1, 1, 1, 0])
    scores.requires_grad_()
    loss = L.ranking_loss(scores, ranks, mask)
    loss.backward()
    torch.testing.assert_close(loss, L.ranking_loss(t([2, 1, 0]), t([1, 2, 3])))
    assert scores.grad[0, 3] == 0 and scores.grad.isfinite().all()
    assert L.pair_count(ranks, mask).tolist() == [3]


@given(st.lists(st.integers(1, 4), min_size=2, max_size=9), st.floats(-50, 50), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_ranking_loss_sees_differences_only_and_no_order_of_the_answers(ranks, shift, seed):
    scores, ranks = draw(1, len(ranks), seed=seed), torch.tensor([ranks])
    loss = L.ranking_loss(scores, ranks)
    torch.testing.assert_close(L.ranking_loss(scores + shift, ranks), loss, atol=1e-9, rtol=1e-9)
    order = torch.randperm(ranks.shape[1], generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(L.ranking_loss(scores[:, order], ranks[:, order]), loss)


def test_pair_accuracy_by_hand():
    scores, ranks = t([3.0, 1.0, 2.0, 1.0]), t([1, 2, 3, 2])  # six pairs, one tied; 3 right, 2 wrong
    assert L.pair_count(ranks).tolist() == [5]
    assert L.pair_accuracy(scores, ranks).item() == pytest.approx(3 / 5)
    assert L.pair_accuracy(t([1.0, 1.0]), t([1, 2])).item() == 0.5
    assert L.pair_accuracy(t([1.0, 1.0]), t([1, 1])).isnan()


# --- Language modelling -------------------------------------------------------------------------------------


def test_token_logprobs_by_hand_and_temperature():
    logits = t([[0.0, math.log(3)], [math.log(9), 0.0]])
    tokens = torch.tensor([[1, 0]])
    torch.testing.assert_close(L.token_logprobs(logits, tokens).exp(), t([0.75, 0.9]))
    torch.testing.assert_close(L.token_logprobs(logits, tokens, 2.0)[0, 1].exp(), t(0.75)[0])


def test_half_precision_is_computed_in_float32_and_float64_stays():
    logits, tokens = draw(2, 3, 50), torch.zeros(2, 3, dtype=torch.long)
    assert L.token_logprobs(logits.bfloat16(), tokens).dtype == torch.float32
    assert L.token_logprobs(logits, tokens).dtype == torch.float64
    total = sum(L.token_logprobs(logits.bfloat16(), tokens + v).exp() for v in range(50))
    torch.testing.assert_close(total, torch.ones(2, 3))


def test_masked_lm_loss_by_hand_ignores_minus_100_and_shifts_nothing():
    logits = t([[0.0, 0.0], [0.0, math.log(3)], [7.0, -7.0]])
    assert L.masked_lm_loss(logits, torch.tensor([[0, 1, -100]])).item() == pytest.approx(
        (math.log(2) - math.log(0.75)) / 2
    )
    logits.requires_grad_()
    empty = L.masked_lm_loss(logits, torch.full((1, 3), -100))
    empty.backward()
    assert empty.item() == 0.0 and not logits.grad.any()


def test_ptx_gradient_is_gamma_times_the_plain_gradient_whatever_the_accumulation():
    weight = draw(4, 7).requires_grad_()
    x, labels = draw(8, 5, 4, seed=1), torch.randint(0, 7, (8, 5), generator=torch.Generator().manual_seed(2))
    (plain,) = torch.autograd.grad(L.masked_lm_loss(x @ weight, labels), weight)
    for steps in (1, 2, 4):
        weight.grad = None
        for part, y in zip(x.chunk(steps), labels.chunk(steps), strict=True):
            (27.8 * L.masked_lm_loss(part @ weight, y) / steps).backward()
        torch.testing.assert_close(weight.grad, 27.8 * plain)


# --- Rewards and advantages ---------------------------------------------------------------------------------


def test_per_token_rewards_by_hand():
    logprobs, ref = t([-1, -2, -9, -9], [-1, -1, -1, -1]), t([-2, -2, -5, -5], [-1, -1, -1, -3])
    mask = t([1, 1, 0, 0], [1, 1, 1, 1])  # EOS at index 1; cut off without EOS
    rewards = L.per_token_rewards(t(3, 5), logprobs, ref, mask, beta=0.1)
    torch.testing.assert_close(rewards, t([-0.1, 3.0, 0, 0], [0, 0, 0, 5.0 - 0.2]))


def test_rewards_sum_to_the_bracket_of_equation_2_and_drift_is_punished():
    logprobs, ref, scores = draw(4, 6), draw(4, 6, seed=1), draw(4, seed=2)
    mask = (torch.arange(6) < torch.tensor([[6], [3], [1], [5]])).long()
    rewards = L.per_token_rewards(scores, logprobs, ref, mask, beta=0.02)
    torch.testing.assert_close(rewards.sum(1), scores - 0.02 * ((logprobs - ref) * mask).sum(1))
    drifted = L.per_token_rewards(scores, logprobs + 1, ref, mask, beta=0.02)
    assert (drifted.sum(1) < rewards.sum(1)).all()


def test_the_score_lands_on_eos_not_on_the_first_pad():
    mask = t([1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0])
    rewards = L.per_token_rewards(t(1, 1, 1), torch.zeros(3, 5), torch.zeros(3, 5), mask, beta=0.2)
    assert rewards.nonzero().tolist() == [[0, 2], [1, 4], [2, 0]]
    assert not L.per_token_rewards(t(1), torch.zeros(1, 5), torch.zeros(1, 5), torch.zeros(1, 5), 0.2).any()


def test_gae_by_hand():
    advantages, returns = L.gae(t([0, 0, 1]), t([0.5, 0.6, 0.7]), t([1, 1, 1]))
    torch.testing.assert_close(advantages, t([0.46575, 0.385, 0.3]))  # deltas .1, .1, .3; lambda .95
    torch.testing.assert_close(returns, t([0.96575, 0.985, 1.0]))
    discounted, _ = L.gae(t([0, 0, 1]), t([0.5, 0.6, 0.7]), t([1, 1, 1]), gamma=0.9, lam=0.0)
    torch.testing.assert_close(discounted, t([0.9 * 0.6 - 0.5, 0.9 * 0.7 - 0.6, 0.3]))


def test_gae_with_lambda_1_is_the_reward_to_go_minus_the_value():
    rewards, values, mask = draw(3, 8), draw(3, 8, seed=1), torch.ones(3, 8)
    advantages, returns = L.gae(rewards, values, mask, lam=1.0)
    to_go = rewards.flip(1).cumsum(1).flip(1)
    torch.testing.assert_close(advantages, to_go - values)
    torch.testing.assert_close(returns, to_go)


def test_whitening_uses_the_population_variance_and_leaves_the_returns_alone():
    x, mask = t([1, 2, 3, 4, 99]), t([1, 1, 1, 1, 0])
    torch.testing.assert_close(L.whiten(x, mask), (t([1, 2, 3, 4, 2.5]) - 2.5) / math.sqrt(1.25))
    torch.testing.assert_close(L.whiten(x, mask, shift_mean=False)[:, :4].mean(), t(2.5)[0])
    values, mask = draw(2, 5), torch.ones(2, 5)
    advantages, returns = L.gae(draw(2, 5, seed=1), values, mask)
    white = L.whiten(advantages, mask)
    assert white.mean().abs() < 1e-9 and white.std(correction=0) == pytest.approx(1.0, abs=1e-6)
    torch.testing.assert_close(returns, advantages + values)  # and not white + values
    assert not torch.allclose(returns, white + values)


# --- PPO ----------------------------------------------------------------------------------------------------


def test_policy_loss_by_hand():
    ratios, advantages = t([1.5, 0.5, 0.5, 1.5]), t([1, -1, 1, -1])
    loss, stats = L.policy_loss(ratios.log(), torch.zeros(1, 4), advantages, torch.ones(1, 4))
    assert loss.item() == pytest.approx((-1.2 + 0.8 - 0.5 + 1.5) / 4)
    assert stats["clipfrac"].item() == 0.5 and stats["ratio"].item() == pytest.approx(1.0)
    assert stats["approxkl"].item() == pytest.approx((math.log(1.5) ** 2 + math.log(2) ** 2) / 4)


def test_the_ratio_is_exactly_1_before_the_first_update():
    logprobs, advantages, mask = draw(4, 6).requires_grad_(), draw(4, 6, seed=1), torch.ones(4, 6)
    loss, stats = L.policy_loss(logprobs, logprobs.detach(), advantages, mask)
    assert stats["ratio"] == 1.0 and stats["clipfrac"] == 0.0 and stats["approxkl"] == 0.0
    torch.testing.assert_close(loss, -advantages.mean())
    loss.backward()
    torch.testing.assert_close(logprobs.grad, -advantages / 24)  # the policy gradient itself
    assert L.policy_loss(logprobs + 0.1, logprobs, advantages, mask)[1]["ratio"] > 1.1


def test_minimising_moves_a_bandit_to_its_better_arm_and_the_clip_stops_it():
    logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    arms, old, advantages = (
        torch.tensor([[0], [1]]),
        torch.full((2, 1), math.log(0.5)).double(),
        t([1.0], [-1.0]),
    )
    optimizer = torch.optim.SGD([logits], lr=0.05)
    for _ in range(200):
        logprobs = L.token_logprobs(logits.expand(2, 1, 2), arms)
        loss, _ = L.policy_loss(logprobs, old, advantages, torch.ones(2, 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert logits.softmax(0)[0].item() == pytest.approx(0.6, abs=0.02)  # 0.5 * (1 + clip), and no further


def test_value_loss_by_hand_clips_around_the_old_value():
    values, old, returns = t([1.0, 0.1, 1.0]), t([0.0, 0.0, 0.0]), t([2.0, 2.0, -1.0])
    loss, stats = L.value_loss(values, old, returns, torch.ones(1, 3))
    # held: .2 .1 .2 -> max((1-2)^2, (.2-2)^2) = 3.24; 1.9^2 = 3.61; max((1+1)^2, 1.2^2) = 4
    assert loss.item() == pytest.approx(0.5 * (3.24 + 3.61 + 4.0) / 3)
    assert stats["clipfrac"].item() == pytest.approx(1 / 3)
    free, stats = L.value_loss(values, old, returns, torch.ones(1, 3), clip=math.inf)
    assert free.item() == pytest.approx(0.5 * (1 + 3.61 + 4) / 3) and stats["clipfrac"] == 0


def test_explained_variance():
    returns, mask = t([1, 2, 3, 4]), t([1, 1, 1, 1])
    assert L.explained_variance(returns, returns, mask) == 1.0
    assert L.explained_variance(torch.full_like(returns, 2.5), returns, mask) == 0.0
    assert L.explained_variance(-returns, returns, mask) < 0


# --- Padding and gradients ----------------------------------------------------------------------------------


LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def everything(x, mask):
    """All masked functions on one batch: x (5, B, T), mask (B, T) -> scalars, and tensors (B, T)."""
    advantages, returns = L.gae(x[0], x[1], mask)
    scalars = [L.policy_loss(x[2], x[3], x[4], mask)[0], L.value_loss(x[0], x[1], x[2], mask)[0]]
    scalars += [*L.policy_loss(x[2], x[3], x[4], mask)[1].values()]
    scalars += [L.explained_variance(x[0], x[1], mask), L.value_loss(x[0], x[1], x[2], mask)[1]["clipfrac"]]
    rewards = L.per_token_rewards(x[0][:, 0] * 0 + 3.0, x[1], x[2], mask, 0.1)
    return scalars, [
        advantages,
        returns,
        rewards,
        L.whiten(x[0], mask),
        L.whiten(x[0], mask, shift_mean=False),
    ]


@given(LENGTHS, st.integers(1, 5), st.booleans(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_padding_of_any_width_side_and_content_changes_nothing(lengths, extra, left, seed):
    T = max(lengths)
    x = draw(5, len(lengths), T, seed=seed)
    mask = (torch.arange(T) < torch.tensor(lengths)[:, None]).long()
    gap = torch.full((5, len(lengths), extra), 1e6).double()
    wide = torch.cat([gap, x] if left else [x, gap], dim=2)
    wide_mask = torch.cat([gap[0].long() * 0, mask] if left else [mask, gap[0].long() * 0], dim=1)
    if left:
        wide[0, :, 0] = 1.0  # per-row scores are taken from x[0][:, 0] * 0
    scalars, tensors = everything(x, mask)
    wide_scalars, wide_tensors = everything(wide, wide_mask)
    for a, b in zip(scalars, wide_scalars, strict=True):
        torch.testing.assert_close(a, b)
    for a, b in zip(tensors, wide_tensors, strict=True):
        torch.testing.assert_close(b[wide_mask == 1], a[mask == 1])
        assert not b[wide_mask == 0].any()


def test_nan_in_the_padding_reaches_neither_loss_nor_gradient():
    mask = t([1, 1, 0])
    for function in (
        lambda x: L.policy_loss(x, torch.zeros(1, 3), t([1.0, 2.0, 3.0]), mask)[0],
        lambda x: L.value_loss(x, torch.zeros(1, 3), t([1.0, 2.0, 3.0]), mask)[0],
    ):
        x = t([0.1, 0.3, math.nan]).requires_grad_()
        loss = function(x)
        loss.backward()
        assert loss.isfinite() and x.grad.isfinite().all() and x.grad[0, 2] == 0


def test_kl_estimates_have_the_sign_and_value_of_the_exact_kl():
    p, q = t([0.5, 0.25, 0.25]), t([0.25, 0.25, 0.5])
    sample = torch.tensor([[0, 0, 1, 2]])  # each token exactly as often as p says, so means are expectations
    estimates = L.kl_estimates(p[0].log()[sample], q[0].log()[sample], torch.ones(1, 4))
    exact = (p * (p / q).log()).sum()
    assert exact.item() == pytest.approx(0.25 * math.log(2))
    torch.testing.assert_close(estimates["k1"], exact)
    torch.testing.assert_close(estimates["k3"], exact)
    torch.testing.assert_close(estimates["k2"], t(0.375 * math.log(2) ** 2)[0])
    rewards = L.per_token_rewards(t(0), p[0].log()[sample], q[0].log()[sample], torch.ones(1, 4), beta=0.5)
    torch.testing.assert_close(rewards.mean(), -0.5 * exact)  # the penalty punishes the same KL


def test_kl_estimates_on_random_samples_of_two_categoricals():
    rng = torch.Generator().manual_seed(0)
    p, q = draw(10).softmax(0), draw(10, seed=1).softmax(0)
    tokens = torch.multinomial(p, 50_000, replacement=True, generator=rng)[None]
    estimates = L.kl_estimates(p.log()[tokens], q.log()[tokens], torch.ones(1, 50_000))
    exact = (p * (p / q).log()).sum().item()
    assert estimates["k1"].item() == pytest.approx(exact, abs=0.03)
    assert estimates["k3"].item() == pytest.approx(exact, abs=0.03)
    same = L.kl_estimates(p.log()[tokens], p.log()[tokens], torch.ones(1, 50_000))
    assert all(value == 0.0 for value in same.values())


def test_gradients_agree_with_finite_differences():
    mask = t([1, 1, 1, 0], [1, 1, 1, 1])
    a, b, c = (draw(2, 4, seed=s) for s in range(3))
    labels = torch.tensor([[1, 0, 2, -100], [2, 2, -100, 1]])
    functions = {
        "ranking": (lambda x: L.ranking_loss(x, t([1, 2, 2, 3], [4, 1, 2, 3]), mask), a),
        "policy": (lambda x: L.policy_loss(x, b, c, mask)[0], a),
        "value": (lambda x: L.value_loss(x, b, c, mask)[0], a),
        "gae": (lambda x: L.gae(x, b, mask), a),
        "rewards": (lambda x: L.per_token_rewards(a[:, 0], x, b, mask, 0.3), a),
        "kl": (lambda x: tuple(L.kl_estimates(x, b, mask).values()), a),
        "logprobs": (lambda x: L.token_logprobs(x, labels.clamp(min=0), 0.7), draw(2, 4, 3)),
        "lm": (lambda x: L.masked_lm_loss(x, labels), draw(2, 4, 3)),
    }
    for name, (function, x) in functions.items():
        assert torch.autograd.gradcheck(function, x.clone().requires_grad_()), name


def test_only_the_best_answer_counts_in_a_softmax_over_a_prompt():
    scores = torch.tensor([[1.0, 2.0, 0.0], [5.0, 5.0, 9.0]])
    ranks = torch.tensor([[2, 1, 3], [1, 1, 1]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    found = L.best_loss(scores, ranks, mask)  # in the second prompt nothing is better than anything
    torch.testing.assert_close(found, -torch.log_softmax(scores[0], dim=0)[1])
    other = L.best_loss(scores, torch.tensor([[3, 1, 2], [1, 1, 1]]), mask)  # the order below is not seen
    assert found == other
    tied = L.best_loss(scores[:1], torch.tensor([[1, 1, 2]]))
    torch.testing.assert_close(tied, -torch.softmax(scores[0], dim=0)[:2].sum().log())
    assert L.best_loss(scores[1:], ranks[1:], mask[1:]) == 0.0
