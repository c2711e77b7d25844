"""One training on several processes, each with a GPU or a few cores of its own.

    torchrun --nproc-per-node 2 train.py                # and in train.py, on all processes:
    device = processes.join(expected=2)                 # before anything else
    processes.distribute(policy)                        # before training; training functions do the rest
    policy = processes.gathered(policy)                 # an ordinary model again

Every process has all the data. Of each batch it computes its own rows, weighted so that the gradients of all
processes *add up* to that of the batch: two or eight processes take the step of one, rounding aside. Of the
weights, of their gradients and of Adam's moments each process holds its part; torch's `fully_shard` brings
weights together before they are needed, and adds gradients up where each belongs. Processes that share a
model must run it equally often (`train.batches.local_parts`). Without `torchrun` there is one process, and
nothing here does anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import MethodType

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from .device import choose_device


class WorldError(ValueError):
    """There are other processes than were asked for."""


def join(expected: int | None = None, kind: str = "auto") -> torch.device:
    """Meet the other processes that `torchrun` has started; returns the device of this one.

    expected: how many there must be. Launchers are known to start a single process without a word. kind:
    cuda, cpu, or auto, which is a GPU of its own for each process if there are any.
    """
    found = int(os.environ.get("WORLD_SIZE", 1))
    if expected is not None and found != expected:
        raise WorldError(
            f"there should be {expected} processes, but there {'is' if found == 1 else 'are'} {found}; "
            f"start them with: torchrun --nproc-per-node {expected} ..."
        )
    device = choose_device(kind)
    if found > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def leave() -> None:
    """Part from the others, at the very end and together; after an error nobody is waited for."""
    if dist.is_available() and dist.is_initialized():
        if sys.exc_info()[0] is None:
            dist.barrier()
        dist.destroy_process_group()


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """The number of this process: 0 ... world_size() - 1."""
    return dist.get_rank() if world_size() > 1 else 0


def is_main_process() -> bool:
    """Whether this is process 0, which writes files and shows progress."""
    return rank() == 0


def local_rows(rows: Sequence) -> Sequence:
    """This process's rows of a batch: every n-th, so that sorted rows are shared out evenly. May be none."""
    return rows[rank() :: world_size()]


# --- Numbers and objects ------------------------------------------------------------------------------------


def all_reduce(*numbers: float | Tensor) -> Sequence[float | Tensor]:
    """Sums over all processes, the same on each. Of a lone one the numbers as they are: it may have left them
    on a GPU that is not done with them."""
    if world_size() == 1:
        return numbers
    sums = torch.tensor([float(torch.as_tensor(x).detach()) for x in numbers], dtype=torch.float64)
    sums = sums.to(_device())
    dist.all_reduce(sums)
    return sums.tolist()


def any_process(wish: bool) -> bool:
    """Whether any process wishes it: all must stop after the same step."""
    return bool(all_reduce(float(wish))[0])


def all_gather_objects(thing) -> list:
    """The thing of each process, by rank; what has tensors in it should have them on the CPU."""
    found = [thing] * world_size()
    if len(found) > 1:
        dist.all_gather_object(found, thing)
    return found


def broadcast(thing):
    """What process 0 has."""
    box = [thing]
    if world_size() > 1:
        dist.broadcast_object_list(box, src=0, device=_device())
    return box[0]


def _device() -> torch.device:
    """Where the group's own tensors live."""
    nccl = dist.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if nccl else torch.device("cpu")


# --- Models -------------------------------------------------------------------------------------------------


def distribute(model: nn.Module, reshard: bool = False) -> nn.Module:
    """Cut a GPT-2 over all processes, in place; a lone process keeps it as it is. Each must have the same
    weights.

    The weights of a layer, and those of the model outside its layers, come together when such a part runs a
    function by its new method `part.run(function, ...)`; `models.packed` calls it. reshard: give them back as
    soon as the part has run, and bring them together once more in the backward pass. That takes less memory
    and more talk.
    """
    if world_size() == 1 or is_distributed(model):
        return model
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    mesh = init_device_mesh(next(model.parameters()).device.type, (world_size(),))
    model.transformer.held_whole = False
    for part in (*model.transformer.h, model):
        part.run = MethodType(_run, part)
        fully_shard(part, mesh=mesh, reshard_after_forward=reshard and part is not model)
        register_fsdp_forward_method(part, "run")
        part.set_gradient_divide_factor(1.0)  # losses are weighted, so gradients add up
        part.set_force_sum_reduction_for_comms(True)
    return model


def _run(part: nn.Module, function: Callable, *arguments):
    return function(part, *arguments)


def is_distributed(model) -> bool:
    """Whether this model is cut over processes."""
    return isinstance(model, nn.Module) and hasattr(model, "unshard")


@contextmanager
def whole(model) -> Iterator[None]:
    """All weights on every process, for reading: to sample, to score. Nothing in here may change them, and
    processes may run the model as often as each likes. Whole models, and functions, are as they always
    are."""
    if not is_distributed(model) or model.transformer.held_whole:
        yield
        return
    parts = [part for part in model.modules() if is_distributed(part)]
    for part in parts:
        part.unshard()
    model.transformer.held_whole = True
    try:
        yield
    finally:
        model.transformer.held_whole = False
        for part in parts:
            part.reshard()


def gathered(model: nn.Module) -> nn.Module:
    """The same transformers model uncut, on every process; one that is not distributed, as it is."""
    if not is_distributed(model):
        return model
    kind = type(model).__bases__[1]  # the first is what `fully_shard` added
    with torch.random.fork_rng(devices=[]):  # drawn and overwritten
        plain = kind(model.config)
    plain.load_state_dict(whole_state(model.state_dict()))
    return plain.to(model.device).eval()


def full(x: Tensor) -> Tensor:
    """All of a tensor that may be cut over processes."""
    return x.full_tensor() if hasattr(x, "full_tensor") else x


def whole_state(state):
    """A state dict with whole tensors; those that were cut come to the CPU, one after another."""
    return tree_map(lambda x: full(x).cpu() if hasattr(x, "full_tensor") else x, state)


def like(x, pattern: Tensor):
    """A whole tensor cut as `pattern` is, if it is and has the same shape; anything else as it is."""
    if not hasattr(pattern, "full_tensor") or not isinstance(x, Tensor) or x.shape != pattern.shape:
        return x
    from torch.distributed.tensor import distribute_tensor

    mesh, placements = pattern.device_mesh, pattern.placements
    return distribute_tensor(x.to(pattern.device), mesh, placements, src_data_rank=None)
