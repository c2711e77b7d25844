"""Exercises of notebook 02: which tokens SFT learns from, and the mean over them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .task import Case, Law, Mistake, Task

IGNORED = -100

# --- Labels -------------------------------------------------------------------------------------------------


def answer_labels(tokens: Tensor, prompt_lengths: Tensor, lengths: Tensor) -> Tensor:
    """tokens (B, T), prompt_lengths (B,), lengths (B,) with prompt and EOS -> labels (B, T)."""
    place = torch.arange(tokens.shape[1])  # (T,)
    learned = (place >= prompt_lengths[:, None]) & (place < lengths[:, None])  # (B, T)
    return tokens.where(learned, -100)


def _labels(tokens: Tensor, first: Tensor, end: Tensor) -> Tensor:
    place = torch.arange(tokens.shape[1])
    return tokens.where((place >= first[:, None]) & (place < end[:, None]), IGNORED)


def eos_left_out(tokens, prompt_lengths, lengths):
    return _labels(tokens, prompt_lengths, lengths - 1)


def prompt_learned(tokens, prompt_lengths, lengths):
    return _labels(tokens, torch.zeros_like(lengths), lengths)


def padding_learned(tokens, prompt_lengths, lengths):
    return _labels(tokens, prompt_lengths, torch.full_like(lengths, tokens.shape[1]))


def first_token_left_out(tokens, prompt_lengths, lengths):
    return _labels(tokens, prompt_lengths + 1, lengths)


def shifted_here(tokens, prompt_lengths, lengths):
    labels = answer_labels(tokens, prompt_lengths, lengths)
    return torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], IGNORED)], dim=1)


_ROW = torch.tensor([[5, 6, 7, 8, 9, 0]])
_ROWS = torch.tensor([[5, 6, 7, 8, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0], [3, 3, 9, 8, 7, 6, 0]])

ANSWER_LABELS = Task(
    name="answer_labels",
    notebook="02",
    minutes=8,
    text="SFT learns the answer only. Keep the tokens of the answer and of the EOS that ends it; write -100 "
    "on the prompt and on padding. Token 0 is EOS and, as in GPT-2, padding too. Nothing is shifted "
    "here.",
    hint="Compare places with lengths, not tokens with 0: the first 0 is to be learned, the rest is padding.",
    solution=answer_labels,
    cases=(
        Case(
            "one row without padding",
            (_ROW, torch.tensor([2]), torch.tensor([6])),
            {"labels": [[-100, -100, 7, 8, 9, 0]]},
        ),
        Case(
            "padding behind the answers, one of them empty",
            (_ROWS, torch.tensor([2, 1, 2]), torch.tensor([5, 2, 7])),
            {
                "labels": [
                    [-100, -100, 7, 8, 0, -100, -100],
                    [-100, 0, -100, -100, -100, -100, -100],
                    [-100, -100, 9, 8, 7, 6, 0],
                ]
            },
        ),
    ),
    mistakes=(
        Mistake(
            "EOS left out",
            "The model never sees an answer end, so it never learns to stop. This happens when padding is "
            "found by its id, which EOS shares.",
            eos_left_out,
        ),
        Mistake(
            "the prompt is learned",
            "You teach the model to write prompts. Mask every place before prompt_lengths.",
            prompt_learned,
        ),
        Mistake(
            "padding is learned",
            "Behind the EOS nothing was written. Mask every place from lengths on.",
            padding_learned,
        ),
        Mistake(
            "the first token of the answer left out",
            "Place prompt_lengths is already the answer: use >=, not >.",
            first_token_left_out,
        ),
        Mistake(
            "shifted already",
            "labels[:, t] is token t itself. The shift by one comes when logits[:, :-1] meet labels[:, 1:]; "
            "made twice, the model predicts the token after the next.",
            shifted_here,
        ),
    ),
    laws=(
        Law(
            "A row has as many labels as its answer has tokens, EOS included.",
            lambda out: all(
                (x["labels"] != IGNORED).sum(dim=1).tolist() == counts
                for x, counts in zip(out.values(), ([4], [3, 1, 5]), strict=True)
            ),
        ),
    ),
    outputs=("labels",),
)

# --- Loss ---------------------------------------------------------------------------------------------------


def masked_lm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """logits (B, T, V), labels (B, T), -100 where nothing is learned -> a scalar."""
    learned = labels != -100  # (B, T)
    logprobs = F.log_softmax(logits, dim=-1)
    of_label = logprobs.gather(-1, labels.clamp(min=0)[..., None])[..., 0]  # (B, T)
    return -(of_label * learned).sum() / learned.sum().clamp(min=1)


def _of_label(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    logprobs = F.log_softmax(logits, dim=-1)
    return logprobs.gather(-1, labels.clamp(min=0)[..., None])[..., 0], labels != IGNORED


def over_all_places(logits, labels):
    of_label, learned = _of_label(logits, labels)
    return -(of_label * learned).mean()


def mask_forgotten(logits, labels):
    return -_of_label(logits, labels)[0].mean()


def over_rows_first(logits, labels):
    of_label, learned = _of_label(logits, labels)
    return (-(of_label * learned).sum(dim=1) / learned.sum(dim=1).clamp(min=1)).mean()


def summed(logits, labels):
    of_label, learned = _of_label(logits, labels)
    return -(of_label * learned).sum()


def shifted_again(logits, labels):
    return masked_lm_loss(logits[:, :-1], labels[:, 1:])


def sign_forgotten(logits, labels):
    return -masked_lm_loss(logits, labels)


def log_of_softmax(logits, labels):
    logprobs = F.softmax(logits, dim=-1).log()
    learned = labels != IGNORED
    of_label = logprobs.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -of_label.where(learned, 0.0).sum() / learned.sum().clamp(min=1)


def nan_without_labels(logits, labels):
    of_label, learned = _of_label(logits, labels)
    return -(of_label * learned).sum() / learned.sum()


def _logits(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


_EVEN = torch.zeros(1, 3, 4, dtype=torch.float64)
_THREE_TO_ONE = torch.tensor([[[math.log(3), 0.0], [0.0, 0.0], [0.0, math.log(3)]]], dtype=torch.float64)
_FAR = torch.tensor([[[0.0, 2000.0], [1.0, 0.0], [0.5, 0.0]]], dtype=torch.float64)

MASKED_LM_LOSS = Task(
    name="masked_lm_loss",
    notebook="02",
    minutes=12,
    text="Mean cross-entropy over the labels that are not -100, all rows together. logits[:, t] already "
    "belong to labels[:, t]. Without a single label the loss is 0.",
    hint="Take log_softmax, gather the label's entry (a -100 has none: clamp it first), multiply by the "
    "mask, and divide by how many labels there are.",
    solution=masked_lm_loss,
    cases=(
        Case(
            "logits that know nothing, all learned", (_EVEN, torch.tensor([[1, 2, 3]])), {"loss": math.log(4)}
        ),
        Case(
            "three to one for the label, then one to one, then masked",
            (_THREE_TO_ONE, torch.tensor([[0, 1, IGNORED]])),
            {"loss": (math.log(4 / 3) + math.log(2)) / 2},
        ),
        Case(
            "two rows, of which one has more labels",
            (_logits(2, 4, 5), torch.tensor([[IGNORED, 1, 2, 3], [IGNORED, IGNORED, 4, IGNORED]])),
        ),
        Case("a logit of 2000 against the label", (_FAR, torch.tensor([[0, 0, IGNORED]]))),
        Case("no label at all", (_logits(1, 2, 3), torch.full((1, 2), IGNORED)), {"loss": 0.0}),
    ),
    mistakes=(
        Mistake(
            "averaged over all places",
            "You divide by B * T. Masked places are not in the sum, so they must not be in the count either: "
            "a batch with long prompts would learn less.",
            over_all_places,
        ),
        Mistake(
            "mask forgotten",
            "Places labelled -100 are in your mean, with token 0 as their label. They are prompt and "
            "padding.",
            mask_forgotten,
        ),
        Mistake(
            "averaged in rows first",
            "You take a mean in each row, then over rows: a token of a short answer then weighs more than "
            "one of a long answer. Sum everything, and divide once.",
            over_rows_first,
        ),
        Mistake("summed, not averaged", "Divide by the number of labels that are not -100.", summed),
        Mistake(
            "shifted a second time",
            "Here logits[:, t] already belong to labels[:, t]. Whoever calls this has shifted.",
            shifted_again,
        ),
        Mistake(
            "sign forgotten", "You return the mean log-probability; a loss is its negative.", sign_forgotten
        ),
        Mistake(
            "log of a softmax",
            "softmax rounds small probabilities to 0, and log makes them infinite. log_softmax subtracts "
            "before it rounds.",
            log_of_softmax,
        ),
        Mistake(
            "0 / 0 without a label",
            "A batch without labels gives nan, which ruins every weight. Count at least 1: clamp(min=1).",
            nan_without_labels,
        ),
    ),
    laws=(
        Law(
            "A cross-entropy is never negative.",
            lambda out: all((x["loss"] >= 0).all() for x in out.values()),
        ),
    ),
    learns=(0,),
)

TASKS = (ANSWER_LABELS, MASKED_LM_LOSS)
