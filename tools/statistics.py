"""The tiny world in numbers, each counted from prompts and demonstrations themselves, beside the paper's."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, median, quantiles, stdev

from rlhf_lite.chain.tiny import Chain
from rlhf_lite.data.files import ROOT, atomic_write
from rlhf_lite.paper import TABLE_1, TABLE_6, TABLE_7, TABLE_8, TABLE_9, TABLE_10, TABLE_11
from rlhf_lite.show.tables import markdown_table
from rlhf_lite.world import COLLECTIONS, USE_CASES

PAGE = ROOT / "data" / "README.md"
Count = Callable[[Iterable[str]], list[int]]  # the lengths of texts in tokens
INTRODUCTION = """# What is in this folder

`tokenizer/` is the word-level tokenizer of the tiny world (byte fallback for anything else; `AutoTokenizer`
loads it). `runs/` holds the stages of the default chain, so that notebooks open at once: each folder has the
weights (bfloat16 safetensors), its config, its trace (one line per step) and a summary with seed, commit,
versions, hardware, seconds and the sha256 of every file. `seeds/` has the reports and traces of five whole
chains (seeds 0 to 4, on three base models), on which the README's claims stand, `experiments/` a small file
for each run in which one thing was different (three seeds each). Everything here was made by this
repository's own code from nothing; it carries the repository's licence. What is read has its sha256 in a
`SHA256SUMS` beside it, or in the summary. `python -m rlhf_lite stages` lists what is here, `python -m
rlhf_lite world` shows a few prompts.

The page below is written by `python -m tools.statistics`; its numbers are counted, not typed.

## The tiny world beside the paper

Prompts are drawn in the proportions of Table 1 raised to the power 0.5: with the paper's own proportions the
rarest use case would have only some hundreds of demonstrations. Nine percent of all prompts ask for what
nobody here can know or should say, and are drawn apart. The SFT sets have the paper's full size, the other
sets 43 % of it."""


def write(chain: Chain, path: Path = PAGE) -> None:
    """Write `page` to `path`, which is `data/README.md` unless another is given."""
    with atomic_write(path) as file:
        file.write(page(chain).encode())


def page(chain: Chain) -> str:
    """All of `data/README.md`: Tables 1 and 6 to 11 of the paper beside this world's, and the stages."""
    sets, data = chain.prompts.sets(), chain.config.data

    def count(texts: Iterable[str]) -> list[int]:
        return [len(ids) for ids in chain.tokenizer(list(texts))["input_ids"]]

    seeds = f"world {data.world_seed}, seed {chain.config.seed}"
    sections = {
        "### Use cases (Table 1)": use_cases(sets),
        "### Sizes (Table 6)": sizes(sets),
        "### Annotations (Table 7)": annotations(sets),
        "### Prompts per customer (Table 8)": per_customer(sets),
        "### Prompt lengths in tokens (Table 9)": lengths(sets, count),
        "### Prompt lengths by use case (Table 10)": lengths_by_use_case(sets["rm_train"], count),
        "### Demonstrations in tokens (Table 11)": demonstrations(chain, count),
        "### From the raw log to the sets (§3.2)": funnel(chain),
        "## Shipped stages": shipped(chain),
    }
    parts = [INTRODUCTION, f"Counted on {seeds}, scale {data.scale} of Table 6."]
    for title, table in sections.items():
        parts += [title, table]
    return "\n\n".join(parts) + "\n"


def shipped(chain: Chain) -> str:
    """A card of each stage of the chain: what made it, when, in how long, and what it reached."""
    rows = []
    for stage in (s for s in chain.config_stages if s not in COLLECTIONS):  # whose weights stay away
        summary = chain.summary(stage)
        result = ", ".join(f"{k} {v:.3f}" for k, v in summary["result"].items() if isinstance(v, float))
        rows.append((stage, f"`{chain.folder_name(stage)}`", summary["seconds"], summary["commit"], result))
    return markdown_table(("stage", "folder", "seconds", "commit", "result"), rows)


def use_cases(sets: dict[str, list]) -> str:
    names = ("sft_train", "rm_train", "ppo_train", "test")
    counts = {name: Counter(row["use_case"] for row in sets[name]) for name in names}
    rows = []
    for use_case in USE_CASES:
        shares = [100 * count[use_case] / count.total() for count in counts.values()]
        rows.append((use_case.replace("_", " "), TABLE_1.value[use_case], *shares))
    return markdown_table(("%", "paper, API prompts", *counts), rows)


