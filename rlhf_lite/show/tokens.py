"""Tokens in colour: of the prompt, of the response, EOS and padding, and where the reward lands."""

from __future__ import annotations

from collections.abc import Sequence

from .text import Html, escape, number, table, visible

# (background, border): the border style tells the kinds apart without colour.
KINDS = {
    "prompt": ("#dbe9f6", "1px solid #7aa6d1"),
    "response": ("#fdebc8", "1px solid #d9a441"),
    "EOS": ("#f6c6b0", "2px solid #D55E00"),
    "pad": ("#eeeeee", "1px dashed #999"),
}
NUMBERS = ("logprobs", "ref_logprobs", "rewards", "values", "advantages", "returns")  # of each token
IGNORED = -100
_LINE = (
    "margin:2px 0 8px 0;padding:0;white-space:pre-wrap;font-size:13px;line-height:1.9;"
    "font-family:ui-monospace,monospace"
)
_CHIP = "color:#111;border-radius:3px;margin:0 1px"
_TALL = ";display:inline-block;vertical-align:top;line-height:1.3"  # a token with a number under it


def show_tokens(what, tokenizer, rows: int | Sequence[int] = 3, numbers: str | None = None) -> Html:
    """Rows of tokens, each in the colour of its kind.

    what: a Rollout (the reward model's score stands under the token where it lands), Exchanges, Encoded
    prompts, or ids (T,) or (B, T). rows: how many, or which. numbers: a Rollout's field ("rewards", "values",
    "advantages", ...) to stand under every response token instead.
    """
    lines = list(_rows(what, tokenizer, rows, numbers))
    legend = " ".join(_chip(kind, kind) for kind in KINDS)
    note = f"<small>under each token: {escape(numbers)}</small>" if numbers else ""
    body = "".join(f'<pre style="{_LINE}">{_paint(line)}</pre>' for line in lines)
    plain = "\n".join("".join(piece for piece, *_ in _grouped(line)) for line in lines)
    return Html(f'<div><pre style="{_LINE}">{legend}</pre>{body}{note}</div>', plain)


def token_table(
    rollout, tokenizer, row: int = 0, columns: Sequence[str] | None = None, caption: str = ""
) -> Html:
    """One response of a rollout token by token, with every number that PPO attaches to it."""
    lines = token_lines(rollout, tokenizer, row)
    caption = caption or f"{rollout.prompts[row]} → {rollout.texts[row]}"
    return table(lines, ["token", *columns] if columns else None, caption=caption)


def token_lines(rollout, tokenizer, row: int) -> list[dict]:
    """The same as dicts: of each token what was drawn, and the rollout's numbers in `NUMBERS`."""
    lines = []
    for t in range(int(rollout.response_mask[row].sum())):
        numbers = {name: float(getattr(rollout, name)[row, t]) for name in NUMBERS}
        lines.append({"token": piece(tokenizer, int(rollout.responses[row, t])), **numbers})
    return lines


def piece(tokenizer, token_id: int) -> str:
    """One token as it is, its leading space and all (`decode` would trim it)."""
    from tokenizers import decoders

    token = tokenizer.convert_ids_to_tokens(token_id)
    if token is None:
        raise ValueError(f"token {token_id} is not in the vocabulary of {len(tokenizer)} tokens")
    return token if token_id in tokenizer.all_special_ids else decoders.ByteLevel().decode([token])


def _rows(what, tokenizer, rows, numbers):
    """Lists of (piece, kind, number under it or None)."""
    if hasattr(what, "responses"):
        for i in _chosen(rows, len(what.responses)):
            yield _of_rollout(what, tokenizer, i, numbers)
        return
    if numbers:
        raise ValueError("numbers need a Rollout; tokens alone have none")
    ids, masks, labels = _ids(what), getattr(what, "mask", None), getattr(what, "labels", None)
    for i in _chosen(rows, len(ids)):
        row = ids[i].tolist() if hasattr(ids[i], "tolist") else list(ids[i])
        mask = [token != tokenizer.pad_token_id for token in row] if masks is None else masks[i].tolist()
        wanted = [IGNORED] * len(row) if labels is None else labels[i].tolist()
        yield [
            _token(tokenizer, *token) for token in zip(row, mask, (x != IGNORED for x in wanted), strict=True)
        ]


def _of_rollout(what, tokenizer, i: int, numbers: str | None) -> list[tuple]:
    asked = zip(what.prompt_ids[i].tolist(), what.prompt_mask[i].tolist(), strict=True)
    prompt = [_token(tokenizer, token, real, False) for token, real in asked]
    ids, mask = what.responses[i].tolist(), what.response_mask[i].tolist()
    values: list = [None] * len(ids)
    if numbers is not None:
        found = getattr(what, numbers, None)
        if found is None:
            raise ValueError(
                f"this rollout has no {numbers!r}; try rewards, values, advantages, returns, logprobs"
            )
        values = [number(v, 2) for v in found[i].tolist()]
    elif what.scores is not None:
        values[sum(map(bool, mask)) - 1] = f"score {number(float(what.scores[i]), 2)}"
    return prompt + [
        _token(tokenizer, t, m, True, v if m else None) for t, m, v in zip(ids, mask, values, strict=True)
    ]


def _token(tokenizer, token_id: int, real, response: bool, under: str | None = None) -> tuple:
    kind = (
        "pad"
        if not real
        else "EOS"
        if token_id == tokenizer.eos_token_id
        else "response"
        if response
        else "prompt"
    )
    return ("EOS" if kind == "EOS" else "" if kind == "pad" else piece(tokenizer, token_id)), kind, under


def _ids(what):
    """(B, T) from Exchanges, Encoded, a tensor or lists."""
    ids = getattr(what, "ids", what)
    single = getattr(ids, "ndim", None) == 1 or (
        isinstance(ids, (list, tuple)) and ids and isinstance(ids[0], int)
    )
    return [ids] if single else ids


def _chosen(rows: int | Sequence[int], available: int) -> list[int]:
    return list(range(min(rows, available))) if isinstance(rows, int) else list(rows)


def _grouped(line: list[tuple]):
    """Runs of padding as one."""
    i = 0
    while i < len(line):
        end = i
        while end < len(line) and line[end][1] == "pad":
            end += 1
        if end > i:
            yield f"pad × {end - i}" if end - i > 1 else "pad", "pad", None
        else:
            yield line[i]
            end = i + 1
        i = end


def _paint(line: list[tuple]) -> str:
    return "".join(_chip(*token) for token in _grouped(line))


def _chip(text: str, kind: str, under: str | None = None) -> str:
    background, border = KINDS[kind]
    shown = visible(text).replace("\n", "⏎").replace("\t", "⇥")
    below = f"<br><b style='font-size:11px'>{escape(under)}</b>" if under is not None else ""
    style = f"{_CHIP};background:{background};border:{border}{_TALL if below else ''}"
    return f'<span style="{style}">{escape(shown)}{below}</span>'
