"""The fastest kernels that are exact: what the self-test refuses, what it remembers, and that every choice
gives the same."""

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.hardware import kernels, precision
from rlhf_lite.hardware.graphs import Graphed
from rlhf_lite.hardware.kernels import Kernels, attention, linear
from rlhf_lite.hardware.precision import cached_measurement
from rlhf_lite.models.checkpoints import new_policy
from rlhf_lite.models.heads import logits_where, policy_logits
from rlhf_lite.models.sampling import sample
from rlhf_lite.models.tokens import build_tokenizer

BOTH = ("torch.float32", "torch.bfloat16")
CHOICES = [Kernels(), Kernels(onednn=True), Kernels(True, BOTH, BOTH), Kernels(False, BOTH, BOTH)]
REFUSALS = ("bf16 path needs the cpu support", "could not create a primitive")
needs_onednn = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="torch without oneDNN"
)


@pytest.fixture(autouse=True)
def own_memory(monkeypatch, tmp_path):
    """The fast way, and nothing is read from, or written to, what this machine remembers."""
    monkeypatch.delenv("RLHF_LITE_PLAIN", raising=False)
    monkeypatch.setenv("RLHF_LITE_CACHE", str(tmp_path / "memory"))
    for function in (kernels.choose_kernels, precision.self_test):
        function.cache_clear()
    yield
    for function in (kernels.choose_kernels, precision.self_test):
        if hasattr(function, "cache_clear"):
            function.cache_clear()


@pytest.fixture
def policy_of():
    """Makes a small policy; keyword arguments change its shape."""

    def make(**shape):
        shape = {"width": 32, "layers": 2, "heads": 2, "n_positions": 64} | shape
        return new_policy(SimpleNamespace(**shape), build_tokenizer([f"w{i}" for i in range(60)]))

    return make


def use(monkeypatch, chosen: Kernels) -> None:
    monkeypatch.setattr(kernels, "choose_kernels", lambda device_type: chosen)


# --- The self-test ------------------------------------------------------------------------------------------


def slow(call):
    def later():
        time.sleep(0.001)
        return call()

    return later


def test_only_what_is_exact_and_faster_is_better():
    right = torch.ones(100).clone
    assert kernels.better(right, slow(right), torch.float32)
    assert not kernels.better(slow(right), right, torch.float32)
    assert not kernels.better(lambda: right() * (1 + 1e-4), slow(right), torch.float32)
    assert kernels.better(lambda: right() * (1 + 1e-4), slow(right), torch.bfloat16)
    assert not kernels.better(lambda: right() * float("nan"), slow(right), torch.bfloat16)


def test_a_kernel_that_fails_is_not_better():
    def missing():
        raise NotImplementedError("could not create a primitive")

    assert not kernels.better(missing, slow(torch.ones(3).clone), torch.float32)


@pytest.mark.parametrize("error", [1e-3, float("nan")])
def test_an_inexact_fast_path_is_never_used(monkeypatch, error):
    """As if this machine's oneDNN and fused attention were fast and wrong."""
    for name in ("_onednn", "_fused_attention"):
        honest = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *a, honest=honest, **k: honest(*a, **k) * (1 + 30 * error))
    for name in ("_usual", "_plain_attention"):
        honest = getattr(kernels, name)
        monkeypatch.setattr(
            kernels, name, lambda *a, honest=honest, **k: (time.sleep(0.002), honest(*a, **k))[1]
        )
    assert kernels.choose_kernels("cpu") == Kernels()
    x, weight = torch.randn(20, 8), torch.randn(8, 4)
    torch.testing.assert_close(linear(x, weight), x @ weight)


def test_without_onednn_and_on_other_devices_torchs_own_kernels_are_used(monkeypatch):
    assert kernels.choose_kernels("mps") == Kernels()
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    kernels.choose_kernels.cache_clear()
    assert kernels.choose_kernels("cpu") == Kernels()
    assert kernels.describe_kernels("cpu").endswith("the activation apart; attention by plain products")


