"""One setting at several values, each a real run of several seeds, kept as small files: what the explorer
shows.

A sweep changes one knob of one stage's config and builds the chain up to a stage. A file per run in
`data/sweeps/NAME/` holds its trace, some answers to the same few prompts, settings and commit, and no
weights. Whoever adds an entry to SWEEPS, or a folder of such files, has added a sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from ..config import describe
from ..data.files import ROOT, SUMS, check_sums, read_json, read_jsonl, write_json, write_sums
from ..evaluate.intervals import Mean
from ..evaluate.seeds import interval
from ..hardware.signals import deferred
from ..models.sampling import sample_texts
from ..world import Task, gold
from . import workers
from .recipes import ChainConfig, TinyPlan
from .tiny import Chain

SHIPPED_SWEEPS = ROOT / "data" / "sweeps"
SHOWN_PROMPTS = 6  # whose answers are kept of each run


@dataclass(frozen=True)
class Sweep:
    """`settings` of the config of `of` take each of `values`; the trace of `stage` is what is looked at."""

    stage: str
    of: str
    settings: tuple[str, ...]
    values: tuple
    says: str  # what a slider of it is called

    def config(self, value, seed: int, base: ChainConfig = ChainConfig()) -> ChainConfig:
        """The chain with this value."""
        return base.replace(seed=seed, **{f"{self.of}.{name}": value for name in self.settings})

    @property
    def ours(self):
        """The value of the default chain; None where its settings differ."""
        values = {ours for _, ours, _, _ in self._described()}
        return values.pop() if len(values) == 1 else None

    @property
    def papers(self) -> str:
        """The paper's value, in words."""
        return " to ".join(dict.fromkeys(str(paper) for _, _, paper, _ in self._described()))

    def _described(self) -> list[tuple]:
        return [row for row in describe(getattr(ChainConfig(), self.of)) if row[0] in self.settings]


BETAS, GAMMAS = (0.0, 0.03, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0), (0.25, 0.5, 1.0, 1.5, 3.0, 6.0)
SWEEPS = {
    "kl_beta": Sweep("ppo", "ppo", ("kl_beta",), BETAS, "beta, weight of the KL penalty"),
    "ptx_gamma": Sweep("ppo_ptx", "ppo_ptx", ("ptx_gamma",), GAMMAS, "gamma, weight of pretraining"),
    "lr": Sweep("ppo", "ppo", ("lr",), (5e-5, 1.5e-4, 4.5e-4, 1e-3, 2e-3), "learning rate of the policy"),
    "k": Sweep("reward", "rankings", ("k_min", "k_max"), (2, 4, 9), "K, answers ranked together"),
}


# --- making one ---------------------------------------------------------------------------------------------


def record_all(
    name: str,
    seeds: Sequence[int] = (0, 1, 2),
    values: Sequence | None = None,
    into: Path = SHIPPED_SWEEPS,
    jobs: int = 2,
    base: ChainConfig = ChainConfig(),
    report: Callable[[int, int], None] | None = None,
) -> None:
    """Run what is not recorded yet, `jobs` at a time, each on one core; report(done, all) after each."""
    sweep = _known(name)
    values = [type(sweep.values[0])(value) for value in values or sweep.values]
    runs = [(value, seed) for seed in seeds for value in values]
    missing = [(value, seed) for value, seed in runs if not _file(into, name, value, seed).exists()]
    for seed in sorted({seed for _, seed in missing}):  # what these runs share: two must not build the same
        plans = [TinyPlan(sweep.config(value, seed, base)) for value in values]
        before = plans[0].needed(sweep.stage)[:-1]
        workers.build_all(plans[0], [s for s in before if len({plan.key(s) for plan in plans}) == 1], jobs)
    if (into / name / SUMS).exists():
        check_sums(into / name, ())
    if missing:  # until all of them are there, their list of hashes is not
        (into / name / SUMS).unlink(missing_ok=True)
    with workers.pool(jobs, threads=1) as pool, workers.ended_with_this():
        with deferred():
            calls = [pool.submit(record, name, value, seed, into, base.to_dict()) for value, seed in missing]
        for done, call in enumerate(as_completed(calls), 1):
            workers.check(f"a run of {name}", call)
            if report is not None:
                report(done, len(calls))
    write_sums(into / name, [path.name for path in (into / name).glob("*.json")])


