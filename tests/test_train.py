"""The training stages on a GPT-2 of 32 numbers and 2 layers: do they learn, and do exactly what they say?"""

import copy
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import torch

from rlhf_lite.config import ModelConfig, PPOConfig, PretrainConfig, RewardConfig, SFTConfig
from rlhf_lite.models.checkpoints import load_scalar_model, new_policy, new_scalar_model, save_model
from rlhf_lite.models.gpt2 import recompute
from rlhf_lite.models.heads import policy_logits, token_values
from rlhf_lite.models.losses import ranking_loss, value_loss
from rlhf_lite.models.sampling import sample_texts
from rlhf_lite.models.tokens import build_tokenizer, encode
from rlhf_lite.train import batches, loop, optim, ppo, sft
from rlhf_lite.train import reward as reward_stage
from rlhf_lite.train.ppo import rollout, train_ppo
from rlhf_lite.train.pretrain import stream_loss, train_base
from rlhf_lite.train.reward import (
    center_on,
    evaluate_reward,
    first_words,
    new_reward_model,
    score_texts,
    split_pairs,
    train_reward,
    train_reward_shuffled,
)
from rlhf_lite.train.sft import train_sft

WORDS = "a b c d e f one two red blue dog cat say twice".split()
DEMOS = [(f"say {w}", f"{w} {w}.") for w in WORDS]
PROMPTS = [prompt for prompt, _ in DEMOS] + [f"say {w} twice" for w in WORDS]
ROOT = Path(__file__).parents[1]
QUIET = {"progress": False}


@pytest.fixture(autouse=True, scope="module")
def exact():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RLHF_LITE_PRECISION", "fp32")
        yield


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer([*WORDS, "."])


@pytest.fixture(scope="module")
def base(tokenizer):
    return new_policy(ModelConfig(size="XS", n_positions=32), tokenizer)


@pytest.fixture(scope="module")
def speaker(base, tokenizer):
    """A policy that ends its answers."""
    policy = copy.deepcopy(base)
    train_sft(policy, tokenizer, DEMOS, SFTConfig(epochs=8, lr=3e-3, batch_size=8), loop=QUIET)
    return policy


@pytest.fixture
def policy(base):
    return copy.deepcopy(base)


@pytest.fixture(scope="module")
def judge(base, tokenizer):
    """A reward model that was trained a little."""
    model = new_scalar_model(base)
    train_reward(model, tokenizer, longer_is_better(20), RewardConfig(), loop=QUIET)
    return model


@pytest.fixture(scope="module")
def rows(tokenizer):
    """Packed rows of running text."""
    rng = torch.Generator().manual_seed(0)
    return batches.pack_rows(torch.randint(2, len(tokenizer), (1000,), generator=rng), 32)


def longer_is_better(n, seed=0):
    rng, rankings = Random(seed), []
    for _ in range(n):
        texts = [" ".join(rng.choices(WORDS, k=rng.randint(1, 9))) for _ in range(5)]
        ranks = [1 + sum(len(t.split()) > len(text.split()) for t in texts) for text in texts]
        rankings.append({"prompt": rng.choice(PROMPTS), "completions": texts, "ranks": ranks})
    return rankings


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def close(a, b, **kw):
    for x, y in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(x, y, **kw)


def gradients(model):
    return [p.grad.clone() for p in model.parameters()]


class Failure(Exception):
    pass


# --- orders, schedules --------------------------------------------------------------------------------------


def test_endless_passes_are_fresh_permutations():
    stream = batches.endless(5, 0, 15, 0, "x")
    passes = [stream[i : i + 5] for i in (0, 5, 10)]
    assert all(sorted(p) == list(range(5)) for p in passes) and len(set(map(tuple, passes))) > 1
    assert batches.endless(5, 4, 7, 0, "x") == stream[4:11]  # any position, without walking there
    assert batches.endless(5, 0, 15, 1, "x") != stream


def test_sorted_batches_cover_everything_once_with_little_padding():
    lengths = [Random(i).randint(1, 40) for i in range(333)]
    found = batches.sorted_batches(lengths, 8, 0, "epoch", 0)
    assert sorted(i for batch in found for i in batch) == list(range(333)) and len(found) == 42
    padded = sum(len(b) * max(lengths[i] for i in b) for b in found)
    assert padded < 1.2 * sum(lengths)
    assert found != batches.sorted_batches(lengths, 8, 0, "epoch", 1)


