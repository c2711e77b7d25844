"""For whoever changes what the shipped chain is made of: put a finished chain into the repository.

    python -m rlhf_lite run && python -m tools.ship && python -m tools.notebooks --write

copies the stages of the default chain from the run folder to `data/runs` (stages that no longer belong to it
are removed there; the two models of public tasks stay away: the baselines say what they are worth), and
writes what is drawn or counted from them: `data/README.md`, `data/overview.png` and the table in
`README.md`. The archives in `data/seeds` are made with `run --archive`, the records in `data/experiments`
with `experiment --into data/experiments`. Whatever was changed by hand is damaged, until

    python -m tools.ship --seal

writes hashes of what is there (`SHA256SUMS`; those of a stage are in its summary).
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from rlhf_lite.chain import store
from rlhf_lite.chain.recipes import STAGES, TinyPlan
from rlhf_lite.chain.tiny import Chain
from rlhf_lite.data.files import ROOT, atomic_write, contents, read_json, write_sums
from rlhf_lite.show.overview import overview
from rlhf_lite.show.scorecard import whole_scorecard
from rlhf_lite.show.tables import markdown_table, readme_table
from rlhf_lite.world import COLLECTIONS
from tools import statistics

TABLE = re.compile(r"^\| model \| gold, T = 1 .*?(?=\n\n)", re.MULTILINE | re.DOTALL)
CLAIMS = re.compile(r"^\| claim \| paper \| .*?(?=\n\n)", re.MULTILINE | re.DOTALL)


def ship(plan: TinyPlan, target: Path = store.SHIPPED) -> None:
    """Copy every stage of a finished chain to `target` and remove what else is there."""
    found = {plan.folder_name(stage): plan.find(stage) for stage in STAGES if stage not in COLLECTIONS}
    missing = [name for name, stage in found.items() if stage is None]
    if missing:
        raise ValueError(
            f"These stages are not finished: {', '.join(missing)}. Build them with: rlhf-lite run"
        )
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.name not in found:
            shutil.rmtree(old)
    for name, stage in found.items():
        if stage.folder.parent != target:
            shutil.rmtree(target / name, ignore_errors=True)
            shutil.copytree(stage.folder, target / name)


def seal(data: Path = ROOT / "data") -> None:
    """Write the hashes of all shipped things; a stage's own files must be those of its summary."""
    for folder in sorted((data / "runs").iterdir()):
        summary = store.check(folder)
        if store.SUMMARY not in summary["files"]:  # of a run before summaries were sealed
            store.write_summary(folder, summary)
    for folder in (data / "tokenizer", *(data / "seeds").iterdir(), *(data / "experiments").iterdir()):
        write_sums(folder, contents(folder))


def with_tables(text: str, report: dict) -> str:
    """The README with the tables of this report and of everything that is claimed."""
    text = TABLE.sub(lambda _: readme_table(report), text)
    return CLAIMS.sub(lambda _: markdown_table(*whole_scorecard()), text)


def write_pages(chain: Chain, root: Path = ROOT) -> None:
    """Write what the repository says about its chain."""
    report = read_json(chain.folder("evaluation") / "report.json")
    readme = root / "README.md"
    statistics.write(chain, root / "data" / "README.md")
    pages = {
        root / "data" / "overview.png": overview(report).png(),
        readme: with_tables(readme.read_text(), report).encode(),
    }
    for path, content in pages.items():
        with atomic_write(path) as file:
            file.write(content)


def main(argv: list[str] | None = None) -> None:
    """Copy the finished default chain from the run folder to data/runs; write data/README.md,
    data/overview.png and the table in README.md."""
    parser = argparse.ArgumentParser(prog="python -m tools.ship", description=main.__doc__)
    parser.add_argument("--seal", action="store_true", help="only write the hashes of what is there")
    if not parser.parse_args(argv).seal:
        ship(TinyPlan())
        write_pages(Chain())
    seal()


if __name__ == "__main__":
    main()
