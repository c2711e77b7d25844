"""Put what was measured into README.md: `python -m benchmarks.page` after `rlhf-lite bench --json` or `--grow`.

Tables stand between `<!-- name -->` and `<!-- end -->`, so that no number on the page is copied by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from . import report

HERE = Path(__file__).parent
PAGE, RESULTS = HERE / "README.md", HERE / "results"
TABLE = re.compile(r"(<!-- ([\w.-]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """The page with each of its tables made anew from the file of that name."""
    return TABLE.sub(lambda found: found[1] + _table(RESULTS / f"{found[2]}.json") + found[3], page)


def _table(path: Path) -> str:
    measured = json.loads(path.read_text())
    if isinstance(measured, dict):
        return markdown(*report.growth_table(measured["curves"]))
    columns, lines = ["job", "precision"], [[row["job"], row["precision"]] for row in measured]
    for name, cell in COLUMNS.items():
        columns.append(name)
        for line, row in zip(lines, measured, strict=True):
            line.append(cell(row))
    return markdown(columns, lines)


COLUMNS = {
    "ratio [least, most]": lambda row: f"**{row['ratio']:.2f}** [{row['ratio_min']:.2f}, {row['ratio_max']:.2f}]",
    "all cores": lambda row: f"{row['wall_ratio']:.2f}" if row.get("wall_ratio") else "",
    "ours, CPU s": lambda row: f"{row['cpu_s']:.3g}",
    "peer, CPU s": lambda row: f"{row['peer_cpu_s']:.3g}",
    "of the floor": lambda row: f"{row['share_of_floor']:.0%}",
    "ratio at the floor": lambda row: f"{row['ratio'] / row['share_of_floor']:.1f}",
    "ours, MB": lambda row: f"{row['peak_mb']:,.0f}",
    "peer, MB": lambda row: f"{row['peer_peak_mb']:,.0f}",
}


def markdown(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    rows = [columns, ["---"] * len(columns), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
