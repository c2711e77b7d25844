"""The reward model: learn from rankings which answer people prefer (§3.5, App. C.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, combinations
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..config import RewardConfig
from ..hardware import processes
from ..hardware.environment import trim_memory
from ..hardware.precision import autocast
from ..hardware.threads import in_threads
from ..models.checkpoints import new_scalar_model
from ..models.heads import evaluating, group_rewards, question_ids, reward, shift_scores
from ..models.losses import pair_accuracy, pair_count, ranking_loss
from ..models.tokens import IGNORED, encode, exchange_rows
from .batches import ExchangeSet, as_pairs, local_parts, pad_right, seeded, sorted_batches
from .loop import Loop
from .optim import Adam, cosine, dropout_seed, training_mode

NOTHING = (
    "None of the {} rankings prefers an answer to another: nothing to learn from, nothing to compare with."
)


def new_reward_model(
    policy: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, cfg: RewardConfig
) -> GPT2ForSequenceClassification:
    """A copy of the policy that scores, ready for training (§3.5). Its head is random, or says what the
    policy knows.

    With `cfg.answers` the first score is how much likelier the policy finds the first answer to
    `cfg.question` than the others: the head begins as the difference of the output embeddings of their first
    words, as long as a random one.
    """
    model = new_scalar_model(policy, seed=cfg.seed)
    if cfg.answers:
        words = first_words(tokenizer, cfg.question, [answer.strip() for answer in cfg.answers.split("/")])
        with torch.no_grad():
            best, *others = policy.get_output_embeddings().weight[words]  # (D,) each
            model.score.weight[0] = nn.functional.normalize(best - torch.stack(others).mean(dim=0), dim=0)
    return model


def first_words(tokenizer: PreTrainedTokenizerFast, question: str, answers: Sequence[str]) -> list[int]:
    """The id with which each answer begins when it follows the question."""
    start = len(encode(tokenizer, question))
    words = [encode(tokenizer, f"{question} {answer}")[start] for answer in answers]
    if not start or len(words) < 2 or len(set(words)) < len(words):
        raise ValueError(
            f"answers = {' / '.join(answers)!r} to question = {question!r}: give a question and two or more "
            "answers to it that begin with different words"
        )
    return words


def train_reward(
    reward_model: GPT2ForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    rankings: Sequence[Mapping],
    cfg: RewardConfig | None = None,
    *,
    valid: Sequence[Mapping] | None = None,
    accumulation: int = 1,
    loop: Loop | dict | None = None,
) -> dict[str, list[float]]:
    """Train in place on rankings, rows with prompt, completions (K) and ranks (K; 1 = best, ties equal).

    One prompt with all its C(K, 2) pairs is *one* batch element: K forward passes, not K(K-1), and an answer
    gets one gradient per epoch, not K-1 (§3.5). `valid` rankings are scored after each epoch. Returns the
    history. accumulation: parts in which a batch is computed; a matter of memory, which does not change its
    gradient.
    """
    cfg = cfg or RewardConfig()
    reward_model.config.question_ids = encode(
        tokenizer, cfg.question
    )  # saved with the model: what it reads last
    data = RankingSet(tokenizer, rankings, reward_model)
    held_out = RankingSet(tokenizer, valid, reward_model) if valid is not None else None
    trim_memory()  # what encoding left behind

    @lru_cache(1)
    def batches(epoch: int) -> list[list[int]]:
        return sorted_batches(data.lengths, cfg.prompts_per_step, cfg.seed, "reward", epoch)

    per_epoch = len(batches(0))
    total = cfg.epochs * per_epoch
    optimizer = Adam(reward_model, cfg.lr)
    about = {**cfg.to_dict(), "rankings": len(data)}
    loop = Loop.open("reward", loop, about=about, live=("loss", "accuracy"))
    loop.track(reward_model=reward_model, optimizer=optimizer)
    with loop, training_mode(reward_model, cfg.dropout):
        for step in loop.steps(total):
            epoch, at = divmod(step, per_epoch)
            with dropout_seed(cfg.dropout, cfg.seed, "dropout", step):
                loop.log(
                    **backward_on_rankings(reward_model, optimizer, data, batches(epoch)[at], accumulation)
                )
            shape = cosine(step, total, cfg.final_lr_fraction, warmup=cfg.warmup_share * total)
            lr = loop.current(cfg).lr * shape
            loop.log(lr=lr, grad_norm=optimizer.step(lr, cfg.max_grad_norm))
            if held_out is not None and at + 1 == per_epoch:
                found = agreement_with(_scores(reward_model, held_out), held_out.kept)
                loop.log(epoch=epoch + 1, **{f"{name}/valid": found[name] for name in ("loss", "accuracy")})
    if loop.step:  # saved with the model; PPO refuses a model without it
        reward_model.config.trained_rankings = len(data)
    return loop.history


def backward_on_rankings(
    model: GPT2ForSequenceClassification,
    optimizer: Adam,
    data: RankingSet,
    rows: Sequence[int],
    accumulation: int,
) -> dict[str, float]:
    """Add the gradient of a batch's mean loss, of this process's prompts; what is returned is of all."""
    sums = torch.zeros(3, dtype=torch.float64, device=model.device)  # loss, pairs in the right order, pairs
    for part, counts in local_parts(rows, accumulation):
        scores, ranks, mask = data.scores(model, part)
        weighted = counts * len(part) / len(rows) * ranking_loss(scores, ranks, mask)
        pairs = counts * pair_count(ranks, mask).sum()
        optimizer.scaled(weighted).backward()
        right = pairs * pair_accuracy(scores.detach(), ranks, mask)
        sums += torch.stack([weighted.detach().double(), right, pairs.double()])
    loss, in_order, compared = processes.all_reduce(*sums)
    return {"loss": loss, "accuracy": in_order / compared}


def train_reward_shuffled(
    reward_model, tokenizer, rankings, cfg=None, *, pairs_per_step=None, valid=None, loop=None
):
    """The alternative that failed in the paper (§3.5): every pair its own element, all pairs shuffled.

    The same loss and the same number of pairs per step, but each answer is read K-1 times and gets K-1
    updates per epoch: several times slower, and it overfits within one epoch.
    """
    cfg, pairs = cfg or RewardConfig(), split_pairs(rankings)
    pairs_per_step = pairs_per_step or max(1, round(cfg.prompts_per_step * len(pairs) / len(rankings)))
    return train_reward(
        reward_model, tokenizer, pairs, cfg.replace(prompts_per_step=pairs_per_step), valid=valid, loop=loop
    )


def split_pairs(rankings: Sequence[Mapping]) -> list[dict]:
    """Each untied pair of each ranking as a ranking of K = 2."""
    pairs = []
    for row in rankings:
        answers = zip(row["ranks"], row["completions"], strict=True)
        for (rank_a, a), (rank_b, b) in combinations(answers, 2):
            if rank_a != rank_b:
                pairs.append({"prompt": row["prompt"], "completions": [a, b], "ranks": [rank_a, rank_b]})
    return pairs


class RankingSet:
    """Rankings, encoded once; those that prefer nothing are left out (ties are dropped, App. C.2).

    Each becomes one row: the prompt, then its answers. Equal answers to one prompt are in it, and scored,
    only once. After each answer stands its EOS, or the question of the model they are for.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        rankings: Sequence[Mapping],
        model: GPT2ForSequenceClassification,
    ):
        for i, row in enumerate(rankings):
            _check_ranking(i, row)
        self.pad_id = tokenizer.pad_token_id
        self.kept = [row for row in rankings if len(set(row["ranks"])) > 1]
        if not self.kept:
            raise ValueError(NOTHING.format(len(rankings)))
        distinct = [list(dict.fromkeys(row["completions"])) for row in self.kept]
        prompts, answers = [], []
        for row, texts in zip(self.kept, distinct, strict=True):
            prompts += [row["prompt"]] * len(texts)
            answers += texts
        question = question_ids(model)
        exchanges, labels = exchange_rows(
            tokenizer, prompts, answers, model.config.n_positions - len(question)
        )
        if question:  # in place of EOS
            ends = [len(ids) - (ids[-1] == tokenizer.eos_token_id) for ids in exchanges]
            exchanges = [ids[:end] + question for ids, end in zip(exchanges, ends, strict=True)]
        self.rows, start = [], 0
        for row, texts in zip(self.kept, distinct, strict=True):
            stop = start + len(texts)
            prompt_tokens = labels[start].count(IGNORED)
            order = [texts.index(text) for text in row["completions"]]
            self.rows.append(_RankingRow.joined(exchanges[start:stop], prompt_tokens, order))
            start = stop
        self.lengths = [len(row.ids) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def scores(
        self, model: GPT2ForSequenceClassification, rows: Sequence[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Score all answers of these rankings in one forward pass: scores, ranks and mask, (B, K) each; mask
        is 0 where a prompt has fewer than K answers."""
        chosen = [self.rows[i] for i in rows]
        ranks = [torch.tensor(list(self.kept[i]["ranks"])) for i in rows]
        ids = pad_right([row.ids for row in chosen], self.pad_id)  # (B, T)
        position_ids = pad_right([row.position_ids for row in chosen], 0)  # (B, T)
        parts = pad_right([row.parts for row in chosen], -1)  # (B, T)
        last = pad_right([row.last for row in chosen], 0)  # (B, K)
        inputs = [x.to(model.device) for x in (ids, position_ids, parts, last)]
        with autocast(model.device):
            scores = group_rewards(model, *inputs)  # (B, K)
        mask = pad_right([torch.ones_like(x) for x in ranks], 0)  # (B, K)
        return scores, pad_right(ranks, 0).to(model.device), mask.to(model.device)


class _RankingRow(NamedTuple):
    """One ranking as `group_rewards` reads it: ids, position_ids, parts (T,) and last (K,)."""

    ids: Tensor
    position_ids: Tensor
    parts: Tensor
    last: Tensor

    @classmethod
    def joined(cls, exchanges: list[list[int]], prompt_tokens: int, order: list[int]) -> _RankingRow:
        """Exchanges of one prompt in one row; `order` says which of them each of the K answers is."""
        ids, position_ids = exchanges[0][:prompt_tokens], list(range(prompt_tokens))
        parts, ends = [0] * prompt_tokens, []
        for k, exchange in enumerate(exchanges, 1):
            ids += exchange[prompt_tokens:]
            position_ids += range(prompt_tokens, len(exchange))
            parts += [k] * (len(exchange) - prompt_tokens)
            ends.append(len(ids) - 1)
        return cls(*map(torch.tensor, (ids, position_ids, parts, [ends[i] for i in order])))


# -- scores and what they are worth --------------------------------------------------------------------------


def evaluate_reward(
    reward_model, tokenizer: PreTrainedTokenizerFast, rankings: Sequence[Mapping], *, draws=1000, seed=0
) -> dict[str, float]:
    """How often the model agrees with the labelers (§4.1, E.2), see `agreement_with`."""
    return agreement_with(score_rankings(reward_model, tokenizer, rankings), rankings, draws=draws, seed=seed)


def score_rankings(
    reward_model, tokenizer: PreTrainedTokenizerFast, rankings: Sequence[Mapping]
) -> list[Tensor]:
    """The reward of each completion (K,) of each ranking, in order; ranks do not matter."""
    unranked = [{**row, "ranks": range(1, len(row["completions"]) + 1)} for row in rankings]
    return _scores(reward_model, RankingSet(tokenizer, unranked, reward_model))


def _scores(model: GPT2ForSequenceClassification, data: RankingSet) -> list[Tensor]:
    def score(rows: list[int]) -> list[Tensor]:
        scores, _, mask = data.scores(model, rows)
        return [s[m.bool()].cpu() for s, m in zip(scores, mask, strict=True)]

    return _by_length(model, score, data.lengths, batch=16)


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
        part = exchanges.batch(rows, reward_model.device)
        with autocast(reward_model.device):
            return reward(reward_model, part.ids, part.mask).tolist()

    return _by_length(reward_model, score, exchanges.lengths, batch)


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


def _check_ranking(i: int, row: Mapping) -> None:
    ranks, texts = row["ranks"], row["completions"]
    if len(ranks) != len(texts) or len(texts) < 2:
        raise ValueError(
            f"Ranking {i} has {len(texts)} completions and {len(ranks)} ranks; "
            "it needs at least 2 completions, and one rank each."
        )
    if any(rank != int(rank) or rank < 1 for rank in ranks):
        raise ValueError(
            f"Ranking {i} has ranks {ranks}; a rank is a whole number, 1 for the best, equal for a tie."
        )
