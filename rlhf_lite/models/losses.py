"""The mathematics of the paper: pure functions, tensors in and tensors out.

Means are over real tokens, logarithms are natural. Half-precision logits and scores are computed in float32,
float64 stays float64. Where the paper is silent, the docstring names the choice that was made.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

Stats = dict[str, Tensor]


def upcast(x: Tensor) -> Tensor:
    """float16 and bfloat16 -> float32; float64 stays: a sum over a vocabulary needs the digits."""
    return x if x.dtype == torch.float64 else x.float()


def keep_real(x: Tensor, mask: Tensor) -> Tensor:
    """x on real tokens, exactly 0 on padding, whatever (nan, inf) stood there."""
    return x.masked_fill(~mask.bool(), 0.0)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of x over mask == 1, a scalar; 0 if the mask is empty."""
    return keep_real(x, mask).sum() / mask.sum().clamp(min=1)


def last_index(mask: Tensor) -> Tensor:
    """Index of the last real token of each row, (B, T) -> (B,): right for padding on either side."""
    return (mask.long() * torch.arange(mask.shape[1], device=mask.device)).argmax(dim=1)


# --- Rankings: the reward model -----------------------------------------------------------------------------


def preferred(ranks: Tensor, mask: Tensor | None = None) -> Tensor:
    """Who beats whom: ranks (B, K), 1 is best -> bool (B, K, K), [b, i, j] says that i is preferred to j."""
    better = ranks[:, :, None] < ranks[:, None, :]  # (B, K, K), ties are False both ways
    return better if mask is None else better & mask.bool()[:, :, None] & mask.bool()[:, None, :]


def pair_count(ranks: Tensor, mask: Tensor | None = None) -> Tensor:
    """Comparisons that one ranking holds: at most C(K, 2), fewer with ties. (B, K) -> (B,)"""
    return preferred(ranks, mask).sum(dim=(1, 2))


def ranking_loss(scores: Tensor, ranks: Tensor, mask: Tensor | None = None) -> Tensor:
    """Eq. 1 (§3.5): -log sigmoid(r_w - r_l), averaged over a prompt's pairs, then over prompts.

    scores (B, K) of the reward model; ranks (B, K), 1 = best, equal = tie; mask (B, K) is 0 where a prompt
    has fewer than K answers. Ties are dropped (App. C.2). The paper leaves open what 1/C(K,2) becomes then:
    here it is one over the pairs that are left, so that every prompt weighs the same. Prompts without an
    untied pair do not count; if no prompt has one, the loss is 0.
    """
    scores = upcast(scores) if mask is None else keep_real(upcast(scores), mask)
    pairs = preferred(ranks, mask)
    margins = scores[:, :, None] - scores[:, None, :]  # (B, K, K)
    per_prompt = keep_real(-F.logsigmoid(margins), pairs).sum(dim=(1, 2)) / pairs.sum(dim=(1, 2)).clamp(min=1)
    return masked_mean(per_prompt, pairs.any(dim=(1, 2)))


def best_loss(scores: Tensor, ranks: Tensor, mask: Tensor | None = None) -> Tensor:
    """As if labelers had only said which answer is best: -log of the probability that a softmax over a
    prompt's scores gives to it, or to those that tie. Shapes as in `ranking_loss`; not the paper's."""
    scores, real = upcast(scores), torch.ones_like(ranks).bool() if mask is None else mask.bool()
    ranks = ranks.double().masked_fill(~real, torch.inf)
    best = ranks == ranks.amin(dim=1, keepdim=True)  # (B, K)
    of_best, of_all = (scores.masked_fill(~some, -torch.inf).logsumexp(dim=1) for some in (best, real))
    return masked_mean(of_all - of_best, (best != real).any(dim=1))


def pair_accuracy(scores: Tensor, ranks: Tensor, mask: Tensor | None = None) -> Tensor:
    """Share of all untied pairs that the scores put in the labeler's order, equal scores count half (§4.1).

    Pairs of all prompts are pooled, so batches combine with `pair_count` as weights; nan without a pair.
    """
    margins = (scores[:, :, None] - scores[:, None, :])[preferred(ranks, mask)]  # (pairs,)
    return ((margins > 0).double() + 0.5 * (margins == 0)).mean()


# --- Language modelling: SFT and the ptx term ---------------------------------------------------------------


