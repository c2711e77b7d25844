"""How time and memory of our jobs grow with the length of prompts and answers, K, the batch and the model.

Each point is a process of its own; two run side by side, which slows all of them down alike. An exponent of 1
is growth in proportion, 2 with the square; it is fitted to the upper half of the points, where what is fixed
weighs least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from rlhf_lite.config import SIZES
from rlhf_lite.hardware.cores import cores

from . import jobs
from .jobs import Case, Job, Shape
from .worker import Worker

LONG = replace(jobs.MODELS["tiny"], positions=1024)
MODELS = {
    **{name: Shape(*(SIZES[name][k] for k in ("layers", "width", "heads")), 2000, 1024) for name in "SML"},
    "gpt2": jobs.MODELS["gpt2"],
    "tiny": LONG,
}
BASE = {
    "rm": Job("rm", rows=9),
    "ppo": Job("ppo", rows=8, minibatches=2),
    "sample": Job("sample", rows=16),
    "sft": Job("sft", rows=8, prompt=0, answer=64),
}
SWEEPS = {  # what grows -> its values and the jobs that have it
    "prompt tokens": ((32, 64, 128, 256, 512), ("rm", "ppo", "sample")),
    "answer tokens": ((16, 32, 64, 128), ("rm", "ppo", "sample", "sft")),
    "answers to a prompt, K": ((4, 8, 16, 32), ("rm",)),
    "rows of a batch": ((8, 16, 32, 64), ("ppo", "sample", "sft")),
    "parameters": (("S", "M", "L", "gpt2"), ("rm", "ppo", "sample", "sft")),
}
FIELD = {  # of a job, that is changed
    "prompt tokens": "prompt",
    "answer tokens": "answer",
    "answers to a prompt, K": "rows",
    "rows of a batch": "rows",
}
ENOUGH = 1.0  # seconds of steps at a point, and at most three of them


@dataclass
class Point:
    """One job at one value of what grows; its result is filled in."""

    sweep: str
    kind: str
    model: str
    job: Job
    x: float
    seconds: float = math.nan
    mb: float = math.nan  # peak beyond what the libraries take


def points() -> list[Point]:
    """All of them, large models last."""
    found = []
    for sweep, (values, kinds) in SWEEPS.items():
        for kind, value in ((kind, value) for kind in kinds for value in values):
            if sweep == "parameters":
                found.append(Point(sweep, kind, value, BASE[kind], parameters(MODELS[value])))
            else:
                found.append(Point(sweep, kind, "tiny", replace(BASE[kind], **{FIELD[sweep]: value}), value))
    return found


def parameters(shape: Shape) -> int:
    """Of a policy: embeddings, layers and the last norm."""
    D = shape.width
    return (shape.vocabulary + shape.positions) * D + shape.layers * (12 * D * D + 13 * D) + 2 * D


def run(folder: Path, device: str, say: Callable[[str], None]) -> list[Point]:
    """Measure all points, in fp32."""
    for name, shape in MODELS.items():
        jobs.save_models(shape, folder / name)
    wanted = points()
    workers = 1 if device == "cuda" else min(2, cores())
    with ThreadPoolExecutor(workers) as pool:
        for number, point in enumerate(pool.map(lambda point: _measure(point, folder, device), wanted), 1):
            say(
                f"{number}/{len(wanted)} {point.kind}, {point.sweep} {point.x:,}: "
                f"{point.seconds:.3g} s, {point.mb:.0f} MB"
            )
    return wanted


def _measure(point: Point, folder: Path, device: str) -> Point:
    case = Case(point.job, MODELS[point.model], str(folder / point.model), "fp32", device)
    clock, seconds = "wall_s" if device == "cuda" else "cpu_s", []
    with Worker("ours", case) as worker:
        worker.step(1)
        while len(seconds) < 3 and sum(seconds) < ENOUGH:
            report = worker.step(1)
            seconds.append(report[clock])
    point.seconds, point.mb = median(seconds), report["peak_mb"] - report["imports_mb"]
    return point


def exponent(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Slope of log y over log x, by least squares on the upper half of the points."""
    half = len(xs) // 2
    return float(np.polyfit(np.log(xs[half:]), np.log(ys[half:]), 1)[0])


def curves(found: list[Point]) -> dict[str, dict[str, dict]]:
    """By what grows and job: values, seconds, MB, and the exponents of both."""
    result: dict[str, dict[str, dict]] = {}
    for sweep, (_, kinds) in SWEEPS.items():
        for kind in kinds:
            xs, seconds, mb = zip(
                *((p.x, p.seconds, p.mb) for p in found if (p.sweep, p.kind) == (sweep, kind)), strict=True
            )
            result.setdefault(sweep, {})[kind] = {
                "x": xs,
                "seconds": seconds,
                "mb": mb,
                "seconds_exponent": exponent(xs, seconds),
                "mb_exponent": exponent(xs, mb),
            }
    return result
