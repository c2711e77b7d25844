"""Exercises of notebook 04: the ranking loss (Eq. 1), with ties, gaps and all; who may look at whom."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .task import Case, Law, Mistake, Outputs, Task

# --- The ranking loss ---------------------------------------------------------------------------------------


def ranking_loss(scores: Tensor, ranks: Tensor, mask: Tensor) -> Tensor:
    """scores (B, K), ranks (B, K) with 1 = best, mask (B, K) with 0 = no answer -> a scalar."""
    losses = []
    for score, rank, there in zip(scores, ranks, mask.bool(), strict=True):
        score, rank = score[there], rank[there]
        pairs = rank[:, None] < rank[None, :]  # (K, K): i is better than j; a tie is neither
        margins = score[:, None] - score[None, :]
        if pairs.any():
            losses.append(-F.logsigmoid(margins[pairs]).mean())  # over this prompt's pairs
    return torch.stack(losses).mean() if losses else scores.sum() * 0  # over prompts


def _pairs(scores: Tensor, ranks: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Margins and which of them are pairs, both (B, K, K)."""
    pairs = ranks[:, :, None] < ranks[:, None, :]
    pairs = pairs & mask.bool()[:, :, None] & mask.bool()[:, None, :]
    return scores[:, :, None] - scores[:, None, :], pairs


def _mean(values: Tensor, pairs: Tensor) -> Tensor:
    """Over a prompt's pairs, then over the prompts that have any."""
    per_prompt = values.where(pairs, 0.0).sum(dim=(1, 2)) / pairs.sum(dim=(1, 2)).clamp(min=1)
    return per_prompt.sum() / pairs.any(dim=2).any(dim=1).sum().clamp(min=1)


def over_prompts_only(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, mask)
    prompts = pairs.any(dim=2).any(dim=1).sum().clamp(min=1)
    return -F.logsigmoid(margins).where(pairs, 0.0).sum() / prompts


def over_all_pairs(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, mask)
    return -F.logsigmoid(margins).where(pairs, 0.0).sum() / pairs.sum().clamp(min=1)


def over_all_k(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, mask)
    k = scores.shape[1]
    per_prompt = -F.logsigmoid(margins).where(pairs, 0.0).sum(dim=(1, 2)) / (k * (k - 1) / 2)
    return per_prompt.sum() / pairs.any(dim=2).any(dim=1).sum().clamp(min=1)


def turned_round(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, mask)
    return _mean(-F.logsigmoid(-margins), pairs)


def ties_counted(scores, ranks, mask):
    margins, _ = _pairs(scores, ranks, mask)
    pairs = ranks[:, :, None] <= ranks[:, None, :]
    pairs = pairs & mask.bool()[:, :, None] & mask.bool()[:, None, :]
    return _mean(-F.logsigmoid(margins), pairs & ~torch.eye(scores.shape[1], dtype=torch.bool))


def mask_forgotten(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, torch.ones_like(mask))
    return _mean(-F.logsigmoid(margins), pairs)


def log_of_sigmoid(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, mask)
    return _mean(-margins.where(pairs, 0.0).sigmoid().log(), pairs)


def best_against_rest(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, mask)
    best = ranks.where(mask.bool(), 99).amin(dim=1, keepdim=True)
    return _mean(-F.logsigmoid(margins), pairs & (ranks == best)[:, :, None])


def empty_prompts_counted(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, mask)
    per_prompt = -F.logsigmoid(margins).where(pairs, 0.0).sum(dim=(1, 2)) / pairs.sum(dim=(1, 2)).clamp(min=1)
    return per_prompt.mean()


def sign_forgotten(scores, ranks, mask):
    return -ranking_loss(scores, ranks, mask)


def hinge(scores, ranks, mask):
    margins, pairs = _pairs(scores, ranks, mask)
    return _mean((1 - margins).clamp(min=0), pairs)


def _case(shows: str, scores: list, ranks: list, mask: list | None = None, loss: float | None = None) -> Case:
    scores, ranks = torch.tensor(scores, dtype=torch.float64), torch.tensor(ranks)
    mask = torch.ones_like(ranks) if mask is None else torch.tensor(mask)
    return Case(shows, (scores, ranks, mask), None if loss is None else {"loss": loss})


def _shift_is_nothing(out: Outputs) -> bool:
    plain, shifted = (
        out[name]["loss"] for name in ("one ranking of three", "the same, each score higher by 7")
    )
    return bool(torch.isclose(plain, shifted))


_ONE = math.log1p(math.exp(-1))  # the loss of a pair with margin 1
_TWO = math.log1p(math.exp(-2))

