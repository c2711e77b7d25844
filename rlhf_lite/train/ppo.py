"""PPO and PPO-ptx: move the policy toward what the reward model likes, not too far (§3.5, App. C.4).

objective(phi) = E[ r(x, y) - beta log(pi(y|x) / pi_ref(y|x)) ] + gamma E_pretrain[ log pi(x) ]        (Eq. 2)

A prompt is answered once, scored once at its end, and the episode is over. `rollout` is steps 1 to 6;
`train_ppo` calls it, and `Learner` adds 7 and 8:

    1 sample   2 score   3 reference log-probs and values   4 reward per token   5 GAE   6 whiten
    7 update in minibatches (+ pretraining gradient, before one optimizer step)   8 average the weights (EMA)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from statistics import fmean
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..config import SCORING_ROWS, PPOConfig
from ..hardware import processes
from ..hardware.device import to_device
from ..hardware.environment import trim_memory
from ..hardware.precision import autocast
from ..models import losses
from ..models.ema import EMA
from ..models.heads import response_logprobs, response_values, reward
from ..models.sampling import sample
from ..models.tokens import Encoded, decode, encode_prompts
from .batches import endless, lm_loss, permutation, seeded
from .loop import Loop
from .optim import Adam, warmup_from_tenth
from .scoring import RewardFunction, scores_of

Metrics = Mapping[str, Tensor | float]
_LATER: Any = None  # `rollout` works these fields out, one after the other


@dataclass
class Rollout:
    """A batch of episodes: prompts padded left (B, P), responses right (B, T); `response_mask` counts EOS.

    It is on the CPU, wherever the models are: it is small, and a GPU that is asked how long something is
    keeps everyone waiting.
    """

    prompts: list[str]
    texts: list[str]
    prompt_ids: Tensor  # (B, P)
    prompt_mask: Tensor  # (B, P)
    responses: Tensor  # (B, T)
    response_mask: Tensor  # (B, T)
    finished: Tensor  # (B,) True where the response ended with EOS
    logprobs: Tensor  # (B, T) of the policy that sampled: PPO's "old" ones
    scores: Tensor = _LATER  # (B,) the reward model's
    ref_logprobs: Tensor = _LATER  # (B, T)
    values: Tensor = _LATER  # (B, T)
    rewards: Tensor = _LATER  # (B, T) -beta * log-ratio, and the score on the last token
    advantages: Tensor = _LATER  # (B, T)
    returns: Tensor = _LATER  # (B, T)

    def __len__(self) -> int:
        return len(self.responses)

    @property
    def lengths(self) -> Tensor:
        """Tokens of prompt and response, without padding: (B,)."""
        return self.prompt_mask.sum(dim=1) + self.response_mask.sum(dim=1)

    def rows(self, index: Tensor) -> Rollout:
        """Some episodes. Padding costs nothing, so it stays."""
        chosen: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):
                chosen[field.name] = [value[i] for i in index.tolist()]
            elif value is not None:
                chosen[field.name] = value[index]
        return Rollout(**chosen)


@torch.no_grad()  # not inference_mode: the update differentiates through what is made here
def rollout(
    policy: GPT2LMHeadModel,
    ref_policy: GPT2LMHeadModel,
    reward_model: GPT2ForSequenceClassification | RewardFunction,
    value_model: GPT2ForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    cfg: PPOConfig,
    generator: torch.Generator | None = None,
) -> Rollout:
    """Answer the prompts and work out everything the update needs: steps 1 to 6. Of several processes each
    answers its own prompts; then all have all."""
    # 1. Sample responses; keep the log-probability with which each token was drawn.
    batch = _sample(policy, tokenizer, prompts, cfg, generator)

    # 2. Score each exchange once, at its last token. The paper does not say what befalls one without EOS.
    batch.scores = _score(reward_model, batch, cfg)

    # 3. What the reference would have said, and what the value model expects before each token.
    batch.ref_logprobs = _in_chunks(
        batch, ref_policy, cfg, lambda part: policy_logprobs(ref_policy, part, cfg)
    )
    batch.values = _in_chunks(batch, value_model, cfg, lambda part: state_values(value_model, part))
    batch = _gather(batch, tokenizer.pad_token_id)  # what several processes found, on each of them

    # 4. Reward per token: the KL penalty on each, the score on the last.
    mask, scores = batch.response_mask, batch.scores - cfg.no_eos_penalty * ~batch.finished
    batch.rewards = losses.per_token_rewards(scores, batch.logprobs, batch.ref_logprobs, mask, cfg.kl_beta)

    # 5. Advantages and returns: tokens are the time steps, nothing is discounted.
    batch.advantages, batch.returns = losses.gae(batch.rewards, batch.values, mask, cfg.gamma, cfg.gae_lambda)

    # 6. Whiten the advantages (not the returns) once per batch.
    if cfg.whiten_advantages:
        batch.advantages = losses.whiten(batch.advantages, mask)
    return batch


def train_ppo(
    policy: GPT2LMHeadModel,
    ref_policy: GPT2LMHeadModel,
    reward_model: GPT2ForSequenceClassification | RewardFunction,
    value_model: GPT2ForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    cfg: PPOConfig | None = None,
    *,
    pretrain_rows: Tensor | None = None,
    gold: Callable[[list[int], list[str]], Sequence[float]] | None = None,
    on_iteration: Callable[[int, Rollout], dict | None] | None = None,
    loop: Loop | dict | None = None,
) -> dict[str, list[float]]:
    """Train `policy` (and `value_model`) in place; returns the history, one entry per iteration.

    Start with policy = ref_policy = the SFT model and value_model = a copy of the reward model (§3.5);
    `reward_model` may also be a function (prompts, texts) -> scores. cfg.ptx_gamma > 0 makes it PPO-ptx and
    needs pretrain_rows (N, n_positions). gold(prompt indices, texts) is logged as gold/mean and never trained
    on; on_iteration(iteration, rollout) may return more to log.
    """
    cfg = cfg or PPOConfig()
    models = (policy, ref_policy, reward_model, value_model)
    _check(models, prompts, pretrain_rows, cfg)
    learner = Learner(policy, value_model, cfg, pretrain_rows)
    about = {**cfg.to_dict(), "prompts": len(prompts)}
    loop = Loop.open("ppo", loop, about=about, live=("objective/score", "objective/kl", "gold/mean"))
    with loop.track(**learner.state):
        for iteration in loop.steps(cfg.iterations):
            start = time.perf_counter()
            cfg = learner.cfg = loop.current(cfg)
            _check(models, prompts, pretrain_rows, cfg)
            chosen = endless(len(prompts), iteration * cfg.batch_size, cfg.batch_size, cfg.seed, "prompts")
            generator = seeded(cfg.seed, "sampling", iteration)
            batch = rollout(*models, tokenizer, [prompts[i] for i in chosen], cfg, generator)  # 1 to 6
            loop.log(**_describe(batch))
            loop.log(**learner.learn(batch, iteration))  # 7 and 8
            trim_memory()
            loop.log(tokens_per_second=float(batch.response_mask.sum()) / (time.perf_counter() - start))
            if gold is not None:
                loop.log(**{"gold/mean": fmean(gold(chosen, batch.texts))})
            if on_iteration is not None:
                found = on_iteration(iteration, batch) if processes.is_main_process() else None
                loop.log(**(processes.broadcast(found) or {}))
    if cfg.use_ema:
        learner.ema.copy_to(policy)
    return loop.history


class Learner:
    """Steps 7 and 8: two models, two optimizers, inner_epochs x minibatches steps of each per batch."""

    def __init__(self, policy, value_model, cfg: PPOConfig, pretrain_rows: Tensor | None):
        self.policy, self.value_model, self.cfg, self.pretrain_rows = policy, value_model, cfg, pretrain_rows
        self.policy_optimizer, self.value_optimizer = Adam(policy, cfg.lr), Adam(value_model, cfg.value_lr)
        self.ema = EMA(policy, cfg.ema_decay)

    @property
    def state(self) -> dict:
        """What a checkpoint holds."""
        names = ("policy", "value_model", "ema", "policy_optimizer", "value_optimizer")
        return {name: getattr(self, name) for name in names}

    def learn(self, batch: Rollout, iteration: int) -> Metrics:
        """All updates of one batch; returns the mean of their metrics."""
        cfg = self.cfg
        updates: list[tuple[float, Metrics]] = []  # each with its share
        warm = warmup_from_tenth(iteration, cfg.warmup_iterations)
        if cfg.old_logprobs == "forward":
            batch.logprobs = _in_chunks(
                batch, self.policy, cfg, lambda part: policy_logprobs(self.policy, part, cfg)
            )
        for epoch in range(cfg.inner_epochs):
            for i, index in enumerate(_minibatches(batch, cfg, iteration, epoch)):
                part, step = batch.rows(index), (iteration * cfg.inner_epochs + epoch) * cfg.minibatches + i
                # 7. PPO's gradient, gamma times the pretraining gradient on top of it, then one step.
                metrics = {**self.policy_gradient(part), **self.ptx_gradient(step)}
                if not updates:
                    first_ratio = _checked_ratio(metrics)
                self.policy_optimizer.step(cfg.lr * warm, cfg.max_grad_norm)
                metrics |= self.value_gradient(part)
                self.value_optimizer.step(cfg.value_lr * warm, cfg.max_grad_norm)
                # 8. Average the weights.
                self.ema.update(self.policy)
                updates.append((1 / (cfg.inner_epochs * cfg.minibatches), metrics))
        return {**_weighted(updates), "policy/first_ratio": first_ratio, "lr": cfg.lr * warm}

    def policy_gradient(self, minibatch: Rollout) -> Metrics:
        """Add the gradient of PPO's clipped objective."""
        found = []
        for part, share in _parts(minibatch, self.cfg.accumulation):
            logprobs = policy_logprobs(self.policy, part, self.cfg)
            known = part.logprobs, part.advantages, part.response_mask
            old, advantages, mask = (to_device(x, logprobs.device) for x in known)
            loss, stats = losses.policy_loss(logprobs, old, advantages, mask, self.cfg.clip)
            self.policy_optimizer.scaled(share * loss).backward()
            stats = {f"policy/{name}": value for name, value in stats.items()}
            found.append((share, {"loss/policy": loss.detach(), **stats}))
        return _over_all(found)

    def value_gradient(self, minibatch: Rollout) -> Metrics:
        """Add the gradient of the value model's loss."""
        found, clip = [], self.cfg.value_clip
        for part, share in _parts(minibatch, self.cfg.accumulation):
            values = state_values(self.value_model, part)
            known = part.values, part.returns, part.response_mask
            old, returns, mask = (to_device(x, values.device) for x in known)
            loss, stats = losses.value_loss(values, old, returns, mask, clip)
            self.value_optimizer.scaled(share * loss).backward()
            found.append((share, {"loss/value": loss.detach(), "value/clipfrac": stats["clipfrac"]}))
        return _over_all(found)

    def ptx_gradient(self, step: int) -> Metrics:
        """Add gamma times the gradient of the mean next-token loss of `ptx_rows` pretraining rows (Eq. 2).

        Rows are equally long, so parts weigh by their number, and gamma means the same for any accumulation.
        """
        cfg, found = self.cfg, []
        if not cfg.ptx_gamma or self.pretrain_rows is None:
            return {}
        index = endless(len(self.pretrain_rows), step * cfg.ptx_rows, cfg.ptx_rows, cfg.seed, "ptx")
        parts = self.pretrain_rows[index].tensor_split(cfg.accumulation * processes.world_size())
        for rows in processes.local_rows(parts):
            loss, share = lm_loss(self.policy, rows), len(rows) / cfg.ptx_rows
            self.policy_optimizer.scaled(cfg.ptx_gamma * share * loss).backward()
            found.append((share, {"loss/ptx": loss.detach()}))
        return _over_all(found)


