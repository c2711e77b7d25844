"""The other side of each job: what people use today, as it is shipped.

Without gradient checkpointing, TRL's default, which would only make it slower, and without its logging. PPO
is that of TRL's last version with it, which the environment of this process puts before the newest; it gets
the flag bf16 like the others, and ignores it. No peer mixes pretraining text into PPO: there, plain
transformers adds the gradient of its own loss before each of TRL's optimizer steps.
"""

from __future__ import annotations

from itertools import combinations, cycle
from pathlib import Path

import torch

from . import jobs
from .jobs import FOREVER, LR, Case
from .packages import INSTALL, Missing
from .worker import Gate


def run(case: Case, gate: Gate) -> None:
    """Do the job again and again, as the gate allows."""
    try:
        {"rm": _reward, "ppo": _ppo, "sample": _sample, "sft": _sft}[case.job.kind](case, gate)
    except ModuleNotFoundError as error:
        raise Missing(f"{error.name} is not installed; run: {INSTALL}") from error


def _settings(case: Case, rows: int) -> dict:
    """Arguments of every trainer of TRL."""
    return {
        "output_dir": str(Path(case.folder, "trl")),
        "report_to": "none",
        "logging_strategy": "no",
        "save_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": case.device == "cpu",
        "bf16": case.precision == "bf16",
        "gradient_checkpointing": False,
        "per_device_train_batch_size": rows,
        "learning_rate": LR,
    }


def _load(case: Case, kind: str):
    """The saved policy or reward model, by transformers alone."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    cls = {"policy": AutoModelForCausalLM, "reward": AutoModelForSequenceClassification}[kind]
    return cls.from_pretrained(Path(case.folder, kind), dtype=torch.float32)


def _tokenizer(case: Case):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(Path(case.folder, "policy"))


def _train(trainer_class, gate: Gate, **options) -> None:
    """Train; the gate is asked before each step and told the loss after it."""
    from transformers import TrainerCallback

    losses = []

    class Watched(trainer_class):
        def compute_loss(self, *args, **kwargs):
            losses[:] = [super().compute_loss(*args, **kwargs)]
            return losses[0]

    class Steps(TrainerCallback):
        def on_step_begin(self, args, state, control, **_):
            gate.begin()

        def on_step_end(self, args, state, control, **_):
            gate.end(loss=float(losses[0].detach()))

    Watched(callbacks=[Steps()], **options).train()


def _reward(case: Case, gate: Gate) -> None:
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    gate.imported()
    texts = jobs.exchange_ids(case).tolist()  # the best first
    pairs = [{"chosen_ids": better, "rejected_ids": worse} for better, worse in combinations(texts, 2)]
    options = {
        "model": _load(case, "reward"),
        "processing_class": _tokenizer(case),
        "train_dataset": Dataset.from_list(pairs),
        "args": RewardConfig(**_settings(case, rows=len(pairs)), max_steps=FOREVER),
    }
    _train(RewardTrainer, gate, **options)


def _sft(case: Case, gate: Gate) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    gate.imported()
    job = case.job
    stream = jobs.packed_rows(case, job.rows, job.answer).flatten().tolist()
    packing = {"packing": True, "packing_strategy": "wrapped", "max_length": job.answer}
    options = {
        "model": _load(case, "policy"),
        "processing_class": _tokenizer(case),
        "train_dataset": Dataset.from_dict({"input_ids": [stream]}),
        "args": SFTConfig(**_settings(case, rows=job.rows), **packing, max_steps=FOREVER),
    }
    _train(SFTTrainer, gate, **options)


def _sample(case: Case, gate: Gate) -> None:
    from transformers import GPT2LMHeadModel  # noqa: F401, what `from_pretrained` would import

    gate.imported()
    ids = jobs.prompt_ids(case, _tokenizer(case)).to(case.device)
    dtype = torch.bfloat16 if case.precision == "bf16" else torch.float32
    model = _load(case, "policy").to(case.device, dtype).eval()
    options = {"do_sample": True, "temperature": 1.0, "top_k": 0, "max_new_tokens": case.job.answer}
    options["attention_mask"] = torch.ones_like(ids)
    while True:
        gate.begin()
        with torch.no_grad():
            drawn = model.generate(ids, **options)
        gate.end(tokens=drawn[:, ids.shape[1] :].numel())


def _ppo(case: Case, gate: Gate) -> None:
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    gate.imported()
    job, tokenizer, ptx_losses = case.job, _tokenizer(case), []
    args = PPOConfig(
        **_settings(case, rows=job.rows),
        gradient_accumulation_steps=1,
        num_mini_batches=job.minibatches,
        num_ppo_epochs=1,
        total_episodes=FOREVER * job.rows,
        response_length=job.answer,
        temperature=1.0,
        num_sample_generations=0,
    )

    class Iterations(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            gate.end(**({"ptx_loss": sum(ptx_losses) / len(ptx_losses)} if ptx_losses else {}))
            ptx_losses.clear()
            gate.begin()

    trainer = PPOTrainer(
        args=args,
        processing_class=tokenizer,
        model=_load(case, "policy"),
        ref_model=_load(case, "policy"),
        reward_model=_load(case, "reward"),
        value_model=_load(case, "reward"),
        callbacks=[Iterations()],
        train_dataset=Dataset.from_dict({"input_ids": jobs.prompt_ids(case, tokenizer).tolist()}),
    )
    if job.ptx_rows:
        _mix_in_text(case, trainer, ptx_losses)
    gate.begin()
    trainer.train()


def _mix_in_text(case: Case, trainer, losses: list[float]) -> None:
    """Before each optimizer step, add the gradient of the
    next-token loss on some rows: PPO-ptx's, with a gamma of 1."""
    rows = jobs.packed_rows(case, case.job.minibatches * case.job.ptx_rows, case.job.ptx_tokens)
    parts, policy = cycle(rows.to(case.device).split(case.job.ptx_rows)), trainer.policy_model

    def add_gradient(*_):
        ids = next(parts)
        loss = policy(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        losses.append(float(loss.detach()))

    trainer.optimizer.optimizer.register_step_pre_hook(add_gradient)