def test_learning_rate_shapes():
    assert [round(optim.cosine(i, 100, 1.0, warmup=10), 3) for i in (0, 4, 9, 50)] == [0.1, 0.5, 1, 1]
    assert optim.cosine(0, 100, 0.1) == 1 and optim.cosine(99, 100, 0.1) == pytest.approx(0.1)
    warm = [optim.warmup_from_tenth(i, 10) for i in range(12)]
    assert warm[0] == pytest.approx(0.1) and warm[5] == pytest.approx(0.55) and warm[10:] == [1, 1]
    shape = [optim.constant_then_linear(i, 1000, 100, 0.6, 0.05) for i in range(1000)]
    assert shape[0] < 0.02 and shape[100] == shape[600] == 1 and shape[999] == pytest.approx(0.05)
    assert shape[800] == pytest.approx(0.525, abs=0.01)


@pytest.mark.parametrize("scale", [1e-3, 0.2, 5.0, 100.0])
def test_an_update_is_torchs_clipping_and_a_step_to_the_last_bit(scale):
    models = [torch.nn.Linear(20, 20) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    ours, x = optim.Adam(models[0], 1e-2), torch.randn(8, 20) * scale
    theirs = torch.optim.AdamW(
        models[1].parameters(), lr=1e-2, betas=optim.PAPER_BETAS, weight_decay=0.0, fused=True
    )
    for _ in range(3):
        ours.scaled(models[0](x).square().mean()).backward()
        models[1](x).square().mean().backward()
        norm = ours.step(1e-2, 1.0)
        assert norm == float(torch.nn.utils.clip_grad_norm_(models[1].parameters(), 1.0))
        theirs.step()
        theirs.zero_grad()
        assert torch.equal(models[0].weight, models[1].weight)


def test_divergence_is_an_error(policy):
    optimizer, weight = optim.Adam(policy, 1.0), next(policy.parameters())
    weight.grad = torch.full_like(weight, float("nan"))
    with pytest.raises(FloatingPointError, match="lower rate"):
        optimizer.step(1.0, 1.0)


# --- float16 --------------------------------------------------------------------------------------------------------


def test_in_float16_losses_are_scaled_and_a_gradient_that_overflows_is_no_step(monkeypatch):
    monkeypatch.setenv("RLHF_LITE_PRECISION", "fp16")
    model, x = torch.nn.Linear(4, 4), torch.randn(8, 4)
    optimizer, before = optim.Adam(model, 1e-2), copy.deepcopy(model.state_dict())
    optimizer.scaled(torch.zeros(()))
    optimizer.scaler.update(2.0**20)  # a scale no gradient survives
    sizes = []
    for _ in range(20):
        with torch.autocast("cpu", torch.float16):
            y = model(x)
        optimizer.scaled(y.float().square().sum()).backward()
        sizes.append(optimizer.step(1e-2, 1.0))
        if math.isfinite(sizes[-1]):
            break
        assert torch.equal(model.weight, before["weight"])
    assert 1 < len(sizes) < 15 and not torch.equal(model.weight, before["weight"]) and 0 < sizes[-1] < 1000
    assert optimizer.scaler.get_scale() == 2.0 ** (20 - len(sizes) + 1)
    again = optim.Adam(model, 1e-2)
    again.load_state_dict(optimizer.state_dict())
    assert again.scaler.get_scale() == optimizer.scaler.get_scale()
    model.weight.grad = torch.full_like(model.weight, math.nan)
    with pytest.raises(FloatingPointError, match="diverged"):  # and not for ever
        for _ in range(200):
            model.weight.grad = torch.full_like(model.weight, math.nan)
            optimizer.step(1e-2, 1.0)


def test_what_would_vanish_in_float16_does_not(monkeypatch):
    """The gradient of a loss of 1e-8 underflows, scaled it does not."""
    monkeypatch.setenv("RLHF_LITE_PRECISION", "fp16")
    model, x = torch.nn.Linear(4, 1, bias=False), torch.ones(1, 4)
    optimizer = optim.Adam(model, 1e-2)
    with torch.autocast("cpu", torch.float16):
        y = model(x)
    assert not torch.autograd.grad(y.float().sum() * 1e-8, model.weight, retain_graph=True)[0].any()
    optimizer.scaled(y.float().sum() * 1e-8).backward()
    assert optimizer.step(1e-2, 1.0) == pytest.approx(2e-8, rel=0.01)


def test_every_stage_trains_in_float16_as_in_float32(base, speaker, judge, tokenizer, rows, monkeypatch):
    def history(wish):
        monkeypatch.setenv("RLHF_LITE_PRECISION", wish)
        policy, model = copy.deepcopy(base), new_scalar_model(base)
        cfg = SFTConfig(epochs=2, lr=1e-3, batch_size=8, pretrain_mix=0.2)
        found = {"sft": train_sft(policy, tokenizer, DEMOS, cfg, pretrain_rows=rows, loop=QUIET)}
        found["reward"] = train_reward(model, tokenizer, longer_is_better(24), loop=QUIET)
        models, cfg = (
            (copy.deepcopy(m) for m in (speaker, speaker, judge, judge)),
            SMALL.replace(ptx_gamma=0.5),
        )
        found["ppo"] = train_ppo(*models, tokenizer, PROMPTS, cfg, pretrain_rows=rows, loop=QUIET)
        return found

    half, exact = history("fp16"), history("fp32")
    for stage in exact:
        assert all(map(math.isfinite, half[stage].get("grad_norm", [])))
    for stage, name in (("sft", "loss"), ("sft", "loss/pretrain"), ("reward", "loss"), ("ppo", "loss/ptx")):
        assert half[stage][name] == pytest.approx(exact[stage][name], abs=0.02), name
    assert half["ppo"]["policy/first_ratio"] == pytest.approx([1, 1], abs=5e-3)


def test_a_run_in_float16_resumes_exactly(base, tokenizer, monkeypatch, tmp_path):
    monkeypatch.setenv("RLHF_LITE_PRECISION", "fp16")
    cfg, straight, broken = (
        SFTConfig(epochs=2, lr=1e-3, batch_size=8),
        copy.deepcopy(base),
        copy.deepcopy(base),
    )
    train_sft(straight, tokenizer, DEMOS, cfg, loop=QUIET)
    options = {**QUIET, "folder": tmp_path, "save_every_s": 0}
    with pytest.raises(Failure):
        train_sft(broken, tokenizer, DEMOS, cfg, loop={**options, "control": FailAt(3)})
    resumed = copy.deepcopy(base)
    train_sft(resumed, tokenizer, DEMOS, cfg, loop=options)
    for one, other in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_dropout_is_residual_seeded_and_leaves_no_trace(policy):
    ids = torch.arange(20)[None]
    with optim.training_mode(policy, 0.2), torch.no_grad():
        runs = []
        for seed in (0, 0, 1):
            with optim.dropout_seed(0.2, seed):
                runs.append(policy_logits(policy, ids, torch.ones_like(ids)))
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])
    layers = [m for m in policy.modules() if isinstance(m, torch.nn.Dropout)]
    assert not policy.training and all(m.p == 0 for m in layers)


