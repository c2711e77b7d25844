"""PPO and PPO-ptx on a GPT-2 of 32 numbers and 2 layers: do they learn, and do exactly what they say?"""

import copy

import numpy as np
import pytest
import torch
from helpers_train import PROMPTS, QUIET, SMALL, WORDS, FailAt, Failure, StopAfter, gradients, same

from rlhf_lite.config import PPOConfig
from rlhf_lite.models.checkpoints import load_scalar_model, new_scalar_model, save_model
from rlhf_lite.models.heads import policy_logits, token_values
from rlhf_lite.models.losses import value_loss
from rlhf_lite.models.sampling import sample_texts
from rlhf_lite.models.tokens import PromptError, decode, encode
from rlhf_lite.show.tokens import token_lines
from rlhf_lite.train import batches, optim, ppo
from rlhf_lite.train.ppo import rollout, train_ppo

pytest_plugins = ["helpers_train"]
pytestmark = pytest.mark.usefixtures("exact")


@pytest.fixture(scope="module")
def batch(speaker, judge, tokenizer):
    cfg = SMALL.replace(whiten_advantages=False, no_eos_penalty=2.0, max_new_tokens=12)
    ref = copy.deepcopy(speaker)
    with torch.no_grad():
        ref.transformer.wte.weight += 0.01  # some reference that is not the policy
    prompts = (PROMPTS * 2)[: cfg.batch_size]
    return (
        rollout(speaker, ref, judge, copy.deepcopy(judge), tokenizer, prompts, cfg, batches.seeded(0)),
        ref,
        cfg,
    )


