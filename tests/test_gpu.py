"""What must hold on every device: half precision near float32, sampling like the plainest loop, exact resume,
memory as foretold. On a GPU with `pytest -m gpu`; the same tests run on the CPU with all others."""

import copy
import math
import warnings
from types import SimpleNamespace

import pytest
import torch
from helpers_memory import QUIET, STAGES, Setting

from rlhf_lite import World
from rlhf_lite.config import PPOConfig, RewardConfig, SFTConfig
from rlhf_lite.hardware import compiling, forecast, precision
from rlhf_lite.hardware.forecast import ComputeSettings
from rlhf_lite.hardware.precision import autocast
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model, place
from rlhf_lite.models.heads import response_logprobs
from rlhf_lite.models.sampling import sample
from rlhf_lite.models.tokens import build_tokenizer, encode_prompts
from rlhf_lite.train.batches import ExchangeSet
from rlhf_lite.train.ppo import train_ppo
from rlhf_lite.train.reward import train_reward
from rlhf_lite.train.sft import exchange_loss, train_sft

ON_GPU = (pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"))
DEVICES = ["cpu", pytest.param("cuda", marks=ON_GPU)]
HALVES = [
    "bf16",
    pytest.param("fp16", marks=pytest.mark.slow),
]  # slow on a CPU, which has no products of fp16


class StopAfter:
    """A control that asks to stop after so many steps."""

    def __init__(self, steps):
        self.steps, self.done = steps, 0

    @property
    def stopped(self):
        return self.done >= self.steps

    def report(self, step, **metrics):
        self.done = step + 1


pytestmark = pytest.mark.parametrize("device", DEVICES)


def only_on_a_gpu(device, instead):
    if device == "cpu":
        pytest.skip(f"on the CPU: {instead}")


@pytest.fixture(scope="module")
def texts():
    """A tokenizer, demonstrations, rankings, prompts, running text."""
    words = sorted({word for page in World(0).documents(50) for word in page.split() if word.isalpha()})[:200]
    tokenizer = build_tokenizer(words)

    def text(i, n):
        return " ".join(words[(7 * i + 3 * k) % len(words)] for k in range(n))

    prompts = [text(i, 3 + i % 6) for i in range(32)]
    return SimpleNamespace(
        tokenizer=tokenizer,
        prompts=prompts,
        pairs=[(p, text(i + 1, 2 + i % 5)) for i, p in enumerate(prompts)],
        rankings=[
            {"prompt": p, "completions": [text(i + j, 2 + j) for j in range(4)], "ranks": [1, 2, 2, 3]}
            for i, p in enumerate(prompts)
        ],
        rows=(torch.arange(64 * 32) % 150).view(64, 32) + 10,
    )


@pytest.fixture
def base(texts, device):
    shape = SimpleNamespace(width=64, layers=3, heads=4, n_positions=64)
    return place(new_policy(shape, texts.tokenizer), device)


def trained(base, texts, loop=QUIET):
    """Histories of all stages, and the weights they end with."""
    policy, model = copy.deepcopy(base), new_scalar_model(base)
    found = {
        "sft": train_sft(
            policy,
            texts.tokenizer,
            texts.pairs,
            SFTConfig(epochs=2, lr=1e-3, batch_size=8, pretrain_mix=0.2),
            pretrain_rows=texts.rows,
            loop=loop,
        )
    }
    found["reward"] = train_reward(model, texts.tokenizer, texts.rankings, RewardConfig(epochs=2), loop=loop)
    scorer = copy.deepcopy(model)
    models = copy.deepcopy(base), copy.deepcopy(base), scorer, copy.deepcopy(scorer)
    cfg = PPOConfig(
        episodes=32, batch_size=16, minibatches=2, max_new_tokens=8, ptx_gamma=0.5, ptx_rows=4, accumulation=2
    )
    found["ppo"] = train_ppo(
        *models, texts.tokenizer, texts.prompts, cfg, pretrain_rows=texts.rows, loop=loop
    )
    return found, (policy, model, models[0], models[3])


@pytest.mark.parametrize("half", HALVES)
def test_half_precision_trains_like_float32(base, texts, device, half, monkeypatch):
    monkeypatch.setenv(precision.ENV, "fp32")
    exact, _ = trained(base, texts)
    monkeypatch.setenv(precision.ENV, half)
    rounded, models = trained(base, texts)
    for stage, name in (("sft", "loss"), ("sft", "loss/pretrain"), ("reward", "loss"), ("ppo", "loss/ptx")):
        assert rounded[stage][name] == pytest.approx(exact[stage][name], abs=0.03), (stage, name)
    assert rounded["ppo"]["policy/first_ratio"] == pytest.approx([1, 1], abs=5e-3)
    assert all(
        p.dtype == torch.float32 and p.device.type == device for model in models for p in model.parameters()
    )


@pytest.mark.parametrize("wish", ["fp32", "bf16"])
def test_replayed_graphs_train_as_launches_do(base, texts, device, wish, monkeypatch):
    only_on_a_gpu(device, "tests/test_compiling.py plays what a card does")
    monkeypatch.setenv(precision.ENV, wish)
    launched, _ = trained(base, texts)
    monkeypatch.setenv(compiling.ENV, "graphs")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a graph that is refused says so
        replayed, _ = trained(base, texts)
    for stage, name in (("sft", "loss"), ("sft", "loss/pretrain"), ("reward", "loss"), ("ppo", "loss/ptx")):
        assert replayed[stage][name] == pytest.approx(launched[stage][name], abs=0.01), (stage, name)
    assert replayed["ppo"]["policy/first_ratio"] == pytest.approx([1, 1], abs=5e-3)


@pytest.mark.parametrize("half", HALVES)
def test_gradients_in_half_precision_are_those_of_float32(base, texts, device, half, monkeypatch):
    batch = ExchangeSet(texts.tokenizer, texts.pairs, 64).batch(range(16))

    def gradient(wish):
        monkeypatch.setenv(precision.ENV, wish)
        policy = copy.deepcopy(base)
        (1024 * exchange_loss(policy, batch)).backward()
        return torch.cat([p.grad.flatten() for p in policy.parameters()]) / 1024

    exact, rounded = gradient("fp32"), gradient(half)
    assert (exact - rounded).norm() < 0.03 * exact.norm()


@pytest.mark.parametrize("greedy", [True, False])
@pytest.mark.parametrize("wish", ["fp32", *HALVES])
@torch.no_grad()
def test_sampling_is_what_the_plainest_loop_gives(base, texts, device, wish, greedy, monkeypatch):
    """One row at a time, all of it read again for every
    token, by transformers' own forward pass in float32."""
    monkeypatch.setenv(precision.ENV, wish)
    prompts = encode_prompts(texts.tokenizer, texts.prompts[:6], 40)
    ends = texts.tokenizer.eos_token_id, texts.tokenizer.pad_token_id
    with autocast(device):
        found = sample(base, *prompts, 12, *ends, greedy=greedy, generator=torch.Generator().manual_seed(0))
        scored = response_logprobs(base, prompts, found.tokens, found.mask).cpu()
    close = 1e-4 if wish == "fp32" else 0.05
    torch.testing.assert_close(found.logprobs, scored * found.mask, atol=close, rtol=0)
    for row, (ids, mask) in enumerate(zip(*prompts, strict=True)):
        seen = ids[mask.bool()][None].to(device)
        for t in range(int(found.mask[row].sum())):
            logp = base(input_ids=seen).logits[0, -1].log_softmax(-1)
            token = found.tokens[row, t]
            assert float(logp[token]) == pytest.approx(float(found.logprobs[row, t]), abs=close)
            if greedy:
                assert float(logp.max() - logp[token]) <= 2 * close
            seen = torch.cat([seen, token.view(1, 1).to(device)], dim=1)


@pytest.mark.parametrize("wish", ["fp32", *HALVES])
def test_an_interrupted_run_goes_on_exactly(base, texts, device, wish, monkeypatch, tmp_path):
    monkeypatch.setenv(precision.ENV, wish)
    scorer = new_scalar_model(base)
    scorer.config.trained_rankings = 1
    cfg = PPOConfig(episodes=48, batch_size=16, minibatches=2, max_new_tokens=8, ptx_gamma=0.5, ptx_rows=4)

    def run(loop):
        models = copy.deepcopy(base), base, scorer, copy.deepcopy(scorer)
        return train_ppo(
            *models, texts.tokenizer, texts.prompts, cfg, pretrain_rows=texts.rows, loop={**QUIET, **loop}
        ), models[0]

    straight, policy = run({})
    begun, _ = run({"folder": tmp_path, "control": StopAfter(1)})
    assert len(begun["objective/kl"]) == 1
    resumed, again = run({"folder": tmp_path})
    same = (
        dict(atol=0, rtol=0) if device == "cpu" else dict(atol=1e-4, rtol=1e-4)
    )  # a GPU adds in no fixed order
    assert resumed["objective/score"] == pytest.approx(straight["objective/score"], abs=1e-2)
    for one, other in zip(policy.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(other, one, **same)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "settings",
    [ComputeSettings(half=True), ComputeSettings(), ComputeSettings(half=True, recompute=True)],
    ids=lambda settings: str(settings[:3]),
)
def test_the_memory_foretold_is_what_the_allocator_says(device, stage, settings, monkeypatch):
    only_on_a_gpu(device, "test_forecast, which counts tensors")
    setting = Setting(settings, monkeypatch, device, rows=64, width=384, layers=6, heads=6)
    found, train, models = STAGES[stage](setting, 1)
    others = torch.cuda.memory_allocated() - sum(p.nbytes for model in models for p in model.parameters())
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    train()
    peak, foretold = torch.cuda.max_memory_allocated() - others, max(f.total for f in found)
    assert math.isclose(foretold, peak, rel_tol=0.15), f"{found[0]}; measured {peak / 1e9:.3f} GB"
    assert forecast.free_memory(device) > 1e9