# --- pretraining --------------------------------------------------------------------------------------------


def test_pretraining_learns_a_pattern_and_resumes(policy, tokenizer, tmp_path):
    stream = torch.arange(2, 14).repeat(200)
    cfg = PretrainConfig(tokens=40 * 8 * 32, batch_size=8, lr=1e-2, warmup_steps=5)
    straight, resumed = copy.deepcopy(policy), copy.deepcopy(policy)
    history = train_base(straight, stream, cfg, valid=stream[:320], valid_every=20, loop=QUIET)
    assert len(history["loss"]) == 40 and len(history["loss/valid"]) == 2
    assert history["loss/valid"][-1] == pytest.approx(stream_loss(straight, stream[:320]))
    assert history["loss/valid"][-1] < 0.5
    options = {**QUIET, "folder": tmp_path, "save_every_s": 0}
    with pytest.raises(Failure):
        train_base(copy.deepcopy(policy), stream, cfg, loop={**options, "control": FailAt(23)})
    train_base(resumed, stream, cfg, loop=options)
    assert same(straight, resumed)


class FailAt:
    """A control that fails, or kills its process, when a step is reported."""

    stopped = False

    def __init__(self, step, kill=False):
        self.step, self.kill = step, kill

    def report(self, step, **metrics):
        if step == self.step and self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if step == self.step:
            raise Failure


