"""Which stages a chain has, what each depends on, and where its result lies. Needs no torch: who only watches
stages being built stays small. `engine` builds them, and the recipes (`recipes`, `tiny`, `real`) say what
they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ..config import Config
from ..data.files import write_json, write_sums
from . import store


class UnknownStage(ValueError):
    """A stage that does not exist; the message lists those that do."""


class Plan:
    """The stages of one chain by name. `shipped` names those that may be taken from the repository."""

    needs: Mapping[str, tuple[str, ...]]  # stage: the stages it is made from, in the order of building
    versions: Mapping[str, int]  # raised when a stage's code changes so that an old result is not its result
    prefix = ""  # of the folders' names

    def __init__(self, config: Config, shipped: tuple[str, ...] = ()):
        self.config, self.shipped = config, shipped
        self._found: dict[str, store.Found] = {}

    def settings(self, stage: str) -> dict:
        """What a stage depends on besides its inputs."""
        raise NotImplementedError

    def sources(self) -> dict[str, str]:
        """Hashes of what every stage depends on besides settings and stages, e.g. of a file of rankings."""
        return {}

    def inputs(self, stage: str) -> dict[str, str]:
        """The hashes of all that a stage is made from."""
        return {**self.sources(), **{name: self.key(name) for name in self.needs[stage]}}

    def key(self, stage: str) -> str:
        """The hash of everything that a stage depends on; it is in its folder's name."""
        if stage not in self.needs:
            raise UnknownStage(f"There is no stage '{stage}'. Stages are: {', '.join(self.needs)}.")
        name = f"{self.prefix}{stage}"
        return store.stage_key(name, self.versions[stage], self.settings(stage), self.inputs(stage))

    def folder_name(self, stage: str) -> str:
        return f"{self.prefix}{stage}-{self.key(stage)}"

    def find(self, stage: str) -> store.Found | None:
        """A finished stage, here or among the shipped ones, or None."""
        if stage not in self._found:
            places = [store.home(), store.SHIPPED] if stage in self.shipped else [store.home()]
            if found := store.find(self.folder_name(stage), places):
                self._found[stage] = found
        return self._found.get(stage)

    def needed(self, *targets: str, but_found: bool = False) -> list[str]:
        """These stages and all they need, in the order of building; `but_found`: without what is there."""
        for stage in targets:
            self.key(stage)  # if there is no such stage, this says which there are
        needed = set(targets)
        for stage in reversed(self.needs):
            if stage in needed and but_found and self.find(stage):
                needed.remove(stage)
            elif stage in needed:
                needed.update(self.needs[stage])
        return [stage for stage in self.needs if stage in needed]

    def archive(self, folder: Path) -> None:
        """Copy what a finished chain measured, without weights, to `folder` (`data/seeds` has such folders):
        the report, and of every stage its trace, settings, seconds and hash (`stages.json`); with hashes of
        all this (`SHA256SUMS`)."""
        folder.mkdir(parents=True, exist_ok=True)
        stages, written = {}, ["report.json", "stages.json"]
        for stage in self.needs:
            found = self.find(stage)
            stages[stage] = {"key": self.key(stage), "config": self.settings(stage), **found.summary}
            if (found.folder / "trace.jsonl").exists():
                written.append(f"{stage}.trace.jsonl")
                shutil.copyfile(found.folder / "trace.jsonl", folder / written[-1])
        shutil.copyfile(self.find("evaluation").folder / "report.json", folder / "report.json")
        write_json(folder / "stages.json", stages)
        write_sums(folder, written)