# -- the parts of a rollout ----------------------------------------------------------------------------------


def _sample(policy, tokenizer, prompts, cfg: PPOConfig, generator) -> Rollout:
    """Step 1, in as many parts as a minibatch is computed in: what a row draws depends on no other."""
    own = processes.local_rows(range(len(prompts)))
    encoded = encode_prompts(tokenizer, list(prompts), policy.config.n_positions - cfg.max_new_tokens)
    ids, mask = (x[own] for x in encoded)
    limits = (cfg.max_new_tokens, tokenizer.eos_token_id, tokenizer.pad_token_id, cfg.temperature)
    state = generator.get_state() if generator is not None else None
    drawn, rows = [], math.ceil(len(own) / cfg.accumulation)
    with processes.whole(policy), autocast(policy.device):
        for start in range(0, len(own), rows):
            part = slice(start, start + rows)
            if state is not None:
                generator.set_state(state)
            among = (len(prompts), own[part])  # of so many rows, these
            drawn.append(sample(policy, ids[part], mask[part], *limits, generator=generator, among=among))
    responses = _stack_rows([part.tokens for part in drawn], tokenizer.pad_token_id)
    return Rollout(
        prompts=[prompts[i] for i in own],
        texts=list(decode(tokenizer, responses)),
        prompt_ids=ids,
        prompt_mask=mask,
        responses=responses,
        response_mask=_stack_rows([part.mask for part in drawn]),
        finished=(responses == tokenizer.eos_token_id).any(dim=1),
        logprobs=_stack_rows([part.logprobs for part in drawn]),
    )