def test_the_self_test_takes_a_second_or_two():
    begin = time.process_time()
    kernels.choose_kernels("cpu"), precision.self_test("cpu")
    assert time.process_time() - begin < 4  # 1 on most machines, 2.3 on the slowest one tried


# --- What is remembered -------------------------------------------------------------------------------------


def test_a_choice_is_measured_once_and_then_read(tmp_path):
    asked = []

    def measure():
        asked.append(1)
        return Kernels(True, ("torch.float32",))

    for _ in range(2):
        found = cached_measurement("kernels", Kernels, measure)
        assert found.onednn and found.has("fused", torch.float32) and not found.has("sdpa", torch.float32)
    assert len(asked) == 1
    (file,) = (tmp_path / "memory").iterdir()
    assert json.loads(file.read_text()) == {"onednn": True, "fused": ["torch.float32"], "sdpa": []}


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"of": "another version"}'])
def test_a_file_that_cannot_be_read_is_measured_again(tmp_path, broken):
    measure = lambda: Kernels(True)  # noqa: E731
    cached_measurement("kernels", Kernels, measure)
    (file,) = (tmp_path / "memory").iterdir()
    file.write_text(broken)
    assert cached_measurement("kernels", Kernels, measure) == Kernels(True)
    assert json.loads(file.read_text())["onednn"]


