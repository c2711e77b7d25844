"""The alignment tax: what a policy can still do of what the base model could (§4.2, Fig. 29, App. D)."""

import torch
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..hardware.precision import autocast
from ..models.heads import response_logprobs
from ..models.sampling import FEW, sample_texts
from ..models.tokens import Encoded, encode_all, pad_rows
from ..train.pretrain import stream_loss, token_stream
from ..world import SKILL_ITEMS, SkillItem, World


def few_shot_accuracy(
    policy: GPT2LMHeadModel,
    world: World,
    tokenizer: PreTrainedTokenizerFast,
    skill: str,
    n: int = 200,
    seed: int = 0,
) -> float:
    """Share of n few-shot items answered right, by the likeliest choice or the greedy rest of the line."""
    items = world.skill_items(skill, n, seed)
    answer = likeliest_choices if items[0].choices else continued_lines
    answers = answer(policy, tokenizer, items)
    return sum(text == item.answer for text, item in zip(answers, items, strict=True)) / n


def skills_of(
    policy: GPT2LMHeadModel,
    world: World,
    tokenizer: PreTrainedTokenizerFast,
    n: int = 200,
    endings: int | None = None,
) -> dict[str, float]:
    """Accuracy in every skill on n items each; where an ending is chosen, on as many as have `endings`."""
    accuracy = {}
    for skill in SKILL_ITEMS:
        choices = len(world.skill_items(skill, 1)[0].choices)
        count = endings // choices if endings and choices else n
        accuracy[skill] = few_shot_accuracy(policy, world, tokenizer, skill, count)
    return accuracy


def continued_lines(
    policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, items: list[SkillItem]
) -> list[str]:
    """The greedy rest of the line after each prompt, which is the beginning of a page: no newline follows."""
    prompts, answers = [item.prompt for item in items], [item.answer for item in items]
    longest = 1 + max(map(len, encode_all(tokenizer, answers)))
    texts = sample_texts(policy, tokenizer, prompts, longest, greedy=True, batch_size=FEW, end="")
    return [text.split("\n")[0].strip() for text in texts]


@torch.no_grad()
def likeliest_choices(
    policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, items: list[SkillItem]
) -> list[str]:
    """The choice with the highest mean log-probability per token (App. D says "lowest", surely a slip)."""
    prompts = encode_all(tokenizer, [item.prompt for item in items for _ in item.choices])
    choices = encode_all(tokenizer, [choice for item in items for choice in item.choices])
    means: list[float] = []
    for i in range(0, len(prompts), FEW):
        before = _padded(prompts[i : i + FEW], tokenizer.pad_token_id, left=True)
        tokens, mask = _padded(choices[i : i + FEW], tokenizer.pad_token_id)  # (B, T) each
        with autocast(policy.device):
            logprobs = response_logprobs(policy, before, tokens, mask).cpu()  # (B, T)
        means += (logprobs.sum(dim=1) / mask.sum(dim=1)).tolist()
    remaining = iter(means)
    return [max((next(remaining), choice) for choice in item.choices)[1] for item in items]


def _padded(rows: list[list[int]], pad: int, left: bool = False) -> Encoded:
    return Encoded(pad_rows(rows, pad, left), pad_rows([[1] * len(row) for row in rows], 0, left))


def web_loss(
    policy: GPT2LMHeadModel, world: World, tokenizer: PreTrainedTokenizerFast, n_documents: int = 800
) -> float:
    """Next-token loss on web pages nobody was trained on: the finest measure of what was forgotten."""
    return stream_loss(policy, token_stream(world.documents(n_documents, seed=999), tokenizer))
