"""Floor 3: the training stages, in the paper's order, and the loop they share.

    loop.py      progress, trace.jsonl, checkpoints, exact resume, clean stop
    batches.py   which data comes when: seeded orders, little padding, packed rows
    optim.py     Adam, one optimizer step, learning-rate shapes, dropout
    pretrain.py  the base model
    sft.py       imitate demonstrations (§3.5, C.1, C.3)
    reward.py    learn from rankings (§3.5, C.2)
    ppo.py       PPO and PPO-ptx (§3.5, C.4); read `rollout` and `train_ppo` beside notebook 05

Every stage trains the model it is given, in place, and returns its history: metric name -> one value per step. Pass
`loop=dict(folder=..., control=..., progress=...)`, or a `Loop` of your own if you want to ask it afterwards whether it
was stopped.
"""

from .batches import pack_rows
from .loop import Loop
from .ppo import Rollout, rollout, train_ppo
from .pretrain import stream_loss, train_base
from .reward import center_on, evaluate_reward, score_texts, train_reward, train_reward_shuffled
from .sft import train_sft

__all__ = [
    "Loop",
    "Rollout",
    "center_on",
    "evaluate_reward",
    "pack_rows",
    "rollout",
    "score_texts",
    "stream_loss",
    "train_base",
    "train_ppo",
    "train_reward",
    "train_reward_shuffled",
    "train_sft",
]
