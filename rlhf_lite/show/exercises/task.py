"""What an exercise consists of: a task, cases, and the mistakes that people make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Outputs = Mapping[str, Mapping[str, Tensor]]  # by the case's name, then by the output's


@dataclass(frozen=True)
class Case:
    """One call. `shows` says in a few words what it is about; by_hand: the outputs, worked out on paper."""

    shows: str
    args: tuple[Any, ...]
    by_hand: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer: a function that makes it, what it is called, and what to tell who made it."""

    name: str
    says: str
    made: Callable


@dataclass(frozen=True)
class Law:
    """What holds of every right answer, whatever its numbers; asked of outputs that are there already."""

    says: str
    holds: Callable[[Outputs], bool]


@dataclass(frozen=True)
class Task:
    """solution: one way to write it, whose source is shown. outputs: what it returns, in order (a mapping may
    be returned as well). learns: positions of the arguments in which its gradient must be right. free: of a
    case's arguments, where an output may be anything (bool, in the output's shape)."""

    name: str
    notebook: str
    minutes: int
    text: str
    hint: str
    solution: Callable
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]
    laws: tuple[Law, ...] = ()
    outputs: tuple[str, ...] = ("loss",)
    learns: tuple[int, ...] = ()
    free: Callable[..., Tensor] | None = None


def doubles(*numbers: float) -> Tensor:
    """A case's numbers, in the precision in which answers are compared."""
    return torch.tensor(numbers, dtype=torch.float64)