def _stack_rows(parts: Sequence[Tensor], fill: int = 0) -> Tensor:
    """Tensors (B_i, T_i) below one another, padded on the right to the widest: (B, T). Or (B_i,) to (B,)."""
    if parts[0].ndim == 2:
        T = max(part.shape[1] for part in parts)
        parts = [F.pad(part, (0, T - part.shape[1]), value=fill) for part in parts]
    return torch.cat(list(parts))


def _gather(batch: Rollout, pad_id: int) -> Rollout:
    """The episodes of all processes in the order of the prompts, each process's padded to the longest."""
    if processes.world_size() == 1:
        return batch
    own = {name: value for name, value in vars(batch).items() if value is not None}
    parts = processes.all_gather_objects(own)
    joined: dict[str, Any] = {}
    for name, value in own.items():
        columns = [part[name] for part in parts]
        if isinstance(value, Tensor):
            joined[name] = _stack_rows(columns, pad_id if name == "responses" else 0)
        else:
            joined[name] = list(chain.from_iterable(columns))
    places = torch.arange(len(joined["texts"]))  # process k answers the prompts k, k + world_size, ...
    order = torch.cat([places[k :: len(parts)] for k in range(len(parts))])
    return Rollout(**joined).rows(order.argsort())


def _score(reward_model, batch: Rollout, cfg: PPOConfig) -> Tensor:
    """Scores (B,): of a reward model, read on the very tokens that were sampled, or of a function."""
    if not isinstance(reward_model, nn.Module):
        return scores_of(reward_model, batch.prompts, batch.texts)

    def score(part: Rollout) -> Tensor:
        ids = torch.cat([part.prompt_ids, part.responses], dim=1)
        mask = torch.cat([part.prompt_mask, part.response_mask], dim=1)
        return reward(reward_model, ids, mask)  # type: ignore[arg-type]  # a module here, no function

    return _in_chunks(batch, reward_model, cfg, score)


