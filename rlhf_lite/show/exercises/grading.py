"""A learner's function is called once for each case; all that is said about it is read from those results."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..text import number
from .task import Case, Law, Mistake, Task

TOLERANCE = 1e-5
_RESULTS: dict[tuple[str, Callable], tuple[Result, ...]] = {}  # of solutions and mistakes


@dataclass
class Result:
    """What one call gave: its outputs and their gradients, or a `fault` in words."""

    outputs: dict[str, Tensor] = field(default_factory=dict)
    gradients: tuple[Tensor, ...] = ()
    fault: str = ""
    missing: bool = False  # not yet written


@dataclass
class Grade:
    """How a function did: passed, missing (not yet written), else why not, in words."""

    passed: bool = False
    missing: bool = False
    mistake: Mistake | None = None
    says: str = ""
    broken: tuple[Law, ...] = ()


def grade(task: Task, function: Callable) -> Grade:
    """Run it on every case and say what is wrong with it. It stops at the first case that cannot be run."""
    right, found = expected(task, task.solution), []
    for case, should in zip(task.cases, right, strict=True):
        found.append(result := run(task, function, case))
        if result.missing:
            return Grade(missing=True)
        if fault := result.fault or misshapen(result, should):
            return Grade(says=f"In the case of {case.shows}: {fault}")
    wrong = [i for i, pair in enumerate(zip(found, right, strict=True)) if not same(*pair)]
    if not wrong:
        return Grade(passed=True)
    outputs = {case.shows: result.outputs for case, result in zip(task.cases, found, strict=True)}
    broken = tuple(law for law in task.laws if not law.holds(outputs))
    says = differs(task.cases[wrong[0]], found[wrong[0]], right[wrong[0]])
    return Grade(mistake=recognised(task, found, wrong), says=says, broken=broken)


def recognised(task: Task, found: list[Result], wrong: list[int]) -> Mistake | None:
    """The mistake that explains every case that is wrong; of several, the one that explains most of the rest
    too."""
    best, most = None, -1
    for mistake in task.mistakes:
        agree = [same(*pair) for pair in zip(found, expected(task, mistake.made), strict=True)]
        if all(agree[i] for i in wrong) and sum(agree) > most:
            best, most = mistake, sum(agree)
    return best


def expected(task: Task, function: Callable) -> tuple[Result, ...]:
    """What a function of our own gives in every case; kept, so that it is computed once in a session."""
    if (task.name, function) not in _RESULTS:
        _RESULTS[task.name, function] = tuple(run(task, function, case) for case in task.cases)
    return _RESULTS[task.name, function]


def run(task: Task, function: Callable, case: Case) -> Result:
    """One call, with arguments of its own, and the gradient of its first output."""
    args = [arg.clone() if isinstance(arg, Tensor) else arg for arg in case.args]
    for i in task.learns:
        args[i].requires_grad_()
    try:
        given = function(*args)
    except NotImplementedError:
        return Result(missing=True)
    except Exception as error:
        return Result(fault=_crash(error))
    if given is None or given is ...:
        return Result(missing=True)
    changed = [
        i
        for i, (arg, was) in enumerate(zip(args, case.args, strict=True))
        if isinstance(was, Tensor) and not torch.equal(arg.detach().nan_to_num(), was.nan_to_num())
    ]
    if changed:
        return Result(fault=f"argument {changed[0] + 1} is another after the call. Write into a copy.")
    outputs = _outputs(task, given)
    if isinstance(outputs, str):
        return Result(fault=outputs)
    if task.free is not None:
        outputs = _without(task.free(*case.args), outputs)
    if not task.learns:
        return Result({name: value.detach() for name, value in outputs.items()})
    return _with_gradient(task, args, outputs)


def _outputs(task: Task, given) -> dict[str, Tensor] | str:
    """What was returned, by name; a text if it cannot be that."""
    names = ", ".join(task.outputs)
    if isinstance(given, Mapping):
        if missing := [name for name in task.outputs if name not in given]:
            return f"what it returns has no {missing[0]!r}; return {names}."
        given = tuple(given[name] for name in task.outputs)
    elif len(task.outputs) == 1 and not isinstance(given, tuple):
        given = (given,)
    if not isinstance(given, tuple | list) or len(given) != len(task.outputs):
        count = len(given) if isinstance(given, tuple | list) else 1
        return f"it returns {_things(count)}; return {_things(len(task.outputs))}: {names}."
    try:
        return {
            name: torch.as_tensor(x).double() for name, x in zip(task.outputs, given, strict=True)
        }  # float64: nobody is to be wrong by rounding
    except (TypeError, ValueError, RuntimeError):
        return f"it returns {type(given[0]).__name__}; return tensors: {names}."


def _without(free: Tensor, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """0 wherever anything may stand. An output of a wrong shape stays, and is told of later."""
    return {name: x.masked_fill(free, 0.0) if x.shape == free.shape else x for name, x in outputs.items()}


def _things(count: int) -> str:
    return "one thing" if count == 1 else f"{count} things"


def misshapen(found: Result, right: Result) -> str:
    """What to say if an output has another shape than it should."""
    for name, output in right.outputs.items():
        gave, should = tuple(found.outputs[name].shape), tuple(output.shape)
        if gave != should:
            return f"{name} {_form('has', gave)}; it should {_form('have', should)}."
    return ""


def _form(has: str, shape: tuple[int, ...]) -> str:
    if shape:
        return f"{has} shape {shape}"
    return "is a single number" if has == "has" else "be a single number"


def _with_gradient(task: Task, args: list, outputs: dict[str, Tensor]) -> Result:
    loss = outputs[task.outputs[0]]
    if not loss.requires_grad:
        return Result(
            fault=f"{task.outputs[0]} has no gradient, so nothing can learn from it. "
            "Stay with tensors; no .item(), .detach(), float() or torch.tensor()."
        )
    inputs = [args[i] for i in task.learns]
    gradients = torch.autograd.grad(loss.sum(), inputs, allow_unused=True)
    filled = (torch.zeros_like(x) if g is None else g for x, g in zip(inputs, gradients, strict=True))
    return Result({name: value.detach() for name, value in outputs.items()}, tuple(filled))


def _crash(error: Exception) -> str:
    """The error and the line it came from, without the way through our code."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    line = f" (line {frames[0].lineno}: {frames[0].line})" if frames and frames[0].line else ""
    return f"it stops with {type(error).__name__}: {error}{line}"


def same(a: Result, b: Result) -> bool:
    """Whether two results are the same number for number, gradients too."""
    if a.fault or b.fault:
        return a.fault == b.fault
    pairs = [(a.outputs[name], b.outputs[name]) for name in a.outputs]
    return all(_close(x, y) for x, y in [*pairs, *zip(a.gradients, b.gradients, strict=True)])


def _close(x: Tensor, y: Tensor) -> bool:
    return torch.allclose(x.double(), y.double(), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def differs(case: Case, found: Result, right: Result) -> str:
    """Where two results differ first, in words."""
    for name in right.outputs:
        if not _close(found.outputs[name], right.outputs[name]):
            gave, should = (shown(result.outputs[name]) for result in (found, right))
            return f"In the case of {case.shows}: {name} is {gave}; it should be {should}."
    return f"In the case of {case.shows}: the numbers are right and the gradient is not."


def shown(x: Tensor) -> str:
    """A tensor in a line: whole numbers as they are, others with three digits."""
    if not x.shape:
        value = x.item()
        return number(int(value) if value.is_integer() else value)
    return f"[{', '.join(shown(part) for part in x)}]"
