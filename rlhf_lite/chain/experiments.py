"""What changes if one thing is different: the chain in several arms, each a real run of several seeds.

`questions` says which experiments there are. A file for each run in `data/experiments/NAME/` holds what was
measured, its trace, some answers to the same few prompts, settings and commit, and no weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import as_completed
from itertools import combinations
from pathlib import Path
from statistics import fmean

import torch

from ..data.files import ROOT, SUMS, check_sums, read_json, read_jsonl, write_json, write_sums
from ..evaluate.intervals import Mean
from ..evaluate.seeds import interval
from ..hardware.signals import deferred
from ..models.sampling import sample_texts
from ..world import Task, gold
from . import workers
from .evaluation import examine
from .questions import EXPERIMENTS, Arm, Experiment
from .recipes import ChainConfig, TinyPlan
from .tiny import Chain

SHIPPED_EXPERIMENTS = ROOT / "data" / "experiments"
SHOWN_PROMPTS = 6  # whose answers are kept of each run


# --- making one ---------------------------------------------------------------------------------------------


def record_all(
    name: str,
    seeds: Sequence[int] = (0, 1, 2),
    arms: Sequence[Arm] | None = None,
    into: Path = SHIPPED_EXPERIMENTS,
    jobs: int = 2,
    base: ChainConfig = ChainConfig(),
    report: Callable[[int, int], None] | None = None,
) -> None:
    """Run what is not recorded yet, `jobs` at a time, each on one core; report(done, all) after each."""
    experiment = _known(name)
    arms = _arms(experiment, name, arms)
    runs = [(arm, seed) for seed in seeds for arm in arms]
    missing = [(arm, seed) for arm, seed in runs if not _file(into, name, arm, seed).exists()]
    for seed in sorted({seed for _, seed in missing}):  # what these runs share: two must not build the same
        plans = [TinyPlan(experiment.config(arm, seed, base)) for arm in arms]
        before = plans[0].needed(experiment.stage)[:-1]
        workers.build_all(plans[0], [s for s in before if len({plan.key(s) for plan in plans}) == 1], jobs)
    if (into / name / SUMS).exists():
        check_sums(into / name, ())
    if missing:  # until all of them are there, their list of hashes is not
        (into / name / SUMS).unlink(missing_ok=True)
    with workers.pool(jobs, threads=1) as pool, workers.ended_with_this():
        with deferred():
            calls = [pool.submit(record, name, arm, seed, into, base.to_dict()) for arm, seed in missing]
        for done, call in enumerate(as_completed(calls), 1):
            workers.check(f"a run of {name}", call)
            if report is not None:
                report(done, len(calls))
    write_sums(into / name, [path.name for path in (into / name).glob("*.json")])


def record(name: str, arm: Arm, seed: int, into: Path, base: dict) -> Path:
    """Build one run and write its file."""
    experiment = _known(name)
    chain = Chain(experiment.config(arm, seed, ChainConfig.from_dict(base)), progress=False)
    stage = experiment.stage
    summary = chain.summary(stage)
    run = {
        "experiment": name,
        "arm": arm,
        "seed": seed,
        "stage": stage,
        "config": chain.settings(stage),
        **{key: summary[key] for key in ("seconds", "commit", "result")},
        "measured": summary["result"] | measure(chain, stage),
        "trace": [_rounded(row) for row in _trace(chain.folder(stage))],
        "samples": _samples(chain, stage) if stage in chain.policies else [],
    }
    path = _file(into, name, arm, seed)
    write_json(path, run)
    return path


def _trace(folder: Path) -> list[dict]:
    path = folder / "trace.jsonl"
    return read_jsonl(path) if path.exists() else []


def measure(chain: Chain, stage: str) -> dict:
    """What a stage is worth besides its own result: a policy by its answers, a whole chain model by model."""
    if stage in chain.policies:
        judge = chain.summary("reward")["result"] if "reward" in chain.needs[stage] else {}
        return examine(chain, stage) | ({"judge": judge["valid"]["accuracy"]} if judge else {})
    if stage == "reward":
        return {"likeness": likeness(chain.rankings["train"][:500])}
    if stage == "evaluation":
        policies = read_json(chain.folder(stage) / "report.json")["policies"]
        return {name: {"gold": found["t1"]["gold"]["mean"]} for name, found in policies.items()}
    return {}


def likeness(rankings: Sequence[Mapping]) -> float:
    """How alike the answers to one prompt are: the share of their words that two of them have in common."""
    shares = []
    for row in rankings:
        words = [set(text.lower().split()) for text in row["completions"]]
        shares += [len(a & b) / max(1, len(a | b)) for a, b in combinations(words, 2)]
    return fmean(shares)


def _samples(chain: Chain, stage: str) -> list[dict]:
    """Answers to the first validation prompts at temperature 1."""
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


def recorded(place: Path = SHIPPED_EXPERIMENTS) -> list[str]:
    """Names of the experiments in a folder."""
    return sorted(folder.name for folder in Path(place).glob("*/") if any(folder.glob("*.json")))


def load(name: str, place: Path = SHIPPED_EXPERIMENTS) -> dict[Arm, list[dict]]:
    """The recorded runs of an experiment: arm -> its runs, one for each seed; values of a sweep in their
    order."""
    files = sorted((Path(place) / name).glob("*.json"))
    if not files:
        there = f"there are: {', '.join(recorded(place)) or 'none'}"
        record_it = f"Record it with: rlhf-lite experiment {name}"
        raise ValueError(f"no experiment {name!r} is recorded in {place}; {there}. {record_it}")
    check_sums(Path(place) / name, [path.name for path in files])
    found: dict[Arm, list[dict]] = {}
    for run in sorted(map(read_json, files), key=lambda run: run["seed"]):
        found.setdefault(run["arm"], []).append(run)
    order = list(EXPERIMENTS[name].arms) if name in EXPERIMENTS else []
    if all(isinstance(arm, int | float) for arm in found):
        return dict(sorted(found.items()))
    return {arm: found[arm] for arm in (*order, *found) if arm in found}


def by_seed(found: Mapping[Arm, Sequence[dict]]) -> list[dict[Arm, dict]]:
    """What was measured, of each seed that every arm has: what a claim is about."""
    runs = {arm: {run["seed"]: run["measured"] for run in repeats} for arm, repeats in found.items()}
    common = sorted(set.intersection(*map(set, runs.values())))
    return [{arm: of_seed[seed] for arm, of_seed in runs.items()} for seed in common]


def measured(found: Mapping[Arm, Sequence[dict]], *path: str) -> dict[Arm, Mean]:
    """One measured number of each arm, with its interval over the seeds; of several (skills) their mean."""
    means = {}
    for arm, repeats in found.items():
        each = []
        for run in repeats:
            value = run["measured"]
            for name in path:
                value = value[name]
            each.append(fmean(value.values()) if isinstance(value, Mapping) else value)
        means[arm] = interval(each)
    return means


def curve(repeats: Iterable[dict], metric: str) -> tuple[list[int], list[Mean]]:
    """A metric at each step where every run has it: steps, and the mean over runs with its t-interval."""
    logged = [{row["step"]: row[metric] for row in run["trace"] if metric in row} for run in repeats]
    steps = sorted(set.intersection(*map(set, logged)))
    return steps, [interval([run[step] for run in logged]) for step in steps]


def ends(found: Mapping[Arm, Sequence[dict]], metric: str, last: int = 4) -> dict[Arm, Mean]:
    """Of a loaded experiment: the mean of a metric over each run's last steps, from the lowest run to the
    highest.

    Three runs that scatter widely have t-intervals that reach where no value can lie, a KL below 0 for one.
    """
    means = {}
    for arm, repeats in found.items():
        each = [fmean(row[metric] for row in run["trace"][-last:]) for run in repeats]
        means[arm] = Mean(fmean(each), min(each), max(each), len(each))
    return means


def called(arm: Arm) -> str:
    """What an arm is called: 0.30 is 0.3."""
    return arm if isinstance(arm, str) else f"{arm:g}"


def _known(name: str) -> Experiment:
    if name not in EXPERIMENTS:
        raise ValueError(f"there is no experiment {name!r}; there are: {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]


def _arms(experiment: Experiment, name: str, wanted: Sequence[Arm] | None) -> list[Arm]:
    """The arms as they are called; of a sweep any value may be asked for, typed as its own values are."""
    if not wanted:
        return list(experiment.arms)
    kind = type(next(iter(experiment.arms)))
    if kind is not str:
        wanted = [kind(float(arm)) for arm in wanted]
    if experiment.knobs:
        return list(wanted)
    if unknown := [arm for arm in wanted if arm not in experiment.arms]:
        raise ValueError(
            f"{name} has no arm {unknown[0]!r}; it has: {', '.join(map(called, experiment.arms))}"
        )
    return list(wanted)


def _file(place: Path, name: str, arm: Arm, seed: int) -> Path:
    return Path(place) / name / f"{called(arm).replace(' ', '-')}-seed-{seed}.json"
