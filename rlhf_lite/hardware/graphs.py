"""CUDA graphs: hundreds of small kernels are started by one call. `Graphed` is a step of sampling; `replayed`
a function with its gradient, once for each set of shapes that comes back, where a `compiling.Trial` found
that this pays."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from .precision import round_up

MOST = 64  # graphs of one model
LARGEST_ERROR = 1e-3  # relative: a graph runs the very kernels it was captured from


def has_graphs(device: torch.device) -> bool:
    """Whether a step can be a graph there."""
    return device.type == "cuda"


class Graphed:
    """graphed(step) is step(), captured when it is first called and replayed ever after.

    A step reads and changes tensors that stay where they are, and nothing else: no sizes, no numbers of
    Python's. `state` are those that have to be as they were for a step to be done once more; what a step
    returns shows whether a replay does the same. If it does not, or cannot be captured, the step is called as
    it is: slower, and a warning says so.
    """

    def __init__(self, state: Sequence[Tensor]):
        self.state, self.graph, self.failed = state, None, False

    def __call__(self, step: Callable[[], Tensor]) -> None:
        if self.graph is None and not self.failed:
            collects = gc.isenabled()
            gc.disable()  # an older graph that is freed meanwhile would end the capture
            try:
                self._capture(step)
            except RuntimeError as error:
                self.graph, self.failed = None, True
                why = str(error).splitlines()[0]
                warnings.warn(f"No CUDA graph ({why}): sampling goes on without, several times slower.")
            finally:
                if collects:
                    gc.enable()
        if self.failed:
            step()
        else:
            self.graph.replay()

    def _capture(self, step: Callable[[], Tensor]) -> None:
        before = [x.clone() for x in self.state]
        aside, here = torch.cuda.Stream(), torch.cuda.current_stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):  # what is set up at first use must not be captured
            expected = step().clone()
            self._rewind(before)
        here.wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            result = step()
        self.graph.replay()
        off = (result.float() - expected.float()).norm()
        self._rewind(before)
        if not off <= LARGEST_ERROR * expected.float().norm():
            raise RuntimeError("its result differs from the plain step's")

    def _rewind(self, before: list[Tensor]) -> None:
        for x, old in zip(self.state, before, strict=True):
            x.copy_(old)


# --- a function with its gradient ---------------------------------------------------------------------------

_active = False
_of_model: weakref.WeakKeyDictionary[nn.Module, _Shapes] = weakref.WeakKeyDictionary()


def use(replay: bool) -> None:
    """From now on, whether what recurs is replayed."""
    global _active
    _active = replay
    _of_model.clear()


def few_shapes() -> bool:
    """Whether graphs are replayed here, and sizes rounded so that few of them occur: where there is a
    gradient, for sampling has graphs of its own."""
    return _active and torch.is_grad_enabled()


def bucket(n: int, step: int = 64) -> tuple[int, int]:
    """A size above n, and how many n share it: four sizes from each power of two to the next, `step` apart or
    more (a power of two)."""
    width = max(step, 1 << max(0, n.bit_length() - 3))
    return round_up(n + 1, width), width


def repeated(index: Tensor, size: int) -> Tensor:
    """Indices (n,), the first one again behind them: (size,)."""
    return torch.cat([index, index[:1].expand(size - len(index))])


def replayed(function: Callable, model: nn.Module, batch) -> Tensor:
    """function(model, batch), batch being tensors, numbers and tuples of these. With gradient, what came once
    in these shapes is captured when it comes again, and replayed ever after.

    The result and its gradient lie where the next replay writes them: take a step before the next one.
    """
    if model.training:  # dropout draws anew
        return function(model, batch)
    return _of_model.setdefault(model, _Shapes())(function, model, batch)


class _Shapes:
    """The graphs of one model, by the shapes of what it reads."""

    def __init__(self):
        self.seen: Counter = Counter()
        self.graphs: dict[tuple, Callable] = {}
        self.pool = None
        self.failed = False

    def __call__(self, function: Callable, model: nn.Module, batch) -> Tensor:
        leaves, form = pytree.tree_flatten(batch)
        tensors = tuple(x for x in leaves if isinstance(x, Tensor))
        rest = tuple(x for x in leaves if not isinstance(x, Tensor))
        key = (tuple(x.shape for x in tensors), rest, torch.is_autocast_enabled("cuda"))
        self.seen[key] += 1
        if key not in self.graphs and not self.failed and self.seen[key] == 2 and len(self.graphs) < MOST:

            def call(*given: Tensor) -> Tensor:
                inside = iter(given)
                filled = [next(inside) if isinstance(x, Tensor) else x for x in leaves]
                return function(model, pytree.tree_unflatten(filled, form))

            self._capture(key, _Part(model, call), tensors)
        if key in self.graphs:
            return self.graphs[key](*tensors)
        return function(model, batch)

    def _capture(self, key: tuple, part: _Part, tensors: tuple[Tensor, ...]) -> None:
        weights = [p for p in part.parameters() if p.requires_grad]
        for (
            weight
        ) in weights:  # a gradient is added to what is there; else it would be the graph's own memory
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        try:
            expected = _with_gradient(part(*tensors), weights)
            self.pool = self.pool or torch.cuda.graph_pool_handle()
            same = tuple(
                x.clone() for x in tensors
            )  # the graph reads these, and later inputs are copied there
            with torch.autocast(  # casts of weights belong into the graph
                "cuda",
                dtype=torch.get_autocast_dtype("cuda"),
                enabled=torch.is_autocast_enabled("cuda"),
                cache_enabled=False,
            ):
                graph = torch.cuda.make_graphed_callables(part, same, pool=self.pool, allow_unused_input=True)
            for x, y in zip(_with_gradient(graph(*tensors), weights), expected, strict=True):
                if not (x - y).float().norm() <= LARGEST_ERROR * y.float().norm() + 1e-12:
                    raise RuntimeError("its result differs from the plain one's")
            self.graphs[key] = graph
        except RuntimeError as error:
            self.failed = True
            why = str(error).splitlines()[0]
            warnings.warn(f"No CUDA graph ({why}): training goes on without.")


class _Part(nn.Module):
    """A function of tensors as a module, so that a graph knows the weights it reads."""

    def __init__(self, model: nn.Module, function: Callable):
        super().__init__()
        self.model, self.function = model, function
        self.train(model.training)

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.function(*tensors)


def _with_gradient(x: Tensor, weights: list[Tensor]) -> list[Tensor]:
    """A result, and the gradient of the sum of its squares."""
    found = torch.autograd.grad(x.float().square().sum(), weights, allow_unused=True)
    return [x.detach().clone(), *(g.clone() for g in found if g is not None)]
