"""torch.compile: the same numbers from one graph for all shapes, and a self-test that decides."""

import copy

import pytest
import torch

from rlhf_lite.config import ModelConfig
from rlhf_lite.models import compiling, precision
from rlhf_lite.models.compiling import SelfTest, compile_layers
from rlhf_lite.models.policy import new_policy
from rlhf_lite.models.tokens import build_tokenizer
from rlhf_lite.models.trunk import compute_again, pack, trunk


@pytest.fixture
def policy():
    return new_policy(ModelConfig(size="XS", n_positions=64), build_tokenizer([f"w{i}" for i in range(60)]))


@pytest.fixture
def found(monkeypatch):
    """Pretend that the self-test found this."""

    def pretend(**what):
        monkeypatch.setattr(compiling, "self_test", lambda kind: SelfTest(**{"pays": False, **what}))

    return pretend


def compiled(model) -> bool:
    return all(hasattr(block, "dense") for block in model.transformer.h)


def test_the_self_test_decides_on_a_gpu_and_nobody_waits_for_it_on_a_cpu(policy, found, monkeypatch):
    found(pays=True)
    assert not compiled(compile_layers(policy)) and not compiled(compile_layers(policy, "off"))
    monkeypatch.setattr(type(policy), "device", torch.device("cuda"))
    assert compiled(compile_layers(copy.deepcopy(policy)))
    found(pays=False, plain_ms=2.0, compiled_ms=3.0, error=0.001)
    assert not compiled(compile_layers(copy.deepcopy(policy)))
    assert (
        compiling.describe("cuda")
        == "compiled, a layer's dense part takes 1.50 of the time and its gradient is off by 0.1%: not used"
    )


def test_what_cannot_work_is_said(policy, found):
    with pytest.raises(ValueError, match="compile = 'maybe' is not one of auto, on, off"):
        compile_layers(policy, "maybe")
    found(problem="no compiler found")
    with pytest.raises(
        RuntimeError, match="torch.compile fails here: no compiler found; take 'auto' or 'off'"
    ):
        compile_layers(policy, "on")
    assert compiling.describe("cpu") == "torch.compile does not work here: no compiler found"


def test_a_machine_without_a_compiler_is_no_error(monkeypatch):
    def refuse(*_):
        raise OSError("no C++ compiler found\nand more")

    monkeypatch.setattr(compiling, "_compiled", lambda: refuse)
    assert compiling._measure("cpu") == SelfTest(False, problem="no C++ compiler found")


@pytest.mark.slow
def test_compiled_layers_give_the_same_from_few_graphs(policy, found, monkeypatch):
    monkeypatch.setenv(precision.ENV, "fp32")
    found(pays=True)
    faster = compile_layers(copy.deepcopy(policy), "on")
    torch._dynamo.utils.counters.clear()

    def both(n, read=None):
        ids = torch.randint(2, 60, (5, n), generator=torch.Generator().manual_seed(n))
        mask = (torch.arange(n) < torch.tensor([n, 3, n - 1, 5, n])[:, None]).long()
        outputs = []
        for model in (policy, faster):
            model.zero_grad()
            out = trunk(model, pack(ids, mask), read)
            out.square().mean().backward()
            outputs.append([out.detach(), *(p.grad.clone() for p in model.transformer.parameters())])
        for one, other in zip(*outputs, strict=True):
            torch.testing.assert_close(other, one, atol=1e-5, rtol=1e-4)

    for n in (8, 20, 33, 40):
        both(n)
        both(n, read=torch.arange(0, 12, 3))
    compute_again(faster)
    both(25)
    assert (
        torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 4
        and not torch._dynamo.utils.counters["graph_break"]
    )
