"""What a reward model says of texts and rankings, and how well that agrees with people (§3.5, §4.1, E.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from math import isfinite
from typing import Any

import torch
from torch import Tensor
from transformers import GPT2ForSequenceClassification, PreTrainedTokenizerFast

from ..data.records import shown
from ..hardware import processes
from ..hardware.precision import autocast
from ..hardware.threads import in_threads
from ..models.heads import evaluating, reward, shift_scores
from ..models.losses import pair_accuracy, pair_count, ranking_loss
from .batches import ExchangeSet, as_pairs, seeded
from .rankings import NOTHING, RankingSet

RewardFunction = Callable[[list[str], list[str]], Sequence[float]]  # (prompts, responses) -> one score each

# -- scores --------------------------------------------------------------------------------------------------


def score_texts(
    reward_model: GPT2ForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    responses: Sequence[str],
    batch: int = 128,
) -> list[float]:
    """The reward of each response to its prompt, in order; each text is taken as finished, with its EOS."""
    pairs = list(zip(prompts, responses, strict=True))
    exchanges = ExchangeSet(tokenizer, pairs, reward_model.config.n_positions)

    def score(rows: list[int]) -> list[float]:
        part = exchanges.batch(rows)
        with autocast(reward_model.device):
            return reward(reward_model, part.ids, part.mask).tolist()

    return _by_length(reward_model, score, exchanges.lengths, batch)


def scores_of(function: RewardFunction, prompts: list[str], responses: list[str]) -> Tensor:
    """What a reward function says of each response, (B,); ValueError unless it is a finite number of each."""
    found, n = function(prompts, responses), len(responses)
    try:
        scores = list(found)
    except TypeError:  # None, or one number
        raise ValueError(f"the reward function gave {shown(found)}, but must give {n} numbers") from None
    if len(scores) != n:
        raise ValueError(f"the reward function gave {len(scores)} scores for {n} responses; each needs one")
    for place, score in enumerate(scores, 1):
        if not _is_score(score):
            fault = f"score {place} of {n} is {shown(score)}, but must be a finite number"
            raise ValueError(f"the reward function's {fault} (the response: {shown(responses[place - 1])})")
    return torch.tensor([float(score) for score in scores], dtype=torch.float32)


def _is_score(value: Any) -> bool:
    """A finite number, in whatever library's clothes."""
    try:
        return not isinstance(value, str) and isfinite(float(value))
    except (TypeError, ValueError, RuntimeError):
        return False


def score_rankings(
    reward_model, tokenizer: PreTrainedTokenizerFast, rankings: Sequence[Mapping]
) -> list[Tensor]:
    """The reward of each completion (K,) of each ranking, in order; ranks do not matter."""
    unranked = [{**row, "ranks": range(1, len(row["completions"]) + 1)} for row in rankings]
    return score_set(reward_model, RankingSet(tokenizer, unranked, reward_model.config.n_positions))


def score_set(model: GPT2ForSequenceClassification, data: RankingSet) -> list[Tensor]:
    """The reward of each completion (K,) of each ranking of the set, in order."""

    def score(rows: list[int]) -> list[Tensor]:
        scores, _, mask = data.scores(model, rows)
        return [s[m.bool()].cpu() for s, m in zip(scores, mask, strict=True)]

    return _by_length(model, score, data.lengths, batch=16)


def _by_length(
    model: GPT2ForSequenceClassification, score: Callable, lengths: Sequence[int], batch: int
) -> list:
    """score(indices) of all items, in order; inside, in batches of similar length, side by side."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    parts = [order[start : start + batch] for start in range(0, len(order), batch)]
    # no_grad counts in its own thread only, so it goes around each call
    with evaluating(model), processes.whole(model):
        scores = chain.from_iterable(in_threads(torch.no_grad()(score), parts, device=model.device))
        found = dict(zip(order, scores, strict=True))
    return [found[i] for i in range(len(lengths))]


# -- what they are worth -------------------------------------------------------------------------------------


def evaluate_reward(
    reward_model, tokenizer: PreTrainedTokenizerFast, rankings: Sequence[Mapping], *, draws=1000, seed=0
) -> dict[str, float]:
    """How often the model agrees with the labelers (§4.1, E.2), see `agreement_with`."""
    return agreement_with(score_rankings(reward_model, tokenizer, rankings), rankings, draws=draws, seed=seed)


def agreement_with(
    scores: Sequence[Tensor], rankings: Sequence[Mapping], *, draws: int = 0, seed: int = 0
) -> dict[str, float]:
    """How well scores (K,) of each ranking's completions agree with its ranks: loss, accuracy, pairs.

    With `draws` also accuracy_low and accuracy_high, a 95 % interval. It draws *prompts* with replacement,
    because pairs of one prompt are not independent.
    """
    losses, right, pairs = [], [], []
    for given, row in zip(scores, rankings, strict=True):
        ranks = torch.tensor([list(row["ranks"])])  # (1, K)
        if n := int(pair_count(ranks)):
            losses.append(float(ranking_loss(given[None], ranks)))
            pairs.append(n)
            right.append(float(pair_accuracy(given[None], ranks)) * n)
    if not pairs:
        raise ValueError(NOTHING.format(len(rankings)))
    found = {"loss": sum(losses) / len(losses), "accuracy": sum(right) / sum(pairs), "pairs": sum(pairs)}
    if draws:
        chosen = torch.randint(len(pairs), (draws, len(pairs)), generator=seeded(seed, "bootstrap"))
        drawn = torch.tensor(right)[chosen].sum(1) / torch.tensor(pairs)[chosen].sum(1)  # (draws,)
        found["accuracy_low"], found["accuracy_high"] = drawn.quantile(torch.tensor([0.025, 0.975])).tolist()
    return found


def center_on(
    reward_model: GPT2ForSequenceClassification, tokenizer: PreTrainedTokenizerFast, demonstrations: Sequence
) -> float:
    """Shift all scores so that the demonstrations score 0 on average (§3.5); returns the mean they had
    before.

    Eq. 1 sees differences only, so the zero point is free; RL needs one. The scale is left as it is, as in
    the paper.
    """
    prompts, responses = zip(*as_pairs(demonstrations), strict=True)
    scores = score_texts(reward_model, tokenizer, prompts, responses)
    mean = sum(scores) / len(scores)
    shift_scores(reward_model, -mean)
    return mean
