"""Configs: defaults that hold together, errors that help, tables beside the paper."""

import re

import pytest

from rlhf_lite.chain.recipes import ChainConfig
from rlhf_lite.config import (
    SIZES,
    ConfigError,
    ModelConfig,
    PPOConfig,
    PretrainConfig,
    RewardConfig,
    SFTConfig,
    describe,
    meaning,
)

ALL = (ModelConfig, PretrainConfig, SFTConfig, RewardConfig, PPOConfig)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("profile", ["tiny", "gpt2"])
def test_profiles_are_valid_and_survive_json(cls, profile):
    cfg = cls.for_profile(profile)
    assert cls.from_dict(cfg.to_dict()) == cfg


@pytest.mark.parametrize("cls", ALL)
def test_every_setting_is_explained(cls):
    for name, ours, paper, source in describe(cls()):
        assert meaning(cls, name) and ours == getattr(cls(), name)
        assert not (source and paper == ""), f"{name}: a source without the paper's value"


def test_the_papers_numbers():
    paper = {name: value for name, _, value, _ in describe(PPOConfig())}
    assert paper["kl_beta"] == 0.02 and "27.8" in paper["ptx_gamma"] and paper["ema_decay"] == 0.992
    assert (paper["batch_size"], paper["minibatches"], paper["inner_epochs"]) == (512, 8, 1)


@pytest.mark.parametrize(
    "cls, bad, says",
    [
        (PPOConfig, {"lr": -1}, "at least 0.0 and at most 1.0"),
        (PPOConfig, {"lr": "fast"}, "a number"),
        (PPOConfig, {"clip": float("nan")}, "at least"),
        (PPOConfig, {"seed": 1.5}, "a whole number"),
        (PPOConfig, {"use_ema": 1}, "True or False"),
        (PPOConfig, {"episodes": 1000}, "768 or 1024"),
        (PPOConfig, {"episodes": 100}, "Use 256."),
        (PPOConfig, {"minibatches": 7}, "7 equal parts"),
        (PPOConfig, {"accumulation": 33}, "32 episodes of a minibatch"),
        (PPOConfig, {"old_logprobs": "new"}, "'sampling', 'forward'"),
        (PPOConfig, {"epiosdes": 256}, "Did you mean 'episodes'?"),
        (SFTConfig, {"pretrain_mix": 1.0}, "at most 0.95"),
        (SFTConfig, {"select": "best"}, "'last', 'reward'"),
        (ModelConfig, {"size": "XXL"}, "'XS', 'S', 'M', 'L'"),
    ],
)
def test_errors_say_what_to_do(cls, bad, says):
    with pytest.raises(ConfigError) as error:
        cls.from_dict(bad)
    assert says in str(error.value)
    assert next(iter(bad)) in str(error.value) or "minibatches" in str(error.value)


def test_numbers_are_taken_in_their_type():
    cfg = PPOConfig(episodes=8192.0, kl_beta=1)
    assert type(cfg.episodes) is int and type(cfg.kl_beta) is float


def test_replace_checks_again():
    assert PPOConfig().replace(ptx_gamma=0.5).ptx_gamma == 0.5
    with pytest.raises(ConfigError):
        PPOConfig().replace(batch_size=100)
    with pytest.raises(AttributeError):
        PPOConfig().lr = 1.0  # frozen


def test_sizes_grow():
    parameters = [12 * s["layers"] * s["width"] ** 2 for s in SIZES.values()]
    assert parameters == sorted(parameters)
    assert ModelConfig(size="M").width == SIZES["M"]["width"]
    assert all(s["width"] % s["heads"] == 0 for s in SIZES.values())
    with pytest.raises(ConfigError, match="no profile 'tiny2'"):
        SFTConfig.for_profile("tiny2")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"seed": 10**20},
            "ChainConfig.seed = 100000000000000000000 should be at least 0 and at most 4294967295",
        ),
        ({"sft": "3"}, "ChainConfig.sft = '3': these are several settings; name one, as in sft.epochs"),
        ({"model": None}, "ChainConfig.model = None: these are several settings; name one, as in model.size"),
        ({"replace": 1}, "ChainConfig has no setting 'replace'"),
        ({"sft.to_dict": "x"}, "SFTConfig has no setting 'to_dict'"),
    ],
)
def test_only_settings_can_be_set_and_each_in_its_range(changes, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        ChainConfig().replace(**changes)
    assert ChainConfig().replace(seed=2**32 - 1).seed == 2**32 - 1
