"""A running average of the policy's weights, the paper's last touch (App. C.4: decay 0.992)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..hardware.processes import like


class EMA:
    """average <- decay * average + (1 - decay) * weights, started at the weights themselves.

    The paper does not say how often; we update once per optimizer step, a memory of 1 / (1 - decay) = 125.
    """

    def __init__(self, model: nn.Module, decay: float = 0.992):
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"decay is {decay}; it must be at least 0 (no memory) and below 1 (never moves)")
        self.decay = decay
        self.average = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """One step towards the model's present weights."""
        for name, p in model.named_parameters():
            self.average[name].lerp_(p.detach(), 1.0 - self.decay)

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Overwrite the model's weights with the average."""
        for name, p in model.named_parameters():
            p.copy_(self.average[name])

    def state_dict(self) -> dict[str, Tensor]:
        """The average, for a checkpoint (`Loop` puts it together where the model is cut over processes)."""
        return dict(self.average)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Put a saved average back, in place, so that dtype and device stay."""
        if state.keys() != self.average.keys():
            strange = sorted(state.keys() ^ self.average.keys())[:3]
            raise ValueError(f"another model's average (see {strange}); build the model it is of")
        for name, value in state.items():
            self.average[name].copy_(like(value, self.average[name]))
