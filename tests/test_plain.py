"""The plain way (RLHF_LITE_PLAIN=1) and the fast one give the same numbers, and the plain one uses nothing of
the fast one's."""

import copy
from types import SimpleNamespace

import pytest
import torch

from rlhf_lite.hardware import graphs, kernels, precision, threads
from rlhf_lite.hardware.precision import autocast
from rlhf_lite.models import gpt2, packed, packed_rows, sampling
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.heads import (
    group_rewards,
    logits_where,
    policy_logits,
    response_logprobs,
    response_values,
    reward,
    token_values,
)
from rlhf_lite.models.sampling import sample, sample_texts
from rlhf_lite.models.tokens import build_tokenizer, encode_exchanges, encode_prompts
from rlhf_lite.train.batches import lm_loss

PROMPTS = ["the cat", "a dog sat on the mat", "the", "sat on", "a", "mat mat mat mat mat mat mat mat"]
ANSWERS = ["sat on a mat.", "dog", "the cat sat!", "on the mat", "the the", "."]


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer("the cat a dog sat on mat . ! ?".split())


@pytest.fixture(scope="module")
def policy(tokenizer):
    """Random, with large embeddings, so that it prefers some tokens to others and rows end at different
    times."""
    policy = new_policy(SimpleNamespace(width=32, layers=3, heads=2, n_positions=32), tokenizer)
    with torch.no_grad():
        policy.transformer.wte.weight.mul_(10)
        eos = policy.transformer.wte.weight[tokenizer.eos_token_id]
        policy.transformer.ln_f.bias.add_(eos * 3.0 / eos.dot(eos))
    return policy


@pytest.fixture(scope="module")
def scalar(policy):
    return new_scalar_model(policy)


@pytest.fixture
def both_ways(monkeypatch):
    """A function of a function: what it gives in the fast way, and what in the plain one, both in float32."""
    monkeypatch.setenv(precision.ENV, "fp32")

    def call(function):
        found = []
        for plain in ("0", "1"):
            monkeypatch.setenv("RLHF_LITE_PLAIN", plain)
            found.append(function())
        return found

    return call


def one_row(tokenizer):
    """Two prompts, each once, with two answers of their own: what `group_rewards` reads."""
    prompt, first, second = torch.arange(5, 10), torch.tensor([11, 12, 0]), torch.tensor([13, 0])
    ids = torch.cat([prompt, first, second])
    parts = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
    position_ids = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 5, 6])
    shorter = torch.tensor([0] * 3 + [1] * 2 + [2] * 2)
    gap = torch.full((3,), -1)
    return (
        torch.stack([ids, torch.cat([ids[3:], gap + 2])]),
        torch.stack([position_ids, torch.tensor([0, 1, 2, 3, 4, 3, 4, 0, 0, 0])]),
        torch.stack([parts, torch.cat([shorter, gap])]),
        torch.tensor(
            [[7, 9, 7], [4, 6, 0]]
        ),  # the first and third completion are equal; the last does not exist
    )


def test_logits_values_and_rewards_are_the_same_with_their_gradients(policy, scalar, tokenizer, both_ways):
    ids, mask, labels, _ = encode_exchanges(tokenizer, PROMPTS, ANSWERS, 32)
    prompts = encode_prompts(tokenizer, PROMPTS, 32)
    tokens, real = ids[:, :4].clone(), mask[:, :4].clone()
    real[1, 2:] = real[3, 1:] = 0
    row = one_row(tokenizer)
    asked = {
        "logits": lambda: policy_logits(policy, ids, mask),
        "some logits": lambda: logits_where(policy, ids, mask, labels >= 0),
        "all logits": lambda: logits_where(policy, ids, mask),
        "logprobs": lambda: response_logprobs(policy, prompts, tokens, real, 0.7),
        "running text": lambda: lm_loss(policy, ids.clamp(min=2)),
        "values": lambda: token_values(scalar, ids, mask),
        "response values": lambda: response_values(scalar, prompts, tokens, real),
        "reward": lambda: reward(scalar, ids, mask),
        "group rewards": lambda: group_rewards(scalar, *row),
    }
    for name, function in asked.items():
        fast, plain = both_ways(function)
        torch.testing.assert_close(
            plain, fast, atol=1e-4, rtol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )
        weight = (policy if "log" in name or "text" in name else scalar).transformer.wte.weight
        fast, plain = both_ways(lambda f=function, w=weight: torch.autograd.grad(f().square().mean(), w)[0])
        assert (fast - plain).norm() < 1e-4 * fast.norm(), name


