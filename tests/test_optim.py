"""Adam's step, learning-rate shapes, orders of the data, dropout, float16."""

import copy
import math
from random import Random

import pytest
import torch
from helpers_train import DEMOS, PROMPTS, QUIET, SMALL, FailAt, Failure, longer_is_better, same

from rlhf_lite.config import RewardConfig, SFTConfig
from rlhf_lite.models.checkpoints import new_scalar_model
from rlhf_lite.models.gpt2 import recompute
from rlhf_lite.models.heads import policy_logits
from rlhf_lite.train import batches, optim, sft
from rlhf_lite.train.ppo import train_ppo
from rlhf_lite.train.reward import train_reward
from rlhf_lite.train.sft import train_sft

pytest_plugins = ["helpers_train"]
pytestmark = pytest.mark.usefixtures("exact")


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


class NotYet:
    """What `Later` is on a GPU."""

    def __init__(self, x):
        self.x = x.clone()

    def __float__(self):
        return float(self.x)


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """A function of a model: its optimizer as it is on a GPU."""
    monkeypatch.setattr(optim, "Later", NotYet)

    def make(model):
        optimizer = optim.Adam(model, 1e-2)
        optimizer.on_one_gpu = True
        return optimizer

    return make


@pytest.mark.parametrize("scale", [1e-3, 5.0])
def test_on_a_gpu_the_step_is_the_same_and_nobody_waits_for_its_norm(as_on_a_gpu, scale):
    models = [torch.nn.Linear(20, 20) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    optimizers, x = (as_on_a_gpu(models[0]), optim.Adam(models[1], 1e-2)), torch.randn(8, 20) * scale
    for _ in range(3):
        norms = []
        for model, optimizer in zip(models, optimizers, strict=True):
            optimizer.scaled(model(x).square().mean()).backward()
            norms.append(optimizer.step(1e-2, 1.0))
        assert isinstance(norms[0], torch.Tensor) and float(norms[0]) == pytest.approx(norms[1], rel=1e-5)
        torch.testing.assert_close(models[0].weight, models[1].weight)


def test_on_a_gpu_divergence_changes_nothing_and_is_an_error_of_the_next_step(as_on_a_gpu):
    for then in ("step", "save"):
        model = torch.nn.Linear(4, 4)
        optimizer, before = as_on_a_gpu(model), model.weight.clone()
        model.weight.grad = torch.full_like(model.weight, math.nan)
        assert not optimizer.step(1.0, 1.0).isfinite() and torch.equal(model.weight, before)
        model.weight.grad = torch.ones_like(model.weight)
        with pytest.raises(FloatingPointError, match="lower rate"):
            optimizer.step(1.0, 1.0) if then == "step" else optimizer.state_dict()


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


def test_half_a_gradient_of_an_interrupted_run_is_forgotten(policy, tokenizer):
    straight, again = copy.deepcopy(policy), copy.deepcopy(policy)
    sft.exchange_loss(again, batches.ExchangeSet(tokenizer, DEMOS, 32).batch([0, 1])).backward()
    for model in (straight, again):
        train_sft(model, tokenizer, DEMOS, SFTConfig(epochs=1), loop=QUIET)
    assert same(straight, again)


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
        for weight, changed in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(
                changed, weight, atol=1e-4, rtol=0
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


# --- Muon ---------------------------------------------------------------------------------------------------


def test_muon_takes_the_steps_of_torchs_own_in_the_precision_of_the_run():
    torch.manual_seed(0)
    ours, theirs = ([torch.nn.Parameter(torch.randn(*shape)) for shape in ((8, 24), (24, 8))] for _ in "ab")
    for one, other in zip(ours, theirs, strict=True):
        other.data.copy_(one.data)
    own = optim.Muon(ours, 0.01)
    torchs = torch.optim.Muon(theirs, 0.01, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    for step in range(4):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=torch.Generator().manual_seed(step))
            other.grad = one.grad.clone()
        own.step()
        torchs.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-3)  # theirs are computed in bfloat16


def test_an_orthogonal_step_moves_all_directions_alike():
    for shape in ((6, 20), (20, 6), (5, 5)):
        matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
        values = torch.linalg.svdvals(optim.orthogonal(matrix))
        assert values.min() > 0.3 and values.max() < 1.6
