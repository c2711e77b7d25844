"""The alignment tax: what a policy can still do of what the base model could (§4.2, Fig. 29, App. D)."""

import torch
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..hardware.precision import autocast
from ..models.heads import response_logprobs
from ..models.sampling import FEW, sample_texts
from ..models.tokens import Encoded, encode_all, pad_rows
from ..train.pretrain import stream_loss, unseen_pages
from ..world import SKILL_ITEMS, SkillItem, World


def few_shot_accuracy(
    policy: GPT2LMHeadModel,
    world: World,
    tokenizer: PreTrainedTokenizerFast,
    skill: str,
    n: int = 200,
    seed: int = 0,
) -> float:
    """Share of few-shot items answered right: greedy and exact up to the end of the line, or by the likeliest choice."""
    items = world.skill_items(skill, n, seed)
    given = (_likeliest if items[0].choices else _continue)(policy, tokenizer, items)
    return sum(text == item.answer for text, item in zip(given, items, strict=True)) / n


def skills_of(
    policy: GPT2LMHeadModel,
    world: World,
    tokenizer: PreTrainedTokenizerFast,
    n: int = 200,
    endings: int | None = None,
) -> dict[str, float]:
    """Accuracy in every skill on n items each; where one of several endings is chosen, on as many as have `endings`."""
    choices = {skill: len(world.skill_items(skill, 1)[0].choices) for skill in SKILL_ITEMS}
    counts = {skill: endings // k if endings and k else n for skill, k in choices.items()}
    return {
        skill: few_shot_accuracy(policy, world, tokenizer, skill, count) for skill, count in counts.items()
    }


@torch.no_grad()
def _continue(
    policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, items: list[SkillItem]
) -> list[str]:
    """The rest of the line after each prompt. No newline is added: the prompt is the beginning of a document."""
    longest = max(len(ids) for ids in encode_all(tokenizer, [item.answer for item in items])) + 1
    prompts = [item.prompt for item in items]
    texts = sample_texts(policy, tokenizer, prompts, longest, greedy=True, batch_size=FEW, end="")
    return [text.split("\n")[0].strip() for text in texts]


@torch.no_grad()
def _likeliest(
    policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, items: list[SkillItem]
) -> list[str]:
    """The choice with the highest mean log-probability per token (App. D; the paper says "lowest", surely a slip)."""
    pairs = [(item.prompt, choice) for item in items for choice in item.choices]
    starts, ends = (encode_all(tokenizer, list(texts)) for texts in zip(*pairs, strict=True))
    means: list[float] = []
    for i in range(0, len(pairs), FEW):
        prompts = _padded(starts[i : i + FEW], tokenizer.pad_token_id, left=True)
        tokens, mask = _padded(ends[i : i + FEW], tokenizer.pad_token_id)
        with autocast(policy.device):
            picked = response_logprobs(policy, prompts, tokens, mask)  # (B, T)
        means += (picked.sum(dim=1) / mask.sum(dim=1)).tolist()
    scores = iter(means)
    return [max((next(scores), choice) for choice in item.choices)[1] for item in items]


def _padded(rows: list[list[int]], pad: int, left: bool = False) -> Encoded:
    ids = pad_rows(rows, pad, left)
    return Encoded(ids, pad_rows([[1] * len(row) for row in rows], 0, left))


def web_loss(
    policy: GPT2LMHeadModel, world: World, tokenizer: PreTrainedTokenizerFast, n_documents: int = 800
) -> float:
    """Next-token loss on web documents nobody was trained on: the finest measure of what was forgotten."""
    return stream_loss(policy, unseen_pages(world, tokenizer, n_documents))
