"""On which device the models are: a GPU if there is one, unless an option or $RLHF_LITE_DEVICE says
otherwise."""

from __future__ import annotations

import os

import torch
from torch import Tensor

ENV = "RLHF_LITE_DEVICE"
KINDS = ("auto", "cuda", "cpu")


class DeviceError(ValueError):
    """A device that was asked for and is not there."""


def choose_device(kind: str = "auto") -> torch.device:
    """The device of this process: cuda, cpu, or auto, for which $RLHF_LITE_DEVICE may decide, else a GPU if
    there is one.

    Under `torchrun` each process of a machine takes a GPU of its own, by its $LOCAL_RANK.
    """
    if kind == "auto":
        kind = os.environ.get(ENV) or "auto"
    if kind not in KINDS:
        raise DeviceError(f"device = {kind!r} is not one of {', '.join(KINDS)} (option --device, or ${ENV})")
    if kind == "cpu" or (kind == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        built = torch.version.cuda is not None
        why = "torch finds none, see nvidia-smi" if built else "this torch was built without CUDA"
        raise DeviceError(f"there is no GPU: {why}; take device cpu or auto, or install torch for your card")
    number, cards = int(os.environ.get("LOCAL_RANK", 0)), torch.cuda.device_count()
    if number >= cards:
        raise DeviceError(
            f"process {number} of this machine has no GPU of its own: it has {cards}; "
            "start as many processes as GPUs, or take device cpu"
        )
    device = torch.device("cuda", number)
    torch.cuda.set_device(device)
    return device


def to_device(x: Tensor, device: torch.device | str) -> Tensor:
    """x on the device. What goes from the CPU to a GPU is copied while the GPU works on what it was asked
    before."""
    if x.device.type == "cpu" and torch.device(device).type == "cuda":
        return x.contiguous().pin_memory().to(device, non_blocking=True)
    return x.to(device)


class Later:
    """A number on a GPU, to be looked at later: float() waits for what the GPU was asked before it, and not
    for what was asked since."""

    def __init__(self, x: Tensor):
        self.copy = torch.empty((), dtype=x.dtype, pin_memory=True)
        self.copy.copy_(x.detach(), non_blocking=True)
        self.copied = torch.cuda.Event()
        self.copied.record()

    def __float__(self) -> float:
        self.copied.synchronize()
        return float(self.copy)