def policy_logprobs(policy: GPT2LMHeadModel, part: Rollout, cfg: PPOConfig) -> Tensor:
    """log pi of the sampled tokens, (B, T)."""
    with autocast(policy.device):
        prompts = Encoded(part.prompt_ids, part.prompt_mask)
        return response_logprobs(policy, prompts, part.responses, part.response_mask, cfg.temperature)


def state_values(value_model: GPT2ForSequenceClassification, part: Rollout) -> Tensor:
    """V of the state *before* each response token, (B, T)."""
    with autocast(value_model.device):
        prompts = Encoded(part.prompt_ids, part.prompt_mask)
        return response_values(value_model, prompts, part.responses, part.response_mask)


@torch.no_grad()
def _in_chunks(batch: Rollout, model, cfg: PPOConfig, function: Callable[[Rollout], Tensor]) -> Tensor:
    """function(part) of the model over parts of similar length; results (B,) or (B, T) in order."""
    order = batch.lengths.argsort()
    parts = order.split(max(1, SCORING_ROWS // cfg.accumulation))
    with processes.whole(model), autocast(model.device):  # weights are rounded once for all parts
        found = torch.cat([function(batch.rows(index)) for index in parts]).cpu()
    return torch.empty_like(found).index_copy_(0, order, found)


def _describe(batch: Rollout) -> dict[str, Tensor]:
    """What to watch. Entropy is estimated from the samples, -log pi per token, without the vocabulary."""
    mask = batch.response_mask
    kl = ((batch.logprobs - batch.ref_logprobs) * mask).sum(dim=1)  # (B,) nats per episode
    return {
        "objective/score": batch.scores.mean(),
        "objective/kl": kl.mean(),
        "objective/reward": batch.rewards.sum(dim=1).mean(),  # score - penalty - beta KL: what PPO maximises
        "objective/entropy": -losses.masked_mean(batch.logprobs, mask),
        "value/explained_variance": losses.explained_variance(batch.values, batch.returns, mask),
        "response_length": mask.sum(dim=1).float().mean(),
        "share_finished": batch.finished.float().mean(),
    }


# -- the parts of an update ----------------------------------------------------------------------------------


def _minibatches(batch: Rollout, cfg: PPOConfig, iteration: int, epoch: int) -> list[Tensor]:
    """Indices of equal minibatches in random order, each of episodes of similar length.

    Sorted, they hold a third less padding, which is time. Equal lengths are shuffled first and the order of
    the minibatches is random, so that no episode always comes first or always meets the same others.
    """
    rows = permutation(len(batch), cfg.seed, "rows", iteration, epoch)
    order = torch.tensor(rows)
    parts = order[batch.lengths[order].argsort(stable=True)].split(cfg.minibatch_size)
    return [parts[i] for i in permutation(cfg.minibatches, cfg.seed, "minibatches", iteration, epoch)]


def _parts(minibatch: Rollout, accumulation: int) -> Iterator[tuple[Rollout, float]]:
    """This process's parts of a minibatch, each with its share of tokens: so weighted, means add up."""
    count = accumulation * processes.world_size()
    everything = torch.arange(len(minibatch))
    for index in processes.local_rows(everything.tensor_split(count)):
        part = minibatch.rows(index) if count > 1 else minibatch
        yield part, float(part.response_mask.sum() / minibatch.response_mask.sum())


def _weighted(found: Sequence[tuple[float, Metrics]]) -> dict[str, Any]:
    """Sums of metrics, each times its share."""
    return {name: sum(share * metrics[name] for share, metrics in found) for name in found[0][1]}


def _over_all(found: Sequence[tuple[float, Metrics]]) -> Metrics:
    """Weighted sums over the parts of all processes."""
    sums = _weighted(found)
    if processes.world_size() == 1:
        return sums
    return dict(zip(sums, processes.all_reduce(*sums.values()), strict=True))


# -- checks --------------------------------------------------------------------------------------------------


def _checked_ratio(metrics: Metrics, tolerance: float = 0.005) -> float:
    """Before the first step the policy *is* the one that sampled: every ratio is 1, rounding aside.

    approxkl, half the mean squared log-ratio, sees what a mean ratio hides. Measured on our S model between
    the sampling pass (KV cache) and the training pass: 1e-13 in float32, up to 2e-7 in bfloat16 (one ratio in
    a minibatch off by 0.01), 0 with old_logprobs = "forward".
    """
    off = float(metrics["policy/approxkl"])
    if not off < tolerance:
        raise RuntimeError(
            f"In the first minibatch the ratios are not 1 (half their mean squared log is {off:.4f}): "
            "sampling and training see different models. Typical causes: dropout is on, another temperature, "
            "padding without positions."
        )
    return float(metrics["policy/ratio"])


def _check(models: tuple, prompts: Sequence[str], pretrain_rows: Tensor | None, cfg: PPOConfig) -> None:
    """Refuse what would train on nonsense."""
    policy, ref_policy, reward_model, value_model = models
    size = processes.world_size()
    if not len(prompts):
        raise ValueError("There are no prompts to answer.")
    if ref_policy is policy or value_model is reward_model:
        raise ValueError(
            "ref_policy and value_model must be copies (copy.deepcopy): PPO changes policy and value_model."
        )
    if isinstance(reward_model, nn.Module) and not getattr(reward_model.config, "trained_rankings", 0):
        raise ValueError(
            "This reward model has never seen a ranking (config.trained_rankings is missing), so its head is "
            "random and PPO would chase noise. Train it with train_reward or load the folder it is in; for "
            "a reward model trained elsewhere, set reward_model.config.trained_rankings = 1."
        )
    parts = cfg.accumulation * size
    for name in ("minibatch_size", "ptx_rows") if cfg.ptx_gamma else ("minibatch_size",):
        if (rows := getattr(cfg, name)) < parts:
            raise ValueError(
                f"{name} = {rows} cannot be cut into {parts} parts (accumulation = {cfg.accumulation} on "
                f"{size} processes); take more rows or fewer parts"
            )
    if cfg.ptx_gamma and pretrain_rows is None:
        raise ValueError(
            f"ptx_gamma = {cfg.ptx_gamma} needs pretrain_rows, packed rows of tokens (see pack_rows)."
        )
    for model in models:
        if isinstance(model, nn.Module):
            model.eval()  # no dropout in RL
