"""Compiled functions give what they give uncompiled, and a training finds out whether they pay."""

import time
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.hardware import compiling, device, kernels
from rlhf_lite.hardware.compiling import SETTLING, STEPS, Trial, compilable
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.heads import group_rewards, response_logprobs
from rlhf_lite.models.sampling import sample
from rlhf_lite.models.tokens import build_tokenizer, encode_prompts
from rlhf_lite.train.batches import lm_loss

CARD = torch.device("cuda")
DONE = 1 + STEPS + SETTLING + STEPS  # steps after which it is decided


@pytest.fixture
def trial(monkeypatch):
    """A function: a trial on a card that is not there, with a clock that the test moves."""
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    clock, trials = SimpleNamespace(now=0.0), []
    monkeypatch.setattr(compiling, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    monkeypatch.setattr(Trial, "_compiles", lambda self: True)

    def run(usual, compiled, left=10_000, wish=None):
        """Steps of so many seconds; returns what was logged, and whether compiled functions are in use."""
        trials.append(trial := Trial(CARD, wish))
        logged = {}
        for _ in range(DONE):
            clock.now += compiled if compiling._active else usual
            logged |= trial.step_done(left)
        return logged, compiling._active

    yield run
    for made in trials:
        made.close()
    assert not compiling._active


def test_compiled_steps_are_kept_if_they_take_less_time(trial):
    assert trial(1.0, 0.5) == ({"seconds/usual": 1.0, "seconds/compiled": 0.5}, True)
    assert trial(1.0, 0.984375) == ({"seconds/usual": 1.0, "seconds/compiled": 0.984375}, False)


def test_what_is_soon_over_is_not_compiled_and_a_wish_is_obeyed(trial, monkeypatch):
    assert trial(1.0, 0.5, left=100) == ({}, False)
    assert trial(1.0, 2.0, wish="on") == ({}, True)
    assert trial(1.0, 0.5, wish="off") == ({}, False)
    monkeypatch.setenv(compiling.ENV, "perhaps")
    with pytest.raises(ValueError, match="'perhaps' is not a choice; set it to auto, on or off"):
        Trial(CARD)


def test_nothing_is_compiled_on_a_cpu_or_in_the_plain_way(monkeypatch):
    called = []
    monkeypatch.setattr(torch, "compile", called.append)
    function = compilable(lambda x: x + 1)
    for where, plain in (("cpu", "0"), ("cuda", "1")):
        monkeypatch.setenv("RLHF_LITE_PLAIN", plain)
        trial = Trial(torch.device(where), "on")
        assert function(1) == 2 and not called
        trial.close()


def test_a_machine_without_compiler_trains_without(monkeypatch):
    def refuse(function):
        raise RuntimeError("no C compiler\nand more")

    monkeypatch.setattr(torch, "compile", refuse)
    monkeypatch.setattr(compiling, "LONG", 0.0)
    trial = Trial(CARD)
    with pytest.warns(UserWarning, match=r"does not work here \(no C compiler\): training goes on without"):
        for _ in range(1 + STEPS):
            time.sleep(1e-3)
            trial.step_done(left=10)
    assert not compiling._active and trial.wish == "off"


def test_a_stretched_tensor_can_go_to_a_gpu(monkeypatch):
    """Pinned memory has room for what is there once."""

    def pinned(x):
        assert x.is_contiguous()
        return SimpleNamespace(to=lambda device, non_blocking: x)

    monkeypatch.setattr(torch.Tensor, "pin_memory", pinned)
    assert device.to_device(torch.ones(1).expand(5), "cuda").tolist() == [1.0] * 5


@pytest.mark.slow
def test_compiled_functions_give_the_same(monkeypatch):
    """With the kernels of a GPU, which torch has on a CPU too."""
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    monkeypatch.setenv("RLHF_LITE_PRECISION", "fp32")
    monkeypatch.setattr(kernels, "choose_kernels", lambda kind: kernels.Kernels(sdpa=("torch.float32",)))
    tokenizer = build_tokenizer("the cat a dog sat on mat . ! ?".split())
    policy = new_policy(SimpleNamespace(width=32, layers=2, heads=2, n_positions=48), tokenizer)
    model = new_scalar_model(policy)
    prompts = encode_prompts(tokenizer, ["the cat", "a dog sat on the mat", "the", "sat on"], 32)
    tokens, mask = torch.arange(20).view(4, 5) % 9 + 2, torch.ones(4, 5, dtype=torch.long)
    mask[1, 3:] = 0
    parts = torch.tensor([[0] * 6 + [1] * 3 + [2] * 2, [0] * 4 + [1] * 5 + [-1] * 2])
    ids, places = torch.arange(22).view(2, 11) % 9 + 2, torch.arange(11).expand(2, -1)
    ends = policy.config.eos_token_id, policy.config.pad_token_id

    def drawn():
        draw = torch.Generator().manual_seed(0)
        return sample(policy, *prompts, 12, *ends, generator=draw).logprobs

    asked = {
        "text": lambda: lm_loss(policy, ids),
        "logprobs": lambda: response_logprobs(policy, prompts, tokens, mask, 0.7),
        "rewards": lambda: group_rewards(model, ids, places, parts, torch.tensor([[8, 10], [8, 8]])),
    }

    def found():
        results = {}
        for name, function in asked.items():
            weights = [p for p in (model if name == "rewards" else policy).parameters()]
            results[name] = function()
            gradients = torch.autograd.grad(results[name].square().mean(), weights, allow_unused=True)
            results[f"gradient of {name}"] = torch.cat([g.flatten() for g in gradients if g is not None])
        return results | {"drawn": drawn()}

    expected = found()
    monkeypatch.setattr(compiling, "_active", True)
    compiled = found()
    counters = torch._dynamo.utils.counters
    assert counters["stats"]["unique_graphs"] > 4 and not counters["graph_break"]
    for name, x in expected.items():
        torch.testing.assert_close(compiled[name], x, atol=1e-5, rtol=1e-3, msg=lambda m, n=name: f"{n}: {m}")
