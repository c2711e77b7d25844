"""The alignment tax: what a policy can still do of what the base model could (§4.2, Fig. 29, App. D)."""

from collections.abc import Iterable

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from ..models.policy import policy_logits
from ..models.sampling import sample
from ..models.tokens import encode_all
from ..train.pretrain import stream_loss
from ..world import SkillItem, World, skill_items
from ..world.skills import SKILL_ITEMS


def few_shot_accuracy(policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, skill: str, n: int = 200,
                      seed: int = 0) -> float:  # fmt: skip
    """Share of few-shot items answered right: greedy and exact up to the end of the line, or by the likeliest choice."""
    items = skill_items(skill, n, seed)
    if items[0].choices:
        return sum(_likeliest(policy, tokenizer, item) == item.answer for item in items) / n
    return sum(given == item.answer for given, item in zip(_continue(policy, tokenizer, items), items, strict=True)) / n


def skills_of(policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, n: int = 200) -> dict[str, float]:
    return {skill: few_shot_accuracy(policy, tokenizer, skill, n) for skill in SKILL_ITEMS}


@torch.no_grad()
def _continue(policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, items: Iterable[SkillItem]) -> list[str]:
    """The rest of the line after each prompt. No newline is added: the prompt is the beginning of a document."""
    rows = encode_all(tokenizer, [item.prompt for item in items])
    ids, mask = _left_padded(rows, tokenizer.pad_token_id)
    longest = max(len(ids) for ids in encode_all(tokenizer, [item.answer for item in items])) + 1
    samples = sample(policy, ids, mask, longest, tokenizer.eos_token_id, tokenizer.pad_token_id, greedy=True)
    return [tokenizer.decode(t, skip_special_tokens=True).split("\n")[0].strip() for t in samples.tokens]


@torch.no_grad()
def _likeliest(policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, item: SkillItem) -> str:
    """The choice with the highest mean log-probability per token (App. D; the paper says "lowest", surely a slip)."""
    start = encode_all(tokenizer, [item.prompt])[0]
    ends = encode_all(tokenizer, list(item.choices))
    ids, mask = _left_padded([start + end for end in ends], tokenizer.pad_token_id)
    logp = policy_logits(policy, ids, mask).float().log_softmax(-1)[:, :-1]  # (choices, T - 1, V)
    picked = logp.gather(-1, ids[:, 1:, None])[..., 0]  # (choices, T - 1)
    means = [float(picked[i, -len(end) :].mean()) for i, end in enumerate(ends)]
    return item.choices[means.index(max(means))]


def _left_padded(rows: list[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows])  # (B, T)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def web_stream(world: World, tokenizer: PreTrainedTokenizerFast, n_documents: int, seed: int) -> Tensor:
    """Web documents as one token stream, each ended by EOS: (N,), int16 to keep it small."""
    ids: list[int] = []
    batch: list[str] = []
    for document in world.documents(n_documents, seed):
        batch.append(document)
        if len(batch) == 5_000:
            ids += _joined(tokenizer, batch)
            batch = []
    return torch.tensor(ids + _joined(tokenizer, batch), dtype=torch.int16)


def _joined(tokenizer: PreTrainedTokenizerFast, documents: list[str]) -> list[int]:
    return [i for ids in encode_all(tokenizer, documents) for i in (*ids, tokenizer.eos_token_id)]


def web_loss(policy: GPT2LMHeadModel, world: World, tokenizer: PreTrainedTokenizerFast, n_documents: int = 1500) -> float:
    """Next-token loss on web documents nobody was trained on: the finest measure of what was forgotten."""
    return stream_loss(policy, web_stream(world, tokenizer, n_documents, seed=999))


