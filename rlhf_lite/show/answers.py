"""What several models answer to one prompt, and what the reward model thinks: for chat and PromptBench."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..models.sampling import sample_texts
from ..train.scoring import score_texts

MAX_NEW_TOKENS = 48


@dataclass
class Settings:
    """How answers are drawn."""

    temperature: float = 1.0
    greedy: bool = False
    seed: int = 0

    def __post_init__(self):
        self.temperature = read_temperature(self.temperature)


def read_temperature(text: str | float) -> float:
    """A temperature that can be sampled at, or a ValueError for the person who typed it."""
    with contextlib.suppress(ValueError):
        if 0.01 <= float(text) <= 100:
            return float(text)
    raise ValueError(
        f"temperature {text} cannot be used; give a number from 0.01 to 100 (1 as in training), or greedy"
    )


class Answer(NamedTuple):
    """What a model says, and what the reward model thinks of it."""

    name: str
    reward: float
    text: str


def ask(
    policies: Mapping[str, GPT2LMHeadModel],
    reward_model: GPT2ForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    prompt: str,
    settings: Settings,
) -> list[Answer]:
    """Each policy's answer to a prompt that `check_prompt` has passed."""
    texts = []
    for policy in policies.values():
        generator = torch.Generator().manual_seed(settings.seed)
        texts += sample_texts(
            policy, tokenizer, [prompt], MAX_NEW_TOKENS, settings.temperature, settings.greedy, generator
        )
    rewards = score_texts(reward_model, tokenizer, [prompt] * len(texts), texts)
    return [Answer(*answer) for answer in zip(policies, rewards, texts, strict=True)]


def longest_prompt(policy: GPT2LMHeadModel) -> int:
    """Tokens that leave room for an answer."""
    return policy.config.n_positions - MAX_NEW_TOKENS - 1
