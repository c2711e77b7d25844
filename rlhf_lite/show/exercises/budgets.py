"""Exercises of notebooks A1 and 09: the loss of a whole from its parts, and the memory that PPO takes."""

from __future__ import annotations

import torch
from torch import Tensor

from .task import Case, Law, Mistake, Outputs, Task, doubles

# --- A1: perplexity -----------------------------------------------------------------------------------------


def perplexity(losses: Tensor, tokens: Tensor) -> Tensor:
    """losses (D,), the mean loss of each document in nats, and its tokens (D,) -> a scalar."""
    return torch.exp((losses * tokens).sum() / tokens.sum())


def documents_alike(losses, tokens):
    return torch.exp(losses.mean())


def mean_of_perplexities(losses, tokens):
    return torch.exp(losses).mean()


def weighted_perplexities(losses, tokens):
    return (torch.exp(losses) * tokens).sum() / tokens.sum()


def loss_only(losses, tokens):
    return (losses * tokens).sum() / tokens.sum()


def to_base_two(losses, tokens):
    return 2 ** ((losses * tokens).sum() / tokens.sum())


def of_the_whole_text(losses, tokens):
    return torch.exp((losses * tokens).sum() / len(losses))


def _never_below_one(out: Outputs) -> bool:
    return all(bool(x["perplexity"] >= 1) for x in out.values())


PERPLEXITY = Task(
    name="perplexity",
    notebook="A1",
    minutes=5,
    text="Perplexity is e to the mean loss of a token: as unsure as somebody who chooses among so many "
    "words alike. Given are documents, each with the mean loss of its tokens and their number. What is "
    "it over all of them?",
    hint="First the mean over all tokens: a document counts as often as it has tokens. Then exp.",
    solution=perplexity,
    cases=(
        Case(
            "one document in which everything is certain",
            (doubles(0.0), torch.tensor([5])),
            {"perplexity": 1.0},
        ),
        Case(
            "a loss of log 8 everywhere",
            (doubles(2.0794415417, 2.0794415417), torch.tensor([3, 9])),
            {"perplexity": 8.0},
        ),
        Case(
            "a short hard one and a long easy one",
            (doubles(3.0, 1.0), torch.tensor([10, 90])),
            {"perplexity": 3.3201169},
        ),
        Case("three documents", (doubles(2.0, 0.5, 1.2), torch.tensor([4, 4, 12]))),
    ),
    mistakes=(
        Mistake(
            "every document counts alike",
            "A line of ten tokens weighs as much as a page of ninety. Weigh each loss with its tokens.",
            documents_alike,
        ),
        Mistake(
            "the mean of perplexities",
            "exp comes last. The mean of what it gives is always larger, and one hard document rules it.",
            mean_of_perplexities,
        ),
        Mistake(
            "perplexities weighed with tokens",
            "The weights are right, the order is not: average the losses, then take exp once.",
            weighted_perplexities,
        ),
        Mistake(
            "exp forgotten", "This is the mean loss, in nats. Its exponential is the perplexity.", loss_only
        ),
        Mistake(
            "to base 2",
            "2 to the loss would be right for a loss in bits. torch's logarithms are natural ones: exp.",
            to_base_two,
        ),
        Mistake(
            "divided by documents",
            "The sum over tokens is divided by the number of tokens, else it grows with the length of "
            "the text.",
            of_the_whole_text,
        ),
    ),
    laws=(Law("A perplexity is never below 1.", _never_below_one),),
    outputs=("perplexity",),
)


# --- 09: a batch in parts -----------------------------------------------------------------------------------


def loss_in_parts(losses: Tensor, tokens: Tensor) -> Tensor:
    """losses (P,), means over the tokens (P,) of each part of a batch -> the loss of the batch, a scalar."""
    return (losses * tokens).sum() / tokens.sum()


def mean_of_means(losses, tokens):
    return losses.mean()


def summed(losses, tokens):
    return losses.sum()


def not_divided(losses, tokens):
    return (losses * tokens).sum()


def divided_twice(losses, tokens):
    return loss_in_parts(losses, tokens) / len(losses)


def last_part(losses, tokens):
    return losses[-1] * 1


def _cut_otherwise(out: Outputs) -> bool:
    one, other = (
        out[name]["loss"] for name in ("a batch in two uneven parts", "the same batch in three parts")
    )
    return bool(torch.isclose(one, other))


LOSS_IN_PARTS = Task(
    name="loss_in_parts",
    notebook="09",
    minutes=5,
    text="A batch that does not fit is computed in parts, and their gradients are added up. What makes "
    "that the same as the whole batch? Each part gives the mean loss of its tokens; return the loss of "
    "the batch.",
    hint="The mean over all tokens: a part counts as often as it has tokens.",
    solution=loss_in_parts,
    cases=(
        Case("parts of the same size", (doubles(1.0, 3.0), torch.tensor([4, 4])), {"loss": 2.0}),
        Case("a batch in two uneven parts", (doubles(1.0, 4.0), torch.tensor([2, 1])), {"loss": 2.0}),
        Case(
            "the same batch in three parts", (doubles(0.5, 1.5, 4.0), torch.tensor([1, 1, 1])), {"loss": 2.0}
        ),
        Case("one part", (doubles(0.7), torch.tensor([5])), {"loss": 0.7}),
        Case(
            "a part without a token to learn from", (doubles(2.0, 0.0), torch.tensor([3, 0])), {"loss": 2.0}
        ),
    ),
    mistakes=(
        Mistake(
            "a mean of means",
            "Tokens of a short part push harder than those of a long one. The best-known library did "
            "this for years; it shows only as a loss that depends on how the batch was cut.",
            mean_of_means,
        ),
        Mistake("summed", "Four parts would push four times as hard as one: a hidden learning rate.", summed),
        Mistake(
            "not divided", "This is the sum over tokens. Divide by their number, of all parts.", not_divided
        ),
        Mistake(
            "divided by the parts as well",
            "The mean over tokens is there already; dividing by the number of parts makes the steps smaller.",
            divided_twice,
        ),
        Mistake(
            "the last part only",
            "The gradients of the parts before are lost: zero_grad at the wrong place does this.",
            last_part,
        ),
    ),
    laws=(Law("It does not matter how a batch is cut.", _cut_otherwise),),
    learns=(0,),
)


