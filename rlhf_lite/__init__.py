"""rlhf_lite: the InstructGPT paper in miniature, every step a real run.

    from rlhf_lite import Chain
    chain = Chain()                  # the tiny profile
    chain.policy("ppo_ptx")          # loaded if it exists, built if it does not

Names are imported when they are first used, so that `import rlhf_lite` itself costs nothing.
"""

import os
import sys
from importlib import import_module

from .hardware.memory import keep_freed

# On a CPU torch keeps what it prepared for the last 1,024 shapes, in each of two stores: with batches of many widths that is
# a third of a training's memory. The first store saves no time. The second does: with 300 instead of 1,000 a training of many
# shapes prepares them again and again, and takes a tenth longer. torch reads the first of these when it is loaded.
os.environ.setdefault("LRU_CACHE_CAPACITY", "20")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "1000")
# Threads that wait for one another do so by spinning (GNU OpenMP): 300,000 turns, unless told otherwise, and 100 as soon as two
# threads of Python have used torch. Both are wrong here. A thread that spins holds the core that the thread it waits for needs:
# beside one busy program a training of 8 seconds takes 16 with a thousand turns, 40 with ten thousand and minutes with more,
# which on an idle machine gain a seventh. And with 100 a training in a thread of its own, as a panel starts it, is put to sleep
# and woken 75,000 times and takes half as long again. "active" makes the second number 1,000, too; the last line undoes what
# it means to other OpenMPs.
if sys.platform == "linux" and "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "active"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    os.environ.setdefault("KMP_BLOCKTIME", "200")
keep_freed()

__version__ = "0.1.0"

_HOME = {
    "Chain": "chain.tiny",
    "ChainConfig": "chain.plan",
    "PretrainConfig": "config",
    "SFTConfig": "config",
    "RewardConfig": "config",
    "PPOConfig": "config",
    "RankingsConfig": "config",
    "DataConfig": "config",
    "EvalConfig": "config",
    "ModelConfig": "config",
    "describe": "config",
    "World": "world",
    "Task": "world",
    "gold": "world",
    "judge": "world",
    "pick": "config",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
