"""rlhf_lite: the InstructGPT paper in miniature, every step a real run.

    from rlhf_lite import Chain
    chain = Chain()                  # the tiny profile
    chain.policy("ppo_ptx")          # loaded if it exists, built if it does not

Names are imported when they are first used, so that `import rlhf_lite` itself costs nothing.
"""

from importlib import import_module

from .hardware.environment import configure

configure()  # before torch is loaded, which reads its settings then

__version__ = "0.1.0"

_NAMES = {
    "chain.tiny": "Chain",
    "chain.recipes": "ChainConfig",
    "config": "PretrainConfig SFTConfig RewardConfig PPOConfig RankingsConfig DataConfig EvalConfig "
    "ModelConfig describe",
    "hardware.environment": "pick",
    "world": "World Task gold judge",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
