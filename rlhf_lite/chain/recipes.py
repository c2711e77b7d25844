"""The settings and stages of the two chains: the tiny world's (`tiny` builds it) and that of real rankings
(`real`).

    base, prompts -> sft, start -> rankings -> reward -> ppo, ppo_ptx -> evaluation     the tiny world
                  -> flan, t0   -> baselines ------------------------->
    sft -> reward, judge -> ppo -> evaluation                                           real rankings

In the tiny world `sft` is the baseline that everything is compared with; `start` is the second, shorter SFT
with pretraining text mixed in, from which PPO starts (App. C.3). `flan` and `t0` imitate collections of
public tasks instead of demonstrations (App. C.5). `baselines` is the part of the evaluation that needs no
reward model.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..config import (
    SEED,
    SIZES,
    Config,
    ConfigError,
    DataConfig,
    EvalConfig,
    ModelConfig,
    PPOConfig,
    PretrainConfig,
    RankingsConfig,
    RewardConfig,
    SFTConfig,
    knob,
)
from .plan import Plan

FOLDS = 5  # in which labelers are left out, one after the other (§4.1)
SHARED = {"sft": ("demonstrated",), "start": ("demonstrated",), "reward": ("fold",)}  # settings of the chain

# --- The tiny world -----------------------------------------------------------------------------------------

STAGES = {
    "base": (),
    "prompts": (),
    "sft": ("base", "prompts"),
    "start": ("base", "prompts"),
    "flan": ("base", "prompts"),
    "t0": ("base", "prompts"),
    "rankings": ("prompts", "sft", "start"),
    "reward": ("start", "rankings"),
    "baselines": ("base", "prompts", "sft", "start", "flan", "t0", "rankings"),
    "ppo": ("prompts", "start", "reward"),
    "ppo_ptx": ("prompts", "start", "reward"),
    "evaluation": ("baselines", "rankings", "reward", "ppo", "ppo_ptx"),
}
POLICIES = ("base", "sft", "start", "flan", "t0", "ppo", "ppo_ptx")


@dataclass(frozen=True)
class ChainConfig(Config):
    """Every stage's config, and the one seed that all of them share."""

    seed: int = knob(0, "of everything that follows the base model", **SEED)
    base_seed: int = knob(0, "of the base model: the shipped one is 0", **SEED)
    turn: int = knob(1, "of the loop: it ranks what the last turn's policy says", "§3.1", low=1, high=4)
    reward_size: str = knob("", "of the reward model; empty: the policy's", "6B", choices=("", *SIZES))
    demonstrated: float = knob(1.0, "share of the demonstrations that are imitated", low=0.01, high=1.0)
    demonstrated: float = knob(1.0, "share of the demonstrations that are imitated", low=0.01, high=1.0)
    fold: int = knob(0, "this fifth of the labelers is not learned from; 0: all are", low=0, high=FOLDS)
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    base: PretrainConfig = PretrainConfig()
    sft: SFTConfig = SFTConfig(epochs=4)
    start: SFTConfig = SFTConfig(epochs=2, pretrain_mix=0.1)
    flan: SFTConfig = SFTConfig(epochs=1)
    t0: SFTConfig = SFTConfig(epochs=1)
    rankings: RankingsConfig = RankingsConfig()
    reward: RewardConfig = RewardConfig(lr=6e-4, warmup_share=0.1, epochs=2)
    ppo: PPOConfig = PPOConfig(episodes=14_336, kl_beta=0.2)
    ppo_ptx: PPOConfig = PPOConfig(episodes=14_336, kl_beta=0.2, ptx_gamma=0.5)
    evaluation: EvalConfig = EvalConfig()