class StopAfter:
    def __init__(self, steps):
        self.left = steps

    @property
    def stopped(self):
        return self.left <= 0

    def report(self, step, **metrics):
        self.left -= 1


def test_half_a_gradient_of_an_interrupted_run_is_forgotten(policy, tokenizer):
    straight, again = copy.deepcopy(policy), copy.deepcopy(policy)
    sft.exchange_loss(again, batches.ExchangeSet(tokenizer, DEMOS, 32).batch([0, 1])).backward()
    for model in (straight, again):
        train_sft(model, tokenizer, DEMOS, SFTConfig(epochs=1), loop=QUIET)
    assert same(straight, again)


def test_short_streams_are_refused(policy):
    with pytest.raises(ValueError, match="at least 32 tokens"):
        train_base(policy, torch.arange(10), loop=QUIET)


# --- SFT ----------------------------------------------------------------------------------------------------


def test_sft_overfits_a_toy_set(policy, tokenizer):
    cfg = SFTConfig(epochs=80, lr=1e-2, batch_size=8)
    history = train_sft(policy, tokenizer, DEMOS, cfg, valid=DEMOS, loop=QUIET)
    assert len(history["loss"]) == 160 and len(history["loss/valid"]) == 80
    assert history["loss/valid"][-1] < 0.05 < history["loss/valid"][0]
    assert history["lr"][0] == 1e-2 and history["lr"][-1] == pytest.approx(1e-3)
    prompts, answers = zip(*DEMOS, strict=True)
    assert sample_texts(policy, tokenizer, prompts, greedy=True) == list(answers)  # and EOS was learned


def test_sft_takes_demonstration_rows(policy, tokenizer):
    other = copy.deepcopy(policy)
    cfg = SFTConfig(epochs=1)
    train_sft(policy, tokenizer, DEMOS, cfg, loop=QUIET)
    train_sft(other, tokenizer, [{"prompt": p, "text": t, "labeler": "x"} for p, t in DEMOS], cfg, loop=QUIET)
    assert same(policy, other)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_pretraining_mix_is_a_share_of_the_rows(policy, tokenizer, rows, share, monkeypatch):
    seen = []
    monkeypatch.setattr(sft, "lm_loss", lambda model, x: seen.append(len(x)) or batches.lm_loss(model, x))
    cfg = SFTConfig(epochs=10, batch_size=7, pretrain_mix=share)
    train_sft(policy, tokenizer, DEMOS, cfg, pretrain_rows=rows, loop=QUIET)
    demonstrations = 10 * len(DEMOS)
    assert sum(seen) / (sum(seen) + demonstrations) == pytest.approx(share, abs=0.01)
    with pytest.raises(ValueError, match="pretrain_rows"):
        train_sft(policy, tokenizer, DEMOS, cfg, loop=QUIET)


def test_mix_gradient_is_the_coefficient_times_the_language_model_gradient(policy, rows):
    cfg = SFTConfig(batch_size=8, pretrain_mix=0.2, pretrain_coefficient=0.3)  # exactly 2 rows per step
    sft.backward_on_text(policy, optim.Adam(policy, 1e-3), rows, cfg, step=3)
    found = gradients(policy)
    policy.zero_grad()
    (0.3 * batches.lm_loss(policy, rows[batches.endless(len(rows), 6, 2, 0, "mix")])).backward()
    for ours, plain in zip(found, gradients(policy), strict=True):
        torch.testing.assert_close(ours, plain)


def test_best_epoch_is_kept(policy, tokenizer):
    snapshots, scores = {}, {1: 1.0, 2: 3.0, 3: 2.0}
    cfg = SFTConfig(epochs=3, lr=1e-2, select="reward")
    history = train_sft(
        policy,
        tokenizer,
        DEMOS,
        cfg,
        loop=QUIET,
        select=lambda model: scores[len(snapshots) + 1],
        on_epoch=lambda epoch, model: snapshots.update({epoch: copy.deepcopy(model)}) or {"gold": epoch},
    )
    assert same(policy, snapshots[2]) and not same(policy, snapshots[3])
    assert history["select/score"] == [1, 3, 2] and history["gold"] == [1, 2, 3]
    with pytest.raises(ValueError, match="needs `select`"):
        train_sft(policy, tokenizer, DEMOS, cfg, loop=QUIET)


