"""The engine of both chains: every stage is built when it is first asked for, and found ever after.

A recipe names its stages (`recipes`) and gives for each a function build(chain, stage, folder) that leaves
its files in the folder and returns a few numbers for the summary, or None if somebody stopped it. SFT, reward
model and PPO are built in the same way in both recipes: `build_sft`, `build_reward`, `build_ppo` below. Under
`torchrun` all processes build together, and the main one keeps the books.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from ..config import Config
from ..hardware import processes
from ..hardware.processes import gathered
from ..models.checkpoints import load_policy, load_scalar_model, new_scalar_model, save_model
from ..models.gpt2 import recompute
from ..train.loop import Loop
from ..train.ppo import train_ppo
from ..train.reward import train_reward
from ..train.scoring import center_on
from ..train.sft import train_sft
from . import store
from .plan import Plan, UnknownStage

Builder = Callable[["Engine", str, Path], dict | None]


class Engine(Plan):
    """A plan that is carried out, on the device of `device`: a GPU if there is one, unless $RLHF_LITE_DEVICE
    or the argument says otherwise. `control` is a Stop button (see `Loop`); report(stage, how, seconds) is
    told what is built.
    """

    builders: Mapping[str, Builder]
    policies: tuple[str, ...]  # the stages that end with one
    saved_dtype = torch.float32  # of matrices on disk
    accumulation, recompute, sharded = 1, False, False  # see `recipes.RealChainConfig`
    tokenizer: PreTrainedTokenizerFast
    demonstrations: list  # what SFT imitates, and where the reward is set to 0
    valid_demonstrations: list | None = None
    ppo_prompts: list[str]
    pretrain_rows: Tensor | None  # (N, n_positions), for SFT with a mix and for PPO-ptx
    gold: Callable | None = None  # gold(indices of prompts, texts), logged by PPO

    def __init__(
        self,
        config: Config,
        shipped: tuple[str, ...] = (),
        *,
        device: str = "auto",
        world_size: int | None = None,
        progress: bool = True,
        control=None,
        report: Callable[[str, str, float], None] | None = None,
    ):
        super().__init__(config, shipped)
        self.device = processes.join(world_size, device)
        self.progress, self.control = progress, control
        self._report = report or (lambda stage, how, seconds: None)

    # --- stages ---------------------------------------------------------------------------------------------

    def find(self, stage: str) -> store.Found | None:
        """A finished stage, or None; the main process looks, for all."""
        if stage not in self._found:
            found = processes.broadcast(super().find(stage) if processes.is_main_process() else None)
            if found:
                self._found[stage] = found
        return self._found.get(stage)

    def get(self, stage: str) -> store.Found:
        """The finished stage, with everything it needs built first."""
        if self.find(stage) is None:
            self.check_before(stage)
            for needed in self.needs[stage]:
                self.get(needed)
            self._found[stage] = self._build(stage)
        return self._found[stage]

    def check_before(self, stage: str) -> None:
        """Refuse what cannot work before anything is trained."""

    def _build(self, stage: str) -> store.Found:
        name, make = self.folder_name(stage), self.builders[stage]
        self._report(stage, "building", 0.0)
        found = None
        if processes.is_main_process():

            def begin(folder: Path) -> dict | None:
                processes.broadcast(None)  # the folder is there: the others may begin
                return make(self, stage, folder)

            given = self.settings(stage), self.inputs(stage), begin, self.device
            found = store.build(name, *given, wait=processes.world_size() == 1)
            self._report(stage, "built", found.summary["seconds"])
        else:
            processes.broadcast(None)
            if make(self, stage, store.home() / name) is None:
                raise KeyboardInterrupt(f"{name} was stopped.")
        return processes.broadcast(found)

    def folder(self, stage: str) -> Path:
        return self.get(stage).folder

    def summary(self, stage: str) -> dict:
        return self.get(stage).summary

    def trace(self, stage: str) -> list[dict]:
        """One dict per training step of a stage."""
        return store.read_trace(self.folder(stage))

    # --- models ---------------------------------------------------------------------------------------------

    def policy(self, stage: str) -> GPT2LMHeadModel:
        """A fresh copy of the policy that a stage ended with."""
        if stage not in self.policies:
            raise UnknownStage(f"'{stage}' is not a policy. Policies are: {', '.join(self.policies)}.")
        return load_policy(self.folder(stage), device=self.device)

    def scalar_model(self, stage: str = "reward") -> GPT2ForSequenceClassification:
        """A fresh copy of a reward model."""
        return load_scalar_model(self.folder(stage), self.device)

    @property
    def reward_model(self) -> GPT2ForSequenceClassification:
        return self.scalar_model("reward")

    def start(self, stage: str) -> GPT2LMHeadModel:
        """A fresh copy of the policy that training starts from in this stage."""
        raise NotImplementedError

    def imitated(self, stage: str) -> tuple[list, list | None]:
        """What SFT imitates in this stage, and what its loss is measured on."""
        return self.demonstrations, self.valid_demonstrations

    def rankings_of(self, stage: str) -> list[Mapping]:
        """What the reward model of this stage is trained on."""
        raise NotImplementedError

    def accuracy(self, model: GPT2ForSequenceClassification, stage: str) -> dict:
        """How well a finished reward model does, for its summary."""
        raise NotImplementedError

    # --- for the functions that build -----------------------------------------------------------------------

    def stage_config(self, stage: str) -> Config:
        """The settings to train a stage with."""
        return getattr(self.config, stage).replace(seed=self.config.seed)

    def loop(self, stage: str, folder: Path) -> Loop:
        """The training loop that builds a stage in `folder`."""
        return Loop(stage, folder=folder, progress=self.progress, control=self.control, save_every_s=30.0)

    def trainable(self, model: PreTrainedModel) -> PreTrainedModel:
        """A model that is about to be trained, on all processes."""
        if self.recompute:
            recompute(model)
        return processes.distribute(model, reshard=self.sharded)

    def frozen(self, model: PreTrainedModel) -> PreTrainedModel:
        """A model that is only read while another is trained."""
        return processes.distribute(model, reshard=True) if self.sharded else model

    def finish(self, folder: Path, model: PreTrainedModel, loop: Loop, *metrics: str) -> dict | None:
        """Save a trained model and return its last metrics; None if it was stopped before its last step."""
        if not loop.finished:
            return None
        self.save(gathered(model), folder)
        found = {name: loop.history[name][-1] for name in metrics if name in loop.history}
        return {"steps": loop.step, **found}

    def save(self, model: PreTrainedModel, folder: Path) -> None:
        if processes.is_main_process():
            save_model(model, folder, self.saved_dtype, self.tokenizer)


def build_sft(chain: Engine, stage: str, folder: Path) -> dict | None:
    """Imitate the demonstrations, with pretraining text mixed in if the settings say so (App. C.1, C.3)."""
    cfg, loop = chain.stage_config(stage), chain.loop(stage, folder)
    policy, (rows, valid) = chain.trainable(chain.start(stage)), chain.imitated(stage)
    text = chain.pretrain_rows if cfg.pretrain_mix else None
    options = {"pretrain_rows": text, "valid": valid, "accumulation": chain.accumulation, "loop": loop}
    train_sft(policy, chain.tokenizer, rows, cfg, **options)
    return chain.finish(folder, policy, loop, "loss", "loss/valid")


def build_reward(chain: Engine, stage: str, folder: Path) -> dict | None:
    """Train on rankings, set the bias so that demonstrations score 0 on average, measure (§3.5, §4.1)."""
    cfg, loop = chain.stage_config(stage), chain.loop(stage, folder)
    model = chain.trainable(new_scalar_model(chain.start(stage), cfg.seed))
    rankings = chain.rankings_of(stage)
    train_reward(model, chain.tokenizer, rankings, cfg, accumulation=chain.accumulation, loop=loop)
    if not loop.finished:
        return None
    model = gathered(model)
    shift = center_on(model, chain.tokenizer, chain.demonstrations[:1000])
    chain.save(model, folder)
    processes.broadcast(None)  # it is saved: what was rounded on disk is what is measured
    measured = chain.accuracy(load_scalar_model(folder, chain.device), stage)
    return {"steps": loop.step, "loss": loop.history["loss"][-1], "shift": shift, **measured}


def build_ppo(chain: Engine, stage: str, folder: Path) -> dict | None:
    """Start from a supervised policy, with the reward model as it is and as a value model (App. C.4)."""
    cfg, loop, reward_model = chain.stage_config(stage), chain.loop(stage, folder), chain.reward_model
    if cfg.value_from == "reward":
        value_model = copy.deepcopy(reward_model)
    else:
        value_model = new_scalar_model(chain.start(stage), cfg.seed)
    policy, value_model = chain.trainable(chain.start(stage)), chain.trainable(value_model)
    models = policy, chain.frozen(chain.start(stage)), chain.frozen(reward_model), value_model
    text = chain.pretrain_rows if cfg.ptx_gamma else None
    options = {"pretrain_rows": text, "gold": chain.gold, "loop": loop}
    train_ppo(*models, chain.tokenizer, chain.ppo_prompts, cfg, **options)
    return chain.finish(folder, policy, loop, "objective/score", "objective/kl", "gold/mean")
