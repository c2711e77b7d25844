"""Rows of the tiny world: its raw prompt log, and demonstrations."""

from collections.abc import Sequence

from ..data.records import Row
from ..data.seeded import chance, rng
from ..paper import LABELERS
from . import World
from .skill import Task


def tiny_world(world: World, sizes: dict[str, dict[str, int]], seed: int = 0) -> list[Row]:
    """The raw prompt log of the world: rows of user_id, source, kind, text, task.

    Long enough to fill sets of these sizes (`data.pipeline.table6_sizes`) with different prompts: a customer
    leaves about 15 usable ones, and seven in ten more are drawn because a split moves whole users.
    """
    need = {who: sum(parts[who] for parts in sizes.values()) for who in ("customer", "labeler")}
    n_customers = max(80, round(1.7 * need["customer"] / 15))
    per_labeler = max(10, round(1.6 * need["labeler"] / LABELERS.value))
    return world.prompt_log(n_customers, LABELERS.value, per_labeler, seed)


def tiny_demonstrations(
    world: World, prompts: Sequence[Row], labelers: Sequence[str] = ("labeler",), seed: int = 0
) -> list[Row]:
    """One demonstration per prompt, by one labeler, with the flaws people have; fixed by the seed."""
    rows = []
    for row in prompts:
        key = (seed, "demonstration", row["prompt_id"])
        text = world.demonstrate(Task.from_json(row["task"]), rng(*key))
        writer = labelers[int(chance(*key, "writer") * len(labelers))]
        rows.append({"prompt_id": row["prompt_id"], "prompt": row["text"], "labeler": writer, "text": text})
    return rows