class TinyPlan(Plan):
    """The stages of the tiny world."""

    config: ChainConfig

    needs = STAGES
    versions = {
        **dict(base=8, prompts=6, sft=9, start=9, flan=1, t0=1, rankings=10, reward=10),
        **dict(baselines=8, ppo=7, ppo_ptx=7, evaluation=11),
    }

    def __init__(self, config: ChainConfig = ChainConfig(), shipped: tuple[str, ...] = tuple(STAGES)):
        super().__init__(config, shipped)

    def settings(self, stage: str) -> dict:
        """What a stage depends on besides its inputs."""
        config = self.config
        if stage == "prompts":
            return {**config.data.to_dict(), "seed": config.seed}
        if stage == "base":
            own = config.base.replace(seed=config.base_seed)
            return {**own.to_dict(), **config.model.to_dict(), "world": config.data.world_seed}
        own = config.evaluation if stage == "baselines" else getattr(config, stage)
        shared = {name: getattr(config, name) for name in SHARED.get(stage, ())}
        return {**own.to_dict(), **shared, "seed": config.seed}

    def inputs(self, stage: str) -> dict[str, str]:
        """With what comes from other chains."""
        found = super().inputs(stage)
        if stage == "rankings" and self.ranked_before:
            found["ranked before"] = TinyPlan(self.ranked_before).key("rankings")
        if stage == "rankings" and self.last_turn:
            found["ppo_ptx of the last turn"] = TinyPlan(self.last_turn).key("ppo_ptx")
        if stage == "reward" and self.sized:
            found["start"] = TinyPlan(self.sized).key("start")
        return found

    @property
    def ranked_before(self) -> ChainConfig | None:
        """The chain on whose answers the labelers' noise was set, if that is another one."""
        if self.config.rankings.search == "sampled":
            return self.last_turn
        return self.config.replace(**{"rankings.search": "sampled"})

    @property
    def last_turn(self) -> ChainConfig | None:
        """The chain of one turn less: as many prompts are ranked in each."""
        turns, prompts = self.config.turn, self.config.rankings.train_prompts
        if turns == 1:
            return None
        fewer = {"rankings.train_prompts": prompts * (turns - 1) // turns}
        return self.config.replace(turn=turns - 1, **fewer)

    @property
    def sized(self) -> ChainConfig | None:
        """The chain of the reward model's size, if that is not the policy's."""
        size = self.config.reward_size
        if size in ("", self.config.model.size):
            return None
        return self.config.replace(reward_size="", **{"model.size": size})


# --- GPT-2 and real rankings --------------------------------------------------------------------------------

REAL_STAGES = {
    "sft": (),
    "reward": ("sft",),
    "judge": ("sft",),
    "ppo": ("sft", "reward"),
    "evaluation": ("sft", "reward", "judge", "ppo"),
}
# These do not change what is learned, rounding aside.
MEMORY = ("accumulation", "recompute", "sharded", "device")
READ = ("lang",)  # what it changes is in the rankings, by which stages are named too


@dataclass(frozen=True)
class RealChainConfig(Config):
    """Which rankings, which GPT-2, how to train; the stages' defaults are those of the `gpt2` profile."""

    rankings: str = knob("oasst1", "a name of data.hub.SETS, a hub id, a folder or a file")
    split: str = knob("train", "which split of it")
    limit: int = knob(0, "at most so many rankings, 0: all", low=0)
    drop: bool = knob(False, "leave faulty rows out and count them, instead of stopping at the first")
    lang: str = knob("en", "language of Open Assistant's messages that are read, empty: all")
    model: str = knob("gpt2", "a GPT-2: hub name or folder; empty: random weights", "GPT-3", "§3.5")
    size: str = knob("S", "shape of random weights", choices=tuple(SIZES))
    n_positions: int = knob(512, "tokens that random weights can read", 2048, "App. C", low=16)
    tokenizer: str = knob("", "a tokenizer's folder or name; empty: the model's")
    text: str = knob("", "running text for the pretraining term: a name of data.hub.SETS, a folder or a file")
    text_rows: int = knob(2000, "rows of it, each as long as limit_tokens", low=1)
    limit_tokens: int = knob(256, "longest prompt and answer together", 2048, "App. C", low=16)
    judge: str = knob("", "a model that scores and judges, hub name or folder; empty: trained on judge_share")
    judge_share: float = knob(0.3, "share of the users whose rankings train the judge", low=0.01, high=0.9)
    test_share: float = knob(0.1, "share of the users whose prompts test the policies", low=0.01, high=0.9)
    test_prompts: int = knob(300, "prompts of theirs at most", low=1)
    seed: int = knob(0, "of the split, the weights and the order", **SEED)
    accumulation: int = knob(1, "parts a batch of SFT or a reward model is computed in: memory only", low=1)
    recompute: bool = knob(False, "keep few activations, compute them again: less memory, a third more time")
    sharded: bool = knob(False, "cut weights over the processes, too (FSDP): less memory on each")
    device: str = knob("auto", "cuda, cpu, or auto: a GPU if there is one", choices=("auto", "cuda", "cpu"))
    sft: SFTConfig = SFTConfig.for_profile("gpt2")
    reward: RewardConfig = RewardConfig.for_profile("gpt2")
    ppo: PPOConfig = PPOConfig.for_profile("gpt2")

    def _check_together(self):
        if self.judge_share + self.test_share >= 1:
            shares = f"judge_share = {self.judge_share} and test_share = {self.test_share}"
            raise ConfigError(f"RealChainConfig.{shares} leave nobody to train on")
        needing = {"ppo.ptx_gamma": self.ppo.ptx_gamma, "sft.pretrain_mix": self.sft.pretrain_mix}
        for name, share in needing.items():
            if share and not self.text:
                raise ConfigError(f"{name} = {share} needs running text: say which (text=...)")


class RealPlan(Plan):
    """The stages of a chain of real rankings; what they are made from is in `sources`, once it is read."""

    needs = REAL_STAGES
    versions = dict.fromkeys(REAL_STAGES, 3)
    prefix = "real_"

    def settings(self, stage: str) -> dict:
        """What a stage depends on besides its inputs."""
        config, parts = self.config, ("sft", "reward", "ppo")
        own = {**{part: getattr(config, part) for part in parts}, "judge": config.reward}
        general = {k: v for k, v in config.to_dict().items() if k not in (*MEMORY, *READ, *parts)}
        trained = own[stage].to_dict() if stage in own else {}
        return {**general, **trained, "seed": config.seed}
