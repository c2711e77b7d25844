"""The whole paper as a chain of stages, each built when it is first asked for and loaded ever after.

    chain = Chain()              # the tiny profile, seed 0
    chain.reward_model           # found among the shipped stages or in your run folder, else built with a progress bar
    chain.with_(ppo=chain.config.ppo.replace(kl_beta=0.05)).ppo      # rebuilds PPO, nothing before it

`plan.py` says what depends on what.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from transformers import GPT2ForSequenceClassification, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..config import PPOConfig, RankingsConfig, SFTConfig
from ..data.files import read_json, write_json
from ..data.pipeline import Splits, prepare, read_splits, table6_sizes, write_splits
from ..data.records import Row, read_rankings, write_rankings
from ..data.sources import tiny_demonstrations, tiny_world
from ..labels.agreement import calibrate_noise
from ..labels.labelers import Labeler, held_out_pool, label_all, make_pool, with_noise
from ..models.checkpoints import load_policy, load_scalar_model, new_policy, save_model
from ..models.sampling import sample_texts
from ..models.tokens import build_tokenizer, load_tokenizer
from ..train.batches import pack_rows
from ..train.loop import Loop
from ..train.ppo import train_ppo
from ..train.pretrain import token_stream, train_base
from ..train.reward import agreement_with, center_on, new_reward_model, score_rankings, train_reward
from ..train.sft import train_sft
from ..world import Task, World, gold
from . import store
from .plan import INPUTS, POLICIES, STAGES, ChainConfig, Plan, UnknownStage


class Chain(Plan):
    """A plan that is carried out: every stage is built when it is first asked for. Stages in `shipped` may be taken from
    the repository instead."""

    def __init__(
        self,
        config: ChainConfig = ChainConfig(),
        shipped: tuple[str, ...] = STAGES,
        progress: bool = True,
        control=None,
        report: Callable[[str, str, float], None] | None = None,
    ):
        super().__init__(config, shipped)
        self.progress, self.control = progress, control
        self._report = report or (lambda stage, how, seconds: None)

    def with_(self, **changes) -> Chain:
        """The same chain with other settings; stages that do not depend on them are shared."""
        return Chain(replace(self.config, **changes), self.shipped, self.progress, self.control, self._report)

    # --- building -------------------------------------------------------------------------------------------------

    def get(self, stage: str) -> store.Found:
        """The finished stage, with everything it needs built first."""
        found = self.find(stage)
        if found is None:
            found = self._found[stage] = self._build(stage, self.folder_name(stage))
        return found

    def _build(self, stage: str, name: str) -> store.Found:
        for needed in INPUTS[stage]:
            self.get(needed)
        inputs = {needed: self.key(needed) for needed in INPUTS[stage]}
        self._report(stage, "building", 0.0)
        found = store.build(
            name, self.config.stage(stage), inputs, lambda folder: BUILDERS[stage](self, folder)
        )
        self._report(stage, "built", found.summary["seconds"])
        return found

    def folder(self, stage: str) -> Path:
        return self.get(stage).folder

    def summary(self, stage: str) -> dict:
        return self.get(stage).summary

    def trace(self, stage: str) -> list[dict]:
        """One dict per training step of a stage."""
        return store.read_trace(self.folder(stage))

    def loop(self, stage: str, folder: Path) -> Loop:
        """The training loop that builds a stage in `folder`."""
        return Loop(stage, folder=folder, progress=self.progress, control=self.control, save_every_s=30.0)

    # --- what does not take long: the world, its prompts, its people ------------------------------------------------

    @cached_property
    def world(self) -> World:
        return World(self.config.data.world_seed)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        if not store.TOKENIZER.exists():
            build_tokenizer(self.world.vocabulary()).save_pretrained(store.TOKENIZER)
        return load_tokenizer(store.TOKENIZER)

    @cached_property
    def raw_prompts(self) -> list[Row]:
        """The prompt log before anything was done to it."""
        return tiny_world(self.world, self.sizes, self.config.seed)

    @cached_property
    def prompts(self) -> Splits:
        """The sets of Table 6 (§3.2, App. A)."""
        return read_splits(self.folder("prompts"))

    @property
    def sizes(self) -> dict[str, dict[str, int]]:
        """Table 6 times the scale; the SFT sets have a scale of their own."""
        small, sft = table6_sizes(self.config.data.scale), table6_sizes(self.config.data.sft_scale)
        return {name: (sft if name.startswith("sft") else small)[name] for name in small}

    @cached_property
    def demonstrations(self) -> list[Row]:
        return tiny_demonstrations(self.world, self.prompts.sft_train, self._writers, self.config.seed)

    @cached_property
    def valid_demonstrations(self) -> list[Row]:
        return tiny_demonstrations(self.world, self.prompts.sft_valid, self._writers, self.config.seed)

    @property
    def _writers(self) -> list[str]:
        return [person.id for person in make_pool(self.config.seed)]

    @cached_property
    def pretrain_rows(self) -> Tensor:
        """Web text for the pretraining mix: (N, n_positions). Documents of the kind the base model learned from."""
        return pack_rows(
            token_stream(self.world.documents(12_000, seed=1), self.tokenizer), self.config.model.n_positions
        )

    @cached_property
    def labelers(self) -> list[Labeler]:
        """The training labelers, with the noise that was calibrated on the ranked samples."""
        return with_noise(make_pool(self.config.seed), self.summary("rankings")["result"]["noise"])

    @cached_property
    def held_out_labelers(self) -> list[Labeler]:
        return with_noise(held_out_pool(self.config.seed), self.summary("rankings")["result"]["noise"])

    # --- models -----------------------------------------------------------------------------------------------------

    def policy(self, stage: str) -> GPT2LMHeadModel:
        """A fresh copy of the policy that a stage ended with: base, sft, start, ppo or ppo_ptx."""
        if stage not in POLICIES:
            raise UnknownStage(f"'{stage}' is not a policy. Policies are: {', '.join(POLICIES)}.")
        return load_policy(self.folder(stage))

    @property
    def reward_model(self) -> GPT2ForSequenceClassification:
        return load_scalar_model(self.folder("reward"))

    @property
    def baselines(self) -> dict:
        """Answers and abilities of the models before RL (see `evaluate.report.evaluate_baselines`)."""
        return read_json(self.folder("baselines") / "baselines.json")

    @cached_property
    def rankings(self) -> dict[str, list[Row]]:
        """Ranked completions: "train", "valid" (training labelers), "held_out" (other people, same completions)."""
        return read_rankings(self.folder("rankings"))


# --- how each stage is built ------------------------------------------------------------------------------------------


def build_base(chain: Chain, folder: Path) -> dict | None:
    """Pretrain on the web corpus (no more documents than the tokens asked for need)."""
    cfg = chain.config.base.replace(seed=chain.config.base_seed)
    policy = new_policy(chain.config.model, chain.tokenizer, seed=cfg.seed)
    stream = token_stream(chain.world.documents(cfg.tokens // 33 + 100, seed=0), chain.tokenizer)
    valid = token_stream(chain.world.documents(1500, seed=999), chain.tokenizer)
    loop = chain.loop("base", folder)
    train_base(policy, stream, cfg, valid=valid, loop=loop)
    return _finish(chain, folder, policy, loop, "loss/valid")


def build_prompts(chain: Chain, folder: Path) -> dict | None:
    """From the raw log to the sets of Table 6."""
    splits = prepare(chain.raw_prompts, chain.sizes, chain.config.seed)
    write_splits(folder, splits)
    return {name: len(rows) for name, rows in splits.sets().items()}


def build_sft(chain: Chain, folder: Path) -> dict | None:
    return _build_sft(chain, folder, "sft", chain.config.sft)


def build_start(chain: Chain, folder: Path) -> dict | None:
    return _build_sft(chain, folder, "start", chain.config.start)


def _build_sft(chain: Chain, folder: Path, stage: str, cfg: SFTConfig) -> dict | None:
    policy, cfg, loop = chain.policy("base"), cfg.replace(seed=chain.config.seed), chain.loop(stage, folder)
    rows = chain.pretrain_rows if cfg.pretrain_mix else None
    train_sft(
        policy,
        chain.tokenizer,
        chain.demonstrations,
        cfg,
        pretrain_rows=rows,
        valid=chain.valid_demonstrations,
        loop=loop,
    )
    return _finish(chain, folder, policy, loop, "loss/valid")


def build_rankings(chain: Chain, folder: Path) -> dict | None:
    """Sample K = 4 ... 9 completions per prompt from the supervised policies; rate, flag and rank them (§3.4, §3.5)."""
    cfg, seed = chain.config.rankings, chain.config.seed
    sets = {
        "train": chain.prompts.rm_train[: cfg.train_prompts],
        "valid": chain.prompts.rm_valid[: cfg.valid_prompts],
    }
    policies = [chain.policy("sft"), chain.policy("start")]
    sampled = {
        name: sample_completions(policies, chain.tokenizer, rows, cfg, seed, name)
        for name, rows in sets.items()
    }
    items = [
        (Task.from_json(row["task"]), texts) for row, texts in sampled["train"][: cfg.calibration_prompts]
    ]
    pool = calibrate_noise(make_pool(seed), items, seed=seed)
    labeled = {name: label_all(pool, *zip(*pairs, strict=True), seed) for name, pairs in sampled.items()}
    others = with_noise(held_out_pool(seed), pool[0].noise)
    labeled["held_out"] = label_all(others, *zip(*sampled["valid"], strict=True), seed)
    labeled["again"] = label_all(pool, *zip(*sampled["valid"], strict=True), seed + 1)
    write_rankings(folder, labeled)
    return {"noise": pool[0].noise, "prompts": {name: len(rows) for name, rows in labeled.items()}}


def sample_completions(
    policies: list[GPT2LMHeadModel],
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[Row],
    cfg: RankingsConfig,
    seed: int,
    name: str,
) -> list[tuple[Row, list[str]]]:
    """K completions for each prompt, K drawn from 4 ... 9, dealt out over the policies; empty ones are dropped.

    Temperatures differ, so that the answers do: cold ones are nearly as good as those of reinforcement learning, hot ones
    say something else, which no demonstration does and a reward model has to see once to mind it.
    """
    rng = Random(f"completions-{seed}-{name}")
    counts = [rng.randint(cfg.k_min, cfg.k_max) for _ in prompts]
    wanted = [(i, rng.randrange(len(policies))) for i, k in enumerate(counts) for _ in range(k)]
    completions: list[list[str]] = [[] for _ in prompts]
    for p, policy in enumerate(policies):
        rows = [i for i, chosen in wanted if chosen == p]
        temperatures = [cfg.coldest * (cfg.hottest / cfg.coldest) ** rng.random() for _ in rows]
        generator = torch.Generator().manual_seed(rng.getrandbits(60))
        texts = sample_texts(
            policy,
            tokenizer,
            [prompts[i]["text"] for i in rows],
            cfg.max_new_tokens,
            temperatures,
            generator=generator,
        )
        for i, text in zip(rows, texts, strict=True):
            if text.strip():
                completions[i].append(text)
    return [(row, texts) for row, texts in zip(prompts, completions, strict=True) if len(texts) >= 2]


def build_reward(chain: Chain, folder: Path) -> dict | None:
    """Train on the rankings, set the bias so that demonstrations score 0, measure accuracies (§3.5, §4.1)."""
    cfg = chain.config.reward.replace(seed=chain.config.seed)
    model = new_reward_model(chain.policy("start"), chain.tokenizer, cfg)
    loop = chain.loop("reward", folder)
    rankings = read_rankings(chain.folder("rankings"), ("prompt", "completions", "ranks"))
    train_reward(model, chain.tokenizer, rankings["train"], cfg, loop=loop)
    if not loop.finished:
        return None
    shift = center_on(model, chain.tokenizer, chain.demonstrations[:1000])
    save_model(model, folder, dtype=torch.bfloat16, tokenizer=chain.tokenizer)
    model = load_scalar_model(folder)
    scores = score_rankings(
        model, chain.tokenizer, rankings["valid"]
    )  # the held-out people rank the same completions
    accuracy = {name: agreement_with(scores, rankings[name], draws=1000) for name in ("valid", "held_out")}
    return {"loss": loop.history["loss"][-1], "shift": shift, **accuracy}


def build_ppo(chain: Chain, folder: Path) -> dict | None:
    return _build_ppo(chain, folder, "ppo", chain.config.ppo)


def build_ppo_ptx(chain: Chain, folder: Path) -> dict | None:
    return _build_ppo(chain, folder, "ppo_ptx", chain.config.ppo_ptx)


def _build_ppo(chain: Chain, folder: Path, stage: str, cfg: PPOConfig) -> dict | None:
    cfg, prompts, loop = (
        cfg.replace(seed=chain.config.seed),
        chain.prompts.ppo_train,
        chain.loop(stage, folder),
    )
    policy, reward_model = chain.policy("start"), chain.reward_model

    def gold_of(chosen: list[int], texts: list[str]) -> list[float]:
        return [gold(Task.from_json(prompts[i]["task"]), text) for i, text in zip(chosen, texts, strict=True)]

    train_ppo(
        policy,
        chain.policy("start"),
        reward_model,
        copy.deepcopy(reward_model),
        chain.tokenizer,
        [row["text"] for row in prompts],
        cfg,
        pretrain_rows=chain.pretrain_rows if cfg.ptx_gamma else None,
        gold=gold_of,
        loop=loop,
    )
    return _finish(chain, folder, policy, loop, "objective/score", "objective/kl", "gold/mean")


def build_baselines(chain: Chain, folder: Path) -> dict | None:
    from .evaluation import evaluate_baselines

    found = evaluate_baselines(chain)
    write_json(folder / "baselines.json", found)
    return {"models": sorted(found["models"])}


def build_evaluation(chain: Chain, folder: Path) -> dict | None:
    from .evaluation import evaluate

    report = evaluate(chain)
    write_json(folder / "report.json", report)
    return {"policies": sorted(report["policies"])}


def _finish(chain: Chain, folder: Path, policy: GPT2LMHeadModel, loop: Loop, *metrics: str) -> dict | None:
    """Save a trained policy; None if it was stopped before its last step."""
    if not loop.finished:
        return None
    save_model(policy, folder, dtype=torch.bfloat16, tokenizer=chain.tokenizer)
    return {name: loop.history[name][-1] for name in metrics if name in loop.history}


BUILDERS = {stage: globals()[f"build_{stage}"] for stage in STAGES}
