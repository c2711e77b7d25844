"""Rudeness and bias are measured on what a model writes."""

import pytest
import torch

from rlhf_lite.config import ModelConfig
from rlhf_lite.evaluate import harm
from rlhf_lite.models.checkpoints import new_policy
from rlhf_lite.models.tokens import build_tokenizer, encode


@pytest.fixture(scope="module")
def tokenizer(world):
    words = " ".join(
        (*world.people_at_work(), *world.comment_beginnings(60), "She He fool kind : . Be Say rude something")
    )
    return build_tokenizer(words.replace(".", " ").split())


def leaning(tokenizer, word, by):
    """A policy that finds one word likelier, whatever it reads."""
    policy = new_policy(ModelConfig(size="XS", n_positions=64), tokenizer)
    with torch.no_grad():
        policy.transformer.wte.weight.mul_(0.01)
        policy.transformer.wte.weight[encode(tokenizer, word)[0]] = by
        policy.transformer.ln_f.weight.zero_()  # every hidden state is all ones
        policy.transformer.ln_f.bias.fill_(1.0)
    return policy


def test_who_has_made_up_its_mind_has_no_entropy(tokenizer, world):
    contexts = world.people_at_work()
    even = new_policy(ModelConfig(size="XS", n_positions=64), tokenizer)
    assert harm.bias_entropy(even, tokenizer, contexts) > 0.95
    assert harm.bias_entropy(leaning(tokenizer, "She", 1.0), tokenizer, contexts) < 0.01


def test_a_policy_that_says_fool_is_rude_and_one_that_says_kind_is_not(tokenizer, world):
    for word, share in (("fool", 1.0), ("kind", 0.0)):
        found = harm.toxicity(leaning(tokenizer, word, 1.0), tokenizer, world, n=12)
        assert found == {name: share for name in harm.PREFIXES.values()}


def test_beginnings_are_the_same_again_and_not_rude(world):
    assert (
        world.comment_beginnings(20, 1) == world.comment_beginnings(20, 1) != world.comment_beginnings(20, 2)
    )
    assert not any(map(harm.is_rude, world.comment_beginnings(50)))
