"""Rankings from anywhere cut to the length that a model reads."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .records import Row, first_of_equals, normalise_ranks


def cut_to_fit(rows: Iterable[Row], tokenizer: Any, max_tokens: int) -> tuple[list[Row], Counter]:
    """Shortens rankings so that prompt + separator + completion + end token is at most `max_tokens` long.

    A completion keeps its beginning, at most half the limit. A prompt keeps its end, where the question is,
    and gets the room that is left. Of completions that became equal by the cut the best ranked stays; rows
    left with one completion are dropped. What was cut or dropped is counted by reason.
    """
    max_response = max_tokens // 2
    if max_tokens < 5:
        raise ValueError(f"max_tokens {max_tokens} leaves no room for a prompt; take at least 5")
    kept, changes = [], Counter()
    for row in rows:
        cut = [_cut(text, tokenizer, max_response, keep="start") for text in row["completions"]]
        texts, longest = [text for text, _ in cut], max(length for _, length in cut)
        prompt, _ = _cut(row["prompt"], tokenizer, max_tokens - 2 - longest, keep="end")
        shorter = sum(a != b for a, b in zip(texts, row["completions"], strict=True))
        best, prompt_cut = first_of_equals(texts, row["ranks"]), prompt != row["prompt"]
        counted = {
            f"completion cut to its first {max_response} tokens": shorter,
            f"prompt cut to its last tokens (limit {max_tokens} with its completion)": prompt_cut,
            "completions equal after the cut": len(best) < len(texts),
            "row dropped: one completion left": len(best) < 2,
        }
        changes += Counter(counted)  # counts of 0 do not remain
        if len(best) < 2:
            continue
        made = row | {"prompt": prompt, "completions": [texts[i] for i in best]}
        made["ranks"] = normalise_ranks([row["ranks"][i] for i in best])
        for name in ("likert", "flags"):
            if row.get(name):
                made[name] = [row[name][i] for i in best]
        kept.append(made)
    return kept, changes


def _cut(text: str, tokenizer: Any, limit: int, keep: str) -> tuple[str, int]:
    """The text's first or last `limit` tokens, cut so that no character breaks, and how many they are."""
    options = {"add_special_tokens": False, "return_offsets_mapping": True, "split_special_tokens": True}
    while True:
        spans = tokenizer(text, **options, verbose=False)["offset_mapping"]
        if len(spans) <= limit:
            return text, len(spans)
        shorter = text[: spans[limit - 1][1]] if keep == "start" else text[spans[-limit][0] :]
        if len(shorter) == len(text):  # a character of several tokens straddles the cut: give up one more
            shorter = text[:-1] if keep == "start" else text[1:]
        text = shorter
