"""rlhf_lite: the InstructGPT paper in miniature, every step a real run.

    from rlhf_lite import Chain
    chain = Chain()                  # the tiny profile
    chain.policy("ppo_ptx")          # loaded if it exists, built if it does not

Names are imported when they are first used, so that `import rlhf_lite` itself costs nothing.
"""

import os
from importlib import import_module

from .memory import keep_freed

# On a CPU torch keeps what it prepared for the last 1,024 shapes, in each of two stores: with batches of many widths that is
# a third of a training's memory. The first store saves no time. The second does: with 300 instead of 1,000 a training of many
# shapes prepares them again and again, and takes a tenth longer. torch reads the first of these when it is loaded.
os.environ.setdefault("LRU_CACHE_CAPACITY", "20")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "1000")
# Threads that wait for one another do so by spinning (GNU OpenMP, on Linux): 300,000 turns, unless told otherwise. On an idle
# machine a thousand are as fast. Beside one busy program they take half the time, beside two a fifth or less: a thread that
# spins holds the core that the thread it waits for needs.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
keep_freed()

__version__ = "0.1.0"

_HOME = {
    "Chain": "chain", "ChainConfig": "plan",
    "PretrainConfig": "config", "SFTConfig": "config", "RewardConfig": "config", "PPOConfig": "config",
    "RankingsConfig": "config", "DataConfig": "config", "EvalConfig": "config", "ModelConfig": "config",
    "describe": "config", "World": "world", "Task": "world", "gold": "world", "judge": "world", "pick": "runs",
}  # fmt: skip
__all__ = list(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