def test_rollout_equals_one_row_at_a_time(batch, speaker, judge):
    """Padding, chunks and the end-aligned forward passes change nothing."""
    batch, ref, _ = batch
    assert not batch.finished.all() and batch.finished.any()
    for i in range(0, len(batch), 5):
        P, T = int(batch.prompt_mask[i].sum()), int(batch.response_mask[i].sum())
        ids = torch.cat([batch.prompt_ids[i, -P:], batch.responses[i, :T]])[None]
        for model, found in ((speaker, batch.logprobs), (ref, batch.ref_logprobs)):
            logp = policy_logits(model, ids, torch.ones_like(ids))[0, P - 1 : -1].log_softmax(-1)
            torch.testing.assert_close(
                found[i, :T], logp.gather(1, ids[0, P:, None])[:, 0], atol=1e-5, rtol=1e-5
            )
        outputs = token_values(judge, ids, torch.ones_like(ids))[0]
        torch.testing.assert_close(batch.values[i, :T], outputs[P - 1 : -1], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(batch.scores[i], outputs[-1], atol=1e-5, rtol=1e-5)  # the last token: EOS


def test_rewards_add_up_and_unfinished_answers_pay(batch):
    batch, _, cfg = batch
    log_ratio = ((batch.logprobs - batch.ref_logprobs) * batch.response_mask).sum(dim=1)
    expected = batch.scores - 2.0 * (~batch.finished) - cfg.kl_beta * log_ratio
    torch.testing.assert_close(batch.rewards.sum(dim=1), expected, atol=1e-5, rtol=1e-5)
    for name in ("logprobs", "ref_logprobs", "values", "rewards", "advantages", "returns"):
        assert (getattr(batch, name)[batch.response_mask == 0] == 0).all(), name


def test_rows_are_some_episodes_with_all_that_belongs_to_them(batch, speaker, judge):
    batch, _, cfg = batch
    order = batch.lengths.argsort()[:5]
    part = batch.rows(order)
    assert part.prompts == [batch.prompts[i] for i in order.tolist()]
    torch.testing.assert_close(part.rewards.sum(dim=1), batch.rewards[order].sum(dim=1))
    for found, expected in (
        (ppo.policy_logprobs(speaker, part, cfg), part.logprobs),
        (ppo.state_values(judge, part), part.values),
    ):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_lines_show_every_token(batch, tokenizer):
    batch, _, _ = batch
    i = int(batch.finished.nonzero()[0])
    lines = token_lines(batch, tokenizer, i)
    assert len(lines) == batch.response_mask[i].sum() and lines[-1]["token"] == tokenizer.eos_token
    assert sum(line["rewards"] for line in lines) == pytest.approx(float(batch.rewards[i].sum()), abs=1e-5)


def test_whitened_advantages_and_unwhitened_returns(speaker, judge, tokenizer):
    models = (speaker, copy.deepcopy(speaker), judge, copy.deepcopy(judge))
    plain, white = (
        rollout(*models, tokenizer, PROMPTS, SMALL.replace(whiten_advantages=on), batches.seeded(0))
        for on in (False, True)
    )
    torch.testing.assert_close(plain.returns, white.returns)
    real = white.advantages[white.response_mask == 1]
    assert real.mean().abs() < 1e-4 and real.std(correction=0) == pytest.approx(1, abs=1e-3)


LIKED = set(WORDS[::2])


def liked(texts):
    return [float(text.strip() in LIKED) for text in texts]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_bandit_moves_toward_reward(speaker, judge, tokenizer, sign):
    """One token, one reward: the sign of everything, end to end (peer bug 7)."""
    policy = copy.deepcopy(speaker)
    cfg = PPOConfig(
        episodes=64 * 12,
        batch_size=64,
        minibatches=2,
        max_new_tokens=1,
        kl_beta=0.0,
        no_eos_penalty=0.0,
        lr=5e-3,
        value_lr=5e-3,
        warmup_iterations=2,
        use_ema=False,
    )
    train_ppo(
        policy,
        speaker,
        lambda prompts, texts: [sign * x for x in liked(texts)],
        copy.deepcopy(judge),
        tokenizer,
        PROMPTS,
        cfg,
        loop=QUIET,
    )
    samples = (
        sample_texts(m, tokenizer, PROMPTS * 20, 1, generator=batches.seeded(9)) for m in (speaker, policy)
    )
    before, after = (sum(liked(texts)) / len(texts) for texts in samples)
    assert after > before + 0.4 if sign > 0 else after < before / 2


@pytest.fixture
def recorded(monkeypatch):
    """What every optimizer step and every policy loss saw."""
    found = {"steps": [], "ratios": [], "lr": []}
    real_step, real_loss = optim.Adam.step, ppo.losses.policy_loss

    def step(optimizer, lr, norm):
        found["steps"].append(type(optimizer.model).__name__)
        found["lr"].append(lr)
        return real_step(optimizer, lr, norm)

    def policy_loss(logprobs, old, advantages, mask, clip):
        ratios = (logprobs - old).detach().exp()[mask == 1]
        found["ratios"].append(float((ratios - 1).abs().max()))
        return real_loss(logprobs, old, advantages, mask, clip)

    monkeypatch.setattr(optim.Adam, "step", step)
    monkeypatch.setattr(ppo.losses, "policy_loss", policy_loss)
    return found


@pytest.mark.parametrize("old_logprobs", ["sampling", "forward"])
def test_steps_ratios_and_kl(speaker, judge, tokenizer, recorded, old_logprobs):
    """Exactly epochs x minibatches steps of each model; ratio 1 in the first minibatch only; KL 0 first."""
    cfg = SMALL.replace(inner_epochs=3, old_logprobs=old_logprobs, warmup_iterations=2)
    policy, value_model = copy.deepcopy(speaker), copy.deepcopy(judge)
    history = train_ppo(
        policy, copy.deepcopy(speaker), judge, value_model, tokenizer, PROMPTS, cfg, loop=QUIET
    )
    per_iteration = 3 * 4
    assert recorded["steps"] == ["GPT2LMHeadModel", "GPT2ForSequenceClassification"] * per_iteration * 2
    assert recorded["ratios"][0] < 1e-4 and recorded["ratios"][per_iteration] < 1e-4
    assert min(recorded["ratios"][1:per_iteration]) > 1e-4
    assert history["policy/first_ratio"] == pytest.approx([1, 1], abs=1e-4)
    assert abs(history["objective/kl"][0]) < 1e-4 < abs(history["objective/kl"][1])
    assert recorded["lr"][:2] == pytest.approx([cfg.lr * 0.1, cfg.value_lr * 0.1])  # warm-up from a tenth
    wanted = "kl entropy score".split()
    assert {f"objective/{name}" for name in wanted} | {
        "value/explained_variance",
        "loss/policy",
    } <= history.keys()


def test_a_ratio_that_is_not_one_is_an_error(speaker, judge, tokenizer, monkeypatch):
    real = ppo.sample
    monkeypatch.setattr(
        ppo, "sample", lambda *a, **k: (s := real(*a, **k))._replace(logprobs=s.logprobs * 1.5)
    )
    with pytest.raises(RuntimeError, match="dropout is on, another temperature"):
        train_ppo(
            copy.deepcopy(speaker),
            speaker,
            judge,
            copy.deepcopy(judge),
            tokenizer,
            PROMPTS,
            SMALL,
            loop=QUIET,
        )


@pytest.mark.parametrize("accumulation", [1, 2, 3])
def test_ptx_gradient_is_gamma_times_the_language_model_gradient(speaker, judge, rows, accumulation):
    policy = copy.deepcopy(speaker)
    cfg = SMALL.replace(ptx_gamma=0.7, ptx_rows=5, accumulation=accumulation)
    metrics = ppo.Learner(policy, copy.deepcopy(judge), cfg, rows).ptx_gradient(step=2)
    found = gradients(policy)
    policy.zero_grad()
    loss = batches.lm_loss(policy, rows[batches.endless(len(rows), 10, 5, 0, "ptx")])
    (0.7 * loss).backward()
    loss = loss.detach()
    for ours, plain in zip(found, gradients(policy), strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-4)
    assert float(metrics["loss/ptx"]) == pytest.approx(float(loss), rel=1e-5)


def test_accumulation_changes_nothing(speaker, judge, tokenizer, rows, recorded):
    """PPO-ptx in one piece, and in three unequal ones: the same gradients of policy and value model."""
    found = []
    models = (speaker, copy.deepcopy(speaker), judge, copy.deepcopy(judge))
    for accumulation in (1, 3):
        cfg = SMALL.replace(ptx_gamma=0.5, accumulation=accumulation)
        policy, value_model = copy.deepcopy(speaker), copy.deepcopy(judge)
        part = rollout(*models, tokenizer, PROMPTS[:10], cfg, batches.seeded(0))
        learner = ppo.Learner(policy, value_model, cfg, rows)
        metrics = {**learner.policy_gradient(part), **learner.ptx_gradient(0), **learner.value_gradient(part)}
        found.append((gradients(policy) + gradients(value_model), metrics))
    for one, three in zip(found[0][0], found[1][0], strict=True):
        torch.testing.assert_close(one, three, atol=1e-6, rtol=1e-4)
    for name, value in found[0][1].items():
        assert float(value) == pytest.approx(float(found[1][1][name]), rel=1e-4, abs=1e-6), name


def test_value_clip_by_hand():
    values = torch.tensor([[1.0, 0.0, 0.6]], requires_grad=True)
    old, returns, mask = torch.tensor([[0.5, 0.5, 0.5]]), torch.tensor([[2.0, 1.0, 0.0]]), torch.ones(1, 3)
    loss, stats = value_loss(values, old, returns, mask, clip=0.2)
    # V 1.0 is held at 0.7: max(1.00, 1.69); V 0.0 is held at 0.3: max(1.00, 0.49); V 0.6 is not held: 0.36
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.5 * (1.69 + 1.0 + 0.36) / 3)
    assert float(stats["clipfrac"]) == pytest.approx(1 / 3)
    assert values.grad[0].tolist() == pytest.approx([0.0, -1.0 / 3, 0.6 / 3])  # a held value gets no gradient