RANKING_LOSS = Task(
    name="ranking_loss",
    notebook="04",
    minutes=20,
    text="Equation 1: -log sigmoid(score of the better - score of the worse), averaged over the pairs of a "
    "prompt, then over prompts. Ties are no pairs. Where mask is 0 there is no answer, whatever stands "
    "there. A prompt without a pair does not count; if none has one, the loss is 0.",
    hint="All margins at once are scores[:, :, None] - scores[:, None, :]. Which of them are pairs, a "
    "comparison of ranks says in the same shape.",
    solution=ranking_loss,
    cases=(
        _case("two answers, a margin of 1", [[1.0, 0.0]], [[1, 2]], loss=_ONE),
        _case("one ranking of three", [[2.0, 1.0, 0.0]], [[1, 2, 3]], loss=(2 * _ONE + _TWO) / 3),
        _case("the same, each score higher by 7", [[9.0, 8.0, 7.0]], [[1, 2, 3]], loss=(2 * _ONE + _TWO) / 3),
        _case("a tie for the second place", [[1.0, 0.0, -3.0]], [[1, 2, 2]]),
        _case(
            "two prompts, of which one has fewer pairs",
            [[2.0, 1.0, 0.5], [3.0, 0.0, 1.0]],
            [[3, 1, 2], [1, 1, 2]],
        ),
        _case("an answer that is not there", [[1.0, 0.0, 50.0]], [[1, 2, 0]], [[1, 1, 0]], loss=_ONE),
        _case("a margin of -2000", [[-2000.0, 0.0]], [[1, 2]], loss=2000.0),
        _case(
            "a prompt of which all answers tie, beside another",
            [[1.0, 2.0], [1.0, 0.0]],
            [[1, 1], [1, 2]],
            loss=_ONE,
        ),
        _case("only ties", [[1.0, 2.0]], [[1, 1]], loss=0.0),
    ),
    mistakes=(
        Mistake(
            "averaged over the batch instead of pairs",
            "You sum a prompt's pairs and divide by the prompts only. Nine answers have 36 pairs: such a "
            "prompt would weigh 36 times as much as one with two answers.",
            over_prompts_only,
        ),
        Mistake(
            "all pairs in one heap",
            "You average over the pairs of all prompts together: a prompt with more pairs weighs more. Take "
            "each prompt's mean first.",
            over_all_pairs,
        ),
        Mistake(
            "divided by C(K, 2) whatever is left",
            "Ties and missing answers leave fewer pairs than C(K, 2). Divide by those that are left.",
            over_all_k,
        ),
        Mistake(
            "better and worse exchanged",
            "Rank 1 is the best, so the better answer has the smaller rank. Your model learns to like what "
            "people like least.",
            turned_round,
        ),
        Mistake(
            "ties counted as pairs",
            "Equal ranks say nothing about who is better. Compare ranks with <, not <=.",
            ties_counted,
        ),
        Mistake(
            "mask forgotten",
            "An answer that is not there takes part. Both sides of a pair must have mask 1.",
            mask_forgotten,
        ),
        Mistake(
            "log of a sigmoid",
            "At a margin of -2000 sigmoid is 0 and its log infinite; the gradient is nan. logsigmoid(x) is "
            "computed as -softplus(-x) and stays finite.",
            log_of_sigmoid,
        ),
        Mistake(
            "only the best against the rest",
            "You compare the first place with the others. Second against third is a comparison too.",
            best_against_rest,
        ),
        Mistake(
            "prompts without a pair counted",
            "A prompt of which all answers tie adds nothing to the sum, so it must not be in the count.",
            empty_prompts_counted,
        ),
        Mistake("sign forgotten", "log sigmoid is negative: the loss is its negative.", sign_forgotten),
        Mistake(
            "a hinge",
            "max(0, 1 - margin) ranks as well, but is not Equation 1: its gradient stops at a margin of 1.",
            hinge,
        ),
    ),
    laws=(
        Law("Adding a number to all scores of a prompt must change nothing.", _shift_is_nothing),
        Law("This loss is never negative.", lambda out: all((x["loss"] >= 0).all() for x in out.values())),
    ),
    learns=(0,),
)

# --- Who may look at whom -----------------------------------------------------------------------------------


def shared_prompt_mask(parts: Tensor) -> Tensor:
    """parts (B, T): 0 prompt, k its k-th answer, -1 padding -> bool (B, T, T), [b, i, j]: i may look at j."""
    T = parts.shape[1]
    earlier = torch.ones(T, T, dtype=torch.bool).tril()  # a token itself included
    looks, seen = parts[:, :, None], parts[:, None, :]
    return earlier & ((looks == seen) | (seen == 0))


