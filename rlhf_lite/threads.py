"""Work side by side on a CPU: one kernel of a small model is too little to share among cores, half a batch is not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn


def in_threads(function: Callable, *arguments: Iterable, device: torch.device | str = "cpu") -> list:
    """[function(...) for ... in zip(*arguments)], in threads of one core each, as many as torch may use.

    Inside such a thread, on a GPU, and for a single item it is a plain loop. An error of one call ends all.

    Threads are not kept: each would hold on to the kernels compiled for every shape it has met, a gigabyte in all.
    """
    items = list(zip(*arguments, strict=True))
    workers = torch.get_num_threads() if torch.device(device).type == "cpu" else 1
    if workers < 2 or len(items) < 2:
        return [function(*item) for item in items]
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))  # counts in that thread only
    calls = [pool.submit(function, *item) for item in items]
    try:
        return [call.result() for call in calls]
    finally:  # nothing goes on behind the caller's back
        pool.shutdown(cancel_futures=True)


class Halves:
    """The gradients of the two halves of a batch, computed at the same time::

        with Halves(model) as halves:
            results = halves.backward(step, rows)  # step(model, some_rows) does the forward *and* the backward pass

    Two threads cannot add to one gradient. So the second half is computed by a twin, a copy of the model on the same
    weights with gradients of its own, which are then added. A CPU always cuts a batch in two, however many cores it has
    to spare, so the result does not depend on them; a GPU, which likes its batches whole, never does.
    """

    def __init__(self, model: nn.Module, device: torch.device | str = "cpu", split: bool = True):
        on_cpu = torch.device(device).type == "cpu"
        self.models = [model, _twin(model)] if on_cpu and split else [model]
        side_by_side = len(self.models) > 1 and torch.get_num_threads() > 1
        self.pool = ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) if side_by_side else None

    def __enter__(self) -> Halves:
        return self

    def __exit__(self, *error) -> None:
        if self.pool:
            self.pool.shutdown(cancel_futures=True)

    def backward(self, step: Callable, rows: Sequence) -> list:
        """[step(model, half) for each half], with both gradients added up in the model; every other row is in a half."""
        halves = [half for i in range(len(self.models)) if (half := rows[i :: len(self.models)])]
        results = list((self.pool.map if self.pool else map)(step, self.models, halves))
        if len(halves) > 1:
            for weight, twin in zip(*(model.parameters() for model in self.models), strict=True):
                if twin.grad is not None:
                    weight.grad = twin.grad if weight.grad is None else weight.grad.add_(twin.grad)
                    twin.grad = None
        return results


def _twin(model: nn.Module) -> nn.Module:
    """A copy on the same weights."""
    twin = copy.deepcopy(model)
    for weight, shared in zip(twin.parameters(), model.parameters(), strict=True):
        weight.data, weight.grad = shared.data, None
    return twin