@pytest.mark.parametrize("how", ["exception", "stop"])
def test_ppo_ptx_resumes_exactly(speaker, judge, tokenizer, rows, tmp_path, how):
    cfg = SMALL.replace(episodes=5 * 32, ptx_gamma=0.5)

    def train(loop):
        policy, value_model = copy.deepcopy(speaker), copy.deepcopy(judge)

        def gold(chosen, texts):
            words = [PROMPTS[i].split()[1] for i in chosen]
            return [float(word in text) for word, text in zip(words, texts, strict=True)]

        history = train_ppo(
            policy,
            speaker,
            judge,
            value_model,
            tokenizer,
            PROMPTS,
            cfg,
            pretrain_rows=rows,
            gold=gold,
            loop=loop,
        )
        return policy, value_model, history

    straight = train(QUIET)
    options = {**QUIET, "folder": tmp_path, "save_every_s": 0}
    if how == "exception":
        with pytest.raises(Failure):
            train({**options, "control": FailAt(3)})
    else:
        train({**options, "control": StopAfter(2)})
    resumed = train(options)
    assert same(straight[0], resumed[0]) and same(straight[1], resumed[1])
    for name in ("objective/score", "objective/kl", "loss/ptx", "gold/mean"):
        assert straight[2][name] == resumed[2][name]


def test_finished_policy_is_the_average(speaker, judge, tokenizer):
    last, averaged = copy.deepcopy(speaker), copy.deepcopy(speaker)
    for policy, on in ((last, False), (averaged, True)):
        cfg = SMALL.replace(use_ema=on, ema_decay=0.9)
        train_ppo(policy, speaker, judge, copy.deepcopy(judge), tokenizer, PROMPTS, cfg, loop=QUIET)
    moved = [
        sum((x - y).abs().sum() for x, y in zip(m.parameters(), speaker.parameters(), strict=True))
        for m in (averaged, last)
    ]
    assert 0 < moved[0] < moved[1]


