"""Exercises of notebook 05: reward per token, GAE, whitening, the two clipped losses, estimates of KL."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .task import Case, Law, Mistake, Outputs, Task


def _t(*rows) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _m(*rows) -> Tensor:
    return torch.tensor(rows, dtype=torch.long)


def _masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    return (x * mask).sum() / mask.sum()


# --- Reward per token ---------------------------------------------------------------------------------------


def per_token_rewards(
    scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, beta: float
) -> Tensor:
    """scores (B,), logprobs, ref_logprobs, mask (B, T) -> rewards (B, T)."""
    rewards = -beta * (logprobs - ref_logprobs) * mask
    for row in range(len(scores)):
        last = mask[row].sum() - 1  # responses are padded on the right: the place of EOS
        rewards[row, last] += scores[row]
    return rewards


def _scored(rewards: Tensor, scores: Tensor, places: Tensor) -> Tensor:
    return rewards + scores[:, None] * (torch.arange(rewards.shape[1]) == places[:, None])


def _penalty(logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, beta: float) -> Tensor:
    return -beta * (logprobs - ref_logprobs) * mask


def kl_sign(scores, logprobs, ref_logprobs, mask, beta):
    return per_token_rewards(scores, ref_logprobs, logprobs, mask, beta)


def at_last_column(scores, logprobs, ref_logprobs, mask, beta):
    last = torch.full_like(mask[:, 0], mask.shape[1] - 1)
    return _scored(_penalty(logprobs, ref_logprobs, mask, beta), scores, last)


def before_eos(scores, logprobs, ref_logprobs, mask, beta):
    return _scored(_penalty(logprobs, ref_logprobs, mask, beta), scores, mask.sum(dim=1) - 2)


def on_every_token(scores, logprobs, ref_logprobs, mask, beta):
    return _penalty(logprobs, ref_logprobs, mask, beta) + scores[:, None] * mask


def rewards_mask_forgotten(scores, logprobs, ref_logprobs, mask, beta):
    every = torch.ones_like(mask)
    return _scored(_penalty(logprobs, ref_logprobs, every, beta), scores, mask.sum(dim=1) - 1)


def eos_without_penalty(scores, logprobs, ref_logprobs, mask, beta):
    before = mask * (torch.arange(mask.shape[1]) < mask.sum(dim=1, keepdim=True) - 1)
    return _scored(_penalty(logprobs, ref_logprobs, before, beta), scores, mask.sum(dim=1) - 1)


def beta_forgotten(scores, logprobs, ref_logprobs, mask, beta):
    return per_token_rewards(scores, logprobs, ref_logprobs, mask, 1.0)


def all_at_the_end(scores, logprobs, ref_logprobs, mask, beta):
    penalty = _penalty(logprobs, ref_logprobs, mask, beta).sum(dim=1)
    return _scored(torch.zeros_like(logprobs), scores + penalty, mask.sum(dim=1) - 1)


def no_penalty(scores, logprobs, ref_logprobs, mask, beta):
    return per_token_rewards(scores, logprobs, ref_logprobs, mask, 0.0)


def _sums_to_bracket(out: Outputs) -> bool:
    sums = out["two responses, the second shorter"]["rewards"].sum(dim=1)
    return torch.allclose(sums, _t(1.85, -2.1))


PER_TOKEN_REWARDS = Task(
    name="per_token_rewards",
    notebook="05",
    minutes=12,
    text="Each token pays -beta (log pi - log pi_ref); the score comes on the last real token, which is EOS "
    "unless the response was cut off. Responses are padded on the right, and padding gets exactly 0.",
    hint="The last real token of a row is at mask.sum(dim=1) - 1. It pays its penalty like every other, and "
    "gets the score on top.",
    solution=per_token_rewards,
    cases=(
        Case(
            "one response without padding",
            (_t(2.0), _t([-1.0, -2.0, -0.5]), _t([-1.5, -2.0, -1.5]), _m([1, 1, 1]), 0.1),
            {"rewards": [[-0.05, 0.0, 1.9]]},
        ),
        Case(
            "two responses, the second shorter",
            (
                _t(2.0, -2.0),
                _t([-1.0, -2.0, -0.5], [-1.0, -1.0, 9.0]),
                _t([-1.5, -2.0, -1.5], [-2.0, -1.0, -9.0]),
                _m([1, 1, 1], [1, 1, 0]),
                0.1,
            ),
            {"rewards": [[-0.05, 0.0, 1.9], [-0.1, -2.0, 0.0]]},
        ),
        Case(
            "no penalty (beta 0)",
            (_t(3.0), _t([-1.0, -2.0]), _t([-3.0, -1.0]), _m([1, 1]), 0.0),
            {"rewards": [[0.0, 3.0]]},
        ),
    ),
    mistakes=(
        Mistake(
            "sign of the KL",
            "You pay the policy for leaving the reference. The penalty is -beta (log pi - log pi_ref): a "
            "token that the policy likes more than the reference does costs.",
            kl_sign,
        ),
        Mistake(
            "the score on the last column",
            "Short responses end before the last column, so their score lands on padding, where nothing "
            "learns.",
            at_last_column,
        ),
        Mistake(
            "EOS left out of the score",
            "The last real token is EOS, at mask.sum() - 1; you pay the one before it. Deciding to stop is "
            "an action too, and the first to be judged.",
            before_eos,
        ),
        Mistake(
            "EOS left out of the penalty",
            "The last token gets the score on top of its penalty, not instead of it.",
            eos_without_penalty,
        ),
        Mistake(
            "the score on every token",
            "One response has one score. Paid on every token, it makes long answers of good ones.",
            on_every_token,
        ),
        Mistake(
            "mask forgotten",
            "Padding pays a penalty for tokens that were never drawn. Multiply by mask.",
            rewards_mask_forgotten,
        ),
        Mistake("beta forgotten", "The log-ratio is to be multiplied by beta.", beta_forgotten),
        Mistake(
            "the whole penalty at the end",
            "The sum is right, but no token knows what it cost. The penalty is paid where it arises.",
            all_at_the_end,
        ),
        Mistake("penalty forgotten", "Nothing keeps the policy near the reference.", no_penalty),
    ),
    laws=(Law("A row must sum to the bracket of Equation 2: score - beta * log-ratio.", _sums_to_bracket),),
    outputs=("rewards",),
)

# --- GAE ----------------------------------------------------------------------------------------------------


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95
) -> tuple[Tensor, Tensor]:
    """rewards, values, mask (B, T), padded on the right -> advantages, returns (B, T)."""
    values = values * mask  # behind the last token there is nothing to expect
    advantages = torch.zeros_like(values)
    next_value = next_advantage = torch.zeros_like(values[:, 0])
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        advantages[:, t] = (delta + gamma * lam * next_advantage) * mask[:, t]
        next_value, next_advantage = values[:, t], advantages[:, t]
    return advantages, (advantages + values) * mask


def _gae(rewards: Tensor, values: Tensor, mask: Tensor, look: float, carry: float) -> tuple[Tensor, Tensor]:
    """As above; look: factor of the next value, carry: of the next advantage."""
    values, advantages = values * mask, []
    after, carried = torch.zeros_like(values[:, 0]), torch.zeros_like(values[:, 0])
    for t in reversed(range(values.shape[1])):
        carried = (rewards[:, t] + look * after - values[:, t] + carry * carried) * mask[:, t]
        after = values[:, t]
        advantages.insert(0, carried)
    result = torch.stack(advantages, dim=1)
    return result, (result + values) * mask


def lambda_forgotten(rewards, values, mask, gamma=1.0, lam=0.95):
    return _gae(rewards, values, mask, gamma, gamma)


def gamma_forgotten(rewards, values, mask, gamma=1.0, lam=0.95):
    return _gae(rewards, values, mask, 1.0, lam)


def next_value_forgotten(rewards, values, mask, gamma=1.0, lam=0.95):
    return _gae(rewards, values, mask, 0.0, gamma * lam)


def nothing_carried(rewards, values, mask, gamma=1.0, lam=0.95):
    return _gae(rewards, values, mask, gamma, 0.0)


def values_of_padding(rewards, values, mask, gamma=1.0, lam=0.95):
    advantages, carried = [], torch.zeros_like(values[:, 0])
    after = torch.zeros_like(carried)
    for t in reversed(range(values.shape[1])):
        carried = rewards[:, t] * mask[:, t] + gamma * after - values[:, t] + gamma * lam * carried
        after = values[:, t]
        advantages.insert(0, carried)
    result = torch.stack(advantages, dim=1)
    return result * mask, (result + values) * mask


def returns_without_values(rewards, values, mask, gamma=1.0, lam=0.95):
    return (gae(rewards, values, mask, gamma, lam)[0],) * 2


def sums_of_rewards(rewards, values, mask, gamma=1.0, lam=0.95):
    totals, _ = _gae(rewards, torch.zeros_like(values), mask, gamma, gamma)
    return gae(rewards, values, mask, gamma, lam)[0], totals


def forwards(rewards, values, mask, gamma=1.0, lam=0.95):
    values = values * mask
    later = torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], dim=1)
    deltas, carried, advantages = (
        (rewards + gamma * later - values) * mask,
        torch.zeros_like(values[:, 0]),
        [],
    )
    for t in range(values.shape[1]):
        carried = (deltas[:, t] + gamma * lam * carried) * mask[:, t]
        advantages.append(carried)
    result = torch.stack(advantages, dim=1)
    return result, (result + values) * mask


def _padding_is_zero(out: Outputs) -> bool:
    shorter = out["two responses, the second shorter, rubbish in its padding"]
    return not any(x[1, 2:].any() for x in shorter.values())


_GAE_ROW = (_t([0.0, 0.0, 1.0]), _t([0.5, 0.5, 0.5]), _m([1, 1, 1]))

GAE = Task(
    name="gae",
    notebook="05",
    minutes=20,
    text="delta_t = r_t + gamma V_(t+1) - V_t, with V = 0 behind the last real token; A_t = delta_t + gamma "
    "lam A_(t+1); return R_t = A_t + V_t. Padding, on the right, gets 0 whatever stands there.",
    hint="Walk from the last column to the first and keep two things: the value and the advantage of the "
    "column you come from. Set values of padding to 0 before you start.",
    solution=gae,
    cases=(
        Case(
            "one response, gamma 1, lam 0.5",
            (*_GAE_ROW, 1.0, 0.5),
            {"advantages": [[0.125, 0.25, 0.5]], "returns": [[0.625, 0.75, 1.0]]},
        ),
        Case(
            "gamma 0.5, lam 1: the discounted sum of rewards, less the value",
            (*_GAE_ROW, 0.5, 1.0),
            {"advantages": [[-0.25, 0.0, 0.5]], "returns": [[0.25, 0.5, 1.0]]},
        ),
        Case(
            "two responses, the second shorter, rubbish in its padding",
            (
                _t([0.1, -0.2, 1.0, 0.3], [0.5, 2.0, 7.0, -8.0]),
                _t([0.5, 0.2, -0.1, 0.4], [1.0, 0.3, 9.0, 5.0]),
                _m([1, 1, 1, 1], [1, 1, 0, 0]),
                0.9,
                0.8,
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "lambda forgotten",
            "The next advantage is carried with gamma * lam, not with gamma alone.",
            lambda_forgotten,
        ),
        Mistake(
            "gamma forgotten",
            "gamma stands twice: before the next value and, with lam, before the next advantage. You left "
            "it out at the value. (With the paper's gamma of 1 nobody would notice.)",
            gamma_forgotten,
        ),
        Mistake(
            "next value forgotten",
            "A delta is what came plus what is still expected, less what was expected: r_t + gamma V_(t+1) "
            "- V_t.",
            next_value_forgotten,
        ),
        Mistake(
            "nothing carried back",
            "You return the deltas: only the last token learns of the score. Add gamma lam A_(t+1).",
            nothing_carried,
        ),
        Mistake(
            "values of padding taken for real",
            "Behind the last real token V is 0. Your values of padding leak into the answer before it.",
            values_of_padding,
        ),
        Mistake(
            "returns without values",
            "A return is what the value model should have said: A_t + V_t, not the advantage itself.",
            returns_without_values,
        ),
        Mistake(
            "returns are sums of rewards",
            "This is the return for lam = 1. Here R_t = A_t + V_t, which leans on values as A_t does.",
            sums_of_rewards,
        ),
        Mistake(
            "from left to right",
            "What a token did shows later. Walk backwards, from the last column to the first.",
            forwards,
        ),
    ),
    laws=(Law("Padding must be exactly 0.", _padding_is_zero),),
    outputs=("advantages", "returns"),
)

# --- Whitening ----------------------------------------------------------------------------------------------


def whiten(x: Tensor, mask: Tensor) -> Tensor:
    """x, mask (B, T) -> (B, T) with mean 0 and variance 1 over real tokens, 0 on padding."""
    mean = (x * mask).sum() / mask.sum()
    variance = ((x - mean) ** 2 * mask).sum() / mask.sum()
    return (x - mean) / (variance + 1e-8).sqrt() * mask


def whiten_mask_forgotten(x, mask):
    return whiten(x, torch.ones_like(mask)) * mask


def in_each_row(x, mask):
    return torch.cat([whiten(x[i : i + 1], mask[i : i + 1]) for i in range(len(x))])


def one_less(x, mask):
    n = mask.sum()
    return whiten(x, mask) * ((n - 1) / n).sqrt()


def padding_kept(x, mask):
    mean = _masked_mean(x, mask)
    return (x - mean) / (_masked_mean((x - mean) ** 2, mask) + 1e-8).sqrt()


def by_variance(x, mask):
    mean = _masked_mean(x, mask)
    return (x - mean) / (_masked_mean((x - mean) ** 2, mask) + 1e-8) * mask


def mean_kept(x, mask):
    return (whiten(x, mask) + _masked_mean(x, mask)) * mask


def _is_white(out: Outputs) -> bool:
    x = out["four tokens"]["white"]
    return bool(abs(x.mean()) < 1e-4 and abs((x**2).mean() - 1) < 1e-4)


WHITEN = Task(
    name="whiten",
    notebook="05",
    minutes=8,
    text="Subtract the mean and divide by the standard deviation, both over the real tokens of the whole "
    "batch (population variance, 1e-8 added to it). Padding gets 0.",
    hint="Mean and variance are both sums over mask == 1 divided by mask.sum(); torch's mean() and std() "
    "see padding.",
    solution=whiten,
    cases=(
        Case(
            "four tokens", (_t([1.0, 3.0, 1.0, 3.0]), _m([1, 1, 1, 1])), {"white": [[-1.0, 1.0, -1.0, 1.0]]}
        ),
        Case("two rows", (_t([1.0, 2.0], [5.0, 9.0]), _m([1, 1], [1, 1]))),
        Case(
            "rubbish in the padding",
            (_t([1.0, 3.0, 1.0], [3.0, 70.0, -50.0]), _m([1, 1, 1], [1, 0, 0])),
            {"white": [[-1.0, 1.0, -1.0], [1.0, 0.0, 0.0]]},
        ),
    ),
    mistakes=(
        Mistake(
            "mask forgotten",
            "Padding is in your mean and variance. Short responses would change the step of all.",
            whiten_mask_forgotten,
        ),
        Mistake(
            "each row by itself",
            "A good response would look like a bad one: whitening is over the batch, not in a row.",
            in_each_row,
        ),
        Mistake(
            "n - 1",
            "torch.std divides by n - 1. Here it is the population's variance: divide by n.",
            one_less,
        ),
        Mistake("padding kept", "Multiply by mask at the end: padding gets 0.", padding_kept),
        Mistake("divided by the variance", "Divide by its square root.", by_variance),
        Mistake(
            "mean added again",
            "That is for rewards in OpenAI's code of 2019; advantages lose their mean.",
            mean_kept,
        ),
    ),
    laws=(Law("The mean must be 0 and the mean square 1.", _is_white),),
    outputs=("white",),
)

# --- The clipped loss of the policy -------------------------------------------------------------------------


def policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, clip: float = 0.2
) -> Tensor:
    """All (B, T) -> a scalar."""
    ratio = (logprobs - old_logprobs).exp()
    plain = -advantages * ratio
    clipped = -advantages * ratio.clamp(1 - clip, 1 + clip)
    return (torch.maximum(plain, clipped) * mask).sum() / mask.sum()


def _terms(logprobs: Tensor, old: Tensor, advantages: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    ratio = (logprobs - old).exp()
    return -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)


def minimum_of_losses(logprobs, old_logprobs, advantages, mask, clip=0.2):
    return _masked_mean(torch.minimum(*_terms(logprobs, old_logprobs, advantages, clip)), mask)


def only_clipped(logprobs, old_logprobs, advantages, mask, clip=0.2):
    return _masked_mean(_terms(logprobs, old_logprobs, advantages, clip)[1], mask)


def not_clipped(logprobs, old_logprobs, advantages, mask, clip=0.2):
    return _masked_mean(_terms(logprobs, old_logprobs, advantages, clip)[0], mask)


def policy_sign(logprobs, old_logprobs, advantages, mask, clip=0.2):
    return -policy_loss(logprobs, old_logprobs, advantages, mask, clip)


def policy_mask_forgotten(logprobs, old_logprobs, advantages, mask, clip=0.2):
    return torch.maximum(*_terms(logprobs, old_logprobs, advantages, clip)).mean()


def policy_over_all_places(logprobs, old_logprobs, advantages, mask, clip=0.2):
    return (torch.maximum(*_terms(logprobs, old_logprobs, advantages, clip)) * mask).mean()


def policy_rows_first(logprobs, old_logprobs, advantages, mask, clip=0.2):
    terms = torch.maximum(*_terms(logprobs, old_logprobs, advantages, clip)) * mask
    return (terms.sum(dim=1) / mask.sum(dim=1)).mean()


def ratio_turned(logprobs, old_logprobs, advantages, mask, clip=0.2):
    return _masked_mean(torch.maximum(*_terms(old_logprobs, logprobs, advantages, clip)), mask)


def ratio_without_exp(logprobs, old_logprobs, advantages, mask, clip=0.2):
    ratio = logprobs - old_logprobs
    terms = torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip))
    return _masked_mean(terms, mask)


_OLD = _t([-1.0, -2.0, -0.5, -1.0])
_UP, _DOWN = math.log(1.5), math.log(0.5)


def _policy_case(shows: str, steps: list, advantages: list, loss: float | None = None, mask=None) -> Case:
    """Log-probabilities are the old ones plus `steps`."""
    steps, advantages = _t(*steps), _t(*advantages)
    mask = torch.ones_like(steps, dtype=torch.long) if mask is None else _m(*mask)
    old = _OLD[:, : steps.shape[1]].expand_as(steps).clone()
    return Case(shows, (old + steps, old, advantages, mask, 0.2), None if loss is None else {"loss": loss})


POLICY_LOSS = Task(
    name="policy_loss",
    notebook="05",
    minutes=15,
    text="rho = pi / pi_old. The loss of a token is max(-A rho, -A clip(rho, 1 - eps, 1 + eps)); return the "
    "mean over real tokens.",
    hint="A ratio of probabilities is exp of a difference of logarithms. Of two losses the larger counts: a "
    "push that has gone far enough stops, one that goes wrong never does.",
    solution=policy_loss,
    cases=(
        _policy_case("nothing has moved yet", [[0.0, 0.0]], [[1.0, -3.0]], loss=1.0),
        _policy_case("good and already 1.5 times as likely: clipped", [[_UP]], [[1.0]], loss=-1.2),
        _policy_case("bad, yet 1.5 times as likely: not clipped", [[_UP]], [[-1.0]], loss=1.5),
        _policy_case("good, yet half as likely: not clipped", [[_DOWN]], [[2.0]], loss=-1.0),
        _policy_case("bad and already half as likely: clipped", [[_DOWN]], [[-1.0]], loss=0.8),
        _policy_case(
            "two responses, the second shorter",
            [[0.1, -0.1, 0.5, -0.5], [0.05, 0.6, 2.0, -2.0]],
            [[1.0, 2.0, -1.0, 0.5], [-2.0, 1.5, 8.0, -8.0]],
            mask=[[1, 1, 1, 1], [1, 1, 0, 0]],
        ),
    ),
    mistakes=(
        Mistake(
            "the smaller of two losses",
            "The paper's min is of objectives. With the minus inside it is a max; your loss never stops a "
            "push that has gone far enough.",
            minimum_of_losses,
        ),
        Mistake(
            "only the clipped term",
            "A token that went the wrong way and left the band has no gradient, and can never come back. "
            "Take the larger of both losses.",
            only_clipped,
        ),
        Mistake(
            "never clipped", "You return -A rho: nothing ends a push that has gone far enough.", not_clipped
        ),
        Mistake("sign", "You minimise what is to be grown: the loss is -A rho.", policy_sign),
        Mistake("mask forgotten", "Padding is in your mean. It was never drawn.", policy_mask_forgotten),
        Mistake(
            "averaged over all places",
            "You divide by B * T, not by the number of real tokens.",
            policy_over_all_places,
        ),
        Mistake(
            "averaged in rows first",
            "A token of a short response then weighs more. Sum over all real tokens, divide once.",
            policy_rows_first,
        ),
        Mistake("ratio upside down", "rho is new over old: exp(logprobs - old_logprobs).", ratio_turned),
        Mistake(
            "exp forgotten", "A difference of logarithms is not yet a ratio: take exp.", ratio_without_exp
        ),
    ),
    laws=(
        Law(
            "Before the first step every ratio is 1, and the loss is minus the mean advantage.",
            lambda out: bool(torch.isclose(out["nothing has moved yet"]["loss"], _t(1.0)[0])),
        ),
    ),
    learns=(0,),
)

# --- The clipped loss of the value model --------------------------------------------------------------------


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, clip: float = 0.2
) -> Tensor:
    """All (B, T) -> a scalar."""
    held = torch.clamp(values, old_values - clip, old_values + clip)
    worse = torch.maximum((values - returns) ** 2, (held - returns) ** 2)
    return 0.5 * (worse * mask).sum() / mask.sum()


def _squares(values: Tensor, old: Tensor, returns: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """Squared errors of the values as they are, and held near the old ones."""
    held = torch.clamp(values, old - clip, old + clip)
    return (values - returns) ** 2, (held - returns) ** 2


def smaller_square(values, old_values, returns, mask, clip=0.2):
    return 0.5 * _masked_mean(torch.minimum(*_squares(values, old_values, returns, clip)), mask)


def only_held(values, old_values, returns, mask, clip=0.2):
    return 0.5 * _masked_mean(_squares(values, old_values, returns, clip)[1], mask)


def never_held(values, old_values, returns, mask, clip=0.2):
    return 0.5 * _masked_mean((values - returns) ** 2, mask)


def errors_clipped(values, old_values, returns, mask, clip=0.2):
    return 0.5 * _masked_mean((values - returns).clamp(-clip, clip) ** 2, mask)


def held_by_a_factor(values, old_values, returns, mask, clip=0.2):
    bounds = torch.stack([old_values * (1 - clip), old_values * (1 + clip)])
    held = torch.clamp(values, bounds.amin(dim=0), bounds.amax(dim=0))
    return 0.5 * _masked_mean(torch.maximum((values - returns) ** 2, (held - returns) ** 2), mask)


def no_half(values, old_values, returns, mask, clip=0.2):
    return 2 * value_loss(values, old_values, returns, mask, clip)


def values_mask_forgotten(values, old_values, returns, mask, clip=0.2):
    return value_loss(values, old_values, returns, torch.ones_like(mask), clip)


def values_over_all_places(values, old_values, returns, mask, clip=0.2):
    return 0.5 * (torch.maximum(*_squares(values, old_values, returns, clip)) * mask).mean()


def values_rows_first(values, old_values, returns, mask, clip=0.2):
    worse = torch.maximum(*_squares(values, old_values, returns, clip)) * mask
    return 0.5 * (worse.sum(dim=1) / mask.sum(dim=1)).mean()


def held_without_gradient(values, old_values, returns, mask, clip=0.2):
    plain, _ = _squares(values, old_values, returns, clip)
    _, held = _squares(values.detach(), old_values, returns, clip)
    return 0.5 * _masked_mean(torch.maximum(plain, held), mask)


def _value_case(
    shows: str, values: list, old: list, returns: list, loss: float | None = None, **more
) -> Case:
    values = _t(*values)
    mask = _m(*more["mask"]) if "mask" in more else torch.ones_like(values, dtype=torch.long)
    args = (values, _t(*old), _t(*returns), mask, more.get("clip", 0.2))
    return Case(shows, args, None if loss is None else {"loss": loss})


def _clipping_costs(out: Outputs) -> bool:
    held, plain = out["the same, held back"]["loss"], out["far on the right way, no clipping"]["loss"]
    return bool(held > plain)


VALUE_LOSS = Task(
    name="value_loss",
    notebook="05",
    minutes=12,
    text="The value model learns what its values V should have been: the returns R. V_clip is V held within "
    "clip of V_old, the value before the update. The loss of a token is half of "
    "max((V - R)^2, (V_clip - R)^2); return the mean over real tokens. An infinite clip means no clipping.",
    hint="V_clip lies between old_values - clip and old_values + clip; torch.clamp takes tensors as bounds. "
    "As with the policy, the larger of two losses counts.",
    solution=value_loss,
    cases=(
        _value_case("near the old value: not held", [[0.6]], [[0.5]], [[1.0]], loss=0.08),
        _value_case("far on the right way, no clipping", [[0.9]], [[0.5]], [[1.0]], 0.005, clip=math.inf),
        _value_case("the same, held back", [[0.9]], [[0.5]], [[1.0]], loss=0.045),
        _value_case("far on the wrong way: not held", [[0.0]], [[0.5]], [[1.0]], loss=0.5),
        _value_case("below zero, and held back", [[-2.0]], [[-1.0]], [[-3.0]], loss=1.62),
        _value_case(
            "two responses, the second shorter",
            [[0.1, 0.5, 0.9, -0.4], [0.3, 0.9, 7.0, -9.0]],
            [[0.0, 0.6, 0.4, -0.1], [0.2, 0.4, -3.0, 5.0]],
            [[0.5, 0.2, 1.0, 0.3], [-0.6, 1.2, 4.0, 4.0]],
            mask=[[1, 1, 1, 1], [1, 1, 0, 0]],
        ),
    ),
    mistakes=(
        Mistake(
            "the smaller of two losses",
            "With the smaller one a value may run far past its old one and still be rewarded for it. The "
            "larger one stops it: there the loss no longer depends on V.",
            smaller_square,
        ),
        Mistake(
            "only the held value",
            "A value that went the wrong way and left the band has no gradient, and can never come back. "
            "Take the larger of both losses.",
            only_held,
        ),
        Mistake(
            "nothing is held",
            "You return half the mean of (V - R)^2. Either you do not clip, or you clip around the returns, "
            "where the larger loss is always the plain one. The band lies around the old values.",
            never_held,
        ),
        Mistake(
            "the error is clipped",
            "You hold V within clip of the return. Then a value that is far off has no gradient, although it "
            "has most to learn. The band lies around the old values.",
            errors_clipped,
        ),
        Mistake(
            "clipped by a factor",
            "You hold V between (1 - clip) and (1 + clip) times V_old, as if it were a ratio. A value near 0 "
            "could hardly move: add and subtract clip.",
            held_by_a_factor,
        ),
        Mistake(
            "half forgotten",
            "The loss is half the mean square, so that its derivative is V - R itself.",
            no_half,
        ),
        Mistake(
            "mask forgotten",
            "Padding is in your mean. Nothing was expected there, and nothing came.",
            values_mask_forgotten,
        ),
        Mistake(
            "averaged over all places",
            "You divide by B * T, not by the number of real tokens.",
            values_over_all_places,
        ),
        Mistake(
            "averaged in rows first",
            "A token of a short response then weighs more. Sum over all real tokens, divide once.",
            values_rows_first,
        ),
        Mistake(
            "no gradient through the held value",
            "The numbers are right. But inside the band both losses are equal, torch.maximum gives half of "
            "the gradient to each, and you detached one of them: the model learns at half speed.",
            held_without_gradient,
        ),
    ),
    laws=(
        Law("This loss is never negative.", lambda out: all((x["loss"] >= 0).all() for x in out.values())),
        Law("Where a value is held back, the loss is larger than without clipping.", _clipping_costs),
    ),
    learns=(0,),
)

# --- KL -----------------------------------------------------------------------------------------------------


def kl_estimates(logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """All (B, T), tokens drawn from pi -> {"k1": ..., "k2": ..., "k3": ...}, scalars."""
    d = (logprobs - ref_logprobs) * mask
    count = mask.sum()
    return {
        "k1": d.sum() / count,
        "k2": (d**2).sum() / 2 / count,
        "k3": ((-d).exp() - 1 + d).sum() / count,  # a masked d is 0 and adds 0
    }


def kl_turned(logprobs, ref_logprobs, mask):
    return kl_estimates(ref_logprobs, logprobs, mask)


def k1_sign(logprobs, ref_logprobs, mask):
    found = kl_estimates(logprobs, ref_logprobs, mask)
    return found | {"k1": -found["k1"]}


def k3_sign(logprobs, ref_logprobs, mask):
    turned = kl_estimates(ref_logprobs, logprobs, mask)
    return kl_estimates(logprobs, ref_logprobs, mask) | {"k3": turned["k3"]}


def half_forgotten(logprobs, ref_logprobs, mask):
    found = kl_estimates(logprobs, ref_logprobs, mask)
    return found | {"k2": 2 * found["k2"]}


def square_of_mean(logprobs, ref_logprobs, mask):
    found = kl_estimates(logprobs, ref_logprobs, mask)
    return found | {"k2": found["k1"] ** 2 / 2}


def kl_mask_forgotten(logprobs, ref_logprobs, mask):
    return kl_estimates(logprobs, ref_logprobs, torch.ones_like(mask))


def kl_over_all_places(logprobs, ref_logprobs, mask):
    found = kl_estimates(logprobs, ref_logprobs, mask)
    return {name: x * mask.sum() / mask.numel() for name, x in found.items()}


def absolute(logprobs, ref_logprobs, mask):
    found = kl_estimates(logprobs, ref_logprobs, mask)
    return found | {"k1": _masked_mean((logprobs - ref_logprobs).abs(), mask)}


_HALF = math.log(2)

KL_ESTIMATES = Task(
    name="kl_estimates",
    notebook="06",
    minutes=10,
    text="With d = log pi - log pi_ref of tokens drawn from pi: k1 = mean d, k2 = mean d^2 / 2, "
    "k3 = mean (exp(-d) - 1 + d), over real tokens.",
    hint="Write d once, with the mask in it. exp(-d) is pi_ref / pi, so k3 is how far that ratio lies above "
    "its tangent.",
    solution=kl_estimates,
    cases=(
        Case(
            "one token, twice as likely as in the reference",
            (_t([-1.0]), _t([-1.0 - _HALF]), _m([1])),
            {"k1": _HALF, "k2": _HALF**2 / 2, "k3": _HALF - 0.5},
        ),
        Case(
            "one token up, one down",
            (_t([-1.0, -1.0]), _t([-1.0 - _HALF, -1.0 + _HALF]), _m([1, 1])),
            {"k1": 0.0, "k2": _HALF**2 / 2, "k3": 0.25},
        ),
        Case(
            "policy and reference agree",
            (_t([-1.0, -2.0]), _t([-1.0, -2.0]), _m([1, 1])),
            dict(k1=0, k2=0, k3=0),
        ),
        Case(
            "rubbish in the padding",
            (
                _t([-1.0, -0.2, -3.0], [-0.7, 4.0, 5.0]),
                _t([-1.5, -0.9, -2.0], [-0.3, 1.0, 9.0]),
                _m([1, 1, 1], [1, 0, 0]),
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "sign of the KL",
            "d is log pi - log pi_ref, because the tokens were drawn from pi. Yours is the other way round.",
            kl_turned,
        ),
        Mistake("sign of k1", "k1 is the mean of d itself, not of -d.", k1_sign),
        Mistake(
            "sign in k3",
            "k3 = exp(-d) - 1 + d. With exp(d) - 1 - d, which is as positive, the mean over samples of pi "
            "is not the KL.",
            k3_sign,
        ),
        Mistake("half forgotten", "k2 is half the mean square.", half_forgotten),
        Mistake(
            "square of the mean",
            "Square each d, then take the mean: up and down must not cancel.",
            square_of_mean,
        ),
        Mistake("mask forgotten", "Padding is in your sums and in your count.", kl_mask_forgotten),
        Mistake(
            "averaged over all places",
            "Padding is out of your sums but in your count: divide by mask.sum().",
            kl_over_all_places,
        ),
        Mistake(
            "absolute k1",
            "A single d may be negative; only its mean estimates the KL. With abs() it is far too large.",
            absolute,
        ),
    ),
    laws=(
        Law(
            "k2 and k3 are never negative.",
            lambda out: all(x["k2"] >= 0 and x["k3"] >= 0 for x in out.values()),
        ),
        Law(
            "All three are 0 where policy and reference agree.",
            lambda out: not any(x.any() for x in out["policy and reference agree"].values()),
        ),
    ),
    outputs=("k1", "k2", "k3"),
)

TASKS = (PER_TOKEN_REWARDS, GAE, WHITEN, POLICY_LOSS, VALUE_LOSS, KL_ESTIMATES)
