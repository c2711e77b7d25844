"""Put what was measured into README.md: `python -m
benchmarks.page` after `rlhf-lite bench --json` or `--grow`.

Tables stand between `<!-- name -->` and `<!-- end -->`, so that no number on the page is copied by hand.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from rlhf_lite.show.tables import markdown_table

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
        return markdown_table(*report.growth_table(measured["curves"]))
    columns, lines = report.table_of(measured)
    at_floor = [f"{row['ratio'] / row['share_of_floor']:.1f}" for row in measured]
    return markdown_table(
        [*columns, "ratio at the floor"],
        [[*line, ratio] for line, ratio in zip(lines, at_floor, strict=True)],
    )


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
