"""Talking to several models side by side: what all answer to a prompt, and what one line of a chat in a shell does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from .models.sampling import sample_texts
from .models.tokens import PromptError, check_prompt
from .terminal import note, say, table
from .train.reward import score_texts

if TYPE_CHECKING:
    from .chain import Chain

MODELS = {"base": "base", "SFT": "sft", "PPO": "ppo", "PPO-ptx": "ppo_ptx"}  # name: stage
HELP = "Type a prompt. Commands: again, temperature X, greedy, help, quit."
MAX_NEW_TOKENS = 40


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


def answers(
    policies: Mapping[str, GPT2LMHeadModel],
    reward_model: GPT2ForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    prompt: str,
    how: Settings,
) -> list[Answer]:
    """Each model's answer to a prompt that `check_prompt` has passed."""
    texts = []
    for policy in policies.values():
        generator = torch.Generator().manual_seed(how.seed)
        texts += sample_texts(
            policy, tokenizer, [prompt], MAX_NEW_TOKENS, how.temperature, how.greedy, generator
        )
    rewards = score_texts(reward_model, tokenizer, [prompt] * len(texts), texts)
    return [Answer(*found) for found in zip(policies, rewards, texts, strict=True)]


def longest_prompt(policy: GPT2LMHeadModel) -> int:
    """Tokens that leave room for an answer."""
    return policy.config.n_positions - MAX_NEW_TOKENS - 1


class Panel:
    """The four models and the reward model, loaded once."""

    def __init__(self, chain: Chain, settings: Settings):
        self.settings, self.last = settings, ""
        self.tokenizer, self.reward_model = chain.tokenizer, chain.reward_model
        self.policies = {name: chain.policy(stage) for name, stage in MODELS.items()}
        self.limit = longest_prompt(self.policies["base"])

    def ask(self, prompt: str, where: str = "") -> bool:
        """Print everyone's answer, or say why there is none (False). `where` begins what is said."""
        try:
            remarks = check_prompt(self.tokenizer, prompt, self.limit).notes
        except PromptError as error:
            note(f"{where}{error}")
            return False
        for remark in remarks:
            note(f"{where}{remark}")
        found = answers(self.policies, self.reward_model, self.tokenizer, prompt, self.settings)
        table(
            ("model", "score", "answer"),
            [(name, f"{score:+.2f}", text) for name, score, text in found],
            prompt,
        )
        self.last = prompt
        return True

    def turn(self, line: str, where: str = "") -> bool:
        """Follow one line, a command or a prompt; False if it could not be followed."""
        match line.split():
            case ["help"]:
                say(HELP)
            case ["greedy"]:
                self.settings.greedy = True
                say("Always the likeliest token from now on; `temperature X` samples again.")
            case ["temperature", number]:
                return self._set_temperature(number, where)
            case ["again"]:
                self.settings.seed += 1
                return self.ask(self.last, where)
            case _:
                return self.ask(line, where)
        return True

    def _set_temperature(self, number: str, where: str) -> bool:
        try:
            self.settings.temperature, self.settings.greedy = read_temperature(number), False
        except ValueError as error:
            note(f"{where}{error}")
            return False
        say(f"Temperature {self.settings.temperature:g} from now on.")
        return True


def typed() -> Iterator[str]:
    """What a person types, up to the end of input (Ctrl-D)."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (arrow keys and history)
    with contextlib.suppress(EOFError):
        while True:
            yield input("\nprompt> ")