def _sides(parts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What stands earlier (T, T); parts of who looks (B, T, 1) and of who is seen (B, 1, T)."""
    earlier = torch.ones(parts.shape[1], parts.shape[1], dtype=torch.bool).tril()
    return earlier, parts[:, :, None], parts[:, None, :]


def only_causal(parts):
    return _sides(parts)[0].expand(len(parts), -1, -1)


def answers_see_each_other(parts):
    earlier, _, seen = _sides(parts)
    return earlier & (seen >= 0)


def prompt_not_seen(parts):
    earlier, looks, seen = _sides(parts)
    return earlier & (looks == seen)


def not_causal(parts):
    _, looks, seen = _sides(parts)
    return (looks == seen) | (seen == 0)


def prompt_looks_ahead(parts):
    earlier, looks, seen = _sides(parts)
    return (earlier & (looks == seen)) | (seen == 0)


def prompt_sees_answers(parts):
    return shared_prompt_mask(parts).transpose(1, 2)


def prompt_on_the_wrong_side(parts):
    earlier, looks, seen = _sides(parts)
    return earlier & ((looks == seen) | (looks == 0))


def padding_seen(parts):
    earlier, looks, seen = _sides(parts)
    return earlier & ((looks == seen) | (seen <= 0))


def blind_to_itself(parts):
    return shared_prompt_mask(parts) & ~torch.eye(parts.shape[1], dtype=torch.bool)


def hidden_not_seen(parts):
    return ~shared_prompt_mask(parts)


def _rows_of_padding(parts: Tensor) -> Tensor:
    return (parts < 0)[:, :, None].expand(-1, -1, parts.shape[1])


def _parts(shows: str, *rows: list, seen: list | None = None) -> Case:
    return Case(shows, (torch.tensor(rows),), None if seen is None else {"seen": [seen]})


SHARED_PROMPT_MASK = Task(
    name="shared_prompt_mask",
    notebook="04",
    minutes=12,
    text="A row holds a prompt once and its answers after it. Say who may look at whom: [b, i, j] is True "
    "where token i may look at token j. A token sees the earlier tokens of the prompt and of its own answer, "
    "itself included, and nothing else. Padding may stand at either end. Nobody looks at it; what padding "
    "itself may look at is not asked.",
    hint="parts[:, :, None] is the part of the token that looks, parts[:, None, :] that of the token looked "
    "at. One condition is about order (torch.tril), the other about parts; both must hold.",
    solution=shared_prompt_mask,
    cases=(
        _parts(
            "a prompt of two tokens and two answers",
            [0, 0, 1, 1, 2],
            seen=[[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 0, 0, 1]],
        ),
        _parts("a prompt without answers", [0, 0, 0], seen=[[1, 0, 0], [1, 1, 0], [1, 1, 1]]),
        _parts("two rows, the second padded on the right", [0, 0, 1, 2, 2, 3], [0, 1, 1, 2, -1, -1]),
        _parts("padding on the left", [-1, -1, 0, 0, 1, 2, 2]),
    ),
    mistakes=(
        Mistake(
            "nothing but order",
            "You only ask what stands earlier. That is an ordinary causal mask: an answer sees the answers "
            "before it, and padding where it stands on the left. Ask for the parts as well.",
            only_causal,
        ),
        Mistake(
            "answers see each other",
            "An answer may look at its own tokens and the prompt's. Yours sees the answers before it, so its "
            "score depends on what it happens to be compared with.",
            answers_see_each_other,
        ),
        Mistake(
            "answers do not see the prompt",
            "Each part sees only itself. A reward model that cannot read the question judges style alone: "
            "add whatever belongs to part 0.",
            prompt_not_seen,
        ),
        Mistake(
            "not causal",
            "Tokens look at those that come after them. The language model we start from was trained without "
            "ever doing so, and what it knows would no longer apply.",
            not_causal,
        ),
        Mistake(
            "the prompt looks ahead",
            "Everybody sees the whole prompt, even the prompt's own first token. Within the prompt order "
            "counts, too.",
            prompt_looks_ahead,
        ),
        Mistake(
            "the prompt sees answers",
            "Rows and columns are exchanged: [b, i, j] asks whether i may look at j, and yours says whether "
            "j may look at i. The prompt would read its answers, and no answer the prompt.",
            prompt_sees_answers,
        ),
        Mistake(
            "the prompt on the wrong side",
            "You let the prompt look at everything earlier. It is the token looked at, parts[:, None, :], "
            "that must belong to the prompt.",
            prompt_on_the_wrong_side,
        ),
        Mistake(
            "padding is seen",
            "Padding is part -1, and <= 0 takes it for a prompt. With padding on the left every token would "
            "read it, and a score would depend on how long the neighbouring rows are.",
            padding_seen,
        ),
        Mistake(
            "a token does not see itself",
            "Order includes the token itself: tril(), not tril(-1). The first token would have nothing at "
            "all to look at, and a softmax over nothing is nan.",
            blind_to_itself,
        ),
        Mistake(
            "True where it should be hidden",
            "Your mask is right and turned round. Some functions of torch do ask for what is to be hidden; "
            "here True means that i may look at j.",
            hidden_not_seen,
        ),
    ),
    laws=(
        Law(
            "Nobody may look at a later token.",
            lambda out: not any(x["seen"].triu(1).any() for x in out.values()),
        ),
        Law(
            "Every real token sees itself.",
            lambda out: bool((out["a prompt without answers"]["seen"][0].diag() == 1).all()),
        ),
    ),
    outputs=("seen",),
    free=_rows_of_padding,
)

TASKS = (RANKING_LOSS, SHARED_PROMPT_MASK)