def test_rewards_of_a_row_are_those_of_each_answer_alone(scalar, tokenizer, both_ways):
    ids, position_ids, parts, last = one_row(tokenizer)
    for found in both_ways(lambda: group_rewards(scalar, ids, position_ids, parts, last)):
        for b, k in ((0, 1), (0, 2), (1, 1), (1, 2)):
            alone = ids[b][(parts[b] == 0) | (parts[b] == k)][None]
            expected = scalar(input_ids=alone).logits[0, 0]
            torch.testing.assert_close(found[b, k - 1], expected, atol=1e-5, rtol=1e-5)
        assert found[0, 2] == found[0, 0]


@pytest.mark.parametrize("greedy", [False, True])
def test_the_same_generator_draws_the_same_tokens(policy, tokenizer, both_ways, greedy):
    prompts, ends = encode_prompts(tokenizer, PROMPTS, 32), (tokenizer.eos_token_id, tokenizer.pad_token_id)

    def drawn():
        generator = torch.Generator().manual_seed(3)
        return sample(policy, *prompts, 28, *ends, temperature=1.2, greedy=greedy, generator=generator)

    fast, plain = both_ways(drawn)
    assert torch.equal(fast.tokens, plain.tokens) and torch.equal(fast.mask, plain.mask)
    torch.testing.assert_close(fast.logprobs, plain.logprobs, atol=1e-4, rtol=1e-4)
    lengths = plain.mask.sum(dim=1)
    assert greedy or lengths.min() < lengths.max()


def test_nothing_of_the_fast_way_is_called_in_the_plain_one(policy, tokenizer, monkeypatch):
    """One training step and one batch of samples, with everything that is fast out of order."""

    def forbidden(*arguments, **options):
        raise AssertionError("the plain way called it")

    monkeypatch.delenv(precision.ENV, raising=False)
    monkeypatch.setenv("RLHF_LITE_PLAIN", "1")
    both = (kernels.describe_kernels, packed.run)  # of both ways
    for module in (kernels, graphs, packed, packed_rows):
        for name, thing in list(vars(module).items()):
            if getattr(thing, "__module__", None) == module.__name__ and thing not in both:
                monkeypatch.setattr(module, name, forbidden)
    for name in ("linear", "attention", "causal"):
        monkeypatch.setattr(packed, name, forbidden)
    monkeypatch.setattr(gpt2, "packed_forward", forbidden)
    monkeypatch.setattr(sampling, "PackedRows", forbidden)
    monkeypatch.setattr(precision, "self_test", forbidden)
    monkeypatch.setattr(threads, "ThreadPoolExecutor", forbidden)
    assert precision.choose_dtype("cpu") == precision.choose_dtype("cuda") == torch.float32
    assert "RLHF_LITE_PLAIN" in precision.describe_dtype(
        "cpu"
    ) and "RLHF_LITE_PLAIN" in kernels.describe_kernels("cpu")
    learner, scalar = copy.deepcopy(policy), new_scalar_model(policy)
    ids, mask, *_ = encode_exchanges(tokenizer, PROMPTS, ANSWERS, 32)
    with autocast("cpu"):
        assert logits_where(learner, ids, mask).dtype == torch.float32
        loss = logits_where(learner, ids, mask).logsumexp(-1).mean() + reward(scalar, ids, mask).mean()
        loss = loss + group_rewards(scalar, *one_row(tokenizer)).mean()
    loss.backward()
    assert len(sample_texts(learner, tokenizer, PROMPTS * 20, 4, batch_size=16)) == 120
