"""Did both sides compute the same, and is it right? Beside
plain transformers' forwards in float32, on the saved files."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from . import jobs
from .jobs import Case

LIMITS = {  # largest difference; of losses relative
    "fp32": {
        "loss": 1e-5,
        "rewards": 1e-4,
        "scores": 1e-4,
        "logprobs": 1e-4,
        "first_ratio": 1e-4,
        "ptx_loss": 1e-2,
    },
    "bf16": {
        "loss": 2e-2,
        "rewards": 5e-2,
        "scores": 5e-2,
        "logprobs": 5e-2,
        "first_ratio": 1e-2,
        "ptx_loss": 2e-2,
    },
}
ROWS = 8  # at a time, so that a large vocabulary fits


@torch.no_grad()
def rewards(case: Case, found: Tensor) -> float:
    """Largest difference of rewards (K,) from one forward for each answer."""
    return _apart(_scores(case, jobs.exchange_ids(case)), found)


@torch.no_grad()
def samples(case: Case, ids: Tensor, tokens: Tensor, logprobs: Tensor) -> dict[str, float]:
    """Samples (B, T) of prompts ids (B, P): are all there, and
    are the kept log-probabilities those of a full forward?"""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(Path(case.folder, "policy"), dtype=torch.float32).eval()
    wanted, T = case.job.rows * case.job.answer, tokens.shape[1]
    parts = []
    for text in torch.cat([ids, tokens], dim=1).cpu().split(ROWS):
        logits = model(text).logits[:, -T - 1 : -1]  # (b, T, V)
        parts.append(logits.log_softmax(-1).gather(-1, text[:, -T:, None])[..., 0])
    return {"logprobs": _apart(torch.cat(parts), logprobs), "tokens": abs(wanted - tokens.numel())}


@torch.no_grad()
def rollout(case: Case, batch) -> dict[str, float]:
    """The same of a `Rollout`, and its scores beside the reward model's."""
    found = samples(case, batch.prompt_ids, batch.responses, batch.logprobs)
    scores = _scores(case, torch.cat([batch.prompt_ids, batch.responses], dim=1).cpu())
    found["tokens"] += int((batch.response_mask == 0).sum())
    return {**found, "scores": _apart(scores, batch.scores)}


def _scores(case: Case, ids: Tensor) -> Tensor:
    """What transformers' reward model gives each row of ids (B, T), without padding: (B,)."""
    from transformers import AutoModelForSequenceClassification

    folder = Path(case.folder, "reward")
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    return torch.cat([model(part).logits[:, 0] for part in ids.split(ROWS)])


def _apart(expected: Tensor, found: Tensor) -> float:
    """Largest difference; infinite if the shapes differ or something is not a number."""
    if expected.shape != found.shape or not found.isfinite().all():
        return float("inf")
    return float((expected - found.cpu().float()).abs().max())


def judge(case: Case, ours: dict, peer: dict | None, compared: dict) -> dict[str, dict]:
    """Every check with its difference, limit and verdict.

    ours, peer: what each side reported of its first step, both from the saved weights; compared: the
    differences that `Worker.check` found.
    """
    limits, found = LIMITS[case.precision], dict(compared)
    if peer and "loss" in peer:
        found["loss"] = abs(ours["loss"] / peer["loss"] / _counted(case) - 1)
    if case.job.kind == "ppo":
        found["first_ratio"] = abs(ours["policy/first_ratio"] - 1)
        found["optimizer_steps"] = _too_many(case, ours)
        if peer:
            found["peer_optimizer_steps"] = _too_many(case, peer)
        if peer and case.job.ptx_rows:
            found["ptx_loss"] = abs(ours["loss/ptx"] / peer["ptx_loss"] - 1)
    limits = {name: limits.get(name, 0) for name in found}  # numbers of tokens and of steps have to be exact
    return {
        name: {"difference": x if math.isfinite(x) else None, "limit": limits[name], "ok": x <= limits[name]}
        for name, x in found.items()
    }


def _counted(case: Case) -> float:
    """TRL divides SFT's sum by the number of all labels, although nothing predicts the first of each row."""
    return case.job.answer / (case.job.answer - 1) if case.job.kind == "sft" else 1.0


def _too_many(case: Case, facts: dict) -> int:
    """How many steps an optimizer took beyond (or below) one for each minibatch; the worst of them."""
    return max(
        (abs(n - case.job.minibatches) for n in facts["optimizer_steps"]), default=case.job.minibatches
    )