def test_reference_reward_model_and_prompts_stay(speaker, judge, tokenizer):
    ref, reward_model = copy.deepcopy(speaker), copy.deepcopy(judge)
    seen = []
    train_ppo(
        copy.deepcopy(speaker),
        ref,
        reward_model,
        copy.deepcopy(judge),
        tokenizer,
        PROMPTS[:16],
        SMALL.replace(batch_size=16, episodes=32),
        loop=QUIET,
        on_iteration=lambda i, b: seen.append(b.prompts),
    )
    assert same(ref, speaker) and same(reward_model, judge)
    assert seen[0] != seen[1] and sorted(seen[0]) == sorted(seen[1]) == sorted(
        PROMPTS[:16]
    )  # a pass each, fresh order


def test_untrained_reward_model_is_refused(base, speaker, judge, tokenizer, tmp_path):
    """Peer bug 8: PPO on a random score head. The mark of training is saved with the model."""

    def start(policy, ref, reward_model, value_model, **kw):
        train_ppo(policy, ref, reward_model, value_model, tokenizer, PROMPTS, SMALL.replace(**kw), loop=QUIET)

    policy, value_model = copy.deepcopy(speaker), copy.deepcopy(judge)
    with pytest.raises(ValueError, match="never seen a ranking"):
        start(policy, speaker, new_scalar_model(base), value_model)
    save_model(judge, tmp_path)
    start(policy, speaker, load_scalar_model(tmp_path), value_model)
    with pytest.raises(ValueError, match="must be copies"):
        start(policy, policy, judge, value_model)
    with pytest.raises(ValueError, match="must be copies"):
        start(policy, speaker, judge, judge)
    with pytest.raises(ValueError, match="pretrain_rows"):
        start(policy, speaker, judge, value_model, ptx_gamma=0.5)


@pytest.mark.parametrize(
    "function, said",
    [
        (lambda prompts, texts: 1.0, r"gave 1.0, but must give 16 numbers"),
        (lambda prompts, texts: None, r"gave None, but must give 16 numbers"),
        (lambda prompts, texts: torch.tensor(1.0), r"gave tensor\(1.\), but must give 16 numbers"),
        (lambda prompts, texts: [1.0], r"gave 1 scores for 16 responses; each needs one"),
        (lambda prompts, texts: torch.zeros(17), r"gave 17 scores for 16 responses"),
        (lambda prompts, texts: [None] * 16, r"score 1 of 16 is None, but must be a finite number"),
        (lambda prompts, texts: [0.0] * 2 + [float("nan")] * 14, r"score 3 of 16 is nan.*\(the response: '"),
        (lambda prompts, texts: [0.0] * 15 + [float("inf")], r"score 16 of 16 is inf"),
        (lambda prompts, texts: ["1"] * 16, r"score 1 of 16 is '1'"),
        (lambda prompts, texts: [[1.0]] * 16, r"score 1 of 16 is \[1.0\]"),
        (lambda prompts, texts: torch.zeros(16, 2), r"score 1 of 16 is tensor"),
    ],
)
def test_a_reward_function_that_gives_no_scores_is_said_before_the_update(
    function, said, speaker, judge, tokenizer
):
    policy, value_model = copy.deepcopy(speaker), copy.deepcopy(judge)
    cfg = SMALL.replace(batch_size=16, episodes=16)
    with pytest.raises(ValueError, match=said):
        train_ppo(policy, speaker, function, value_model, tokenizer, PROMPTS, cfg, loop=QUIET)
    assert same(policy, speaker) and same(value_model, judge)


def test_scores_may_be_of_any_library(speaker, judge, tokenizer):
    given = []
    cfg = SMALL.replace(batch_size=16, episodes=16)
    for kind in (list, torch.tensor, np.array, lambda scores: np.array(scores, dtype=np.float32)):

        def score(_, texts, kind=kind):
            return kind([len(text) / 3 for text in texts])

        models = (speaker, copy.deepcopy(speaker), score, judge)
        given.append(rollout(*models, tokenizer, PROMPTS[:16], cfg, batches.seeded(0)).scores)
    for scores in given:
        assert torch.equal(scores, given[0]) and scores.dtype == torch.float32


def test_a_prompt_that_leaves_no_room_for_an_answer_is_refused(speaker, judge, tokenizer):
    positions = speaker.config.n_positions
    cfg = SMALL.replace(batch_size=16, episodes=16, max_new_tokens=8)
    longest = PROMPTS[0] + " " + "the " * positions
    fits = decode(tokenizer, encode(tokenizer, longest)[: positions - 9])
    models = speaker, speaker, judge, judge
    assert rollout(*models, tokenizer, [fits], cfg, batches.seeded(0)).prompt_ids.shape[1] == positions - 8
    with pytest.raises(PromptError, match=f"the limit is {positions - 8}; shorten it by"):
        rollout(*models, tokenizer, [fits + "!"], cfg, batches.seeded(0))