# --- 09: four models ----------------------------------------------------------------------------------------


def ppo_bytes(policy: int, value_model: int, ref_policy: int, reward_model: int) -> int:
    """The parameters of the four models -> bytes that PPO holds, every number in float32."""
    weights = policy + value_model + ref_policy + reward_model
    adam = 2 * (policy + value_model)  # two moments for each weight that is trained
    average = policy  # the averaged policy is one more copy
    gradient = max(policy, value_model)  # the two learn one after the other
    return 4 * (weights + adam + average + gradient)


def weights_only(policy, value_model, ref_policy, reward_model):
    return 4 * (policy + value_model + ref_policy + reward_model)


def one_moment(policy, value_model, ref_policy, reward_model):
    return ppo_bytes(policy, value_model, ref_policy, reward_model) - 4 * (policy + value_model)


def all_trained(policy, value_model, ref_policy, reward_model):
    return ppo_bytes(policy, value_model, ref_policy, reward_model) + 8 * (ref_policy + reward_model)


def value_model_is_read(policy, value_model, ref_policy, reward_model):
    return ppo_bytes(policy, value_model, ref_policy, reward_model) - 8 * value_model


def both_gradients(policy, value_model, ref_policy, reward_model):
    return ppo_bytes(policy, value_model, ref_policy, reward_model) + 4 * min(policy, value_model)


def no_average(policy, value_model, ref_policy, reward_model):
    return ppo_bytes(policy, value_model, ref_policy, reward_model) - 4 * policy


def in_bits(policy, value_model, ref_policy, reward_model):
    return 8 * ppo_bytes(policy, value_model, ref_policy, reward_model)


def half_precision(policy, value_model, ref_policy, reward_model):
    return ppo_bytes(policy, value_model, ref_policy, reward_model) // 2


def numbers_counted(policy, value_model, ref_policy, reward_model):
    return ppo_bytes(policy, value_model, ref_policy, reward_model) // 4


def _twice_is_twice(out: Outputs) -> bool:
    one, two = (out[name]["bytes"] for name in ("four half as large", "four of two thousand parameters"))
    return bool(two == 2 * one)


PPO_BYTES = Task(
    name="ppo_bytes",
    notebook="09",
    minutes=8,
    text="The sum of section 2, for models of different sizes. In memory lie the four models, Adam's "
    "two moments of those that learn, one more copy of the policy (its average), and one gradient at a "
    "time. Activations are not counted here. How many bytes, if every number is a float32?",
    hint="Count numbers first and multiply by four at the end. Of the two gradients only the larger one "
    "needs room.",
    solution=ppo_bytes,
    cases=(
        Case("four of two thousand parameters", (2000, 2000, 2000, 2000), {"bytes": 80_000}),
        Case("four half as large", (1000, 1000, 1000, 1000), {"bytes": 40_000}),
        Case("GPT-2 and nothing else", (124_000_000, 0, 0, 0), {"bytes": 2_480_000_000}),
        Case("a large reward model", (100, 10, 100, 5000), {"bytes": 22_520}),
        Case("a large value model", (100, 300, 100, 300), {"bytes": 8_000}),
    ),
    mistakes=(
        Mistake(
            "weights only",
            "So much is needed to *ask* the four. Whoever trains also keeps gradients and Adam's moments.",
            weights_only,
        ),
        Mistake(
            "one moment forgotten",
            "Adam keeps two numbers beside each weight: a mean of its gradients and a mean of their squares.",
            one_moment,
        ),
        Mistake(
            "moments for all four",
            "The reference and the reward model are only read: Adam does not know them.",
            all_trained,
        ),
        Mistake(
            "the value model only read",
            "It is trained beside the policy, though it begins as a copy of the reward model.",
            value_model_is_read,
        ),
        Mistake(
            "both gradients at once",
            "The policy takes its step before the value model's gradient is computed, so one place is "
            "enough, as large as the larger of the two.",
            both_gradients,
        ),
        Mistake(
            "the averaged policy forgotten",
            "What is kept in the end is an average of the policy: a copy.",
            no_average,
        ),
        Mistake("bits", "A float32 has 32 bits, and those are 4 bytes.", in_bits),
        Mistake("two bytes a number", "That is bfloat16. A float32 has four bytes.", half_precision),
        Mistake(
            "numbers, not bytes", "You have counted the numbers. Each takes four bytes.", numbers_counted
        ),
    ),
    laws=(Law("Models twice as large take twice the memory.", _twice_is_twice),),
    outputs=("bytes",),
)

TASKS = (PERPLEXITY, LOSS_IN_PARTS, PPO_BYTES)