def sizes(sets: dict[str, list]) -> str:
    rows = []
    for name, rows_of_set in sets.items():
        who = Counter(row["source"] for row in rows_of_set)
        paper = TABLE_6.value[name]
        rows.append(
            (name, paper.get("labeler", 0), paper.get("customer", 0), who["labeler"], who["customer"])
        )
    return markdown_table(
        ("set", "paper: labeler", "paper: customer", "here: labeler", "here: customer"), rows
    )


def annotations(sets: dict[str, list]) -> str:
    """Shares of prompts that carry a mark; the paper's are of its RM training set."""
    marks = sorted({mark for row in sets["rm_train"] for mark in row["annotations"]})
    rows = []
    chosen = [sets[name] for name in ("sft_train", "rm_train", "test")]
    for mark in marks:
        shares = (100 * mean(bool(row["annotations"].get(mark)) for row in some) for some in chosen)
        rows.append((mark.replace("_", " "), _known(TABLE_7.value[mark][1]), *shares))
    return markdown_table(("%", "paper, RM train", "sft_train", "rm_train", "test"), rows)


def _known(value) -> object:
    """Empty where the paper has no number."""
    return "" if value is None else value


def per_customer(sets: dict[str, list]) -> str:
    rows = []
    for name, rows_of_set in sets.items():
        counts = Counter(row["user_id"] for row in rows_of_set if row["source"] == "customer")
        kind, _, side = name.partition("_")
        paper = TABLE_8.value[kind][side == "valid"]
        rows.append((name, paper, mean(counts.values()), max(counts.values()), len(counts)))
    return markdown_table(("set", "paper: mean", "here: mean", "here: most", "customers"), rows)


def lengths(sets: dict[str, list], count: Count) -> str:
    rows = []
    for name, rows_of_set in sets.items():
        n = count(row["text"] for row in rows_of_set)
        low, middle, high = quantiles(n, n=4)
        paper = TABLE_9.value[name]
        rows.append((name, f"{paper[1]} / {paper[5]}", mean(n), stdev(n), min(n), low, middle, high, max(n)))
    return markdown_table(
        ("set", "paper: mean / median", "mean", "std", "min", "25 %", "50 %", "75 %", "max"), rows
    )


def lengths_by_use_case(rows_of_set: list, count: Count) -> str:
    groups = defaultdict(list)
    for row in rows_of_set:
        groups[row["use_case"]].append(row["text"])
    rows = []
    for u in USE_CASES:
        n, paper = count(groups[u]), TABLE_10.value[u]
        rows.append((u.replace("_", " "), f"{paper[1]} / {paper[2]}", len(n), mean(n), median(n)))
    return markdown_table(("use case", "paper: mean / median", "prompts", "mean", "median"), rows)


def demonstrations(chain: Chain, count: Count) -> str:
    rows = []
    for source in ("labeler", "customer"):
        pairs = [
            d
            for d, p in zip(chain.demonstrations, chain.prompts.sft_train, strict=True)
            if p["source"] == source
        ]
        prompts, texts = count(d["prompt"] for d in pairs), count(d["text"] for d in pairs)
        paper = TABLE_11.value[source]
        theirs = "; ".join(f"{what} {middle[0]} / {middle[1]}" for what, middle in paper.items())
        rows.append(
            (
                source,
                theirs,
                f"{mean(prompts):.1f} / {median(prompts):g}",
                f"{mean(texts):.1f} / {median(texts):g}",
            )
        )
    return markdown_table(
        ("prompts of", "paper: mean / median", "prompt: mean / median", "demonstration: mean / median"), rows
    )


def funnel(chain: Chain) -> str:
    return markdown_table(
        ("step", "rows in", "rows out"),
        [(step.name, step.rows_in, step.rows_out) for step in chain.prompts.funnel],
    )


def main(argv: list[str] | None = None) -> None:
    """Count the tiny world and write data/README.md: a few seconds, if the default chain is finished."""
    argparse.ArgumentParser(prog="python -m tools.statistics", description=main.__doc__).parse_args(argv)
    write(Chain())
    print(f"Written: {PAGE}")


if __name__ == "__main__":
    main()
