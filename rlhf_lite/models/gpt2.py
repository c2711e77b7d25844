"""GPT-2 from token ids to hidden states, in two ways that give the same numbers.

`plain_forward` is transformers' own forward pass; RLHF_LITE_PLAIN=1 chooses it, and a reader needs no
other. `packed.packed_forward` does no work on padding; it is what runs otherwise.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import PreTrainedModel

from ..hardware.environment import plain
from .packed import packed_forward, run
from .tokens import position_ids as count_positions


def hidden_states(
    model: PreTrainedModel,
    ids: Tensor,
    mask: Tensor,
    where: Tensor | None = None,
    position_ids: Tensor | None = None,
    attention_bias: Tensor | None = None,
) -> Tensor:
    """Hidden states after the last layer norm, of all real tokens or of those in `where`, row by row: (B, T)
    -> (N, D).

    mask (B, T) is 1 on real tokens; `where` is True on some of them. position_ids (B, T): None counts the
    real tokens of each row. attention_bias (B, 1, T, T) is added to attention scores, 0 where a token may
    look, and asks for padding on the right; None: each token sees itself and the real ones before it.

    All but the attention bias may be on the CPU while the model is on a GPU, and had better be: how many
    tokens there are decides what is computed.
    """
    forward = plain_forward if plain() else packed_forward
    trunk: Any = model.transformer
    return run(trunk, model, forward, ids, mask, where, position_ids, attention_bias)


def plain_forward(model, ids, mask, where=None, position_ids=None, attention_bias=None) -> Tensor:
    """`hidden_states` by transformers' own forward pass."""
    states = model.transformer(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device) if attention_bias is None else attention_bias,
        position_ids=(count_positions(mask) if position_ids is None else position_ids).to(model.device),
        use_cache=False,
    ).last_hidden_state  # (B, T, D)
    return states[mask.bool() if where is None else where]


def recompute(model: PreTrainedModel) -> PreTrainedModel:
    """From now on only what lies between this model's layers is kept for the backward pass, which computes
    the rest again: a third more time, a fraction of the memory. In the plain way only with dropout, in
    training mode. Returns the model."""
    model.transformer.recompute = True
    if plain():
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model
