"""What commands print: tables by rich on a terminal, plain aligned text in pipes and files, remarks on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from .evaluate import MODELS
from .show.text import visible

Table = tuple[list[str], list[list[str]]]  # names of the columns, rows


def say(text: str = "") -> None:
    """A line of output."""
    print(clean(text), flush=True)


def note(text: str) -> None:
    """One line about what is going on, which stays out of the output."""
    print(clean(one_line(text)), file=sys.stderr, flush=True)


def one_line(message: object) -> str:
    return " ".join(str(message).split())


def clean(text: str) -> str:
    """Text that a terminal only shows: nothing in it can move the cursor, ring, recolor or reorder."""
    return visible(text.replace("\t", " "))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Rows under the names of their columns; cells may have several lines and are never read as markup."""
    cells = [[clean(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, cells, clean(title))
    else:
        heading = ["", clean(title)] if title else []
        print("\n".join([*heading, *_aligned([list(columns), *cells])]), flush=True)


def _rich_table(columns: Sequence[str], rows: list[list[str]], title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        title=Text(title, "bold") if title else None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    for name in columns:
        shown.add_column(Text(name), overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    Console().print(shown)


def _aligned(rows: list[list[str]]) -> list[str]:
    lines = [line for row in rows for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue="")]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


class Board:
    """What runs at the moment: bars on a terminal, else a line when something begins and one when it ends.

    Call it again and again with {name: progress}, where a progress has step, total (None: unknown) and metrics.
    """

    def __init__(self):
        self.bars = None
        self.began: dict[str, float] = {}
        self.tasks: dict[str, int] = {}

    def __enter__(self) -> Board:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[at]}"),
                TimeElapsedColumn(),
            )
            self.bars = Progress(*columns, console=Console(stderr=True), transient=True).__enter__()
        return self

    def __exit__(self, *error) -> None:
        if self.bars is not None:
            self.bars.__exit__(*error)

    def __call__(self, running: dict[str, dict]) -> None:
        for name in [name for name in self.began if name not in running]:
            self._end(name)
        for name, at in running.items():
            if name not in self.began:
                self._begin(name)
            if self.bars is not None:
                self.bars.update(
                    self.tasks[name], completed=at["step"], total=at["total"], at=_progress_text(at)
                )

    def _begin(self, name: str) -> None:
        self.began[name] = time.monotonic()
        if self.bars is None:
            note(f"{name}: building ...")
        else:
            self.tasks[name] = self.bars.add_task(name, total=None, at="")

    def _end(self, name: str) -> None:
        if self.bars is not None:
            self.bars.remove_task(self.tasks.pop(name))
        note(f"{name}: built in {time.monotonic() - self.began.pop(name):.0f} s")


def _progress_text(at: dict) -> str:
    """Step, total and up to two metrics worth watching."""
    shown = [f"{at['step']}/{at['total'] or '?'}"] if at["step"] else []
    watched = ("loss", "loss/valid", "accuracy", "objective/score", "objective/kl")
    return "  ".join(
        [*shown, *[f"{name} {at[name]:.2f}" for name in watched if at.get(name) is not None][:2]]
    )


# --- the report of a chain (evaluate.report), as tables ---------------------------------------------------------------

AGREEMENTS = {"training": "labelers, with each other", "held_out": "held-out labelers, with each other"}
ACCURACIES = {
    "valid": "reward model, with the labelers",
    "again": "reward model, with them on another day",
    "held_out": "reward model, with the held-out labelers",
    "gold_order": "reward model, with the gold scores",
}


def quality_table(report: dict) -> Table:
    """A row per model: gold, reward, distance and wins at temperature 1, unless it says greedy."""
    from .evaluate.intervals import plus_minus  # needs numpy, which takes longer to load than --help to print

    rows = []
    for name, found in _in_order(report["policies"]).items():
        drawn, wins = found["t1"], found["t1"]["wins_against_sft"]
        kl, web = (f"{found[key]:.2f}" if key in found else "" for key in ("kl", "web_loss"))
        rows.append(
            [
                name,
                plus_minus(drawn["gold"]),
                plus_minus(found["greedy"]["gold"]),
                plus_minus(drawn["reward"], 2),
                kl,
                plus_minus(wins["training"], 0, 100),
                plus_minus(wins["held_out"], 0, 100),
                web,
            ]
        )
    return [
        "model",
        "gold",
        "gold, greedy",
        "RM score",
        "KL",
        "beats SFT %",
        "by held-out %",
        "web loss",
    ], rows


def skills_table(report: dict) -> Table:
    """A row per model that was tested, a column per skill."""
    tested = {
        name: found["skills"] for name, found in _in_order(report["policies"]).items() if "skills" in found
    }
    names = list(dict.fromkeys(skill for skills in tested.values() for skill in skills))
    return ["model", *names], [
        [name, *(f"{100 * skills[s]:.0f}" for s in names)] for name, skills in tested.items()
    ]


def cases_table(report: dict) -> Table:
    """A row per use case: gold of SFT, PPO and PPO-ptx, and how far PPO-ptx is above SFT."""
    from .evaluate.intervals import plus_minus

    cases = {
        name: found["use_cases"]
        for name, found in _in_order(report["policies"]).items()
        if "use_cases" in found
    }
    rows = []
    for case, ours in cases["ppo_ptx"].items():
        golds = (plus_minus(found[case]["gold"]) for found in cases.values())
        rows.append([case, *golds, plus_minus(ours["gold_minus_sft"]), ours["gold"]["n"]])
    return ["use case", *cases, "ppo_ptx - sft", "prompts"], rows


def labels_table(report: dict) -> Table:
    """How often people, and the reward model and people, put two answers in the same order."""
    agreement, accuracy = report["labels"]["agreement"], report["labels"]["reward_accuracy"]
    rows = [
        [who, *(agreement[key][k] for k in ("share", "low", "high", "pairs"))]
        for key, who in AGREEMENTS.items()
    ]
    names = ("accuracy", "accuracy_low", "accuracy_high", "pairs")
    rows += [[who, *(accuracy[key][name] for name in names)] for key, who in ACCURACIES.items()]
    return ["who", "same order", "pairs"], [
        [who, f"{x:.1%} [{low:.1%}, {high:.1%}]", f"{n:,}"] for who, x, low, high, n in rows
    ]


CLAIMS = {  # what is claimed -> where it stands in a report
    "gold, base": ("policies", "base", "t1", "gold"),
    "gold, base with the best prefix": ("policies", "prompted", "t1", "gold"),
    "gold, SFT": ("policies", "sft", "t1", "gold"),
    "gold, PPO": ("policies", "ppo", "t1", "gold"),
    "gold, PPO-ptx": ("policies", "ppo_ptx", "t1", "gold"),
    "PPO-ptx - SFT": ("policies", "ppo_ptx", "t1", "gold_minus_sft"),
    "PPO-ptx - SFT, greedy": ("policies", "ppo_ptx", "greedy", "gold_minus_sft"),
    "PPO-ptx beats SFT, training labelers": ("policies", "ppo_ptx", "t1", "wins_against_sft", "training"),
    "PPO-ptx beats SFT, held-out labelers": ("policies", "ppo_ptx", "t1", "wins_against_sft", "held_out"),
    "reference beats SFT, held-out labelers": ("policies", "reference", "t1", "wins_against_sft", "held_out"),
    "labelers agree": ("labels", "agreement", "training", "share"),
    "reward model agrees with labelers": ("labels", "reward_accuracy", "valid", "accuracy"),
    "truth on asked myths, SFT": ("policies", "sft", "truth", "asked_t1", "true"),
    "truth on asked myths, PPO-ptx": ("policies", "ppo_ptx", "truth", "asked_t1", "true"),
    "truth on unasked myths, SFT": ("policies", "sft", "truth", "unasked_t1", "true"),
    "truth on unasked myths, PPO-ptx": ("policies", "ppo_ptx", "truth", "unasked_t1", "true"),
    "web loss, base": ("policies", "base", "web_loss"),
    "web loss, PPO": ("policies", "ppo", "web_loss"),
    "web loss, PPO-ptx": ("policies", "ppo_ptx", "web_loss"),
}


def seeds_table(reports: Sequence[dict]) -> Table:
    """A row per claim: the mean over runs with its interval, then each run; also every skill kept, as a share of base."""
    from .evaluate.seeds import each, each_ratio, over_ratios, over_seeds

    def row(claim: str, path: Sequence[str]) -> list[str]:
        return [claim, str(over_seeds(reports, *path)), *(f"{x:.3f}" for x in each(reports, *path))]

    rows = [row(claim, path) for claim, path in CLAIMS.items()]
    for skill in reports[0]["policies"]["base"]["skills"]:
        for name in ("ppo", "ppo_ptx"):
            part, whole = (("policies", who, "skills", skill) for who in (name, "base"))
            kept = (f"{x:.3f}" for x in each_ratio(reports, part, whole))
            rows.append(
                [f"{skill}, share of base kept by {name}", str(over_ratios(reports, part, whole)), *kept]
            )
    for case in reports[0]["policies"]["ppo_ptx"]["use_cases"]:
        rows.append(row(f"gold of PPO-ptx, {case}", ("policies", "ppo_ptx", "use_cases", case, "gold")))
    runs = [f"seed {r['config']['seed']}, base {r['config']['base_seed']}" for r in reports]
    return ["", "mean and 95 % interval", *runs], rows


def _in_order(policies: dict) -> dict:
    """The models in the order of the paper's story; ones that it does not know come last."""
    return {name: policies[name] for name in (*MODELS, *policies) if name in policies}
