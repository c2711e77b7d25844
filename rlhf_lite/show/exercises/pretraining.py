"""The exercise of notebook 06: the next-token loss on pretraining text that PPO-ptx adds to PPO's."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .task import Case, Law, Mistake, Outputs, Task


def ptx_loss(logits: Tensor, ids: Tensor, gamma: float) -> Tensor:
    """logits (N, T, V) and ids (N, T) of the same places, gamma -> a scalar."""
    before, coming = logits[:, :-1], ids[:, 1:]  # the last place has nothing to predict, the first no logits
    return gamma * F.cross_entropy(before.flatten(0, 1), coming.flatten())


def _losses(logits: Tensor, ids: Tensor) -> Tensor:
    """-log pi of every token but the first: (N, T - 1)."""
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")


def not_shifted(logits, ids, gamma):
    return gamma * F.cross_entropy(logits.flatten(0, 1), ids.flatten())


def shifted_backwards(logits, ids, gamma):
    return gamma * F.cross_entropy(logits[:, 1:].flatten(0, 1), ids[:, :-1].flatten())


def round_the_end(logits, ids, gamma):
    return gamma * F.cross_entropy(logits.flatten(0, 1), ids.roll(-1, dims=1).flatten())


def summed(logits, ids, gamma):
    return gamma * _losses(logits, ids).sum()


def rows_summed(logits, ids, gamma):
    return gamma * _losses(logits, ids).sum(dim=1).mean()


def one_too_many(logits, ids, gamma):
    return gamma * _losses(logits, ids).sum() / ids.numel()


def gamma_forgotten(logits, ids, gamma):
    return ptx_loss(logits, ids, 1.0)


def sign_forgotten(logits, ids, gamma):
    return ptx_loss(logits, ids, -gamma)


def log_of_softmax(logits, ids, gamma):
    logprobs = logits[:, :-1].softmax(dim=-1).log()
    return -gamma * logprobs.gather(-1, ids[:, 1:, None]).mean()


def _logits(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(6))


def _t(*rows) -> Tensor:
    return torch.tensor([rows], dtype=torch.float64)


_IDS = torch.tensor([[3, 1, 4, 1], [0, 2, 2, 3]])


def _gamma_is_a_factor(out: Outputs) -> bool:
    once, twice = (out[name]["loss"] for name in ("two rows of text", "the same with twice the gamma"))
    return bool(torch.isclose(twice, 2 * once))


PTX_LOSS = Task(
    name="ptx_loss",
    notebook="06",
    minutes=8,
    text="What PPO-ptx adds to PPO's loss: gamma times the mean of -log pi over rows of text. logits[:, t] "
    "were computed at place t, from ids[:, 0] to ids[:, t], so they predict ids[:, t + 1]. The rows are "
    "full: there is no padding and no prompt, and every token but the first of a row is predicted.",
    hint="Drop what has no partner: the last place of logits, the first of ids. Then F.cross_entropy is "
    "the mean, if you flatten both.",
    solution=ptx_loss,
    cases=(
        Case(
            "logits that know nothing",
            (torch.zeros(1, 3, 4, dtype=torch.float64), torch.tensor([[1, 2, 3]]), 0.5),
            {"loss": math.log(4) / 2},
        ),
        Case(
            "three to one for each next token",
            (_t([math.log(3), 0.0], [0.0, math.log(3)], [5.0, 0.0]), torch.tensor([[1, 0, 1]]), 2.0),
            {"loss": 2 * math.log(4 / 3)},
        ),
        Case("two rows of text", (_logits(2, 4, 5), _IDS, 0.7)),
        Case("the same with twice the gamma", (_logits(2, 4, 5), _IDS, 1.4)),
        Case("gamma 0, plain PPO", (_logits(2, 4, 5), _IDS, 0.0), {"loss": 0.0}),
        Case(
            "a logit of 2000 against the next token",
            (_t([0.0, 2000.0], [0.0, 0.0]), torch.tensor([[1, 0]]), 1.0),
            {"loss": 2000.0},
        ),
    ),
    mistakes=(
        Mistake(
            "not shifted",
            "You compare logits[:, t] with ids[:, t], which the model has just read. It would learn to "
            "repeat the last token, a skill that needs no language.",
            not_shifted,
        ),
        Mistake(
            "shifted the wrong way",
            "logits[:, t + 1] meet ids[:, t]: the model is asked for the token before the one it has just "
            "read. Drop the last place of logits and the first of ids.",
            shifted_backwards,
        ),
        Mistake(
            "the last logits compared with the first token",
            "A roll brings the first token of the row round to its end. The last place has nothing to "
            "predict: cut it off.",
            round_the_end,
        ),
        Mistake(
            "summed, not averaged",
            "The sum grows with the number and the length of rows, and gamma would mean something else in "
            "each setting. Divide by the number of predicted tokens.",
            summed,
        ),
        Mistake(
            "rows summed, then averaged",
            "You average over rows of sums, so longer rows push harder, as if gamma were larger. The mean "
            "is over tokens.",
            rows_summed,
        ),
        Mistake(
            "divided by one token too many",
            "A row of T tokens has T - 1 that are predicted, since nothing predicts the first.",
            one_too_many,
        ),
        Mistake(
            "gamma forgotten",
            "The loss is right, its weight is not: gamma says how much of it is added to PPO's.",
            gamma_forgotten,
        ),
        Mistake(
            "sign forgotten",
            "Equation 2 is an objective, to be made large, and holds + log pi. A loss is made small: with "
            "your sign the model unlearns the text.",
            sign_forgotten,
        ),
        Mistake(
            "log of a softmax",
            "softmax rounds small probabilities to 0, and log makes them infinite. log_softmax and "
            "cross_entropy stay finite.",
            log_of_softmax,
        ),
    ),
    laws=(
        Law("A cross-entropy is never negative.", lambda out: all(x["loss"] >= 0 for x in out.values())),
        Law("Twice the gamma is twice the loss.", _gamma_is_a_factor),
    ),
    learns=(0,),
)

TASKS = (PTX_LOSS,)
