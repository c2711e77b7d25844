"""Every knob of every stage, once: our value, the paper's value, and where the paper says it.

A config is a frozen dataclass. Each field is a `knob` that carries its own explanation, so `describe(cfg)`
gives a table of "ours beside theirs", and a config checks itself the moment it is made::

    cfg = PPOConfig(kl_beta=0.1)          # any field by name, checked at once
    cfg = cfg.replace(ptx_gamma=0.5)      # frozen: change by copying
    describe(cfg)                         # rows (name, ours, paper, where)

The defaults are the `tiny` profile. Our learning rates, beta and gamma differ from the paper's on purpose:
they are tied to model size and to how losses are averaged. So the paper's number stands beside ours.
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass, field, fields
from typing import Any

SIZES = {
    "XS": {"width": 32, "layers": 2, "heads": 2},  # for tests
    "S": {"width": 128, "layers": 4, "heads": 4},  # 1.2 M parameters with 3,200 tokens
    "M": {"width": 256, "layers": 5, "heads": 4},  # about 4 M
    "L": {"width": 512, "layers": 5, "heads": 8},  # about 16 M
    "gpt2": {"width": 768, "layers": 12, "heads": 12},  # GPT-2's own shape, 124 M with its vocabulary
}
SCORING_ROWS = 64  # episodes that PPO scores at once, outside its updates; with accumulation that much fewer


class ConfigError(ValueError):
    """A setting that cannot work; the message says which, what it was, and what would work."""


def knob(default, help: str, paper="", source="", *, low=None, high=None, choices=None, gpt2=None):
    """One setting: `default` (tiny profile), what it is, the paper's value and its source, its range;
    `gpt2` is its value in that profile where it differs: a usual starting point, not measured here."""
    meta = dict(help=help, paper=paper, source=source, low=low, high=high, choices=choices, gpt2=gpt2)
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class Config:
    """What all configs share: checks, copies, JSON. A field is a knob, or a config of its own."""

    def __post_init__(self):
        for f in fields(self):
            object.__setattr__(self, f.name, _checked(type(self).__name__, f, getattr(self, f.name)))
        self._check_together()

    def _check_together(self):
        """Checks that need more than one field."""

    def replace(self, **changes) -> Config:
        """A copy with some fields changed and checked; "ppo.kl_beta" is a field of the config `ppo`."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        inside: dict[str, dict] = {}
        for name, value in changes.items():
            part, dot, rest = name.partition(".")
            if dot:
                inside.setdefault(part, {})[rest] = value
            else:
                values[part] = value
        for part, its_changes in inside.items():
            if not isinstance(values.get(part), Config):
                parts = ", ".join(n for n, value in values.items() if isinstance(value, Config)) or "none"
                own = type(self).__name__
                raise ConfigError(f"{own} has no part '{part}' with settings; it has: {parts}.")
            values[part] = values[part].replace(**its_changes)
        return type(self).from_dict(values)

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Config:
        """Build from a dict; an unknown name is an error that guesses what was meant."""
        known, found = {f.name: f.default for f in fields(cls)}, {}
        for name, value in values.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean '{near[0]}'?" if near else f"It has: {', '.join(known)}."
                raise ConfigError(f"{cls.__name__} has no setting '{name}'. {hint}")
            nested = isinstance(known[name], Config) and isinstance(value, dict)
            found[name] = type(known[name]).from_dict(value) if nested else value
        return cls(**found)

    @classmethod
    def for_profile(cls, profile: str = "tiny", **changes) -> Config:
        """The defaults of a profile: 'tiny' (offline, CPU) or 'gpt2' (the real GPT-2 family, one GPU)."""
        if profile not in ("tiny", "gpt2"):
            raise ConfigError(f"There is no profile '{profile}'. Choose 'tiny' or 'gpt2'.")
        values = {f.name: f.metadata["gpt2"] for f in fields(cls) if f.metadata.get("gpt2") is not None}
        return cls.from_dict({**(values if profile == "gpt2" else {}), **changes})


