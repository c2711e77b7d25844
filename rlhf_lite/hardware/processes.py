"""One training on several processes, each with a GPU or a few cores of its own: who am I, which rows are mine, sums over all.

    torchrun --nproc-per-node 2 train.py        # and in train.py, before anything else: processes.join(expected=2)

Every process holds whole models and all the data; of each batch it computes its own rows, weighted so that the gradients of all
processes *add up* to that of the batch. They are added before the optimizer step (`train.optim.update`), so every process
takes the same step, and one process takes the same step, rounding aside, as two or eight. Without `torchrun` there is one
process, and nothing here does anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

AT_ONCE = 1 << 24  # gradients that are added in one go: few calls, and little memory for copies


class WorldError(ValueError):
    """There are other processes than were asked for."""


def join(expected: int | None = None, kind: str = "auto") -> torch.device:
    """Meet the other processes that `torchrun` has started; returns the device of this one.

    expected: how many there must be. Launchers are known to start a single process without a word. kind: cuda, cpu, or
    auto, which is a GPU of its own for each process if there are any.
    """
    found = int(os.environ.get("WORLD_SIZE", 1))
    if expected is not None and found != expected:
        raise WorldError(
            f"there should be {expected} processes, but there {'is' if found == 1 else 'are'} {found}; "
            f"start them with: torchrun --nproc-per-node {expected} ..."
        )
    device = torch.device("cpu")
    if kind == "cuda" or (kind == "auto" and torch.cuda.is_available()):
        device = torch.device("cuda", _own_card())
        torch.cuda.set_device(device)
    if found > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def _own_card() -> int:
    """The number of the GPU of this process among those of its machine."""
    if not torch.cuda.is_available():
        why = (
            "this torch was built without CUDA"
            if torch.version.cuda is None
            else "torch finds none, see nvidia-smi"
        )
        raise WorldError(f"there is no GPU: {why}; take device cpu or auto, or install torch for your card")
    here, cards = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
    if here >= cards:
        raise WorldError(
            f"process {here} of this machine has no GPU of its own, for there {'is' if cards == 1 else 'are'} "
            f"{cards}; start as many processes as GPUs, or take device cpu"
        )
    return here


def leave() -> None:
    """Part from the others: at the very end, so that none waits for who has gone."""
    if dist.is_available() and dist.is_initialized():
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
    """My rows of a batch: every n-th, so that rows sorted by length are shared out evenly. May be none."""
    return rows[rank() :: world_size()]


def all_reduce(*numbers: float | Tensor, device: torch.device | str = "cpu") -> list[float]:
    """Sums over all processes, the same on each."""
    sums = torch.stack([torch.as_tensor(x, dtype=torch.float64, device=device).detach() for x in numbers])
    if world_size() > 1:
        sums = _add(sums)
    return sums.tolist()


def any_process(wish: bool) -> bool:
    """Whether any process wishes it: all must stop after the same step."""
    return bool(all_reduce(float(wish), device=_device())[0]) if world_size() > 1 else wish


def add_gradients(model: nn.Module) -> None:
    """Add the gradients of all processes, in place; who had no rows adds nothing. Of a model that was cut (`models.sharding`)
    the backward pass has added them."""
    if world_size() == 1 or hasattr(model, "unshard"):
        return
    parameters = [p for p in model.parameters() if p.requires_grad]
    for some in _up_to(AT_ONCE, parameters):
        flat = torch.cat(
            [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in some]
        )
        for p, part in zip(some, _add(flat).split([p.numel() for p in some]), strict=True):
            p.grad = part.view_as(p)


def _up_to(limit: int, parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Neighbours that have at most so many numbers together, or one that has more."""
    some: list[nn.Parameter] = []
    for p in parameters:
        if some and sum(q.numel() for q in some) + p.numel() > limit:
            yield some
            some = []
        some.append(p)
    yield some


def all_gather_rows(parts: Iterable[Tensor], order: Sequence[int], fill: Sequence[float]) -> list[Tensor]:
    """Rows of all processes, put together: tensors (my rows, ...) -> tensors (all rows, ...), padded on the right with `fill`
    to the widest. order: which row of the batch each of *all* rows is, process by process."""
    back = torch.tensor(order).argsort()
    return [_gather(part, value)[back.to(part.device)] for part, value in zip(parts, fill, strict=True)]


def all_gather_objects(thing) -> list:
    """The thing of each process, by rank."""
    if world_size() == 1:
        return [thing]
    found: list = [None] * world_size()
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
    return (
        torch.device("cuda", torch.cuda.current_device())
        if dist.get_backend() == "nccl"
        else torch.device("cpu")
    )


def _add(x: Tensor) -> Tensor:
    x = x.to(_device(), copy=True)
    dist.all_reduce(x)
    return x


def _gather(x: Tensor, fill: float) -> Tensor:
    """(rows, ...) of each process -> (all rows, ...). Shapes may differ in rows and in width."""
    shapes = all_gather_objects(tuple(x.shape))
    rows, wide = (
        max(shape[0] for shape in shapes),
        [max(sizes) for sizes in zip(*(shape[1:] for shape in shapes), strict=True)],
    )
    padded = x.new_full((rows, *wide), fill)
    padded[(slice(len(x)), *(slice(n) for n in x.shape[1:]))] = x
    found = [torch.empty_like(padded) for _ in shapes]
    dist.all_gather(found, padded)
    return torch.cat([part[: shape[0]] for part, shape in zip(found, shapes, strict=True)])
