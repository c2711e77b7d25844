"""Our side of each job: what training itself calls, on the models that `jobs.save_models` left.

Between two steps, `Gate.report` stands where a notebook has its Stop button: `train_reward` and `train_ppo`
run as they always do, loop and trace included, and wait there to be told to go on.
"""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from rlhf_lite.config import PPOConfig, RewardConfig
from rlhf_lite.hardware.precision import autocast
from rlhf_lite.models.checkpoints import load_policy, load_scalar_model
from rlhf_lite.models.sampling import sample
from rlhf_lite.models.tokens import encode_prompts, load_tokenizer
from rlhf_lite.train.batches import lm_loss
from rlhf_lite.train.optim import Adam
from rlhf_lite.train.ppo import train_ppo
from rlhf_lite.train.reward import train_reward
from rlhf_lite.train.scoring import score_rankings

from . import checks, jobs
from .jobs import FOREVER, LR, Case
from .worker import Gate


def run(case: Case, gate: Gate) -> None:
    """Do the job again and again, as the gate allows."""
    gate.imported()
    {"rm": _reward, "ppo": _ppo, "sample": _sample, "sft": _sft}[case.job.kind](case, gate)


def _tokenizer(case: Case) -> PreTrainedTokenizerFast:
    return load_tokenizer(Path(case.folder, "policy"))


def _policy(case: Case) -> GPT2LMHeadModel:
    return load_policy(Path(case.folder, "policy"), device=case.device)


def _scalar_model(case: Case) -> GPT2ForSequenceClassification:
    return load_scalar_model(Path(case.folder, "reward"), device=case.device)


def _reward(case: Case, gate: Gate) -> None:
    tokenizer, (prompt,), answers = _tokenizer(case), jobs.prompts(case), jobs.answers(case)
    ranking = {"prompt": prompt, "completions": answers, "ranks": list(range(1, len(answers) + 1))}

    def check() -> dict:
        (rewards,) = score_rankings(_scalar_model(case), tokenizer, [ranking])
        return {"rewards": checks.rewards(case, rewards)}

    gate.check = check
    cfg = RewardConfig(epochs=FOREVER, prompts_per_step=1, lr=LR)
    gate.begin()
    train_reward(_scalar_model(case), tokenizer, [ranking], cfg, loop={"control": gate, "progress": False})


def _ppo(case: Case, gate: Gate) -> None:
    job, first = case.job, []
    ptx = {"ptx_gamma": 1.0, "ptx_rows": job.ptx_rows} if job.ptx_rows else {}
    cfg = PPOConfig(
        episodes=FOREVER * job.rows,
        batch_size=job.rows,
        minibatches=job.minibatches,
        lr=LR,
        value_lr=LR,
        max_new_tokens=job.answer,
        warmup_iterations=0,
        **ptx,
    )
    models = (_policy(case), _policy(case), _scalar_model(case), _scalar_model(case))
    rows = jobs.packed_rows(case, job.minibatches * job.ptx_rows, job.ptx_tokens)

    def keep_first(iteration: int, batch) -> None:
        if iteration == 0:
            first.append(batch)

    gate.check = lambda: checks.rollout(case, first[0])
    options = {
        "pretrain_rows": rows,
        "on_iteration": keep_first,
        "loop": {"control": gate, "progress": False},
    }
    gate.begin()
    train_ppo(*models, _tokenizer(case), jobs.prompts(case), cfg, **options)


def _sample(case: Case, gate: Gate) -> None:
    policy, tokenizer, drawn = _policy(case), _tokenizer(case), None
    prompts = encode_prompts(tokenizer, jobs.prompts(case), case.shape.positions)
    ends, generator = (tokenizer.eos_token_id, tokenizer.pad_token_id), torch.Generator().manual_seed(0)
    gate.check = lambda: checks.samples(case, prompts.ids, drawn.tokens, drawn.logprobs)
    while True:
        gate.begin()
        with autocast(case.device):
            drawn = sample(policy, *prompts, case.job.answer, *ends, generator=generator)
        gate.end()


def _sft(case: Case, gate: Gate) -> None:
    policy = _policy(case)
    rows, optimizer = jobs.packed_rows(case, case.job.rows, case.job.answer), Adam(policy, LR)
    while True:
        gate.begin()
        loss = lm_loss(policy, rows)
        optimizer.scaled(loss).backward()
        optimizer.step(LR, max_grad_norm=1.0)
        gate.end(loss=float(loss.detach()))