def _checked(owner: str, f: dataclasses.Field, value):
    """Return `value` in the field's type, or raise a ConfigError that says what would work."""
    if isinstance(f.default, Config):
        if isinstance(value, type(f.default)):
            return value
        some = f"{f.name}.{fields(f.default)[0].name}"
        raise ConfigError(
            f"{owner}.{f.name} = {value!r}: these are several settings; name one, as in {some}."
        )
    low, high, choices, wanted = f.metadata["low"], f.metadata["high"], f.metadata["choices"], type(f.default)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and (wanted is float or (wanted is int and float(value).is_integer())):
        value = wanted(value)  # 1 is a fine float, 8e3 a fine whole number
    ends = (("at least", low), ("at most", high))
    limits = [f"{words} {limit}" for words, limit in ends if limit is not None]
    if type(value) is not wanted:
        problem = f"should be {_TYPE_NAMES[wanted]}"
    elif choices is not None and value not in choices:
        problem = f"is not one of {', '.join(map(repr, choices))}"
    elif (low is not None and not value >= low) or (high is not None and not value <= high):
        problem = f"should be {' and '.join(limits)}"
    else:
        return value
    raise ConfigError(f"{owner}.{f.name} = {value!r} {problem}. Meaning: {f.metadata['help']}.")


_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}
_LR = dict(low=0.0, high=1.0)
_SHARE = dict(low=0.0, high=1.0)
_COUNT = dict(low=1)
SEED = dict(low=0, high=2**32 - 1)  # what every library takes


@dataclass(frozen=True)
class ModelConfig(Config):
    """Shape of our own GPT-2; from the hub, a model brings its own."""

    size: str = knob("S", "which of our sizes", "1.3B, 6B, 175B", "§3.5", choices=tuple(SIZES))
    n_positions: int = knob(128, "longest sequence in tokens", 2048, "App. C", low=8)

    width = property(lambda self: SIZES[self.size]["width"])
    layers = property(lambda self: SIZES[self.size]["layers"])
    heads = property(lambda self: SIZES[self.size]["heads"])


@dataclass(frozen=True)
class PretrainConfig(Config):
    """The base model: next-token prediction on running text (GPT-3's part of the story)."""

    tokens: int = knob(28_000_000, "tokens to train on", "300 billion", "GPT-3, Table 2.1", **_COUNT)
    batch_size: int = knob(32, "rows of n_positions tokens per step", **_COUNT)
    lr: float = knob(4e-3, "peak learning rate", **_LR)
    optimizer: str = knob("muon", "muon: its step for the matrices of layers", choices=("adam", "muon"))
    warmup_steps: int = knob(100, "steps of linear warm-up from 0", low=0)
    constant_share: float = knob(0.6, "share of the steps at the peak rate before it falls", **_SHARE)
    final_lr_fraction: float = knob(0.05, "last learning rate / peak", **_SHARE)
    max_grad_norm: float = knob(1.0, "gradient norm clip", 1.0, "GPT-3, App. B", low=1e-6)
    seed: int = knob(0, "order of the data", **SEED)


@dataclass(frozen=True)
class SFTConfig(Config):
    """Supervised fine-tuning on demonstrations (§3.5, App. C.1; with pretrain_mix: App. C.3)."""

    epochs: int = knob(16, "passes over the demonstrations", 16, "§3.5 (2 before PPO: C.3)", gpt2=3, **_COUNT)
    lr: float = knob(7e-4, "peak learning rate", "9.65e-6 (1.3B, 6B)", "App. C.1", gpt2=3e-5, **_LR)
    batch_size: int = knob(32, "demonstrations per step", 32, "App. C.1", **_COUNT)
    final_lr_fraction: float = knob(0.1, "cosine decay ends at this share of lr", 0.1, "App. C.1", **_SHARE)
    dropout: float = knob(0.0, "residual dropout", 0.2, "App. C.1", low=0.0, high=0.9)
    pretrain_mix: float = knob(0.0, "share of text rows", "0.1 for PPO", "App. C.3", low=0.0, high=0.95)
    pretrain_coefficient: float = knob(0.5, "weight of the pretraining loss", "not stated", low=0.0)
    select: str = knob("last", "epoch to keep", "best RM score", "App. C.1", choices=("last", "reward"))
    max_grad_norm: float = knob(1.0, "gradient norm clip", "not stated", low=1e-6)
    seed: int = knob(0, "order of the data", **SEED)


