"""The prompted baseline: the base model behind a few-shot prefix that shows how to answer (§3.5, footnote 6).

Two of the paper's authors wrote prefixes for an hour each, and the best by reward model score was kept. The
reward model of a miniature cannot choose one (it has never read such pages and likes the chatty prefix best).
Here it is the one with the highest gold score on validation prompts, most in the base model's favor.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..models.sampling import FEW, sample_texts
from ..world import Task
from .metadata import gold_scores


@dataclass(frozen=True)
class Prefix:
    """How an instruction is wrapped, and where the answer ends."""

    name: str
    template: str  # with {prompt}
    stop: str = "\nQuestion:"  # a regular expression

    def wrap(self, prompt: str) -> str:
        return self.template.replace("{prompt}", prompt)

    def cut(self, continuation: str) -> str:
        return re.split(self.stop, continuation)[0].strip()


ASK = "Question: {prompt}\nAnswer:"
CAT = "Question: Say the word cat two times.\nAnswer: cat cat\n"
HAT = "Question: Make this polite: Give me a hat, you fool.\nAnswer: Please give me a hat.\n"
# Lists go on in the next line with a number; any other line is the next exercise.
EXERCISES = "Exercises of Monday.\nSay the word cat two times. Answer: Cat, cat.\n{prompt} Answer:"
HELPER = "The helper is kind.\nHuman: Say the word cat two times.\nHelper: cat cat\nHuman: {prompt}\nHelper:"
PREFIXES = (
    Prefix("questions", f"Question: List two animals.\nAnswer: 1. cow\n2. hen\n{ASK}"),
    Prefix("question", ASK),
    Prefix("two questions", f"{CAT}{HAT}{ASK}"),
    Prefix("helper", HELPER, stop="\nHuman:"),
    Prefix("exercises", EXERCISES, stop=r"\n(?!\d+\. )"),
)


def prompted_texts(
    base: GPT2LMHeadModel,
    tokenizer: PreTrainedTokenizerFast,
    prefix: Prefix,
    prompts: Sequence[str],
    max_new_tokens: int = 48,
    greedy: bool = False,
    seed: int = 0,
) -> list[str]:
    """Answers of the base model behind the prefix, cut where the next question begins."""
    generator = torch.Generator().manual_seed(seed)
    wrapped = [prefix.wrap(prompt) for prompt in prompts]
    texts = sample_texts(
        base, tokenizer, wrapped, max_new_tokens, greedy=greedy, generator=generator, batch_size=FEW, end=""
    )
    return [prefix.cut(text) for text in texts]


def best_prefix(
    answer: Callable[[Prefix], list[str]], tasks: Sequence[Task]
) -> tuple[Prefix, dict[str, float]]:
    """The prefix whose answers to these tasks have the highest mean gold score, and the mean of each."""
    means = {prefix: sum(gold_scores(tasks, answer(prefix))) / len(tasks) for prefix in PREFIXES}
    return max(means, key=means.__getitem__), {prefix.name: mean for prefix, mean in means.items()}
