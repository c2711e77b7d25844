"""Which stages there are, what each depends on, and where its result lies. `chain.py` says how each is built.

    base, prompts -> demonstrations -> sft, start -> rankings -> reward -> ppo, ppo_ptx -> evaluation
                                                              -> baselines ---------------->

`sft` is the baseline that everything is compared with; `start` is the second, shorter SFT with pretraining text mixed
in, from which PPO starts (App. C.3). Nothing here needs torch: who only watches stages being built stays small.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from ..config import (
    Config,
    DataConfig,
    EvalConfig,
    ModelConfig,
    PPOConfig,
    PretrainConfig,
    RankingsConfig,
    RewardConfig,
    SFTConfig,
)
from . import store

# Raised when a stage's code changes so that its old results no longer are what it would build.
VERSIONS = dict(
    prompts=4, base=5, sft=8, start=8, rankings=8, reward=8, baselines=6, ppo=6, ppo_ptx=6, evaluation=9
)
INPUTS = dict(
    base=(),
    prompts=(),
    sft=("base", "prompts"),
    start=("base", "prompts"),
    rankings=("prompts", "sft", "start"),
    reward=("start", "rankings"),
    baselines=("base", "prompts", "sft", "start", "rankings"),
    ppo=("prompts", "start", "reward"),
    ppo_ptx=("prompts", "start", "reward"),
    evaluation=("baselines", "rankings", "reward", "ppo", "ppo_ptx"),
)
STAGES = tuple(INPUTS)
POLICIES = ("base", "sft", "start", "ppo", "ppo_ptx")


class UnknownStage(ValueError):
    """A stage that does not exist; the message lists those that do."""


@dataclass(frozen=True)
class ChainConfig:
    """Every stage's config, and the one seed that all of them share."""

    seed: int = 0
    base_seed: int = 0  # of the base model: the shipped one is 0
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    base: PretrainConfig = PretrainConfig()
    sft: SFTConfig = SFTConfig(epochs=3)
    start: SFTConfig = SFTConfig(epochs=2, pretrain_mix=0.1)
    rankings: RankingsConfig = RankingsConfig()
    reward: RewardConfig = RewardConfig(
        lr=6e-4,
        warmup_share=0.4,
        question="Who says so?",  # pages of the web answer it
        answers="The book of facts. / Many people. / Nobody.",
    )
    ppo: PPOConfig = PPOConfig()
    ppo_ptx: PPOConfig = PPOConfig(ptx_gamma=1.5)
    evaluation: EvalConfig = EvalConfig()
    baselines = property(lambda self: self.evaluation)  # the part of it that needs no reward model

    def stage(self, name: str) -> dict:
        """What a stage depends on besides its inputs."""
        if name == "prompts":
            return {**self.data.to_dict(), "seed": self.seed}
        own: Config = getattr(self, name)
        if name == "base":
            return {
                **own.replace(seed=self.base_seed).to_dict(),
                **self.model.to_dict(),
                "world": self.data.world_seed,
            }
        return {**own.to_dict(), "seed": self.seed}

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> ChainConfig:
        kinds = {f.name: f.default for f in fields(cls)}
        return cls(
            **{
                k: type(kinds[k]).from_dict(v) if isinstance(kinds[k], Config) else v
                for k, v in values.items()
            }
        )


class Plan:
    """The stages of one chain by name. `shipped` names those that may be taken from the repository."""

    def __init__(self, config: ChainConfig = ChainConfig(), shipped: tuple[str, ...] = STAGES):
        self.config, self.shipped = config, shipped
        self._found: dict[str, store.Found] = {}

    @property
    def config_stages(self) -> tuple[str, ...]:
        """All stages before the evaluation."""
        return tuple(stage for stage in STAGES if stage != "evaluation")

    def key(self, stage: str) -> str:
        """The hash of everything that a stage depends on; it is in its folder's name."""
        if stage not in INPUTS:
            raise UnknownStage(f"There is no stage '{stage}'. Stages are: {', '.join(STAGES)}.")
        inputs = {name: self.key(name) for name in INPUTS[stage]}
        return store.stage_key(stage, VERSIONS[stage], self.config.stage(stage), inputs)

    def folder_name(self, stage: str) -> str:
        return f"{stage}-{self.key(stage)}"

    def has(self, stage: str) -> bool:
        """Whether a stage is finished, here or among the shipped ones."""
        return self.find(stage) is not None

    def find(self, stage: str) -> store.Found | None:
        """A finished stage, or None."""
        if stage not in self._found:
            places = (store.home(), *((store.SHIPPED,) if stage in self.shipped else ()))
            if found := store.find(self.folder_name(stage), places):
                self._found[stage] = found
        return self._found.get(stage)

    def needed(self, *targets: str, but_found: bool = False) -> list[str]:
        """These stages and all they need, in the order of building; `but_found` leaves out what is there and its inputs."""
        for stage in targets:
            self.key(stage)  # if there is no such stage, this says which there are
        needed = set(targets)
        for stage in reversed(STAGES):
            if stage in needed and but_found and self.has(stage):
                needed.remove(stage)
            elif stage in needed:
                needed |= set(INPUTS[stage])
        return [stage for stage in STAGES if stage in needed]