@dataclass(frozen=True)
class RewardConfig(Config):
    """The reward model: Eq. 1 on rankings, a prompt with its K answers is one batch element (§3.5, C.2)."""

    epochs: int = knob(1, "passes over the rankings", 1, "App. C.2", **_COUNT)
    lr: float = knob(5e-4, "peak learning rate", 9e-6, "App. C.2", gpt2=1e-5, **_LR)
    prompts_per_step: int = knob(8, "prompts per step, each with all pairs", 64, "App. C.2", **_COUNT)
    loss: str = knob(
        "pairs", "all pairs, or the best answer alone", "pairs", "Eq. 1", choices=("pairs", "best")
    )
    warmup_share: float = knob(0.0, "share of the steps in which the rate rises to lr", 0, "App. C", **_SHARE)
    final_lr_fraction: float = knob(0.1, "cosine decay ends at this share of lr", 0.1, "App. C.2", **_SHARE)
    dropout: float = knob(0.0, "dropout while training", "not stated", low=0.0, high=0.9)
    max_grad_norm: float = knob(1.0, "gradient norm clip", "not stated", low=1e-6)
    seed: int = knob(0, "order of the data", **SEED)


@dataclass(frozen=True)
class PPOConfig(Config):
    """Reinforcement learning, Eq. 2 (§3.5, App. C.4). `ptx_gamma` > 0 makes it PPO-ptx."""

    episodes: int = knob(7168, "prompts answered in all", 256_000, "App. C.4", gpt2=25_600, **_COUNT)
    batch_size: int = knob(256, "episodes per iteration", 512, "App. C.4", **_COUNT)
    minibatches: int = knob(8, "minibatches per batch, one optimizer step each", 8, "App. C.4", **_COUNT)
    inner_epochs: int = knob(1, "passes over each batch", 1, "App. C.4", **_COUNT)
    accumulation: int = knob(1, "parts a minibatch is computed in: memory, not results", **_COUNT)
    lr: float = knob(4.5e-4, "policy learning rate", "2.55e-6 to 2.55e-5", "App. E.9", gpt2=5e-6, **_LR)
    value_lr: float = knob(6e-4, "value learning rate", "9e-6 (1.3B, 6B)", "App. C.4", gpt2=9e-6, **_LR)
    warmup_iterations: int = knob(10, "iterations of linear warm-up from lr/10", 10, "App. C.4", low=0)
    value_from: str = knob("reward", "what it begins as", "reward", "App. C.4", choices=("reward", "start"))
    kl_beta: float = knob(0.3, "weight of the per-token KL penalty", 0.02, "App. C.4", low=0.0, gpt2=0.05)
    clip: float = knob(0.2, "clip of the policy ratio", 0.2, "App. C.4", low=0.0)
    value_clip: float = knob(0.2, "clip of the value's move per batch", "not stated", low=0.0)
    gamma: float = knob(1.0, "discount per token", 1.0, "App. C.4", **_SHARE)
    gae_lambda: float = knob(0.95, "lambda of GAE", "not stated", "0.95 in Stiennon et al. 2020", **_SHARE)
    whiten_advantages: bool = knob(True, "advantages to mean 0, variance 1 in each batch", "not stated")
    temperature: float = knob(1.0, "of sampling, and in every log-probability", 1.0, "App. C.4", low=1e-3)
    max_new_tokens: int = knob(48, "longest response in tokens", 1000, "App. C", gpt2=64, **_COUNT)
    no_eos_penalty: float = knob(1.0, "taken off the score of a response without EOS", "not stated", low=0.0)
    ptx_gamma: float = knob(0.0, "weight of pretraining", "0 (PPO), 27.8 (PPO-ptx)", "App. C.4", low=0.0)
    ptx_rows: int = knob(8, "pretraining rows per minibatch", "8 per episode", "App. C.4", **_COUNT)
    ema_decay: float = knob(0.992, "decay of the averaged weights", 0.992, "App. C.4", low=0.0, high=0.999999)
    use_ema: bool = knob(True, "the finished policy is the averaged one", "not stated")
    old_logprobs: str = knob("sampling", "old log-probs: of which pass", choices=("sampling", "forward"))
    max_grad_norm: float = knob(1.0, "gradient norm clip", "not stated", low=1e-6)
    seed: int = knob(0, "order of the prompts, and sampling", **SEED)

    iterations = property(lambda self: self.episodes // self.batch_size)
    minibatch_size = property(lambda self: self.batch_size // self.minibatches)

    def _check_together(self):
        own = f"PPOConfig.episodes = {self.episodes}"
        if self.episodes % self.batch_size:
            near = [self.batch_size * n for n in (self.iterations, self.iterations + 1) if n]
            use = " or ".join(map(str, near))
            raise ConfigError(f"{own} is not a multiple of batch_size = {self.batch_size}. Use {use}.")
        own = f"PPOConfig.batch_size = {self.batch_size}"
        if self.batch_size % self.minibatches:
            raise ConfigError(f"{own} cannot be cut into minibatches = {self.minibatches} equal parts.")
        if self.accumulation > self.minibatch_size:
            most = f"the {self.minibatch_size} episodes of a minibatch"
            raise ConfigError(f"PPOConfig.accumulation = {self.accumulation} is more than {most}.")


def describe(cfg: Config) -> list[tuple[str, Any, Any, str]]:
    """Rows (name, our value, the paper's value, where it is from) of a config, for a table."""
    return [(f.name, getattr(cfg, f.name), f.metadata["paper"], f.metadata["source"]) for f in fields(cfg)]


def meaning(cfg: Config | type[Config], name: str) -> str:
    """What one setting does, in a few words."""
    return {f.name: f.metadata["help"] for f in fields(cfg)}[name]


@dataclass(frozen=True)
class DataConfig(Config):
    """The prompts and who writes them (§3.2, App. A)."""

    scale: float = knob(0.43, "sizes of all sets, share of Table 6", 1.0, "Table 6", low=0.001, high=2.0)
    sft_scale: float = knob(1.0, "the same for the SFT sets", 1.0, "Table 6", low=0.001, high=2.0)
    world_seed: int = knob(0, "which tiny world: its facts and myths", **SEED)


@dataclass(frozen=True)
class RankingsConfig(Config):
    """Completions for labelers to rank (§3.4, §3.5)."""

    k_min: int = knob(4, "fewest completions per prompt", 4, "§3.5", low=2, high=9)
    k_max: int = knob(9, "most completions per prompt", 9, "§3.5", low=2, high=9)
    coldest: float = knob(0.5, "each completion has its own temperature: from this", "not stated", low=1e-3)
    hottest: float = knob(1.4, "to this, log-uniformly", "not stated", low=1e-3)
    max_new_tokens: int = knob(48, "longest completion in tokens", "1000", "App. C", low=1)
    search: str = knob("sampled", "how answers are found", "sampled", "Fig. 2", choices=("sampled", "beams"))
    train_prompts: int = knob(14_000, "prompts to train on", "33,207", "Table 6", low=10)
    valid_prompts: int = knob(600, "validation prompts, ranked thrice", "17,887", "Table 6", low=10)
    screened: bool = knob(True, "who ranks for training has passed the tests", True, "App. B.1")
    first: str = knob("help", "what counts most in training", "help", "§3.4", choices=("help", "truth"))
    calibration_prompts: int = knob(2400, "prompts on which the labelers' noise is set", low=10)

    def _check_together(self):
        for least, most in (("k_min", "k_max"), ("coldest", "hottest")):
            low, high = getattr(self, least), getattr(self, most)
            if low > high:
                raise ConfigError(f"RankingsConfig.{least} = {low} is more than {most} = {high}.")


@dataclass(frozen=True)
class EvalConfig(Config):
    """The final evaluation (§3.6)."""

    prompts: int = knob(600, "test prompts of users nobody trained on", "not stated", low=20)
    skill_items: int = knob(300, "items per few-shot skill", low=10)
    endings: int = knob(2000, "endings to read per skill that has a choice", low=20)
    case_prompts: int = knob(200, "validation prompts per use case, at most", low=1)
    wording_prompts: int = knob(400, "prompts in each part of the wordings", low=20)
    judges: int = knob(3, "labelers per comparison", low=1)
    max_new_tokens: int = knob(48, "longest response in tokens", low=1)