def record(name: str, value, seed: int, into: Path, base: dict) -> Path:
    """Build one run and write its file."""
    sweep = _known(name)
    chain = Chain(sweep.config(value, seed, ChainConfig.from_dict(base)), progress=False)
    summary = chain.summary(sweep.stage)
    run = {
        "sweep": name,
        "value": value,
        "seed": seed,
        "stage": sweep.stage,
        "config": chain.settings(sweep.stage),
        **{key: summary[key] for key in ("seconds", "commit", "result")},
        "trace": [_rounded(row) for row in read_jsonl(chain.folder(sweep.stage) / "trace.jsonl")],
        "samples": _samples(chain, sweep.stage),
    }
    path = _file(into, name, value, seed)
    write_json(path, run)
    return path


def _samples(chain: Chain, stage: str) -> list[dict]:
    """Answers to the first validation prompts at temperature 1; a reward model has none."""
    if stage == "reward":
        return []
    rows = chain.prompts.ppo_valid[:SHOWN_PROMPTS]
    prompts, draw = [row["text"] for row in rows], torch.Generator().manual_seed(0)
    texts = sample_texts(chain.policy(stage), chain.tokenizer, prompts, generator=draw)
    samples = []
    for row, text in zip(rows, texts, strict=True):
        score = gold(Task.from_json(row["task"]), text)
        samples.append({"prompt": row["text"], "response": text, "gold": score})
    return samples


def _rounded(row: dict) -> dict:
    """Four digits are more than any plot shows."""
    return {name: float(f"{x:.4g}") if isinstance(x, float) else x for name, x in row.items()}


# --- looking at one -----------------------------------------------------------------------------------------


def recorded(place: Path = SHIPPED_SWEEPS) -> list[str]:
    """Names of the sweeps in a folder."""
    return sorted(folder.name for folder in Path(place).glob("*/") if any(folder.glob("*.json")))


def load(name: str, place: Path = SHIPPED_SWEEPS) -> dict[float, list[dict]]:
    """The recorded runs of a sweep: value -> its runs, one for each seed."""
    files = sorted((Path(place) / name).glob("*.json"))
    if not files:
        there = f"there are: {', '.join(recorded(place)) or 'none'}"
        record_it = f"Record it with: rlhf-lite sweep {name}"
        raise ValueError(f"no sweep {name!r} is recorded in {place}; {there}. {record_it}")
    check_sums(Path(place) / name, [path.name for path in files])
    found: dict[float, list[dict]] = {}
    for run in sorted(map(read_json, files), key=lambda run: (run["value"], run["seed"])):
        found.setdefault(run["value"], []).append(run)
    return found


def curve(repeats: Iterable[dict], metric: str) -> tuple[list[int], list[Mean]]:
    """A metric at each step where every run has it: steps, and the mean over runs with its t-interval."""
    logged = [{row["step"]: row[metric] for row in run["trace"] if metric in row} for run in repeats]
    steps = sorted(set.intersection(*map(set, logged)))
    return steps, [interval([run[step] for run in logged]) for step in steps]


def ends(found: dict[float, list[dict]], metric: str, last: int = 4) -> dict[float, Mean]:
    """Of a loaded sweep: the mean of a metric over each run's last steps, from the lowest run to the highest.

    Three runs that scatter widely have t-intervals that reach where no value can lie, a KL below 0 for one.
    """
    means = {}
    for value, repeats in found.items():
        each = [fmean(row[metric] for row in run["trace"][-last:]) for run in repeats]
        means[value] = Mean(fmean(each), min(each), max(each), len(each))
    return means


def _known(name: str) -> Sweep:
    if name not in SWEEPS:
        raise ValueError(f"there is no sweep {name!r}; there are: {', '.join(SWEEPS)}")
    return SWEEPS[name]


def _file(place: Path, name: str, value, seed: int) -> Path:
    return Path(place) / name / f"{value:g}-seed-{seed}.json"
