"""The bytes of all tensors that are alive, counted after every
operation: what a GPU's allocator would say, on a CPU."""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """Counts while it is entered; `given` are tensors that lie there
    before. Of a tensor that is cut over processes, its part."""

    def __init__(self, given=(), resized=False):
        """resized: storages may change their size, as they do
        where weights are gathered and given back; slower."""
        super().__init__()
        self.resized, self.now, self.peak, self.top, self.storages = resized, 0, 0, [], {}
        for tensor in given:
            self._add(tensor, "given")

    def _add(self, tensor, what):
        storage = getattr(tensor, "_local_tensor", tensor).untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self.storages:
            self.storages[key] = weakref.ref(storage), what, tuple(tensor.shape)
            self.now += size
            weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key, size):
        if self.storages.pop(key, None):
            self.now -= size

    def _alive(self):
        """(bytes, made by, shape) of each storage."""
        found = ((make(), what, shape) for make, what, shape in list(self.storages.values()))
        return [(storage.nbytes(), what, shape) for storage, what, shape in found if storage is not None]

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(found):
            if isinstance(leaf, torch.Tensor):
                try:
                    self._add(leaf, str(function))
                except (NotImplementedError, RuntimeError):  # no storage of the usual kind
                    pass
        now = sum(size for size, *_ in self._alive()) if self.resized else self.now
        if now > self.peak:
            self.peak, self.top = now, self._alive() if now > 1.01 * self.peak else self.top
        return found

    def table(self, lines=25):
        """What was alive at the peak."""
        sizes = {}
        for size, what, shape in self.top:
            sizes[what, shape] = sizes.get((what, shape), 0) + size
        most = sorted(sizes.items(), key=lambda item: -item[1])[:lines]
        return "\n".join(f"{size / 1e6:9.2f} MB  {what} {shape}" for (what, shape), size in most)