def test_sft_resumes_exactly(policy, tokenizer, rows, tmp_path):
    """With dropout, mix and best epoch, all of which have a state of their own."""
    cfg = SFTConfig(epochs=4, lr=1e-2, batch_size=4, dropout=0.2, pretrain_mix=0.2, select="reward")
    more = dict(pretrain_rows=rows, select=lambda m: -batches.lm_loss(m, rows[:4]).item())
    straight, resumed = copy.deepcopy(policy), copy.deepcopy(policy)
    expected = train_sft(straight, tokenizer, DEMOS, cfg, **more, loop=QUIET)
    options = {**QUIET, "folder": tmp_path, "save_every_s": 0}
    with pytest.raises(Failure):
        train_sft(
            copy.deepcopy(policy), tokenizer, DEMOS, cfg, **more, loop={**options, "control": FailAt(9)}
        )
    torch.rand(5)  # the global generator is somewhere else now
    history = train_sft(resumed, tokenizer, DEMOS, cfg, **more, loop=options)
    assert same(straight, resumed) and history == expected


KILLED = """
import torch; torch.set_num_threads(1)
from tests.test_train import *
tokenizer = build_tokenizer([*WORDS, "."])
policy = new_policy(ModelConfig(size="XS", n_positions=32), tokenizer)
options = {**QUIET, "folder": sys.argv[1], "save_every_s": 0, "control": FailAt(9, kill=True)}
train_sft(policy, tokenizer, DEMOS, SFTConfig(epochs=4, lr=1e-2, batch_size=4), loop=options)
"""


@pytest.mark.slow
def test_sft_resumes_exactly_after_kill_9(policy, tokenizer, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], env=environment, cwd=ROOT, timeout=100)
    assert done.returncode == -signal.SIGKILL
    straight, resumed, cfg = (
        copy.deepcopy(policy),
        copy.deepcopy(policy),
        SFTConfig(epochs=4, lr=1e-2, batch_size=4),
    )
    expected = train_sft(straight, tokenizer, DEMOS, cfg, loop=QUIET)
    mine = loop.Loop("sft", **QUIET, folder=tmp_path)
    seen = []
    mine.control = type(
        "Watch", (), {"stopped": False, "report": lambda self, step, **m: seen.append(step)}
    )()
    assert train_sft(resumed, tokenizer, DEMOS, cfg, loop=mine) == expected
    assert seen[0] == 9 and same(straight, resumed)


# --- reward model -------------------------------------------------------------------------------------------


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
    data = reward_stage.RankingSet(tokenizer, rankings, judge)
    assert len(data) == 2 and [max(row.parts) for row in data.rows] == [3, 2]
    scores, _, mask = data.scores(judge, [1, 0])
    assert mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    texts = [(r["prompt"], t) for r in (rankings[1], rankings[0]) for t in r["completions"]]
    expected = torch.tensor(score_texts(judge, tokenizer, *zip(*texts, strict=True)))
    torch.testing.assert_close(scores[mask.bool()], expected)
    assert evaluate_reward(judge, tokenizer, rankings)["pairs"] == 6


@pytest.mark.parametrize("question", ["", "one two?"])
def test_one_row_for_all_answers_is_as_good_as_a_row_for_each(judge, tokenizer, question):
    """The block mask: same loss to 1e-5 and same gradient as K separate forward passes."""
    rankings, judge = longer_is_better(3), copy.deepcopy(judge)
    judge.config.question_ids = encode(tokenizer, question)
    data = reward_stage.RankingSet(tokenizer, rankings, judge)
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
                reward_stage.reward(model, e.ids, e.mask)
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


