"""What is kept of a finished chain beside others with other seeds: everything that it measured, but no weights."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..data.files import write_json
from .plan import Plan


def archive(plan: Plan, folder: Path) -> None:
    """Copy the report of a finished chain to `folder`, and the trace of each stage.

    stages.json holds the settings, the seconds and the hash of every stage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stages = {}
    for stage in (*plan.config_stages, "evaluation"):
        found = plan.find(stage)
        stages[stage] = {"key": plan.key(stage), "config": plan.config.stage(stage), **found.summary}
        if (found.folder / "trace.jsonl").exists():
            shutil.copyfile(found.folder / "trace.jsonl", folder / f"{stage}.trace.jsonl")
    shutil.copyfile(plan.find("evaluation").folder / "report.json", folder / "report.json")
    write_json(folder / "stages.json", stages)
