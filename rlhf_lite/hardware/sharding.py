"""Models cut over several processes (FSDP): of weights, gradients and Adam's moments each process holds its part.

    policy = shard(policy)          # on all processes, before training; training functions do the rest
    with whole(policy): ...         # read it: sample, score; nothing in here may change weights
    policy = gathered(policy)       # an ordinary model again

In a training step torch's `fully_shard` brings the weights of a layer together just before they are needed and adds up the
processes' gradients where each belongs. It does so around the methods of a module, and our forward pass is a function of
the weights (`models.gpt2`), so the model and each layer get such a method, `run`. Processes that share a model must run it
equally often: `train.batches.my_pieces` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map
from transformers import PreTrainedModel

from ..models.checkpoints import place
from . import processes


def shard(model: PreTrainedModel) -> PreTrainedModel:
    """Cut a model over all processes, in place; a lone process keeps it as it is. Each must have the same weights."""
    if processes.world_size() == 1 or is_sharded(model):
        return model
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    mesh = init_device_mesh(model.device.type, (processes.world_size(),))
    model.transformer.held_whole = False
    for part in (*model.transformer.h, model):
        part.run = MethodType(_run, part)
        fully_shard(part, mesh=mesh)
        register_fsdp_forward_method(part, "run")
        part.set_gradient_divide_factor(1.0)  # losses are weighted, so gradients add up
        part.set_force_sum_reduction_for_comms(True)
    return model


def _run(part: nn.Module, function: Callable, *arguments):
    """function(part, *arguments), as a method."""
    return function(part, *arguments)


def is_sharded(model) -> bool:
    """Whether this model was cut."""
    return isinstance(model, nn.Module) and hasattr(model, "unshard")


@contextmanager
def whole(model) -> Iterator[None]:
    """All weights of a model on every process, for reading; a model that was not cut, or a function, is as it always is."""
    if not is_sharded(model) or model.transformer.held_whole:
        yield
        return
    parts = [part for part in model.modules() if is_sharded(part)]
    for part in parts:
        part.unshard()
    model.transformer.held_whole = True
    try:
        yield
    finally:
        model.transformer.held_whole = False
        for part in parts:
            part.reshard()


def gathered(model: PreTrainedModel) -> PreTrainedModel:
    """The same model uncut, on every process; one that was not cut is returned as it is."""
    if not is_sharded(model):
        return model
    kind = type(model).__bases__[1]  # the first is what `fully_shard` added
    with torch.random.fork_rng(devices=[]):  # drawn and overwritten
        plain = kind(model.config)
    plain.load_state_dict({name: full(x) for name, x in model.state_dict().items()})
    return place(plain, model.device).eval()


# --- Tensors ----------------------------------------------------------------------------------------------------------


def full(x: Tensor) -> Tensor:
    """All of a tensor that may be cut."""
    return x.full_tensor() if hasattr(x, "full_tensor") else x


def whole_state(state):
    """A state dict with whole tensors; those that were cut come to the CPU, one after another."""
    return tree_map(lambda x: full(x).cpu() if hasattr(x, "full_tensor") else x, state)


def like(x, pattern: Tensor):
    """A whole tensor cut as `pattern` is, if it is and has the same shape; anything else as it is."""
    if not hasattr(pattern, "full_tensor") or not isinstance(x, Tensor) or x.shape != pattern.shape:
        return x
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(
        x.to(pattern.device), pattern.device_mesh, pattern.placements, src_data_rank=None
    )