def test_a_reward_model_asks_its_question_wherever_it_is_used(base, tokenizer, tmp_path):
    """In training, scoring and after loading it reads the question instead of EOS, and the end of what is too long."""
    model, rankings = new_scalar_model(base), longer_is_better(6)
    train_reward(model, tokenizer, rankings, RewardConfig(question="one two"), loop=QUIET)
    save_model(model, tmp_path, tokenizer=tokenizer)
    model = load_scalar_model(tmp_path)
    prompts, texts = ["say a", "say b twice", "c"], ["a b.", "c", " ".join("abcdef" * 9)]
    asked, model.config.question_ids = score_texts(model, tokenizer, prompts, texts), []
    for i, (prompt, text) in enumerate(zip(prompts, texts, strict=True)):
        ids = encode(tokenizer, f"{prompt}\n{text}")[: base.config.n_positions - 2] + encode(
            tokenizer, "one two"
        )
        ids = torch.tensor([ids])
        assert reward_stage.reward(model, ids, torch.ones_like(ids)).item() == pytest.approx(
            asked[i], abs=1e-4
        )
    assert score_texts(model, tokenizer, prompts, texts) != pytest.approx(asked)


def test_a_prompt_is_read_once_and_every_answer_once(judge, tokenizer, monkeypatch):
    read, real = [], reward_stage.group_rewards

    def counting(model, ids, position_ids, parts, last):
        read.append((len(ids), int(parts.amax(dim=1).sum())))  # prompts, answers
        return real(model, ids, position_ids, parts, last)

    monkeypatch.setattr(reward_stage, "group_rewards", counting)
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


# --- a rollout ----------------------------------------------------------------------------------------------


SMALL = PPOConfig(episodes=64, batch_size=32, minibatches=4, max_new_tokens=8, warmup_iterations=0, lr=1e-3)


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


def test_table_shows_every_token(batch, tokenizer):
    batch, _, _ = batch
    i = int(batch.finished.nonzero()[0])
    table = batch.table(i, tokenizer)
    assert len(table) == batch.response_mask[i].sum() and table[-1]["token"] == tokenizer.eos_token
    assert sum(line["rewards"] for line in table) == pytest.approx(float(batch.rewards[i].sum()), abs=1e-5)


def test_whitened_advantages_and_unwhitened_returns(speaker, judge, tokenizer):
    models = (speaker, copy.deepcopy(speaker), judge, copy.deepcopy(judge))
    plain, white = (
        rollout(*models, tokenizer, PROMPTS, SMALL.replace(whiten_advantages=on), batches.seeded(0))
        for on in (False, True)
    )
    torch.testing.assert_close(plain.returns, white.returns)
    real = white.advantages[white.response_mask == 1]
    assert real.mean().abs() < 1e-4 and real.std(correction=0) == pytest.approx(1, abs=1e-3)


# --- PPO ----------------------------------------------------------------------------------------------------


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
    real_step, real_loss = optim.Adam.step, ppo.policy_loss

    def step(optimizer, lr, norm):
        found["steps"].append(type(optimizer.model).__name__)
        found["lr"].append(lr)
        return real_step(optimizer, lr, norm)

    def policy_loss(logprobs, old, advantages, mask, clip):
        ratios = (logprobs - old).detach().exp()[mask == 1]
        found["ratios"].append(float((ratios - 1).abs().max()))
        return real_loss(logprobs, old, advantages, mask, clip)

    monkeypatch.setattr(optim.Adam, "step", step)
    monkeypatch.setattr(ppo, "policy_loss", policy_loss)
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
        gold = lambda chosen, texts: [
            float(PROMPTS[i].split()[1] in t) for i, t in zip(chosen, texts, strict=True)
        ]  # noqa: E731
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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_stages_run_on_a_gpu(speaker, judge, tokenizer, rows, tmp_path):
    policy, ref, reward_model, value_model = (
        copy.deepcopy(m).cuda() for m in (speaker, speaker, judge, judge)
    )
    train_sft(policy, tokenizer, DEMOS, SFTConfig(epochs=1, pretrain_mix=0.1), pretrain_rows=rows, loop=QUIET)
    train_reward(reward_model, tokenizer, longer_is_better(8), loop=QUIET)
    options = {**QUIET, "folder": tmp_path, "save_every_s": 0}
    cfg = SMALL.replace(ptx_gamma=0.5, accumulation=2)
    models = (policy, ref, reward_model, value_model)
    with pytest.raises(Failure):
        train_ppo(
            *models, tokenizer, PROMPTS, cfg, pretrain_rows=rows, loop={**options, "control": FailAt(1)}
        )
    history = train_ppo(*models, tokenizer, PROMPTS, cfg, pretrain_rows=rows, loop=options)
    assert len(history["objective/kl"]) == 2 and policy.device.type == "cuda"


