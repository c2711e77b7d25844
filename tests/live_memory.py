"""The bytes of all tensors that are alive, counted operation by operation: what a GPU's allocator would say, on a CPU."""

import weakref
from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """Counts while it is entered; `given` are tensors that lie there before."""

    def __init__(self, given=()):
        super().__init__()
        self.now = self.peak = 0
        self.seen, self.top = {}, []
        for tensor in given:
            self._add(tensor, "given")

    def _add(self, tensor, what):
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self.seen:
            return
        self.seen[key] = (size, what, tuple(tensor.shape))
        self.now += size
        weakref.finalize(storage, self._gone, key, size)
        if self.now > self.peak:
            self.peak, self.top = self.now, list(self.seen.values())

    def _gone(self, key, size):
        if self.seen.pop(key, None):
            self.now -= size

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(found):
            if isinstance(leaf, torch.Tensor):
                try:
                    self._add(leaf, str(function))
                except (NotImplementedError, RuntimeError):  # no storage of the usual kind
                    pass
        return found

    def table(self, lines=25):
        """What was alive at the peak."""
        sizes = Counter()
        for size, what, shape in self.top:
            sizes[what, shape] += size
        return "\n".join(f"{size / 1e6:9.2f} MB  {what} {shape}" for (what, shape), size in sizes.most_common(lines))