def log_softmax(logits: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """log pi of every token: logits (..., V) -> (..., V). A temperature of 1 costs nothing."""
    logits = upcast(logits)
    return F.log_softmax(
        logits if isinstance(temperature, float) and temperature == 1.0 else logits / temperature, dim=-1
    )


def token_logprobs(logits: Tensor, tokens: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """log pi(y_t): logits (B, T, V), tokens (B, T) -> (B, T); logits[:, t] are those that predict token t.

    The temperature is the one that sampled the tokens. It belongs in every log-probability (new, old,
    reference), or the first ratio is not 1 and the first KL not 0.
    """
    return log_softmax(logits, temperature).gather(-1, tokens[..., None])[..., 0]


def masked_lm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over labels != -100: logits (B, T, V), labels (B, T) -> scalar.

    Nothing is shifted here: logits[:, t] are scored against labels[:, t], so for whole sequences pass
    `logits[:, :-1], labels[:, 1:]`. Whether SFT masks the prompt, the paper does not say; our labels do.
    """
    total = F.cross_entropy(upcast(logits).flatten(0, -2), labels.flatten(), reduction="sum")
    return total / (labels != -100).sum().clamp(min=1)


# --- Reinforcement learning ---------------------------------------------------------------------------------


def per_token_rewards(
    scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, beta: float
) -> Tensor:
    """Reward of each token: r_t = -beta (log pi_t - log pi_ref_t) + [t is the last] score.

    scores (B,); logprobs, ref_logprobs, mask (B, T) -> (B, T). The score lands on the last real token: EOS,
    or the final token of a response that was cut off (§3.5, App. C.4). A row sums to the bracket of Eq. 2.
    """
    rewards = -beta * keep_real(logprobs - ref_logprobs, mask)
    is_last = F.one_hot(last_index(mask), mask.shape[1]) * mask  # (B, T); an empty response gets no score
    return rewards + is_last * scores[:, None]


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation: rewards, values, mask (B, T) -> advantages, returns (B, T).

    delta_t = r_t + gamma V_{t+1} - V_t with V = 0 after the last token;  A_t = delta_t + gamma lam A_{t+1};
    R_t = A_t + V_t, before any whitening; 0 on padding. No discount (App. C.4). The paper gives no lambda,
    Stiennon's is 0.95.
    """
    rewards, values = keep_real(rewards, mask), keep_real(values, mask)
    advantage, next_value, advantages = torch.zeros_like(values[:, 0]), torch.zeros_like(values[:, 0]), []
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        advantage, next_value = delta + gamma * lam * advantage, values[:, t]
        advantages.append(advantage)
    result = keep_real(torch.stack(advantages[::-1], dim=1), mask)
    return result, keep_real(result + values, mask)


def whiten(x: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    """(x - mean) / std over real tokens, 0 on padding: (B, T) -> (B, T); shift_mean=False keeps the mean.

    Population variance, as in OpenAI's code of 2019, which whitens rewards without and advantages with the
    shift. The paper is silent; we whiten advantages only, once per batch.
    """
    mean = masked_mean(x, mask)
    variance = masked_mean((x - mean) ** 2, mask)
    white = (x - mean) * torch.rsqrt(variance + 1e-8)
    return keep_real(white if shift_mean else white + mean, mask)


def policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, clip: float = 0.2
) -> tuple[Tensor, Stats]:
    """PPO's clipped loss: mean max(-A rho, -A clip(rho, 1 - eps, 1 + eps)), rho = pi / pi_old; all (B, T).

    eps = 0.2 (App. C.4). Stats: clipfrac (share of tokens whose clipped term won), approxkl (half the mean
    squared log-ratio), ratio (its mean, exactly 1 before the first update).
    """
    log_ratio = keep_real(logprobs - old_logprobs, mask)
    ratio = log_ratio.exp()
    plain, clipped = -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)
    stats = {
        "clipfrac": masked_mean((clipped > plain).to(ratio.dtype), mask),
        "approxkl": 0.5 * masked_mean(log_ratio**2, mask),
        "ratio": masked_mean(ratio, mask),
    }
    return masked_mean(torch.maximum(plain, clipped), mask), {k: v.detach() for k, v in stats.items()}


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, clip: float = 0.2
) -> tuple[Tensor, Stats]:
    """0.5 mean max((V - R)^2, (V_clip - R)^2), V_clip = V held within `clip` of V_old; all (B, T).

    The paper does not mention value clipping; 0.2 is Ziegler's, math.inf switches it off. Stats: clipfrac.
    """
    values = keep_real(values, mask)
    held = torch.minimum(torch.maximum(values, old_values - clip), old_values + clip)
    plain, clipped = (values - returns) ** 2, (held - returns) ** 2
    stats = {"clipfrac": masked_mean((clipped > plain).to(values.dtype), mask).detach()}
    return 0.5 * masked_mean(torch.maximum(plain, clipped), mask), stats


def kl_estimates(logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor) -> Stats:
    """Three estimates of KL(pi || pi_ref) per token from samples of pi, with d = log pi - log pi_ref:

    k1 = mean d (unbiased, may be negative);  k2 = mean d^2 / 2 (biased, never negative);
    k3 = mean (exp(-d) - 1 + d) (unbiased, never negative). The penalty in the reward is k1 (§3.5).
    """
    d = keep_real(logprobs - ref_logprobs, mask)
    k3 = torch.expm1(-d) + d
    return {"k1": masked_mean(d, mask), "k2": masked_mean(d**2, mask) / 2, "k3": masked_mean(k3, mask)}


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """1 - mean (R - V)^2 / Var(R): 1 is a perfect value function, 0 no better than a constant."""
    variance = masked_mean((returns - masked_mean(returns, mask)) ** 2, mask)
    return 1 - masked_mean((returns - values) ** 2, mask) / variance.clamp(min=1e-8)