@torch.no_grad()
def test_a_head_begins_as_the_policys_own_answer(base, tokenizer):
    """Before any training the scores differ as the policy's logits of the first answers do."""
    cfg = RewardConfig(question="one two", answers="red dog / blue / say")
    model = new_reward_model(base, tokenizer, cfg)
    model.config.question_ids = encode(tokenizer, cfg.question)
    best, *others = first_words(tokenizer, cfg.question, ["red dog", "blue", "say"])
    head, logits = base.lm_head.weight, []
    for text in ("one", "dog blue"):
        ids = (
            encode(tokenizer, "cat")
            + encode(tokenizer, "\n")
            + encode(tokenizer, text)
            + model.config.question_ids
        )
        found = policy_logits(base, torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long))[0, -1]
        logits.append(found[best] - found[others].mean())
    length = (head[best] - head[others].mean(dim=0)).norm()
    scores = score_texts(model, tokenizer, ["cat", "cat"], ["one", "dog blue"])
    assert scores[1] - scores[0] == pytest.approx(float((logits[1] - logits[0]) / length), abs=2e-2)
    assert float(model.score.weight.norm()) == pytest.approx(1.0)
    assert not torch.equal(new_reward_model(base, tokenizer, RewardConfig()).score.weight, model.score.weight)


@pytest.mark.parametrize(
    "question, answers", [("", "one / two"), ("one two", "red"), ("one two", "red dog / red cat")]
)
def test_answers_that_cannot_be_told_apart_are_refused(base, tokenizer, question, answers):
    with pytest.raises(ValueError, match="two or more answers to it that begin with different words"):
        new_reward_model(base, tokenizer, RewardConfig(question=question, answers=answers))


# --- memory: accumulation, and layers computed again ------------------------------------------------------------------------


@pytest.mark.parametrize("accumulation", [2, 3, 99])
def test_a_batch_in_parts_gives_the_history_and_the_weights_of_the_whole(base, tokenizer, rows, accumulation):
    def sft_in(accumulation):
        policy, cfg = copy.deepcopy(base), SFTConfig(epochs=2, lr=1e-3, batch_size=8, pretrain_mix=0.3)
        return train_sft(
            policy, tokenizer, DEMOS, cfg, pretrain_rows=rows, accumulation=accumulation, loop=QUIET
        ), policy

    def reward_in(accumulation):
        model = new_scalar_model(base)
        return train_reward(
            model, tokenizer, longer_is_better(20), RewardConfig(), accumulation=accumulation, loop=QUIET
        ), model

    for train in (sft_in, reward_in):
        (whole, one), (parts, other) = train(1), train(accumulation)
        for name, values in whole.items():
            assert parts[name] == pytest.approx(values, rel=1e-4, abs=1e-5), name
        for weight, same in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(
                same, weight, atol=1e-4, rtol=0
            )  # Adam makes much of rounding where a gradient is tiny


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_layers_computed_again_give_the_same_gradient_from_less_memory(
    base, tokenizer, monkeypatch, precision
):
    monkeypatch.setenv("RLHF_LITE_PRECISION", precision)
    examples = batches.ExchangeSet(tokenizer, batches.as_pairs(DEMOS), 32)

    def gradient_and_memory(again):
        policy, kept = copy.deepcopy(base), []
        if again:
            recompute(policy)
        with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.nbytes) or x, lambda x: x):
            with optim.training_mode(policy, 0.1), optim.dropout_seed(0.1, 0, "dropout"):
                sft.exchange_loss(policy, examples.batch(range(len(examples)))).backward()
        return [p.grad for p in policy.parameters()], sum(kept)

    (whole, most), (again, least) = gradient_and_memory(False), gradient_and_memory(True)
    for one, other in zip(whole, again, strict=True):
        torch.testing.assert_close(other, one)
    assert least < 0.6 * most
