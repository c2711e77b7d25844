"""What was measured, as tables, and with what it was measured."""

from __future__ import annotations

from collections.abc import Sequence

from rlhf_lite.chain.store import provenance
from rlhf_lite.show.tables import Table

from .packages import PPO_VERSION, version_of


def table_of(rows: Sequence[dict]) -> Table:
    """A line for each job and precision."""
    clock = "CPU s" if any(row["clock"] == "cpu_s" for row in rows) else "s"
    columns = [
        "job",
        "precision",
        f"ours, {clock}",
        f"peer, {clock}",
        "ratio [least, most]",
        "on all cores",
        "of the floor",
        "ours, MB",
        "peer, MB",
        "checks",
        "peer",
    ]
    return columns, [_line(row) for row in rows]


def _line(row: dict) -> list[str]:
    clock, ratio = row["clock"], "no peer"
    if row["ratio"] is not None:
        ratio = f"{row['ratio']:.2f} [{row['ratio_min']:.2f}, {row['ratio_max']:.2f}]"
    wall = f"{row['wall_ratio']:.2f}" if row.get("wall_ratio") else ""
    failed = failures(row)
    return [
        row["job"],
        row["precision"],
        _number(row[clock], 3),
        _number(row[f"peer_{clock}"], 3),
        ratio,
        wall,
        f"{row['share_of_floor']:.0%}",
        _number(row["peak_mb"], 0),
        _number(row["peer_peak_mb"], 0),
        f"FAILED: {', '.join(failed)}" if failed else f"{len(row['checks'])} ok",
        row["peer"],
    ]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def failures(row: dict) -> list[str]:
    """Names of the checks that failed."""
    return [name for name, check in row["checks"].items() if not check["ok"]]


def growth_table(curves: dict[str, dict[str, dict]]) -> Table:
    """Both exponents of each job for each thing that grows, and the two ends of its curve."""
    columns = ["what grows", "job", "from", "to", "seconds", "exponent", "MB beyond libraries", "exponent"]
    lines = []
    for sweep, jobs in curves.items():
        for kind, curve in jobs.items():
            ends = [
                " to ".join(_number(curve[name][i], digits) for i in (0, -1))
                for name, digits in (("seconds", 2), ("mb", 0))
            ]
            powers = [f"{curve[f'{name}_exponent']:.2f}" for name in ("seconds", "mb")]
            lines.append(
                [
                    sweep,
                    kind,
                    f"{curve['x'][0]:,}",
                    f"{curve['x'][-1]:,}",
                    ends[0],
                    powers[0],
                    ends[1],
                    powers[1],
                ]
            )
    return columns, lines


def made() -> dict:
    """The versions and the commit with which something was measured."""
    found = provenance()
    versions = {
        **found["versions"],
        "trl": version_of("trl"),
        "trl for PPO": PPO_VERSION,
        "accelerate": version_of("accelerate"),
    }
    return {"versions": versions, "commit": found["commit"]}


def file_name(text: str) -> str:
    """The text, e.g. a device and a model, in signs that any file system takes."""
    return "-".join("".join(c if c.isalnum() else " " for c in text).lower().split())