def test_without_a_place_to_write_it_is_measured_each_time(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RLHF_LITE_CACHE", str(tmp_path / "file" / "folder"))
    assert cached_measurement("kernels", Kernels, Kernels) == Kernels()


def test_a_processor_with_other_instructions_measures_for_itself(monkeypatch, tmp_path):
    cached_measurement("kernels", Kernels, lambda: Kernels(True))
    monkeypatch.setattr(precision, "_processor", lambda: "flags: none")
    assert cached_measurement("kernels", Kernels, Kernels) == Kernels()
    assert len(list((tmp_path / "memory").iterdir())) == 2


# --- Every choice computes the same -------------------------------------------------------------------------


@needs_onednn
@pytest.mark.parametrize("chosen", CHOICES)
@pytest.mark.parametrize("act", ["", "gelu_pytorch_tanh", "gelu", "relu"])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear_is_the_same_by_every_kernel_with_gradients_and_without(monkeypatch, chosen, act, with_bias):
    use(monkeypatch, chosen)
    x, weight, bias = (torch.randn(shape).requires_grad_() for shape in ((30, 16), (16, 12), (12,)))
    bias = bias if with_bias else None
    plain = x @ weight if bias is None else x @ weight + bias
    plain = kernels.activate(plain, act) if act else plain
    y = linear(x, weight, bias, act)
    torch.testing.assert_close(y, plain)
    leaves = [t for t in (x, weight, bias) if t is not None]
    direction = torch.randn_like(y)
    torch.testing.assert_close(
        *(torch.autograd.grad(z, leaves, direction) for z in (y, plain)), atol=1e-5, rtol=1e-4
    )
    with torch.no_grad():
        torch.testing.assert_close(linear(x, weight, bias, act), plain)


@needs_onednn
@pytest.mark.parametrize("chosen", CHOICES)
@pytest.mark.parametrize("act", ["", "gelu_pytorch_tanh", "gelu", "relu"])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear_in_bfloat16_is_close_by_every_kernel_that_this_processor_has(
    monkeypatch, chosen, act, with_bias
):
    use(monkeypatch, chosen)
    x, weight, bias = (torch.randn(shape) for shape in ((30, 16), (16, 12), (12,)))
    bias = bias if with_bias else None
    plain = x @ weight if bias is None else x @ weight + bias
    plain = kernels.activate(plain, act) if act else plain
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        try:
            rounded = linear(x, weight, bias, act)
        except RuntimeError as error:
            if not any(words in str(error) for words in REFUSALS):
                raise
            pytest.skip(f"this processor refuses: {error}")
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(rounded.float(), plain, atol=0.1, rtol=0.05)


@needs_onednn
@pytest.mark.parametrize("refused", ["_reorder_linear_weight", "_linear_pointwise"])
def test_what_the_processor_refuses_is_never_chosen(monkeypatch, policy_of, refused):
    """As on processors without AVX-512, on which bfloat16 is asked for all the same."""

    def refuse(*arguments):
        if arguments[0].dtype == torch.bfloat16:
            raise RuntimeError(f"mkldnn{refused}: {REFUSALS[0]} avx_ne_convert or avx512bw")
        return honest(*arguments)

    honest = getattr(torch.ops.mkldnn, refused)
    monkeypatch.setattr(torch.ops.mkldnn, refused, refuse)
    monkeypatch.setenv(precision.ENV, "bf16")
    assert not kernels.choose_kernels("cpu").has("fused", torch.bfloat16)
    policy, ids = policy_of(), torch.randint(2, 30, (3, 9))
    with torch.no_grad():
        exact = policy_logits(policy, ids, torch.ones_like(ids))
        with precision.autocast("cpu"):
            rounded = policy_logits(policy, ids, torch.ones_like(ids))
            assert rounded.dtype == torch.bfloat16
            sample(policy, ids, torch.ones_like(ids), 4, 1, 0)
    torch.testing.assert_close(rounded.float(), exact, atol=0.02, rtol=0)


@needs_onednn
def test_a_slice_of_a_weight_is_the_same_by_every_kernel(monkeypatch):
    x, weight = torch.randn(9, 16), torch.randn(16, 24)
    for chosen in CHOICES:
        use(monkeypatch, chosen)
        with torch.no_grad():
            torch.testing.assert_close(linear(x, weight[:, 8:20]), x @ weight[:, 8:20])


@pytest.mark.parametrize("own_mask", [False, True])
def test_attention_is_the_same_fused_and_plain(monkeypatch, own_mask):
    q, k, v = (torch.randn(2, 3, 10, 8).requires_grad_() for _ in range(3))
    attention_bias = (
        torch.zeros(2, 1, 10, 10).masked_fill(torch.ones(10, 10).triu(1).bool(), -1e30) if own_mask else None
    )
    results = []
    for chosen in (Kernels(), Kernels(sdpa=BOTH)):
        use(monkeypatch, chosen)
        y = attention(q, k, v, attention_bias)
        assert y.shape == (2, 10, 24)
        results.append([y, *torch.autograd.grad(y.square().sum(), (q, k, v))])
    torch.testing.assert_close(*results, atol=1e-5, rtol=1e-4)


@needs_onednn
@pytest.mark.parametrize("chosen", CHOICES)
def test_a_model_is_that_of_transformers_by_every_kernel(monkeypatch, policy_of, chosen):
    use(monkeypatch, chosen)
    policy = policy_of()
    ids, mask = torch.randint(2, 30, (3, 9)), torch.ones(3, 9, dtype=torch.long)
    mask[1, :4] = 0
    where = mask.bool() & (torch.arange(9) > 5)
    position_ids = (mask.cumsum(1) - 1).clamp(min=0)
    expected = policy(input_ids=ids, attention_mask=mask, position_ids=position_ids).logits
    for under in (torch.enable_grad(), torch.no_grad()):
        with under:
            torch.testing.assert_close(
                policy_logits(policy, ids, mask)[mask.bool()], expected[mask.bool()], atol=1e-5, rtol=1e-4
            )
            torch.testing.assert_close(
                logits_where(policy, ids, mask, where), expected[where], atol=1e-5, rtol=1e-4
            )


# --- Machines that have less --------------------------------------------------------------------------------


def test_without_bfloat16_it_is_float32_and_says_so(monkeypatch):
    """As on a processor that only imitates bfloat16: exact, and slower."""
    monkeypatch.delenv(precision.ENV, raising=False)
    monkeypatch.setattr(
        precision, "_measure", lambda cuda: precision.SelfTest(False, "bf16", 5.0, 9.5, 0.003)
    )
    assert precision.choose_dtype("cpu") == torch.float32
    assert precision.describe_dtype("cpu").startswith(
        "float32: as measured, bfloat16 takes 1.90 of float32's time"
    )
    with precision.autocast("cpu"):
        assert not torch.is_autocast_enabled("cpu")
    monkeypatch.setenv(precision.ENV, "bf16")
    assert precision.describe_dtype("cpu") == f"bfloat16, as {precision.ENV} asks"


def test_a_card_without_bfloat16_takes_float16_if_that_pays(monkeypatch):
    """As a T4: it would imitate bfloat16."""
    monkeypatch.delenv(precision.ENV, raising=False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert precision.half_of("cuda") == "fp16" and precision.half_of("cpu") == "bf16"
    monkeypatch.setattr(precision, "_measure", lambda cuda: precision.SelfTest(True, "fp16", 5.0, 1.0, 0.001))
    assert precision.choose_dtype("cuda") == torch.float16
    assert precision.describe_dtype("cuda").startswith(
        "float16: as measured, float16 takes 0.20 of float32's time"
    )


def test_the_self_test_measures_float16_too(monkeypatch):
    monkeypatch.setattr(precision, "half_of", lambda kind: "fp16")
    found = precision._measure(cuda=False)
    assert found.half == "fp16" and 0 < found.error < 0.01 and found.half_ms > 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux can take cores away")
def test_on_one_core_without_a_compiler_it_samples_and_trains():
    code = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from rlhf_lite.chain.store import provenance
from rlhf_lite.hardware.cores import cores
import torch
from rlhf_lite.models.checkpoints import new_policy
from rlhf_lite.models.heads import logits_where
from rlhf_lite.models.sampling import sample_texts
from rlhf_lite.models.tokens import build_tokenizer
from types import SimpleNamespace
tokenizer = build_tokenizer("the cat sat".split())
policy = new_policy(SimpleNamespace(width=16, layers=1, heads=1, n_positions=32), tokenizer)
assert len(sample_texts(policy, tokenizer, ["the cat"] * 3, 4)) == 3
ids = torch.ones(2, 5, dtype=torch.long)
logits_where(policy, ids, ids, ids.bool()).sum().backward()
print(cores(), provenance()["hardware"])
"""
    bare = {
        k: v for k, v in os.environ.items() if k in ("PYTHONPATH", "RLHF_LITE_CACHE", "RLHF_LITE_HOME")
    } | {"PATH": "", "HOME": "/nonexistent", "RLHF_LITE_DEVICE": "cpu"}
    found = subprocess.run(
        [sys.executable, "-c", code], env=bare, capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("1 {") and "float" in found.stdout and "products by" in found.stdout


# --- CUDA graphs --------------------------------------------------------------------------------------------


def test_a_step_that_cannot_be_captured_is_called_as_it_is(monkeypatch):
    def refuse(self, step):
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    monkeypatch.setattr(Graphed, "_capture", refuse)
    x = torch.ones(1)
    graphed = Graphed([x])
    with pytest.warns(UserWarning, match="not permitted when stream is capturing.*goes on without"):
        graphed(lambda: x.mul_(2))
    graphed(lambda: x.mul_(2))
    assert x == 4 and graphed.graph is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("wish", ["fp32", "bf16"])
def test_sampling_by_a_graph_is_sampling_without(monkeypatch, policy_of, wish):
    monkeypatch.setenv(precision.ENV, wish)
    policy = policy_of(width=64, layers=3, heads=4).cuda()
    ids, mask = (
        torch.randint(2, 60, (5, 12), device="cuda"),
        torch.ones(5, 12, dtype=torch.long, device="cuda"),
    )
    mask[2, :7] = 0

    def drawn():
        with precision.autocast("cuda"):
            return sample(policy, ids, mask, 20, 1, 0, generator=torch.Generator().manual_seed(0))

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the graph is captured, and passes its own check
        by_graph = drawn()
    monkeypatch.setattr(Graphed, "__call__", lambda self, step: step())
    plain = drawn()
    assert torch.equal(by_graph.tokens, plain.tokens) and torch.equal(by_graph.mask, plain.mask)
    torch.testing.assert_close(by_graph.logprobs, plain.logprobs, atol=1e-4, rtol=1e-3)
