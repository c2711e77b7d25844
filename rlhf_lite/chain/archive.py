"""What a finished chain measured, without its weights, in a folder of its own (`data/seeds` has such
folders)."""

import shutil
from pathlib import Path

from ..data.files import write_json
from .plan import Plan


def archive(plan: Plan, folder: Path) -> None:
    """Copy the report, and of every stage its settings, seconds and hash (`stages.json`) and its trace, to
    `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    stages = {}
    for stage in plan.needs:
        found = plan.find(stage)
        stages[stage] = {"key": plan.key(stage), "config": plan.settings(stage), **found.summary}
        if (found.folder / "trace.jsonl").exists():
            shutil.copyfile(found.folder / "trace.jsonl", folder / f"{stage}.trace.jsonl")
    shutil.copyfile(plan.find("evaluation").folder / "report.json", folder / "report.json")
    write_json(folder / "stages.json", stages)
