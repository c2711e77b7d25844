"""Compiled and replayed functions give what they give as they are, and a training finds out what pays."""

import time
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.hardware import compiling, device, graphs, kernels
from rlhf_lite.hardware.compiling import SETTLING, STEPS, Trial, compilable
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.heads import group_rewards, response_logprobs
from rlhf_lite.models.sampling import sample
from rlhf_lite.models.tokens import build_tokenizer, encode_prompts
from rlhf_lite.train.batches import lm_loss

CARD = torch.device("cuda")
DONE = sum(SETTLING.values()) + 3 * STEPS  # steps after which it is decided


@pytest.fixture
def trial(monkeypatch):
    """A function: a trial on a card that is not there, with a clock that the test moves."""
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    clock, trials = SimpleNamespace(now=0.0), []
    monkeypatch.setattr(compiling, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    monkeypatch.setattr(Trial, "_compiles", lambda self: True)

    def run(usual, compiled, replayed=8.0, left=10_000, wish=None):
        """Steps of so many seconds; returns what was logged, and whether compiled functions are in use."""
        trials.append(trial := Trial(CARD, wish))
        logged = {}
        for _ in range(DONE):
            clock.now += compiled if compiling._active else replayed if graphs.few_shapes() else usual
            logged |= trial.step_done(left)
        return logged, "graphs" if graphs.few_shapes() else compiling._active

    yield run
    for made in trials:
        made.close()
    assert not compiling._active and not graphs.few_shapes()


def test_short_steps_are_tried_as_graphs_and_the_fastest_way_is_kept(trial):
    times = {"seconds/usual": 0.125, "seconds/graphs": 0.03125, "seconds/compiled": 0.0625}
    assert trial(0.125, 0.0625, 0.03125) == (times, "graphs")
    assert trial(0.125, 0.015625, 0.03125) == (times | {"seconds/compiled": 0.015625}, True)
    assert trial(0.125, 0.125, 0.125)[1] is False
    assert trial(0.125, 0.0625, 0.03125, left=240) == (
        {"seconds/usual": 0.125, "seconds/graphs": 0.03125},
        "graphs",
    )
    assert trial(0.125, 0.0625, 0.03125, left=100) == ({}, False)
    assert trial(1.0, 1.0, wish="graphs") == ({}, "graphs")


def test_compiled_steps_are_kept_if_they_take_less_time(trial):
    assert trial(1.0, 0.5) == ({"seconds/usual": 1.0, "seconds/compiled": 0.5}, True)
    assert trial(1.0, 0.984375) == ({"seconds/usual": 1.0, "seconds/compiled": 0.984375}, False)


def test_what_is_soon_over_is_not_compiled_and_a_wish_is_obeyed(trial, monkeypatch):
    assert trial(1.0, 0.5, left=100) == ({}, False)
    assert trial(1.0, 2.0, wish="on") == ({}, True)
    assert trial(1.0, 0.5, wish="off") == ({}, False)
    monkeypatch.setenv(compiling.ENV, "perhaps")
    with pytest.raises(ValueError, match="'perhaps' is not a choice; set it to auto, on, off or graphs"):
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
        for _ in range(DONE):
            time.sleep(1e-4)
            trial.step_done(left=10)
    assert not compiling._active and trial.wish == "off"


def test_a_stretched_tensor_can_go_to_a_gpu(monkeypatch):
    """Pinned memory has room for what is there once."""

    def pinned(x):
        assert x.is_contiguous()
        return SimpleNamespace(to=lambda device, non_blocking: x)

    monkeypatch.setattr(torch.Tensor, "pin_memory", pinned)
    assert device.to_device(torch.ones(1).expand(5), "cuda").tolist() == [1.0] * 5


def test_sizes_fall_into_few_buckets():
    sizes = [graphs.bucket(n) for n in range(1, 5000)]
    assert all(size - width <= n < size and width >= 64 for n, (size, width) in enumerate(sizes, 1))
    assert len(set(sizes)) == len({size for size, _ in sizes}) < 25
    assert graphs.bucket(8, 8) == (16, 8) and graphs.bucket(7, 8) == (8, 8)


@pytest.fixture
def rehearsed(monkeypatch):
    """Graphs as a card has them, as far as they can be played on a CPU: what is captured reads its inputs
    where they were at first."""
    made = []

    def make(part, same, pool, allow_unused_input):
        def graph(*tensors):
            for x, y in zip(same, tensors, strict=True):
                assert x.shape == y.shape
                x.copy_(y)
            return part(*same)

        made.append(part)
        return graph

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    yield made
    graphs.use(False)


def test_what_comes_back_is_replayed_and_gives_the_same(monkeypatch, rehearsed):
    asked, drawn = small_models(monkeypatch)
    expected, as_ever = [results(asked, lengths) for lengths in range(3)], drawn()
    graphs.use(True)
    for _ in range(4):
        for lengths, before in enumerate(expected):
            for name, x in results(asked, lengths).items():
                torch.testing.assert_close(x, before[name], atol=1e-6, rtol=1e-4, msg=lambda m, n=name: n + m)
    assert len(rehearsed) == 3  # three kinds of batches, whatever their lengths
    torch.testing.assert_close(drawn(), as_ever)  # sampling has its own graphs, and its own sizes


def test_a_graph_that_fails_or_differs_is_not_used(monkeypatch, rehearsed):
    asked, _ = small_models(monkeypatch)
    expected = results(asked, 0)
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", lambda part, *a, **k: lambda *x: part(*x) * 2)
    graphs.use(True)
    results(asked, 0)
    with pytest.warns(
        UserWarning, match=r"No CUDA graph \(its result differs from the plain one's\): training"
    ):
        found = results(asked, 0)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def results(asked, lengths):
    """What is asked for, and its gradients."""
    found = {}
    for name, (function, model) in asked.items():
        found[name] = function(lengths)
        weights = list(model.parameters())
        gradients = torch.autograd.grad(found[name].square().mean(), weights, allow_unused=True)
        found[f"gradient of {name}"] = torch.cat([g.flatten() for g in gradients if g is not None])
    return {name: x.detach().clone() for name, x in found.items()}


def small_models(monkeypatch):
    """What trainings ask of a policy and a reward model: functions of a number, how long texts are; and what
    sampling asks."""
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    monkeypatch.setenv("RLHF_LITE_PRECISION", "fp32")
    monkeypatch.setattr(kernels, "choose_kernels", lambda kind: kernels.Kernels(sdpa=("torch.float32",)))
    tokenizer = build_tokenizer("the cat a dog sat on mat . ! ?".split())
    policy = new_policy(SimpleNamespace(width=32, layers=2, heads=2, n_positions=48), tokenizer)
    model = new_scalar_model(policy)
    prompts = encode_prompts(tokenizer, ["the cat", "a dog sat on the mat", "the", "sat on"], 32)
    tokens, mask = torch.arange(20).view(4, 5) % 9 + 2, torch.ones(4, 5, dtype=torch.long)
    mask[1, 3:] = 0
    masks = [mask, mask.clone(), mask.clone()]
    masks[1][2, 2:], masks[2][:, 4:] = 0, 0
    parts = torch.tensor([[0] * 6 + [1] * 3 + [2] * 2, [0] * 4 + [1] * 5 + [-1] * 2])
    ids, places = torch.arange(22).view(2, 11) % 9 + 2, torch.arange(11).expand(2, -1)
    ends = policy.config.eos_token_id, policy.config.pad_token_id

    def drawn():
        draw = torch.Generator().manual_seed(0)
        return sample(policy, *prompts, 12, *ends, generator=draw).logprobs

    asked = {
        "text": (lambda n: lm_loss(policy, (ids + n) % 9 + 2), policy),
        "logprobs": (lambda n: response_logprobs(policy, prompts, tokens, masks[n], 0.7), policy),
        "rewards": (
            lambda n: group_rewards(model, ids, places, parts, torch.tensor([[8, 10 - n], [8, 8]])),
            model,
        ),
    }
    return asked, drawn


@pytest.mark.slow
def test_compiled_functions_give_the_same(monkeypatch):
    """With the kernels of a GPU, which torch has on a CPU too."""
    asked, drawn = small_models(monkeypatch)
    expected = results(asked, 0) | {"drawn": drawn()}
    monkeypatch.setattr(compiling, "_active", True)
    compiled = results(asked, 0) | {"drawn": drawn()}
    counters = torch._dynamo.utils.counters
    assert counters["stats"]["unique_graphs"] > 4 and not counters["graph_break"]
    for name, x in expected.items():
        torch.testing.assert_close(compiled[name], x, atol=1e-5, rtol=1e-3, msg=lambda m, n=name: f"{n}: {m}")
