"""A GPT-2 of 32 numbers and 2 layers, data for it, and what tests of the training stages share."""

import copy
import os
import signal
from pathlib import Path
from random import Random

import pytest
import torch

from rlhf_lite.config import ModelConfig, PPOConfig, RewardConfig, SFTConfig
from rlhf_lite.models.checkpoints import new_policy, new_scalar_model
from rlhf_lite.models.tokens import build_tokenizer
from rlhf_lite.train import batches
from rlhf_lite.train.reward import train_reward
from rlhf_lite.train.sft import train_sft

WORDS = "a b c d e f one two red blue dog cat say twice".split()
DEMOS = [(f"say {w}", f"{w} {w}.") for w in WORDS]
PROMPTS = [prompt for prompt, _ in DEMOS] + [f"say {w} twice" for w in WORDS]
ROOT = Path(__file__).parents[1]
QUIET = {"progress": False}
SMALL = PPOConfig(episodes=64, batch_size=32, minibatches=4, max_new_tokens=8, warmup_iterations=0, lr=1e-3)


@pytest.fixture(scope="module")
def exact():
    """Everything in float32."""
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
def speaker(exact, base, tokenizer):
    """A policy that ends its answers."""
    policy = copy.deepcopy(base)
    train_sft(policy, tokenizer, DEMOS, SFTConfig(epochs=8, lr=3e-3, batch_size=8), loop=QUIET)
    return policy


@pytest.fixture
def policy(base):
    return copy.deepcopy(base)


@pytest.fixture(scope="module")
def judge(exact, base, tokenizer):
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
